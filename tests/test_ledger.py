"""The ledger: written before, completed after, shared by processes, and never silently not written."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from darkroom.errors import LedgerUnwritable
from darkroom.ledger import Entry, Ledger, now


def entry(**changes: object) -> Entry:
    values: dict[str, object] = {
        "at": now(),
        "purpose": "model",
        "method": "GET",
        "scheme": "https",
        "host": "example.org",
        "port": 443,
        "path": "/a",
        "address": "1.1.1.1",
        "what": "",
        "job": "",
    }
    return Entry(**{**values, **changes})  # type: ignore[arg-type]


def test_a_connection_is_there_before_it_is_made(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "folder" / "ledger.sqlite3")
    assert list(ledger.entries()) == []
    number = ledger.begin(entry())
    assert [found.outcome for found in ledger.entries()] == ["started"]
    ledger.end(number, sent=3, received=5, status=200, outcome="done")
    (found,) = ledger.entries()
    assert (found.sent, found.received, found.status, found.outcome, found.host) == (3, 5, 200, "done", "example.org")


def test_filters(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    old = (datetime.now(UTC) - timedelta(days=10)).isoformat(timespec="milliseconds")
    ledger.begin(entry(at=old))
    ledger.begin(entry(purpose="cloud"))
    assert len(list(ledger.entries())) == 2
    assert [found.purpose for found in ledger.entries(since=datetime.now(UTC) - timedelta(days=1))] == ["cloud"]
    assert [found.at for found in ledger.entries(purpose="model")] == [old]


def test_several_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    program = (
        "import sys; from pathlib import Path; from darkroom.ledger import Entry, Ledger, now\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for index in range(25):\n"
        "    number = ledger.begin(Entry(now(), 'model', 'GET', 'https', 'h', 443, '/', '', '', sys.argv[2]))\n"
        "    ledger.end(number, sent=index, received=0, status=200, outcome='done')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(path), str(job)]) for job in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    found = list(Ledger(path).entries())
    assert len(found) == 75
    assert all(one.outcome == "done" for one in found)


def test_what_cannot_be_written_down_is_not_done(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is no database, and it is longer than a header of one would be" * 20)
    with pytest.raises(LedgerUnwritable, match=r"example\.org was not contacted"):
        Ledger(path).begin(entry())
    with pytest.raises(LedgerUnwritable, match="cannot be read"):
        list(Ledger(path).entries())
