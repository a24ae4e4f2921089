import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../../../..");
const COMMAND = "from darkroom.cli.main import main; main()";

/** The interpreter that has Darkroom: DARKROOM_PYTHON, or that of the checkout. */
export function python(): string {
  const found = process.env["DARKROOM_PYTHON"] ?? join(root, ".venv", "bin", "python");
  if (!existsSync(found)) throw new Error(`There is no ${found}: run make setup, or set DARKROOM_PYTHON.`);
  return found;
}

/** Settings of a service, as environment variables. */
export type Environment = Record<string, string>;

/** A folder of its own for everything that a service keeps, and what is run in it. */
export class Home {
  readonly folder: string;
  readonly #environment: Environment;

  private constructor(folder: string, environment: Environment) {
    this.folder = folder;
    this.#environment = environment;
  }

  static async make(environment: Environment = {}, models = ""): Promise<Home> {
    const folder = await mkdtemp(join(tmpdir(), "darkroom-client-"));
    await mkdir(join(folder, "config", "darkroom"), { recursive: true });
    if (models !== "") await writeFile(join(folder, "config", "darkroom", "models.toml"), models);
    return new Home(folder, environment);
  }

  /** Run `darkroom` and give what it printed. */
  async darkroom(...parameters: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(python(), ["-c", COMMAND, ...parameters], { env: this.#env() });
    return stdout;
  }

  /** Start `darkroom serve`, on a free port unless one is given. */
  async serve(port = 0): Promise<Service> {
    const command = ["-c", COMMAND, "serve", "--port", String(port)];
    const child = spawn(python(), command, { env: this.#env(), stdio: ["ignore", "ignore", "pipe"] });
    const said: string[] = [];
    const lines = createInterface({ input: child.stderr });
    const url = await new Promise<string>((resolve, reject) => {
      lines.on("line", (line) => {
        said.push(line);
        const [, found] = /Darkroom is at (http:\/\/\S+?)\/? /.exec(line) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.once("exit", (status) => {
        reject(new Error(`darkroom serve ended with ${String(status)}:\n${said.join("\n")}`));
      });
    });
    return new Service(url, child);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #env(): Environment {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("DARKROOM_"));
    const own = Object.fromEntries(["data", "config", "cache"].map((kind) => [kind, join(this.folder, kind)]));
    return {
      ...(Object.fromEntries(inherited) as Environment),
      XDG_DATA_HOME: own["data"] ?? "",
      XDG_CONFIG_HOME: own["config"] ?? "",
      XDG_CACHE_HOME: own["cache"] ?? "",
      ...this.#environment,
    };
  }
}

/** A service that runs. */
export class Service {
  readonly url: string;
  readonly #child: ChildProcess;

  constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** End it, and wait until it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}
