"""Kills whatever carries jobs out, at random moments, and then looks whether any job was lost, or done twice.

Used by test_kills.py, and for longer by scripts/kills.py. Real processes, a real database, and where it is wanted a
real Redis that loses every message when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import select
from tests.servers import Postgres, Redis

from darkroom import codecs
from darkroom.database.connection import Database
from darkroom.database.schema import JobRow, VersionRow
from darkroom.errors import DarkroomError
from darkroom.image import Encoding, Image
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage

SIDE = 48
PICTURES = 8
QUICK = """
import sys
from darkroom.jobs import carrying, celery, dispatcher, store
carrying.LEASE_SECONDS, carrying.RENEW_SECONDS, dispatcher.IDLE_SECONDS = 2.0, 0.3, 0.1
celery.SWEEP_SECONDS, celery.AGAIN_SECONDS = 0.5, 1.0
# Jobs are not to be given up for what is done to those that carry them out.
store.MOST_DEATHS = store.MOST_LOSSES = store.MOST_ATTEMPTS = 100_000
store.FIRST_PAUSE = store.LONGEST_PAUSE = 0.2
"""
"""What is short in the processes of this test, so that it is too."""
WORKER = QUICK + "from darkroom.cli.main import main; sys.argv[1:] = ['worker']; main()"
SERVER = (
    QUICK
    + """
import time
from pathlib import Path
from darkroom.database.connection import Database
from darkroom.database.schema import ImageRow, VersionRow
from darkroom.errors import DarkroomError
from darkroom.intake import Intake
from darkroom.jobs.carrier import carrier
from darkroom.settings import load_settings
from darkroom.storage import build

folder, url, pace = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
settings = load_settings()
database = Database.from_settings(settings)
database.migrate()
jobs, storage = store.JobStore(database), build(settings)
carries = carrier(settings, jobs, storage, intake=Intake(settings, storage, scanner=None))
carries.start()
digests = (folder / "digests").read_text().split()
number = len((folder / "accepted").read_text().split())
while True:
    if (folder / "enough").exists():
        time.sleep(0.1)
        continue
    image, asked = f"{number:032d}", number % len(digests)
    by_address = number % 5 == 0
    try:
        with database.session() as session:
            if session.get(ImageRow, image) is None:
                session.add(ImageRow(id=image, name="a.png"))
                session.flush()
                if not by_address:
                    session.add(VersionRow(image_id=image, number=0, digest=digests[asked], bytes=1, format="png",
                                           width=1, height=1))
        row, _ = jobs.submit(store.NewJob(
            source="" if by_address else digests[asked], source_url=f"{url}/{asked}.png" if by_address else None,
            operations=[{"type": "adjust", "brightness": number % 100 / 200}, {"type": "resize", "scale": 0.5}],
            image_id=image, idempotency_key=str(number), lane="heavy" if number % 3 == 0 else "light"))
    except DarkroomError:
        time.sleep(0.1)  # nothing is accepted, and whoever asked asks again
        continue
    with (folder / "accepted").open("a") as accepted:
        accepted.write(row.id + "\\n")
    carries.wake([row])
    number += 1
    time.sleep(pace)
"""
)
"""Accepts jobs, one after the other, and carries them out or has them carried out."""


@dataclass
class Figures:
    """What was done, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    seconds: float = 0.0
    files: int = 0
    again: int = 0
    """Jobs that were begun more than once."""
    faults: list[str] = field(default_factory=list)
    """Everything that should not be; empty where all is well."""

    def __str__(self) -> str:
        killed = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({killed}) over {self.jobs} jobs in {self.seconds:.0f} s: "
            f"{self.again} were begun more than once, {self.files} files are stored, {len(self.faults)} faults"
        )


class Siege:
    """Processes over one database and one folder, and whoever kills them.

    Args:
        folder: for all files.
        postgres: where the database is; None is SQLite in the folder.
        redis: through which jobs go; None is no broker.
        workers: processes of ``darkroom worker`` beside the server.
        pace: seconds between two jobs that are accepted.
        pause: the shortest and the longest time between two kills, in seconds.
        seed: of chance.
    """

    def __init__(
        self,
        folder: Path,
        *,
        postgres: Postgres | None = None,
        redis: Redis | None = None,
        workers: int = 1,
        pace: float = 0.1,
        pause: tuple[float, float] = (0.2, 1.5),
        seed: int = 7,
    ) -> None:
        self._folder = folder
        self._postgres = postgres
        self._redis = redis
        self._pace = pace
        self._pause = pause
        self._chance = random.Random(seed)
        self._storage = LocalStorage(folder / "files")
        self._url = postgres.new_database() if postgres else f"sqlite:///{folder}/darkroom.sqlite3"
        self._programs = {"server": SERVER, **{f"worker {number}": WORKER for number in range(workers)}}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._address = ""
        self.figures = Figures()

    def run(self, *, kills: int, jobs: int, seconds: float) -> Figures:
        """Kill so often, while so many jobs at least are accepted; then let all be done, and look at it."""
        began = time.monotonic()
        until = began + seconds
        with self._serving() as self._address:
            self._prepare()
            try:
                while self.figures.kills.total() < kills or len(self._accepted()) < jobs:
                    time.sleep(self._chance.uniform(*self._pause))
                    self._start()
                    if time.monotonic() > until:
                        self.figures.faults.append("it took too long")
                        break
                    self._kill()
                (self._folder / "enough").touch()
                self._wait(until)
            finally:
                for process in self._running.values():
                    process.kill()
                    process.wait()
        self.figures.seconds = time.monotonic() - began
        self._look()
        return self.figures

    def _prepare(self) -> None:
        digests = []
        for number in range(PICTURES):
            data = picture(number)
            digests.append(asyncio.run(self._storage.put(_whole(data), most=None)).digest)
        (self._folder / "digests").write_text("\n".join(digests))
        (self._folder / "accepted").touch()
        database = Database(self._url)
        database.migrate()
        database.close()
        self._start()

    def _environment(self) -> dict[str, str]:
        wanted = {
            "DATABASE__URL": self._url,
            "STORAGE__FOLDER": str(self._folder / "files"),
            "STORAGE__SPOOL": str(self._folder / "spool"),
            "EGRESS__LEDGER": str(self._folder / "egress.sqlite3"),
            "EGRESS__PRIVATE_HOSTS": '["127.0.0.1"]',
            "JOBS__BROKER_URL": self._redis.url if self._redis else "",
        }
        return os.environ | {f"DARKROOM_{name}": value for name, value in wanted.items()}

    def _start(self) -> None:
        """Start whatever does not run: killed, or ended because the database was away when it started."""
        for name, program in self._programs.items():
            if name not in self._running or self._running[name].poll() is not None:
                with (self._folder / f"{name}.log").open("ab") as log:
                    self._running[name] = subprocess.Popen(
                        [sys.executable, "-c", program, str(self._folder), self._address, str(self._pace)],
                        env=self._environment(), stdout=log, stderr=log,
                    )  # fmt: skip

    def _kill(self) -> None:
        """Kill one at random: whole programs, the worker processes under them, or what they stand on."""
        kinds = ["program", "program", "process", "process"]
        kinds += ["redis"] if self._redis else []
        kinds += ["postgresql"] if self._postgres else []
        kind = self._chance.choice(kinds)
        if kind == "redis":
            assert self._redis is not None
            self._redis.kill()
            self._redis.start()
        elif kind == "postgresql":
            assert self._postgres is not None
            self._postgres.kill()
            self._postgres.start()
        elif kind == "process":
            with contextlib.suppress(psutil.Error):
                below = [
                    child for process in self._running.values() for child in psutil.Process(process.pid).children()
                ]
                if not below:
                    return
                self._chance.choice(below).kill()
        else:
            kind = self._chance.choice(list(self._running))
            self._running[kind].kill()
            self._running[kind].wait()
            self._start()
        self.figures.kills[kind.split()[0]] += 1

    def _accepted(self) -> list[str]:
        return (self._folder / "accepted").read_text().split()

    def _wait(self, until: float) -> None:
        database = Database(self._url)
        states: Counter[str] = Counter()
        while time.monotonic() < until:
            self._start()
            with contextlib.suppress(DarkroomError), database.session(reading=True) as session:
                states = Counter(session.scalars(select(JobRow.state)))
                if not states.keys() & {"pending", "processing", "scanning"}:
                    break
            time.sleep(0.1)
        else:
            self.figures.faults.append(f"not all was done in the end: {dict(states)}")
        database.close()

    def _look(self) -> None:
        """Hold the database and the storage against what was accepted."""
        figures, database = self.figures, Database(self._url)
        with database.session(reading=True) as session:
            rows = {row.id: row for row in session.scalars(select(JobRow))}
            versions = list(session.scalars(select(VersionRow)))
        database.close()
        accepted = self._accepted()
        figures.jobs = len(rows)
        figures.again = sum(row.attempts > 1 for row in rows.values())
        figures.faults += [f"job {job} was accepted and is lost" for job in set(accepted) - set(rows)]
        figures.faults += [f"job {job} was accepted twice" for job, times in Counter(accepted).items() if times > 1]
        results = Counter(version.job_id for version in versions if version.number > 0)
        firsts = Counter(version.image_id for version in versions if version.number == 0)
        for row in rows.values():
            if row.state != "completed":
                figures.faults.append(f"job {row.id} is {row.state}: {row.error}")
            if results[row.id] != 1 or firsts[row.image_id or ""] != 1:
                figures.faults.append(f"job {row.id} has {results[row.id]} results")
        stored = {path.name: path for path in (self._folder / "files").glob("??/??/*")}
        figures.files = len(stored)
        figures.faults += [
            f"file {name} is not whole"
            for name, path in stored.items()
            if hashlib.sha256(path.read_bytes()).hexdigest() != name
        ]
        figures.faults += [
            f"the file of version {version.id} is not there" for version in versions if version.digest not in stored
        ]
        for row in rows.values():
            if row.result in stored:
                size = codecs.decode(stored[row.result], limits=Settings().limits).size
                if size != (SIDE // 2, SIDE // 2):
                    figures.faults.append(f"the result of job {row.id} has {size} pixels")

    @contextlib.contextmanager
    def _serving(self) -> Iterator[str]:
        """A server of pictures, whose address jobs name."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = picture(int(self.path.strip("/").removesuffix(".png")))
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()


def picture(number: int) -> bytes:
    """A small picture of noise."""
    pixels = np.random.default_rng(number).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    return codecs.encode(Image.from_array(pixels), Encoding(format="png"), warnings=[]).data


async def _whole(data: bytes):
    yield data
