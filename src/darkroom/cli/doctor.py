"""``darkroom doctor``: what is here, tried out and not only looked up, and the command that mends what is missing."""

from __future__ import annotations

import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from darkroom.errors import DarkroomError, DatabaseFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from darkroom.database.connection import Database
    from darkroom.engines.device import Survey
    from darkroom.engines.engine import Engine, Graph, Plan, Precision
    from darkroom.server.trials import Trial
    from darkroom.settings import Settings

app = typer.Typer()

Status = Literal["ok", "missing", "broken"]
SIGNS: dict[Status, str] = {
    "ok": "[green]ok[/green]     ",
    "missing": "[yellow]missing[/yellow]",
    "broken": "[red]BROKEN[/red] ",
}
SIDE, FEATURES, LAYERS = 192, 48, 8
"""The network that devices are tried with: a compact upscaler with random weights, on a square picture."""
CPU_FEATURES = {
    "amx_bf16": "AMX bf16",
    "avx512_bf16": "AVX512 bf16",
    "avx512f": "AVX512",
    "avx2": "AVX2",
    "asimd": "NEON",
}


_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``missing`` is optional and not here, ``broken`` ought to work and does not."""

    part: str
    name: str
    status: Status
    detail: str
    cure: str | None = None


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show what is here, what each device can do, and what is missing, with the command that mends it.

    Every device runs a small network, every format is written and read back, a worker process does a job, and what the
    service would stand on is tried: its database, its storage, its queue, its virus scanner. The exit code is 0
    when all that ought to work does, else 1.
    """
    findings: list[Finding] = []
    show = None if as_json else _printer()
    for finding in examine():
        findings.append(finding)
        if show is not None:
            show(finding)
    healthy = all(finding.status != "broken" for finding in findings)
    if as_json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print("\nHealthy." if healthy else "\nSomething is broken; see above.")
    if not healthy:
        raise typer.Exit(1)


def _printer() -> Callable[[Finding], None]:
    from rich.console import Console
    from rich.markup import escape

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    part = ""

    def show(finding: Finding) -> None:
        nonlocal part
        if finding.part != part:
            part = finding.part
            console.print(f"\n[bold]{part}[/bold]")
        console.print(f"  {SIGNS[finding.status]} {finding.name}: {escape(finding.detail)}")
        if finding.cure and finding.status != "ok":
            console.print(f"          {escape(finding.cure)}", style="cyan")

    return show


def examine() -> Iterator[Finding]:
    """Look at everything, one after the other; an examination that fails is a finding itself."""
    from darkroom.settings import load_settings

    yield from _attempt("System", "machine", _machine)
    try:
        settings = load_settings()
    except DarkroomError as error:
        yield Finding("Settings", "settings", "broken", error.message, error.cure)
        return
    yield from _attempt("Settings", "settings", lambda: _settings(settings))
    yield from _attempt("Privacy", "providers", lambda: _privacy(settings))
    yield from _attempt("Engines", "engines", lambda: _engines(settings))
    yield from _attempt("Models", "models", lambda: _models(settings))
    yield from _attempt("Faces", "detector", lambda: _faces(settings))
    yield from _attempt("Formats", "formats", _formats)
    yield from _attempt("Worker", "worker process", lambda: _worker(settings))
    yield from _attempt("Service", "service", lambda: _service(settings))


def _attempt(part: str, name: str, examination: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from examination()
    except DarkroomError as error:
        yield Finding(part, name, "broken", error.message, error.cure)
    except Exception as error:
        reinstall = f"{sys.executable} -m pip install --force-reinstall darkroom-studio"
        yield Finding(part, name, "broken", f"{type(error).__name__}: {' '.join(str(error).split())}", reinstall)


def _machine() -> Iterator[Finding]:
    from darkroom.version import version

    yield Finding("System", "Darkroom", "ok", version())
    yield Finding("System", "Python", "ok", f"{platform.python_version()} ({sys.executable})")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    features = _cpu_features()
    yield Finding(
        "System",
        "processor",
        "ok",
        f"{platform.machine()}, {cores} cores; {', '.join(features) if features else 'no wide vector units known'}",
    )
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        yield Finding("System", "memory", "ok", f"{memory / 1e9:.1f} GB")


def _cpu_features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return []
    flags = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return [name for flag, name in CPU_FEATURES.items() if flag in flags]


def _settings(settings: Settings) -> Iterator[Finding]:
    from darkroom.settings import changed_file, settings_file

    file = settings_file()
    yield Finding("Settings", "file", "ok", str(file) if file else "none, so defaults and environment are in force")
    if changed_file().is_file():
        yield Finding("Settings", "changes", "ok", f"{changed_file()}, made on the service's page")
    for name, folder in (("models", settings.models.folder), ("compiled networks", settings.engine.cache)):
        problem = _cannot_write(folder)
        if problem is None:
            yield Finding("Settings", f"folder of {name}", "ok", f"{folder}, writable")
        else:
            cure = f"mkdir -p {folder} && chmod u+rwx {folder}"
            yield Finding("Settings", f"folder of {name}", "broken", f"{folder}: {problem}", cure)
    recipes = "there" if settings.recipes.is_dir() else "not there: no recipes of your own"
    yield Finding("Settings", "folder of recipes", "ok", f"{settings.recipes}, {recipes}")


def _privacy(settings: Settings) -> Iterator[Finding]:
    """What may leave this machine, and where it is written down."""
    from darkroom.egress import PURPOSES
    from darkroom.providers.chain import discovered

    chosen = settings.providers
    off = [purpose for purpose in PURPOSES if not settings.egress.allows(purpose)]
    connections = "none: offline" if settings.offline else f"all but {', '.join(off)}" if off else "when asked for"
    yield Finding("Privacy", "connections", "ok", connections)
    problem = _cannot_write(settings.egress.ledger.parent)
    if problem is None:
        yield Finding("Privacy", "ledger", "ok", f"{settings.egress.ledger}; see darkroom egress")
    else:
        yield Finding("Privacy", "ledger", "broken", f"{settings.egress.ledger}: {problem}, so nothing is contacted")
    asked = not chosen.local_first or chosen.cloud_fallback or bool(chosen.chain)
    for name, provider in discovered(settings).items():
        if not provider.cloud:
            continue
        missing = provider.missing()
        state = f"not set up: {missing}" if missing else "set up"
        if not missing:
            state += ", with consent" if chosen.consent else ", without consent: never asked"
            state += "" if asked else ", and no setting asks it"
        yield Finding("Privacy", name, "ok", state)


def _cannot_write(folder: Path) -> str | None:
    """Why no file can be made in a folder, or in the nearest one above that is there; None if it can."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _engines(settings: Settings) -> Iterator[Finding]:
    from darkroom.engines.device import engines, survey

    state = _sample_state()
    with tempfile.TemporaryDirectory(prefix="darkroom-doctor-") as cache:
        for engine, found in zip(engines(), survey(), strict=True):
            if found.problem is not None:
                status: Status = "broken" if engine.installed() or engine.name == "openvino" else "missing"
                yield Finding("Engines", engine.name, status, "cannot be used", found.problem)
                continue
            yield from _devices(engine, found, _sample_graph(state, engine), settings.engine.threads, Path(cache))


def _devices(engine: Engine, found: Survey, graph: Graph, threads: int, cache: Path) -> Iterator[Finding]:
    from darkroom.engines.engine import Plan

    for device in found.devices:
        name = f"{engine.name} {found.version} on {device.kind}"
        exact: NDArray[np.float32] | None = None
        # fp32 first: the others are measured against it. Whether int8 is good enough depends on the network.
        floats: list[Precision] = [one for one in device.precisions if one != "int8"]
        for precision in sorted(floats, key=lambda one: one != "fp32"):
            try:
                plan = Plan(device, precision, cache, threads, (1, 3, SIDE, SIDE))
                result, speed = _try_out(engine, graph, plan)
            except DarkroomError as error:
                yield Finding("Engines", f"{name}, {precision}", "broken", error.message, error.cure)
                continue
            detail = f"{device.name}, {speed:.0f} billion operations a second"
            if exact is None:
                exact = result
            else:
                detail += f", {_agreement(exact, result):.0f} dB from fp32"
            if device.memory:
                detail += f", {device.memory / 1e9:.0f} GB"
            yield Finding("Engines", f"{name}, {precision}", "ok", detail)


def _sample_state() -> dict[str, NDArray[np.float32]]:
    """Random weights of a compact upscaler (SRVGGNetCompact), with the names its authors give them."""
    import numpy as np

    random = np.random.default_rng(1)
    channels = [3, *([FEATURES] * (LAYERS + 1)), 12]
    state: dict[str, NDArray[np.float32]] = {}
    for index, (before, after) in enumerate(itertools.pairwise(channels)):
        spread = (2 / (9 * before)) ** 0.5
        state[f"body.{2 * index}.weight"] = random.normal(0, spread, (after, before, 3, 3)).astype(np.float32)
        state[f"body.{2 * index}.bias"] = np.zeros(after, np.float32)
        if index <= LAYERS:
            state[f"body.{2 * index + 1}.weight"] = np.full(after, 0.2, np.float32)
    return state


def _sample_graph(state: dict[str, NDArray[np.float32]], engine: Engine) -> Graph:
    from darkroom.engines.engine import Graph
    from darkroom.models.architectures.srvgg import emit

    name = "the doctor's network"
    if "onnx" in engine.reads:
        return Graph(name, "doctor", "onnx", lambda: emit(state, "doctor"))
    return Graph(name, "doctor", "state", lambda: state)


def _try_out(engine: Engine, graph: Graph, plan: Plan) -> tuple[NDArray[np.float32], float]:
    """Run the network: its result, and the speed in billions of multiplications and additions a second."""
    import numpy as np

    compiled = engine.compile(graph, plan)
    batch = np.random.default_rng(2).random((1, 3, SIDE, SIDE), dtype=np.float32)
    result = compiled.run(batch)
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        compiled.run(batch)
        best = min(best, time.perf_counter() - started)
    channels = [3, *([FEATURES] * (LAYERS + 1)), 12]
    weights = sum(9 * before * after for before, after in itertools.pairwise(channels))
    return result, 2 * weights * SIDE * SIDE / best / 1e9


def _agreement(exact: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Peak signal-to-noise ratio in decibels, of the range that ``exact`` has."""
    import numpy as np

    error = float(np.mean((exact - other) ** 2))
    spread = float(exact.max() - exact.min())
    return 10 * float(np.log10(spread**2 / error)) if error > 0 else 999.0


def _models(settings: Settings) -> Iterator[Finding]:
    from darkroom.models.store import Store

    store = Store.from_settings(settings)
    entries = store.entries()
    here = [entry.name for entry in entries if store.ready(entry.name)]
    yield Finding("Models", "here", "ok", ", ".join(here) or "none: the builtin methods are used")
    absent = [entry.name for entry in entries if entry.name not in here]
    if absent:
        yield Finding("Models", "not here", "missing", ", ".join(absent), "darkroom models pull NAME")


def _faces(settings: Settings) -> Iterator[Finding]:
    import cv2

    from darkroom.models.store import Store

    folder: str = cv2.data.haarcascades  # pyright: ignore
    cascade = cv2.CascadeClassifier(os.path.join(folder, "haarcascade_frontalface_default.xml"))
    if cascade.empty():
        cure = f"{sys.executable} -m pip install 'opencv-python-headless<5'"
        yield Finding("Faces", "Haar cascade", "broken", f"not in OpenCV {cv2.__version__}", cure)
    else:
        yield Finding("Faces", "Haar cascade", "ok", f"OpenCV {cv2.__version__}, used where YuNet is not here")
    store = Store.from_settings(settings)
    for entry in store.entries():
        if entry.task == "face_detection":
            if store.ready(entry.name):
                yield Finding("Faces", entry.name, "ok", "a model, the better detector")
            else:
                cure = f"darkroom models pull {entry.name}"
                yield Finding("Faces", entry.name, "missing", "a model, the better detector", cure)


def _formats() -> Iterator[Finding]:
    """Write a small picture in every format and read it back."""
    import numpy as np

    from darkroom import codecs
    from darkroom.errors import OutputError
    from darkroom.image import Encoding, Format, Image
    from darkroom.settings import Limits

    image = Image.from_array(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    written: list[str] = []
    for name in get_args(Format):
        try:
            data = codecs.encode(image, Encoding(format=name), warnings=[]).data
            codecs.decode(data, limits=Limits())
            written.append(name)
        except OutputError:
            continue  # a format that is only read, by design
        except DarkroomError as error:
            cure = f"{sys.executable} -m pip install --force-reinstall 'pyvips[binary]'"
            yield Finding("Formats", name, "broken", error.message, cure)
    yield Finding("Formats", "written and read back", "ok", ", ".join(written))
    codecs.decode(_SVG, limits=Limits())
    yield Finding("Formats", "read", "ok", "svg")


def _worker(settings: Settings) -> Iterator[Finding]:
    from darkroom.image import Encoding
    from darkroom.jobs.worker import WorkerPool
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request

    started = time.perf_counter()
    with WorkerPool(settings) as pool:
        pool.submit(Request(_SVG, Pipeline([]), Encoding(format="png"))).result(60.0)
        first = time.perf_counter()
        pool.submit(Request(_SVG, Pipeline([]), Encoding(format="png"))).result(60.0)
        second = time.perf_counter()
    detail = f"ready in {first - started:.2f} s, then {1000 * (second - first):.0f} ms a job at least"
    yield Finding("Worker", "worker process", "ok", detail)


def _service(settings: Settings) -> Iterator[Finding]:
    """What `darkroom serve` would stand on; nothing is made that is not there yet."""
    from importlib.util import find_spec

    from darkroom.addresses import is_loopback
    from darkroom.database.connection import Database
    from darkroom.safety.scanning import Scanner
    from darkroom.server.telemetry import Telemetry
    from darkroom.server.trials import trials
    from darkroom.storage import build

    def queue() -> str:
        if not settings.jobs.broker_url.get_secret_value():
            return "the service itself carries jobs out, and every `darkroom worker` that has its database"
        from darkroom.jobs.celery import try_broker

        return try_broker(settings)

    url = settings.database.url.get_secret_value()
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    fresh = file is not None and not file.exists()
    if file is not None and fresh:
        yield _to_come("database", file.parent, f"{file}, made when the service is started")
    folder = settings.storage.folder
    empty = settings.storage.kind == "local" and not folder.exists()
    if empty:
        yield _to_come("storage", folder, f"{folder}, made when it is needed")
    database = Database("sqlite://") if fresh else Database.from_settings(settings)
    try:
        wanted = trials(database, build(settings), queue, Scanner.from_settings(settings))
        for name in ("database",) * fresh + ("storage",) * empty:
            del wanted[name]
        yield from _tried(wanted)
        needs_key = settings.server.require_key or not is_loopback(settings.server.host)
        if needs_key and not _has_keys(database):
            yield Finding("Service", "keys", "missing", "none, so it does not start", "darkroom keys create NAME")
    finally:
        database.close()
    if Telemetry.from_settings(settings) is not None:
        yield Finding("Service", "traces", "ok", "to the collector that is named; it is not tried")
    elif find_spec("opentelemetry.sdk") is not None:
        yield Finding("Service", "traces", "ok", "to nobody: server.telemetry names no collector")


def _has_keys(database: Database) -> bool:
    from darkroom.server.keys import KeyStore

    try:
        return KeyStore(database).any()
    except DatabaseFailed:
        # Without tables there are none.
        return False


def _to_come(name: str, folder: Path, what: str) -> Finding:
    problem = _cannot_write(folder)
    if problem is None:
        return Finding("Service", name, "ok", what)
    return Finding("Service", name, "broken", f"{folder}: {problem}", f"mkdir -p {folder} && chmod u+rwx {folder}")


def _tried(wanted: dict[str, Trial]) -> Iterator[Finding]:
    import asyncio

    from darkroom.server.trials import tried

    for name, found in asyncio.run(tried(wanted, whole=True)).items():
        if found.ok:
            yield Finding("Service", name, "ok", f"{found.about or 'answers'}, {1000 * found.seconds:.0f} ms")
        else:
            cure = "See docs/serve.md; `darkroom serve` does not take work without it."
            yield Finding("Service", name, "broken", found.problem or "", cure)
