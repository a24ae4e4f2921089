"""``darkroom clean``: says what goes, and does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from darkroom.database.connection import Database
from darkroom.database.leases import Lease
from darkroom.database.schema import JobRow, now
from darkroom.jobs.store import JobStore
from darkroom.settings import Settings

Call = Callable[..., tuple[int, str, str]]


def database() -> Database:
    made = Database(Settings().database.url.get_secret_value())
    made.migrate()
    return made


def with_an_old_job() -> JobStore:
    own = database()
    with own.session() as session:
        session.add(JobRow(state="failed", operations=[], finished=now() - timedelta(days=40)))
    return JobStore(own)


def test_usually_nothing(darkroom: Call) -> None:
    assert darkroom("clean") == (0, "Nothing was to go.\n", "")
    assert darkroom("clean", "--dry-run") == (0, "Nothing is to go.\n", "")


def test_first_looking_then_doing(darkroom: Call) -> None:
    jobs = with_an_old_job()
    code, out, _ = darkroom("clean", "--dry-run")
    assert (code, out.split()) == (0, ["This", "would", "go:", "1", "jobs"])
    assert jobs.depth() == {"failed": 1}
    code, out, _ = darkroom("clean", "--json")
    assert code == 0
    assert json.loads(out)["forgotten"]["jobs"] == 1
    assert jobs.depth() == {}


def test_while_another_server_is_at_it(darkroom: Call) -> None:
    assert Lease(database(), "housekeeping", 60).take()
    code, out, said = darkroom("clean")
    assert (code, out) == (0, "")
    assert "Another server" in said


def test_what_could_not_be_done_is_said(darkroom: Call) -> None:
    folder = Settings().storage.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"no folder")
    with_an_old_job()
    code, out, said = darkroom("clean")
    assert code == 1
    assert "1  jobs" in out
    assert str(folder) in said
