"""Killed at random moments, with what they stand on: no accepted job is lost, and none is finished twice.

About a minute. scripts/kills.py does the same for as long as one likes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.jobs.killing import Siege
from tests.servers import Postgres, Redis, running

pytestmark = pytest.mark.alone


def test_the_service_by_itself(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """SQLite, the service with its lanes, and one worker beside it."""
    figures = Siege(tmp_path, pace=0.02).run(kills=10, jobs=40, seconds=120)
    print(figures)
    record_property("figures", str(figures))
    assert figures.faults == []


def test_several_machines(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """PostgreSQL and Redis, which are killed too, the service and two workers."""
    # Servers of its own, since others use those of the session.
    with running(Postgres) as postgres, running(Redis) as redis:
        siege = Siege(tmp_path, postgres=postgres, redis=redis, workers=2, pace=0.02)
        figures = siege.run(kills=25, jobs=200, seconds=180)
    print(figures)
    record_property("figures", str(figures))
    assert figures.faults == []
    assert figures.kills.keys() == {"service", "worker", "process", "redis", "postgresql"}, "all of them were killed"
