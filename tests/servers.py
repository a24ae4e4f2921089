"""Real servers of the tests' own: PostgreSQL, Redis and ClamAV on free ports, in folders that go with them.

Taken from the system where it has them, else from .servers, into which scripts/servers unpacks Debian's packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[1]
FETCHED = ROOT / ".servers"
START_SECONDS = 60.0
USER = "nobody"
"""Who PostgreSQL runs as where the tests are root's, since it refuses to be root."""


def find(program: str) -> Path | None:
    """A server's program: what DARKROOM_TEST_<NAME> names, the system's, or the one that scripts/servers fetched."""
    named = os.environ.get(f"DARKROOM_TEST_{program.upper().replace('-', '_')}")
    if named:
        return Path(named)
    installed = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if installed:
        return Path(installed).resolve() if program == "initdb" else Path(installed)
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *FETCHED.glob("usr/lib/postgresql/*/bin")]
    # Debian's chromium in bin is a script that looks for the program where it would be installed.
    places += [FETCHED / "usr" / "lib" / "chromium", FETCHED / "usr" / "bin", FETCHED / "usr" / "sbin"]
    return next((place / program for place in places if (place / program).is_file()), None)


def needed(program: str) -> Path:
    """As :func:`find`; the test is skipped where there is none."""
    found = find(program)
    if found is None:
        pytest.skip(f"{program} is not installed; scripts/servers fetches it")
    return found


def environment(program: Path) -> Mapping[str, str]:
    """Variables by which an unpacked program finds the libraries that were unpacked with it."""
    tree = next((folder.parent for folder in program.parents if folder.name == "usr"), Path("/"))
    if tree == Path("/"):
        return os.environ
    # Some libraries are a folder further down, where only what was installed is looked for: PulseAudio's, for Chromium.
    libraries = sorted({str(path.parent) for path in tree.glob("**/lib/*-linux-gnu/**/lib*.so*")})
    before = os.environ.get("LD_LIBRARY_PATH")
    return os.environ | {"LD_LIBRARY_PATH": ":".join([*libraries, before] if before else libraries)}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """A process that listens on a port of its own, and may be killed and started again."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        until = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
            if time.monotonic() > until:
                self.kill()
                pytest.fail(f"{self.name} did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as if the power were gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in its own way."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            self.kill()

    def answers(self) -> bool:
        raise NotImplementedError

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def _started(self) -> subprocess.Popen[bytes]:
        command = self.command()
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env=environment(Path(command[0])), cwd=self.folder, **self.run_as()
            )

    def run_as(self) -> dict[str, int | Sequence[int]]:
        return {}


class Redis(Server):
    """Redis that keeps nothing on disk: killed, it has lost every message."""

    name = "Redis"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = needed("redis-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def ask(self, *words: str) -> bytes:
        """Send a command, and give the start of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask("PING") == b"+PONG\r\n"
        return False

    def command(self) -> Sequence[str | Path]:
        return [
            self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
            "--save", "", "--appendonly", "no",
        ]  # fmt: skip


class Postgres(Server):
    """PostgreSQL with a cluster of its own."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        program = needed("initdb")
        if os.getuid() == 0:
            os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
            folder.chmod(0o755)
            program = self._reachable(program)
        self.bin = program.parent
        made = subprocess.run(
            [program, "-D", folder / "data", "-U", "darkroom", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            env=environment(program), cwd=folder, capture_output=True, text=True, check=False, **self.run_as(),
        )  # fmt: skip
        if made.returncode != 0:
            pytest.fail(f"initdb: {made.stderr}")

    def _reachable(self, program: Path) -> Path:
        """The program where USER can run it: a copy, where the checkout is in a folder that only root may enter."""
        if not program.is_relative_to(FETCHED):
            return program
        with contextlib.suppress(OSError):
            tried = subprocess.run(["/usr/bin/test", "-x", program], check=False, **self.run_as())
            if tried.returncode == 0:
                return program
        copied = self.folder / "programs"
        for part in ("usr/lib", "usr/share/postgresql"):
            shutil.copytree(FETCHED / part, copied / part, symlinks=True)
        return copied / program.relative_to(FETCHED)

    def run_as(self) -> dict[str, int | Sequence[int]]:
        if os.getuid() != 0:
            return {}
        user = pwd.getpwnam(USER)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def url_of(self, name: str) -> str:
        return f"postgresql+psycopg://darkroom@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """Make a database, and give its address."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._own(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return self.url_of(name)

    def _own(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=darkroom dbname=postgres connect_timeout=5"

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.Error), psycopg.connect(self._own()) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
        return False

    def command(self) -> Sequence[str | Path]:
        # Killed processes lose nothing that the system has been given: fsync would only guard against its own end.
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
            "shared_buffers": "16MB", "max_connections": 60,
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self.bin / "postgres", "-D", self.folder / "data", *options]


EICAR = b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X"[::-1]
"""The test file of eicar.org, which every scanner calls infected; written backwards, lest it calls this one so."""
SIGNATURE = "Darkroom.Eicar"
STREAM_MAX = 2_000_000
"""StreamMaxLength of the clamd of the tests, in bytes."""


class Clamd(Server):
    """ClamAV's own daemon on a port and a socket, knowing the EICAR file, alone or within another, and nothing else."""

    name = "clamd"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = needed("clamd")
        # Short, since the path of a socket may have no more than 107 bytes.
        self.socket = folder / "s"
        known = folder / "db"
        known.mkdir()
        (known / "test.hdb").write_text(f"{hashlib.md5(EICAR).hexdigest()}:{len(EICAR)}:{SIGNATURE}\n")
        (known / "test.ndb").write_text(f"{SIGNATURE}:0:*:{EICAR.hex()}\n")
        (folder / "clamd.conf").write_text(
            f"Foreground yes\nDatabaseDirectory {known}\nTemporaryDirectory {folder}\nTCPAddr 127.0.0.1\n"
            f"TCPSocket {self.port}\nLocalSocket {self.socket}\nStreamMaxLength {STREAM_MAX}\nMaxThreads 4\n"
        )

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"zPING\0")
            return connection.recv(16) == b"PONG\0"
        return False

    def command(self) -> Sequence[str | Path]:
        return [self.program, "--config-file", self.folder / "clamd.conf"]


S = TypeVar("S", bound=Server)


@contextlib.contextmanager
def running(kind: type[S]) -> Iterator[S]:
    """A server, started; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="darkroom-server-", ignore_cleanup_errors=True) as folder:
        server = kind(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
