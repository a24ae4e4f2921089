"""Kills whatever carries jobs out, at random moments, and then looks whether any job was lost, or done twice.

Used by test_kills.py, and for longer by scripts/kills.py. What is killed are `darkroom serve`, `darkroom worker` and
their worker processes, and where they are there PostgreSQL and a Redis that loses every message; pictures and jobs come
by HTTP from a client that asks again where it got no answer. What it was told is accepted must be there in the end.
"""

from __future__ import annotations

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
from typing import Any

import httpx2 as httpx
import numpy as np
import psutil
from sqlalchemy import select
from tests.servers import Postgres, Redis, free_port

from darkroom import codecs
from darkroom.database.connection import Database
from darkroom.database.schema import JobRow, VersionRow
from darkroom.errors import DarkroomError
from darkroom.image import Encoding, Image
from darkroom.settings import Settings

SIDE = 48
PICTURES = 8
PATIENCE_SECONDS = 10.0
"""How long nothing may be answered before something is killed all the same."""
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
PROGRAM = QUICK + "from darkroom.cli.main import main; sys.argv[1:] = {arguments!r}; main()"


@dataclass
class Figures:
    """What was done, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    unanswered: int = 0
    """Requests that got no answer, or one that says to ask again, and were made again."""
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
            f"{self.unanswered} requests had to be made again, {self.again} jobs were begun more than once, "
            f"{self.files} files are stored, {len(self.faults)} faults"
        )


class Client(threading.Thread):
    """Uploads pictures and has them worked on, one after the other, until it is told that it is enough.

    Every fifth job names an address in place of a picture. A request without an answer is made again, with the same
    Idempotency-Key.
    """

    def __init__(self, service: str, pictures: str, pace: float) -> None:
        super().__init__(daemon=True)
        self.enough = threading.Event()
        self.uploaded: dict[str, str] = {}
        """Pictures of which it was said that they are stored: id, and digest."""
        self.jobs: list[str] = []
        """Jobs of which it was said that they are accepted."""
        self.answered = self.unanswered = 0
        self.refused: list[str] = []
        self._service, self._pictures, self._pace = service, pictures, pace
        self._http = httpx.Client(base_url=service, timeout=15.0)

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            work = {"operations": [f"adjust:brightness={number % 100 / 200}", "resize:scale=0.5"]}
            if number % 3 == 0:
                # For the heavy lane, where nothing is found to take away.
                work["operations"].append("fix_artifacts:strength=0.1")
            if number % 5 == 0:
                path, work["url"] = "/api/v1/images/process", f"{self._pictures}/{number % PICTURES}.png"
            else:
                data = picture(number % PICTURES)
                stored = self._asked("/api/v1/images/upload", files={"file": ("a.png", data)})
                if stored is None:
                    break
                image = stored["images"][0]["id"]
                self.uploaded[image] = hashlib.sha256(data).hexdigest()
                path = f"/api/v1/images/{image}/process"
            job = self._asked(path, json=work, headers={"Idempotency-Key": str(number)})
            if job is None:
                break
            self.jobs.append(job["id"])
            number += 1
            self.enough.wait(self._pace)
        self._http.close()

    def _asked(self, path: str, **body: Any) -> Any:
        """What the service answers, asked until it does; None once it is enough."""
        while not self.enough.is_set():
            try:
                answer = self._http.post(path, **body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                self.answered += 1
                return answer.json()
            if answer is not None and answer.status_code < 500:
                self.refused.append(f"{path}: {answer.status_code} {answer.text}")
                return None
            self.unanswered += 1
            self.enough.wait(0.1)
        return None


class Siege:
    """Processes over one database and one folder, and whoever kills them.

    Args:
        folder: for all files.
        postgres: where the database is; None is SQLite in the folder.
        redis: through which jobs go; None is no broker.
        workers: processes of ``darkroom worker`` beside the service.
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
        self._url = postgres.new_database() if postgres else f"sqlite:///{folder}/darkroom.sqlite3"
        self._port = free_port()
        self._programs = {"service": ["serve"], **{f"worker {number}": ["worker"] for number in range(workers)}}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._turns: list[str] = []
        self.figures = Figures()

    def run(self, *, kills: int, jobs: int, seconds: float) -> Figures:
        """Kill so often, while so many jobs at least are accepted; then let all be done, and look at it."""
        began = time.monotonic()
        until, patience, answered = began + seconds, began + PATIENCE_SECONDS, 0
        with self._serving() as address:
            client = Client(f"http://127.0.0.1:{self._port}", address, self._pace)
            try:
                self._start()
                client.start()
                while self.figures.kills.total() < kills or len(client.jobs) < jobs:
                    time.sleep(self._chance.uniform(*self._pause))
                    self._start()
                    if client.refused or time.monotonic() > until:
                        self.figures.faults += client.refused or ["it took too long"]
                        break
                    # On a slow machine too something gets done between two kills.
                    if client.answered > answered or time.monotonic() > patience:
                        answered, patience = client.answered, time.monotonic() + PATIENCE_SECONDS
                        self._kill()
                client.enough.set()
                client.join()
                self._wait(until)
            finally:
                client.enough.set()
                for process in self._running.values():
                    process.kill()
                    process.wait()
        self.figures.seconds = time.monotonic() - began
        self.figures.unanswered = client.unanswered
        self._look(client)
        return self.figures

    def _environment(self) -> dict[str, str]:
        wanted = {
            "DATABASE__URL": self._url,
            "STORAGE__FOLDER": str(self._folder / "files"),
            "STORAGE__SPOOL": str(self._folder / "spool"),
            "EGRESS__LEDGER": str(self._folder / "egress.sqlite3"),
            "EGRESS__PRIVATE_HOSTS": '["127.0.0.1"]',
            "JOBS__BROKER_URL": self._redis.url if self._redis else "",
            "SERVER__PORT": str(self._port),
            "SERVER__REQUESTS_PER_MINUTE": "0",
        }
        return os.environ | {f"DARKROOM_{name}": value for name, value in wanted.items()}

    def _start(self) -> None:
        """Start whatever does not run: killed, or ended because the database was away when it started."""
        for name, arguments in self._programs.items():
            if name not in self._running or self._running[name].poll() is not None:
                with (self._folder / f"{name}.log").open("ab") as log:
                    self._running[name] = subprocess.Popen(
                        [sys.executable, "-c", PROGRAM.format(arguments=arguments)],
                        env=self._environment(), stdout=log, stderr=log,
                    )  # fmt: skip

    def _kill(self) -> None:
        """Kill one at random: whole programs, the worker processes under them, or what they stand on.

        Each has its turn before one is killed again, but worker processes, which have two.
        """
        if not self._turns:
            self._turns = [*self._programs, "process", "process"]
            self._turns += ["redis"] if self._redis else []
            self._turns += ["postgresql"] if self._postgres else []
            self._chance.shuffle(self._turns)
        kind = self._turns.pop()
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
            self._running[kind].kill()
            self._running[kind].wait()
            self._start()
        self.figures.kills[kind.split()[0]] += 1

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

    def _look(self, client: Client) -> None:
        """Hold the database and the storage against what was accepted."""
        figures, database = self.figures, Database(self._url)
        with database.session(reading=True) as session:
            rows = {row.id: row for row in session.scalars(select(JobRow))}
            versions = list(session.scalars(select(VersionRow)))
        database.close()
        figures.jobs = len(rows)
        figures.again = sum(row.attempts > 1 for row in rows.values())
        figures.faults += [f"job {job} was accepted and is lost" for job in set(client.jobs) - set(rows)]
        figures.faults += [f"job {job} was accepted twice" for job, times in Counter(client.jobs).items() if times > 1]
        firsts = {version.image_id: version.digest for version in versions if version.number == 0}
        figures.faults += [
            f"picture {image} was stored and is lost"
            for image, digest in client.uploaded.items()
            if firsts.get(image) != digest
        ]
        results = Counter(version.job_id for version in versions if version.number > 0)
        for row in rows.values():
            if row.state != "completed":
                figures.faults.append(f"job {row.id} is {row.state}: {row.error}")
            if results[row.id] != 1 or row.image_id not in firsts:
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
