"""One budget of memory for all workers of a program: what fits goes on, what does not waits. 20 seconds."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.conftest import png, until

from darkroom.errors import Cancelled, LimitExceeded, TimedOut, WorkerDied
from darkroom.jobs.budget import Budget, Share
from darkroom.jobs.worker import WAITING, Job, WorkerPool
from darkroom.pipeline import PROGRAM, Pipeline
from darkroom.processing import Request
from darkroom.settings import Settings

MB = 1_000_000


def had(share: Share) -> bool:
    return share.wait(0.0)


class TestABudget:
    def test_is_had_by_who_fits_in_the_order_of_asking(self) -> None:
        budget = Budget(100)
        first, second, third = budget.ask(60), budget.ask(60), budget.ask(60)
        assert [had(share) for share in (first, second, third)] == [True, False, False]
        first.end()
        assert [had(share) for share in (second, third)] == [True, False]
        second.end()
        assert had(third)

    def test_lets_small_ones_pass_a_large_one_that_waits(self) -> None:
        budget = Budget(100)
        budget.ask(60)
        large = budget.ask(80)
        assert [had(budget.ask(10)), had(budget.ask(10)), had(large)] == [True, True, False]

    def test_is_not_kept_from_a_large_one_by_small_ones_without_end(self) -> None:
        """Those that pass it leave room for it, whatever comes after them."""
        budget = Budget(100)
        first, large = budget.ask(60), budget.ask(80)
        passing = [budget.ask(10) for _ in range(9)]
        assert sum(had(share) for share in passing) == 2
        first.end()
        assert had(large), "beside the two that have passed it"
        assert sum(had(share) for share in passing) == 2
        large.end()
        assert all(had(share) for share in passing)

    def test_counts_what_asked_before_as_what_will_end(self) -> None:
        budget = Budget(100)
        one, two = budget.ask(50), budget.ask(40)
        large, small = budget.ask(100), budget.ask(5)
        assert not had(small), "it would be in the way of who waits for all"
        one.end()
        assert [had(large), had(small)] == [False, False]
        two.end()
        assert [had(large), had(small)] == [True, False]

    def test_gives_all_to_who_asks_for_more_than_there_is(self) -> None:
        budget = Budget(100)
        one = budget.ask(10)
        greedy = budget.ask(1000)
        assert not had(greedy)
        one.end()
        assert had(greedy)
        assert not had(budget.ask(1))

    def test_is_waited_for_no_more_by_who_has_left(self) -> None:
        budget = Budget(100)
        first, left, third = budget.ask(60), budget.ask(100), budget.ask(20)
        assert not had(third)
        left.end()
        assert had(third)
        left.end()
        first.end()
        assert had(budget.ask(80))

    def test_is_there_the_moment_it_is_given_back(self) -> None:
        budget = Budget(100)
        first, second = budget.ask(100), budget.ask(100)
        threading.Timer(0.2, first.end).start()
        started = time.monotonic()
        assert second.wait(10)
        assert 0.1 < time.monotonic() - started < 2.0


HOLDING = '''
import pathlib, time
from darkroom.operation import Operation, _registry

class Hold(Operation, name="hold"):
    """Take memory, as it says at least, until a file is there."""
    megabytes: int = 0
    until: str = ""

    def working_memory(self, picture, models):
        return self.megabytes * 1_000_000

    def apply(self, image, context):
        context.progress(0.5, "holding")
        while not pathlib.Path(self.until).exists():
            context.check_cancelled()
            time.sleep(0.01)
        return image

_registry.pop("hold")  # known to this test only
'''


class Program:
    """Two pools, as lanes are, within one budget of 1000 MB besides the programs of three workers."""

    def __init__(self, folder: Path, kind: Any) -> None:
        self._folder = folder
        self._kind = kind
        self.settings = Settings().with_changes({"limits.memory": 1000 * MB + 3 * PROGRAM, "limits.job_seconds": 5.0})
        budget = Budget.from_settings(self.settings)
        self.light = WorkerPool(self.settings, budget=budget)
        self.heavy = WorkerPool(self.settings, workers=2, budget=budget)
        self._png = png()
        self.doing: dict[str, list[str]] = {}

    def submit(self, pool: WorkerPool, name: str, megabytes: int) -> Job:
        """Work that takes so much until :meth:`let_go`."""
        said = self.doing.setdefault(name, [])
        operation = self._kind(megabytes=megabytes, until=str(self._folder / name))
        return pool.submit(
            Request(self._png, Pipeline([operation]), name=name), on_progress=lambda _, doing: said.append(doing)
        )

    def let_go(self, name: str) -> None:
        (self._folder / name).touch()

    def holds(self, name: str) -> bool:
        return "holding" in self.doing[name]

    def waits(self, name: str) -> bool:
        return WAITING in self.doing[name]

    def close(self) -> None:
        self.light.close()
        self.heavy.close()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    (tmp_path / "holding.py").write_text(HOLDING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "holding", raising=False)
    from holding import Hold  # type: ignore[import-not-found]

    made = Program(tmp_path, Hold)
    yield made
    made.close()


class TestWorkersOfAProgram:
    def test_run_one_after_the_other_where_both_do_not_fit_and_light_work_passes(self, program: Program) -> None:
        first = program.submit(program.heavy, "first", 700)
        until(lambda: program.holds("first"))
        second = program.submit(program.heavy, "second", 700)
        until(lambda: program.waits("second"))
        light = program.submit(program.light, "light", 10)
        program.let_go("light")
        assert light.result(30).data
        assert not program.waits("light")
        assert not program.holds("second")
        program.let_go("first")
        assert first.result(30).data
        until(lambda: program.holds("second"))
        program.let_go("second")
        assert second.result(30).data

    def test_run_beside_each_other_where_both_fit(self, program: Program) -> None:
        jobs = [program.submit(program.heavy, name, 400) for name in ("first", "second")]
        until(lambda: program.holds("first") and program.holds("second"))
        for name in ("first", "second"):
            program.let_go(name)
        assert all(job.result(30).data for job in jobs)

    def test_refuse_what_would_not_fit_alone(self, program: Program) -> None:
        limit = program.settings.limits.most_memory() // MB
        with pytest.raises(LimitExceeded, match=rf"needs up to \d+ MB of memory; the limit is {limit}"):
            program.submit(program.heavy, "large", 10_000).result(30)

    @pytest.mark.parametrize("how", ["killed", "too slow"])
    def test_give_their_share_back_when_they_have_to_go(self, program: Program, how: str) -> None:
        first = program.submit(program.light, "first", 700)
        until(lambda: program.holds("first"))
        second = program.submit(program.heavy, "second", 700)
        until(lambda: program.waits("second"))
        os.kill(program.light.pids[0], signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        with pytest.raises(WorkerDied if how == "killed" else TimedOut):
            first.result(30)
        program.let_go("second")
        assert second.result(30).data

    def test_do_not_count_the_time_that_they_wait(self, program: Program) -> None:
        """The second is there for longer than a job may take."""
        first = program.submit(program.heavy, "first", 700)
        until(lambda: program.holds("first"))
        second = program.submit(program.heavy, "second", 700)
        until(lambda: program.waits("second"))
        time.sleep(3.0)
        program.let_go("first")
        assert first.result(30).data
        time.sleep(2.5)
        program.let_go("second")
        assert second.result(30).data

    def test_stop_waiting_at_once_for_what_is_cancelled(self, program: Program) -> None:
        first = program.submit(program.heavy, "first", 700)
        until(lambda: program.holds("first"))
        second = program.submit(program.light, "second", 700)
        until(lambda: program.waits("second"))
        before = program.light.pids
        second.cancel()
        with pytest.raises(Cancelled, match="second was cancelled while it waited for memory"):
            second.result(3)
        program.let_go("third")
        assert program.submit(program.light, "third", 10).result(30).data
        assert program.light.pids == before
        assert not program.waits("third"), "nobody keeps a place for who has left"
        program.let_go("first")
        assert first.result(30).data

    def test_that_die_while_they_wait_leave_no_trace(self, program: Program) -> None:
        first = program.submit(program.heavy, "first", 700)
        until(lambda: program.holds("first"))
        second = program.submit(program.light, "second", 900)
        until(lambda: program.waits("second"))
        os.kill(program.light.pids[0], signal.SIGKILL)
        with pytest.raises(WorkerDied):
            second.result(30)
        program.let_go("first")
        assert first.result(30).data
        program.let_go("third")
        assert program.submit(program.heavy, "third", 1000).result(30).data
