"""Worker processes: what goes well, and what a crash, a hang, a flood of memory and hostile files cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from darkroom.errors import Cancelled, CorruptImage, DarkroomError, InputNotFound, LimitExceeded, TimedOut, WorkerDied
from darkroom.image import Encoding, Image
from darkroom.jobs.worker import WorkerPool
from darkroom.pipeline import Pipeline
from darkroom.processing import Request
from darkroom.settings import Settings

MISBEHAVIOUR = '''
import os, time
from darkroom.operation import Operation, _registry

class Misbehave(Operation, name="misbehave"):
    """Do what a broken native library would do."""
    how: str = "crash"

    def apply(self, image, context):
        context.progress(0.5, "misbehaving")
        if self.how == "crash":
            os.abort()
        if self.how == "hang":
            time.sleep(600)
        if self.how == "raise":
            raise ZeroDivisionError("a fault")
        if self.how == "wait":
            for _ in range(6000):
                context.check_cancelled()
                time.sleep(0.01)
        return image

_registry.pop("misbehave")  # known to this test only
'''


@pytest.fixture
def misbehave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pipeline]:
    """An operation from a module that the worker can import too, because the path of modules goes with it."""
    (tmp_path / "misbehaviour.py").write_text(MISBEHAVIOUR)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "misbehaviour", raising=False)
    from misbehaviour import Misbehave  # type: ignore[import-not-found]

    return lambda how: Pipeline([Misbehave(how=how)])


@pytest.fixture(scope="module")
def png() -> bytes:
    import numpy as np

    from darkroom import codecs

    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    return codecs.encode(Image.from_array(pixels), Encoding(format="png"), warnings=[]).data


def limited(**limits: float) -> Settings:
    return Settings().with_changes({f"limits.{name}": value for name, value in limits.items()})


class TestAJob:
    def test_gives_back_bytes_and_report(self, settings: Settings, png: bytes) -> None:
        seen: list[float] = []
        with WorkerPool(settings) as pool:
            job = pool.submit(
                Request(png, Pipeline([]), Encoding(format="jpeg"), name="a.png"),
                on_progress=lambda fraction, _: seen.append(fraction),
            )
            outcome = job.result(30)
        assert outcome.data is not None
        assert outcome.data.startswith(b"\xff\xd8")
        assert outcome.report.input is not None
        assert (outcome.report.input.width, outcome.report.input.height) == (60, 40)
        assert outcome.report.output is not None
        assert outcome.report.output.bytes == len(outcome.data)
        assert seen == sorted(seen)
        assert seen[-1] == 1.0

    def test_or_writes_a_file_whole(self, settings: Settings, png: bytes, tmp_path: Path) -> None:
        source, target = tmp_path / "in.png", tmp_path / "out.jpg"
        source.write_bytes(png)
        with WorkerPool(settings) as pool:
            outcome = pool.submit(Request(source, Pipeline([]), Encoding(format="jpeg")), output=target).result(30)
        assert outcome.data is None
        assert outcome.path == target
        assert outcome.report.output is not None
        assert target.stat().st_size == outcome.report.output.bytes
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.png", "out.jpg"]

    def test_fails_with_the_error_that_the_path_raised(self, settings: Settings, tmp_path: Path) -> None:
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing")
        with WorkerPool(settings) as pool:
            with pytest.raises(CorruptImage, match=r"broken\.png") as raised:
                pool.submit(Request(broken, Pipeline([]))).result(30)
            with pytest.raises(InputNotFound):
                pool.submit(Request(tmp_path / "absent.png", Pipeline([]))).result(30)
            (worker,) = pool.pids
        assert "Traceback" in "".join(raised.value.__notes__), "--debug needs to show where"
        assert worker

    def test_keeps_its_worker_for_the_next(self, settings: Settings, png: bytes) -> None:
        with WorkerPool(settings) as pool:
            pool.submit(Request(png, Pipeline([]))).result(30)
            before = pool.pids
            started = time.perf_counter()
            pool.submit(Request(png, Pipeline([]))).result(30)
            assert time.perf_counter() - started < 1.0
            assert pool.pids == before

    def test_of_an_open_picture_is_refused(self, settings: Settings) -> None:
        import numpy as np

        with WorkerPool(settings) as pool, pytest.raises(TypeError):
            pool.submit(Request(Image.from_array(np.zeros((2, 2, 3), np.uint8)), Pipeline([])))


class TestAWorkerThat:
    def assert_lives_on(self, pool: WorkerPool, png: bytes) -> None:
        assert pool.submit(Request(png, Pipeline([]))).result(30).data

    def test_crashes_costs_its_job_only(self, settings: Settings, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(settings) as pool:
            good = pool.submit(Request(png, Pipeline([])))
            bad = pool.submit(Request(png, misbehave("crash"), name="bad.png"))
            after = pool.submit(Request(png, Pipeline([])))
            assert good.result(30).data
            with pytest.raises(WorkerDied, match=r"SIGABRT while working on bad\.png"):
                bad.result(30)
            assert after.result(30).data

    def test_is_killed_costs_its_job_only(self, settings: Settings, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(settings) as pool:
            started: list[str] = []
            job = pool.submit(Request(png, misbehave("hang")), on_progress=lambda _, doing: started.append(doing))
            until(lambda: "misbehaving" in started)
            os.kill(pool.pids[0], signal.SIGKILL)
            with pytest.raises(WorkerDied, match="SIGKILL"):
                job.result(30)
            self.assert_lives_on(pool, png)

    def test_dies_between_jobs_costs_nothing(self, settings: Settings, png: bytes) -> None:
        with WorkerPool(settings) as pool:
            self.assert_lives_on(pool, png)
            worker = psutil.Process(pool.pids[0])
            worker.kill()
            until(lambda: not alive(worker))
            self.assert_lives_on(pool, png)

    def test_dies_as_a_job_is_handed_over_costs_nothing(self, settings: Settings, png: bytes) -> None:
        """The system may say only later that a process is gone: the job has not begun, and goes to the next worker."""
        with WorkerPool(settings) as pool:
            self.assert_lives_on(pool, png)
            for _ in range(3):
                os.kill(pool.pids[0], signal.SIGKILL)
                self.assert_lives_on(pool, png)

    def test_hangs_is_stopped_at_the_limit(self, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(limited(job_seconds=1.0)) as pool:
            self.assert_lives_on(pool, png)
            started = time.perf_counter()
            with pytest.raises(TimedOut, match="longer than 1 seconds"):
                pool.submit(Request(png, misbehave("hang"))).result(30)
            assert time.perf_counter() - started < 3.0
            self.assert_lives_on(pool, png)

    def test_is_frozen_by_the_system_is_stopped_too(self, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(limited(job_seconds=2.0)) as pool:
            started: list[str] = []
            job = pool.submit(Request(png, misbehave("wait")), on_progress=lambda _, doing: started.append(doing))
            until(lambda: "misbehaving" in started)
            os.kill(pool.pids[0], signal.SIGSTOP)
            with pytest.raises(TimedOut):
                job.result(30)
            self.assert_lives_on(pool, png)

    def test_hangs_while_decoding_is_stopped_at_the_limit_for_that(self, png: bytes, tmp_path: Path) -> None:
        pipe = tmp_path / "endless.png"
        os.mkfifo(pipe)  # whoever opens it waits for a writer that never comes
        with WorkerPool(limited(decode_seconds=0.5)) as pool:
            with pytest.raises((TimedOut, DarkroomError), match=r"endless\.png"):
                pool.submit(Request(pipe, Pipeline([]))).result(30)
            self.assert_lives_on(pool, png)

    def test_raises_what_it_should_not_says_so(self, settings: Settings, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(settings) as pool:
            with pytest.raises(DarkroomError, match="ZeroDivisionError: a fault") as raised:
                pool.submit(Request(png, misbehave("raise"))).result(30)
            assert raised.value.code == "error"
            assert 'raise ZeroDivisionError("a fault")' in "".join(raised.value.__notes__)
            self.assert_lives_on(pool, png)


def test_decoding_that_needs_too_much_memory_is_refused(settings: Settings, png: bytes) -> None:
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    side = 9000
    header = side.to_bytes(4, "big") * 2 + bytes([16, 6, 0, 0, 0])
    pixels = zlib.compressobj(9)
    row = bytes(1 + side * 8)
    data = b"".join(pixels.compress(row) for _ in range(side)) + pixels.flush()
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    allowed = 200_000_000
    assert len(bomb) < 1_000_000, "half a megabyte that becomes 648 megabytes"
    with WorkerPool(limited(decode_memory=allowed)) as pool:
        pool.submit(Request(png, Pipeline([]))).result(30)
        before = peak_memory(pool.pids[0])
        worker = pool.pids[0]
        with pytest.raises(LimitExceeded, match="200 MB of memory"):
            pool.submit(Request(bomb, Pipeline([]), name="bomb.png")).result(30)
        if pool.pids == [worker]:
            assert peak_memory(worker) - before < allowed
        assert pool.submit(Request(png, Pipeline([]))).result(30).data


class TestCancelling:
    def test_stops_a_job_and_keeps_the_worker(self, settings: Settings, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(settings) as pool:
            started: list[str] = []
            job = pool.submit(Request(png, misbehave("wait")), on_progress=lambda _, doing: started.append(doing))
            until(lambda: "misbehaving" in started)
            before = pool.pids
            job.cancel()
            with pytest.raises(Cancelled):
                job.result(5)
            assert pool.submit(Request(png, Pipeline([]))).result(30).data
            assert pool.pids == before

    def test_keeps_a_waiting_job_from_starting(self, settings: Settings, png: bytes, misbehave: Callable) -> None:
        with WorkerPool(settings) as pool:
            first = pool.submit(Request(png, misbehave("wait")))
            second = pool.submit(Request(png, Pipeline([])))
            second.cancel()
            first.cancel()
            with pytest.raises(Cancelled, match="before it started"):
                second.result(30)

    def test_whoever_cancels_the_future_takes_no_worker_away(
        self, settings: Settings, png: bytes, misbehave: Callable
    ) -> None:
        """As asyncio does with what it has wrapped, when whoever waits is cancelled."""
        with WorkerPool(settings) as pool:
            started: list[str] = []
            job = pool.submit(Request(png, misbehave("wait")), on_progress=lambda _, doing: started.append(doing))
            until(lambda: "misbehaving" in started)
            waiting = pool.submit(Request(png, Pipeline([])))
            assert not job.future.cancel(), "a job that has begun is stopped by its own cancel"
            assert waiting.future.cancel()
            waiting.cancel()
            job.cancel()
            assert pool.submit(Request(png, Pipeline([]))).result(30).data

    def test_closing_the_pool_ends_everything_at_once(
        self, settings: Settings, png: bytes, misbehave: Callable
    ) -> None:
        with WorkerPool(settings, workers=2) as pool:
            jobs = [pool.submit(Request(png, misbehave("hang"))) for _ in range(4)]
            until(lambda: len(pool.pids) == 2)
            workers = [psutil.Process(pid) for pid in pool.pids]
        for job in jobs:
            with pytest.raises(Cancelled):
                job.result(5)
        assert not any(worker.is_running() for worker in workers)
        with pytest.raises(RuntimeError):
            pool.submit(Request(png, Pipeline([])))


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = """
        import sys, time
        from darkroom.jobs.worker import WorkerPool
        from darkroom.settings import Settings
        pool = WorkerPool(Settings(), workers=2)
        while len(pool.pids) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        print(*pool.pids, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
    until(lambda: not any(alive(worker) for worker in workers))


def test_every_hostile_file_ends_soon_in_a_clear_word_and_the_pool_lives_on(
    pictures: Path, settings: Settings, png: bytes
) -> None:
    files = sorted((pictures / "hostile").iterdir())
    assert len(files) > 50
    verdicts: dict[str, str] = {}
    with WorkerPool(settings) as pool:
        pool.submit(Request(png, Pipeline([]))).result(30)
        for file in files:
            before, worker = peak_memory(pool.pids[0]), pool.pids[0]
            started = time.perf_counter()
            job = pool.submit(Request(file, Pipeline([]), Encoding(format="png")))
            try:
                outcome = job.result(30)
                assert outcome.data is not None
                assert outcome.data.startswith(b"\x89PNG")
                verdicts[file.name] = "decoded"
            except DarkroomError as error:
                verdicts[file.name] = error.code if file.name in error.message else f"unclear: {error.message}"
            assert time.perf_counter() - started < 10.0, file.name
            if pool.pids == [worker]:
                assert peak_memory(worker) - before < 1_000_000_000, file.name
            else:
                until(lambda: bool(pool.pids))
        assert pool.submit(Request(png, Pipeline([]))).result(30).data
    assert set(verdicts.values()) <= {
        "decoded", "corrupt_image", "limit_exceeded", "unsupported_format", "timed_out", "worker_died"
    }, verdicts  # fmt: skip


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def peak_memory(pid: int) -> int:
    """The most resident memory the process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not say")
