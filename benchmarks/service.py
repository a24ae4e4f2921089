"""The HTTP service under load: `darkroom serve` in a process of its own, asked by this one over connections that stay.

    python benchmarks/service.py [--thumbor PYTHON] [--full] [--quick]

Light requests of six kinds, each alone and all in turn, at several concurrencies: whoever asks waits for the answer and
asks again at once. Then the same while jobs with a network fill the heavy lane, in turns with an idle one, so that
noise meets both. Then a long run, in which the memory of all processes of the service is looked at once a second. The
network is of the official compact size with random weights. This process shares the machine with the service: what it
costs to ask is a part of the figures.

``--thumbor`` names the Python of an environment in which ``pip install thumbor`` was done: both then give the same JPEG
of 12 megapixels, lying on the disk, in another size or quality each time, so that neither has kept the result: Darkroom
by signed addresses, thumbor through its file loader, in as many processes as Darkroom has for light work. Darkroom
stores every result all the same, flushed to the disk; thumbor stores none. Each request has a connection of its own,
by which thumbor's processes share them more evenly than by connections that stay.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import House, bars, house, plot, psnr, srvgg, tell, write_picture

URL_KEY = "a key of the benchmark's own"
START_SECONDS = 60.0
JOB_SECONDS = 120.0
LARGE, MIDDLE, SMALL = (4000, 3000), (1600, 1200), (480, 360)
PROCESSES = 2
"""Worker processes for light work that somebody waits for, and as many of thumbor's."""
COMMAND = "python benchmarks/service.py --full --thumbor PYTHON"


class Client:
    """One connection, which stays."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=JOB_SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """The body of the answer. Ends the program where it is an error."""
        headers = {"Content-Type": kind} if kind else {}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content

    def close(self) -> None:
        """End the connection; the next request makes another."""
        self._connection.close()

    def json(self, method: str, path: str, content: Any = None) -> Any:
        """As :meth:`ask`, JSON both ways."""
        body = None if content is None else json.dumps(content).encode()
        return json.loads(self.ask(method, path, body, "application/json" if body else ""))

    def form(self, path: str, file: bytes, **fields: str) -> bytes:
        """Send a file, and fields after it, as a form."""
        boundary = secrets.token_hex(16)
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        parts = [f'{part}"file"; filename="a.jpg"\r\n\r\n'.encode(), file]
        parts += [f'\r\n{part}"{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        body = b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()])
        return self.ask("POST", path, body, f"multipart/form-data; boundary={boundary}")


class Service:
    """A server in a process of its own: where it listens, how much memory and time it has taken."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path, port: int = 0) -> None:
        self.log = log
        with log.open("wb") as written:
            self.process = subprocess.Popen(command, env=environment, stdout=written, stderr=written)
        self.port = port

    def wait(self) -> None:
        """Until it listens."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"Darkroom is at http://\S+:(\d+)/ ", self.log.read_text())
            self.port = int(found[1]) if found else self.port
            with contextlib.suppress(OSError):
                if self.port:
                    http.client.HTTPConnection("127.0.0.1", self.port, timeout=5).connect()
                    return
            time.sleep(0.05)
        raise SystemExit(f"the service did not start:\n{self.log.read_text()[-3000:]}")

    def client(self) -> Client:
        """A connection of one's own."""
        return Client("127.0.0.1", self.port)

    def memory(self) -> int:
        """Resident bytes of all its processes together; what they share is counted for each."""
        return sum(one.memory_info().rss for one in self._processes())

    def processor(self) -> float:
        """Seconds of processor time that its processes have taken so far."""
        return sum(sum(one.cpu_times()[:2]) for one in self._processes())

    def _processes(self) -> list[Any]:
        import psutil

        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def end(self) -> None:
        """End it, and what it has started: thumbor leaves its own processes behind."""
        started = self._processes()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for one in started:
            if one.is_running():
                one.kill()


@contextlib.contextmanager
def darkroom(place: House, **settings: str) -> Generator[Service]:
    """A service with an empty database, in a folder that goes with it."""
    folder = place.folder / f"service-{secrets.token_hex(4)}"
    environment = {
        **{name: value for name, value in place.environment.items() if name != "DARKROOM_CONFIG"},
        "XDG_DATA_HOME": str(folder),
        "DARKROOM_SERVER__PORT": "0",
        "DARKROOM_SERVER__URL_KEYS": json.dumps([URL_KEY]),
        "DARKROOM_LIMITS__SYNC_CONCURRENCY": "64",
        **settings,
    }
    folder.mkdir()
    service = Service([sys.executable, "-m", "darkroom", "serve"], environment, folder / "log")
    try:
        service.wait()
        yield service
    finally:
        service.end()


# What is asked

Ask = Callable[[Client], None]


class Kinds:
    """Requests on pictures that the service has, none of which it has been asked before unless it is said so."""

    def __init__(self, service: Service, folder: Path, factor: int) -> None:
        files = {
            name: write_picture(folder / f"{name}.jpg", width // factor, height // factor).read_bytes()
            for name, (width, height) in {"large": LARGE, "middle": MIDDLE, "small": SMALL}.items()
        }
        client = service.client()
        self._files, self._counter, self._thumbnails = files, itertools.count(), itertools.count()
        self._ids = {name: self._uploaded(client, data) for name, data in files.items()}
        self._kept = signed(self._ids["middle"], f"resize:width={400 // factor}", "jpg")
        client.ask("GET", self._kept)
        self.light: dict[str, Ask] = {
            "resize 2 MP to about 800, sent": self._resize,
            "resize 12 MP to about 800, stored": self._transform,
            "kept result": lambda client: void(client.ask("GET", self._kept)),
            "thumbnail of 12 MP, new": self._thumbnail,
            "upload of 2 MP": lambda client: void(self._uploaded(client, self._another("middle"))),
            "job: accepted": self._job,
        }
        self._width = 800 // factor

    @staticmethod
    def _uploaded(client: Client, data: bytes) -> str:
        return json.loads(client.form("/api/v1/images/upload", data))["images"][0]["id"]

    def _another(self, name: str) -> bytes:
        """The same picture as another file: with a comment in it."""
        file, comment = self._files[name], next(self._counter).to_bytes(8, "big")
        return file[:2] + b"\xff\xfe\x00\x0a" + comment + file[2:]

    def _resized(self, width: int) -> tuple[str, int]:
        """Another resize to about a width each time, and a quality; the height is one that does not count."""
        number = next(self._counter)
        spread = width // 4
        width += number % spread - spread // 2
        return f"resize:width={width},height={10_000 + number // 1000}", 60 + number % 37

    def _resize(self, client: Client) -> None:
        operation, quality = self._resized(self._width)
        work = {"operations": [operation], "output": {"format": "jpeg", "quality": quality}}
        client.form("/local-media/process", self._files["middle"], operations=json.dumps(work))

    def _transform(self, client: Client) -> None:
        operation, quality = self._resized(self._width)
        client.ask("GET", signed(self._ids["large"], operation, "jpg", quality))

    def _thumbnail(self, client: Client) -> None:
        number = next(self._thumbnails)
        if number % 300 == 299:
            # There are not more sizes that are thumbnails: the next ones are of another picture.
            self._ids["large"] = self._uploaded(client, self._another("large"))
        client.ask("GET", f"/api/v1/images/{self._ids['large']}/thumbnail?size={200 + 37 * number % 300}")

    def _job(self, client: Client) -> None:
        operation, quality = self._resized(self._width // 4)
        work = {"operations": [operation], "output": {"format": "jpeg", "quality": quality}}
        client.json("POST", f"/api/v1/images/{self._ids['small']}/process", work)

    def enlarge(self, client: Client) -> str:
        """A job for the network; gives its id."""
        operation, _ = self._resized(SMALL[0])
        work = {"operations": [operation, "upscale:scale=4,model=sr"], "output": {"format": "jpeg"}}
        return client.json("POST", f"/api/v1/images/{self._ids['small']}/process", work)["id"]


def signed(image: str, operations: str, extension: str, quality: int = 80) -> str:
    """The address of a picture with operations in it."""
    from darkroom.pipeline import Pipeline
    from darkroom.server.signing import Address, path_of

    address = Address(image, operations=Pipeline([operations]), extension=extension, quality=quality)
    return path_of(address, [URL_KEY])


def asking(address: Callable[[int, int], str], width: int) -> Ask:
    """Asks for another size, about that wide, or quality, about 80, each time."""
    counter = itertools.count()

    def ask(client: Client) -> None:
        number = next(counter)
        client.ask("GET", address(width - 50 + number % 100, 68 + number // 100 % 25))

    return ask


def void(_: object) -> None:
    """Nothing, of whatever."""


# Asking


@dataclass
class Measured:
    """How long each answer took, and all of them together, in seconds; and processor seconds of the service."""

    took: list[float] = field(default_factory=list[float])
    seconds: float = 0.0
    processor: float = 0.0

    def at(self, percent: float) -> float:
        """Milliseconds within which so many percent were answered."""
        ordered = sorted(self.took)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def row(self) -> dict[str, Any]:
        """As the tables have it."""
        return {
            "requests/s": round(len(self.took) / self.seconds, 1),
            "p50, ms": round(self.at(50), 1),
            "p95, ms": round(self.at(95), 1),
            "p99, ms": round(self.at(99), 1),
        }

    def __add__(self, other: Measured) -> Measured:
        return Measured(self.took + other.took, self.seconds + other.seconds, self.processor + other.processor)


def load(service: Service, asks: Sequence[Ask], at_once: int, seconds: float, *, stays: bool = True) -> Measured:
    """Ask in turns, so many at once, for so long; over connections that stay, or a new one for each request."""
    turns = itertools.cycle(asks)
    took: list[list[float]] = [[] for _ in range(at_once)]
    failed: list[BaseException] = []
    until = time.perf_counter() + seconds

    def run(mine: list[float]) -> None:
        client = service.client()
        try:
            while time.perf_counter() < until and not failed:
                ask = next(turns)
                started = time.perf_counter()
                ask(client)
                if not stays:
                    client.close()
                mine.append(time.perf_counter() - started)
        except BaseException as error:
            failed.append(error)

    before, started = service.processor(), time.perf_counter()
    threads = [threading.Thread(target=run, args=(mine,)) for mine in took]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(str(failed[0]))
    return Measured(list(itertools.chain(*took)), time.perf_counter() - started, service.processor() - before)


def settled(service: Service) -> None:
    """Wait until no job waits or runs."""
    client = service.client()
    until = time.monotonic() + JOB_SECONDS
    while time.monotonic() < until:
        jobs = client.json("GET", "/ready")["jobs"]
        if not any(count for state, count in jobs.items() if state in ("pending", "processing", "scanning")):
            return
        time.sleep(0.2)
    raise SystemExit("jobs do not end")


@contextlib.contextmanager
def heavy_lane_full(service: Service, kinds: Kinds) -> Generator[list[float]]:
    """Keep jobs for the network waiting; gives the times at which one was found done."""
    ended: list[float] = []
    over = threading.Event()

    def feed() -> None:
        client = service.client()
        waiting = [kinds.enlarge(client), kinds.enlarge(client)]
        while not over.wait(0.1):
            if client.json("GET", f"/api/v1/jobs/{waiting[0]}")["state"] in ("pending", "processing"):
                continue
            waiting = [*waiting[1:], kinds.enlarge(client)]
            ended.append(time.perf_counter())
        for job in waiting:
            client.json("POST", f"/api/v1/jobs/{job}/cancel")

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()
        settled(service)


# The tables


def kinds_alone(service: Service, kinds: Kinds, concurrencies: Sequence[int], seconds: float) -> None:
    """Each kind by itself, and all in turn."""
    rows: list[dict[str, Any]] = []
    sizing: list[dict[str, Any]] = []
    for what, asks in [*((name, [ask]) for name, ask in kinds.light.items()), ("all in turn", [*kinds.light.values()])]:
        load(service, asks, 2, min(seconds, 2.0))
        for at_once in concurrencies:
            found = load(service, asks, at_once, seconds)
            rows.append({"request": what, "at once": at_once, **found.row()})
            print(rows[-1], flush=True)
            if at_once == concurrencies[-1] and what != "job: accepted":
                # Jobs are done after their answer; all the others are done with it.
                sizing.append(_sizing(what, found))
            settled(service)
    started = time.perf_counter()
    before, count = service.processor(), max(2, round(seconds))
    with heavy_lane_full(service, kinds) as ended:
        while len(ended) < count:
            time.sleep(0.05)
        found = Measured([0.0] * len(ended), ended[-1] - started, service.processor() - before)
    sizing.append(_sizing("job: enlarge 0.2 MP four times, compact network", found))
    tell("service", rows, COMMAND)
    tell("service_sizing", sizing, COMMAND)
    most = {row["request"]: row["requests/s"] for row in rows if row["at once"] == concurrencies[-1]}
    bars("service", f"Requests a second, {concurrencies[-1]} at once", most, "requests/s", ours="all")


def _sizing(what: str, found: Measured) -> dict[str, Any]:
    each = found.processor / len(found.took)
    return {
        "request": what,
        "a second on this machine": round(len(found.took) / found.seconds, 2),
        "processor time each, ms": round(1000 * each, 1),
        "an hour for each core": round(3600 / each, -2) if each < 3 else round(3600 / each),
    }


def beside_a_network(service: Service, kinds: Kinds, rounds: int, seconds: float) -> None:
    """Light requests while the heavy lane is idle, and while it is full."""
    rows: list[dict[str, Any]] = []
    asks = [*kinds.light.values()]
    load(service, asks, 2, seconds)
    with heavy_lane_full(service, kinds) as ended:
        while not ended:
            time.sleep(0.1)
    for at_once in (1, 4):
        idle, full = Measured(), Measured()
        for _ in range(rounds):
            idle += load(service, asks, at_once, seconds)
            settled(service)
            with heavy_lane_full(service, kinds) as ended:
                time.sleep(0.5)
                full += load(service, asks, at_once, seconds)
        ratio = full.at(95) / idle.at(95)
        for lane, found in (("idle", idle), ("full", full)):
            row = {"heavy lane": lane, "light requests at once": at_once, **found.row()}
            rows.append({**row, "p95 against idle": f"{ratio:.2f}x" if lane == "full" else ""})
            print(rows[-1], flush=True)
    tell("service_lanes", rows, COMMAND)


def over_time(service: Service, kinds: Kinds, seconds: float) -> None:
    """All kinds at once, the network too, and the memory of all processes together, once a second."""
    samples: list[tuple[float, float]] = []
    over = threading.Event()
    started = time.perf_counter()

    def watch() -> None:
        while not over.wait(1.0 if seconds > 10 else 0.1):
            samples.append((time.perf_counter() - started, service.memory() / 1e6))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        with heavy_lane_full(service, kinds):
            found = load(service, [*kinds.light.values()], 4, seconds)
    finally:
        over.set()
        thread.join()
    warm = [memory for moment, memory in samples if seconds / 4 < moment <= seconds]
    fifth = max(1, len(warm) // 5)
    first, last = statistics.median(warm[:fifth]), statistics.median(warm[-fifth:])
    row = {
        "seconds": round(seconds),
        "requests": len(found.took),
        "memory after warming up, MB": round(first),
        "at the end, MB": round(last),
        "most, MB": round(max(memory for _, memory in samples)),
        "growth": f"{100 * (last / first - 1):+.1f}%",
    }
    tell("service_memory", [row], COMMAND)
    with plot("service-memory", "Memory of all processes of the service under load", height=3.0) as axes:
        axes.plot([moment for moment, _ in samples], [memory for _, memory in samples], color="#c2410c")
        axes.set_xlabel("seconds")
        axes.set_ylabel("MB")
        axes.set_ylim(bottom=0)


# Thumbor


@contextlib.contextmanager
def thumbor(python: Path, folder: Path) -> Generator[Service]:
    """thumbor, which keeps nothing, on the pictures of a folder."""
    (folder / "thumbor.conf").write_text(
        "LOADER = 'thumbor.loaders.file_loader'\n"
        f"FILE_LOADER_ROOT_PATH = {str(folder)!r}\n"
        "STORAGE = 'thumbor.storages.no_storage'\n"
        "RESULT_STORAGE = None\n"
        # As Darkroom writes them.
        "PROGRESSIVE_JPEG = False\n"
    )
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [str(python), "-m", "thumbor.server", "-i", "127.0.0.1", "-p", str(port)]
    command = [*program, "-c", str(folder / "thumbor.conf"), "--processes", str(PROCESSES)]
    service = Service(command, dict(os.environ), folder / "thumbor.log", port)
    try:
        service.wait()
        yield service
    finally:
        service.end()


def against_thumbor(place: House, python: Path, concurrencies: Sequence[int], rounds: int, seconds: float) -> None:
    """The same resize by both, in turns."""
    import cv2
    import numpy as np

    folder = place.folder / "pictures"
    folder.mkdir()
    path = write_picture(folder / "large.jpg", *LARGE)
    rows: list[dict[str, Any]] = []
    with darkroom(place) as ours, thumbor(python, folder) as theirs:
        image = json.loads(ours.client().form("/api/v1/images/upload", path.read_bytes()))["images"][0]["id"]

        def our_address(width: int, quality: int) -> str:
            return signed(image, f"resize:width={width}", "jpg", quality)

        def their_address(width: int, quality: int) -> str:
            return f"/unsafe/{width}x0/filters:quality({quality})/large.jpg"

        for width in (1600, 400):
            ways = [(ours, asking(our_address, width)), (theirs, asking(their_address, width))]
            answers = [
                service.client().ask("GET", address(width - 60, 80))
                for service, address in ((ours, our_address), (theirs, their_address))
            ]
            pictures = [cv2.imdecode(np.frombuffer(answer, np.uint8), cv2.IMREAD_COLOR) for answer in answers]
            shapes = {picture.shape for picture in pictures if picture is not None}
            if len(shapes) != 1:
                raise SystemExit(f"they do not give the same size: {shapes}")
            alike = psnr(pictures[0] / 255, pictures[1] / 255)  # pyright: ignore
            for at_once in concurrencies:
                found = [Measured(), Measured()]
                for number in range(rounds + 1):
                    for which, (service, ask) in enumerate(ways):
                        one = load(service, [ask], at_once, seconds, stays=False)
                        # The first round warms both up.
                        found[which] = found[which] + one if number else found[which]
                mine, other = found
                rate = (len(mine.took) / mine.seconds) / (len(other.took) / other.seconds)
                rows.append(
                    {
                        "12 MP to": width,
                        "at once": at_once,
                        "Darkroom, requests/s": mine.row()["requests/s"],
                        "thumbor, requests/s": other.row()["requests/s"],
                        "times thumbor": round(rate, 2),
                        "Darkroom, p95 ms": mine.row()["p95, ms"],
                        "thumbor, p95 ms": other.row()["p95, ms"],
                        "bytes, times thumbor's": round(len(answers[0]) / len(answers[1]), 2),
                        "alike, dB": round(alike, 1),
                    }
                )
                print(rows[-1], flush=True)
    tell("thumbor", rows, COMMAND)
    values: dict[str, float] = {}
    for row in rows:
        values[f"Darkroom, to {row['12 MP to']}, {row['at once']} at once"] = row["Darkroom, requests/s"]
        values[f"thumbor, to {row['12 MP to']}, {row['at once']} at once"] = row["thumbor, requests/s"]
    bars("thumbor", "A JPEG of 12 megapixels resized, requests a second", values, "requests/s")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--thumbor", type=Path, help="the Python of an environment with thumbor")
    parser.add_argument("--full", action="store_true", help="memory over 10 minutes in place of one")
    parser.add_argument("--quick", action="store_true", help="small pictures, a second of each")
    parser.add_argument("--only", choices=["kinds", "lanes", "memory", "thumbor"], help="one of the tables")
    chosen = parser.parse_args()

    def wanted(table: str) -> bool:
        return chosen.only in (None, table)

    quick = chosen.quick
    with house() as place:
        place.add("sr", srvgg(16), task="upscale", scale=4)
        if wanted("kinds") or wanted("lanes") or wanted("memory"):
            with darkroom(place) as service:
                kinds = Kinds(service, place.folder, 4 if quick else 1)
                if wanted("kinds"):
                    kinds_alone(service, kinds, (1, 2) if quick else (1, 4, 16), 0.3 if quick else 8.0)
                if wanted("lanes"):
                    beside_a_network(service, kinds, 1 if quick else 4, 0.5 if quick else 10.0)
                if wanted("memory"):
                    over_time(service, kinds, 2 if quick else 600 if chosen.full else 60)
        if chosen.thumbor and wanted("thumbor"):
            against_thumbor(place, chosen.thumbor, (1, 4, 8), 1 if quick else 3, 0.5 if quick else 6.0)


if __name__ == "__main__":
    main()
