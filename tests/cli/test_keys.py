"""``darkroom keys``: a key is shown once, and works until it is revoked. Two seconds."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from darkroom.database.connection import Database
from darkroom.database.schema import now
from darkroom.server.keys import KeyStore
from darkroom.settings import load_settings

Call = Callable[..., tuple[int, str, str]]


def verify(text: str) -> frozenset[str] | None:
    database = Database(load_settings().database.url.get_secret_value())
    found = KeyStore(database).verify(text)
    database.close()
    return found.scopes if found is not None else None


def test_a_key_is_printed_once_and_works(darkroom: Call) -> None:
    code, out, said = darkroom("keys", "create", "the shop")
    assert code == 0
    assert re.fullmatch(r"dk_[A-Za-z0-9_-]{43}\n", out), "the key alone, so that a script can take it"
    assert "shown only now" in said
    assert "for ever" in said
    assert verify(out.strip()) == {"read", "write"}
    code, out_list, _ = darkroom("keys", "list", "--json")
    assert out.strip() not in out_list
    (listed,) = json.loads(out_list)
    assert (listed["name"], listed["shown"], listed["revoked"]) == ("the shop", out[:7], None)


def test_scopes_and_days(darkroom: Call) -> None:
    made = json.loads(
        darkroom("keys", "create", "x", "--scope", "admin", "--scope", "read", "--days", "90", "--json")[1]
    )
    assert verify(made["key"]) == {"read", "admin"}
    left = datetime.fromisoformat(made["expires"]) - now()
    assert timedelta(days=89.9) < left <= timedelta(days=90)


def test_revoked_by_what_the_list_shows(darkroom: Call) -> None:
    made = json.loads(darkroom("keys", "create", "x", "--json")[1])
    assert darkroom("keys", "revoke", made["shown"])[0] == 0
    assert verify(made["key"]) is None
    assert json.loads(darkroom("keys", "revoke", made["id"], "--json")[1])["revoked"]
    assert "revoked" in darkroom("keys", "list")[1]


def on_a_terminal(columns: int) -> list[str]:
    """The lines of `darkroom keys list` there."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "darkroom", "keys", "list"]
    subprocess.run(words, stdout=theirs, env=os.environ | {"COLUMNS": str(columns)}, check=True, timeout=60)
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:
        return terminal.read(100_000).decode().splitlines()


def test_listed_one_to_a_line_with_its_whole_id(darkroom: Call) -> None:
    names = ["the shop", "a name\nof two lines", "long " * 30]
    scopes = [word for scope in ("read", "write", "models", "admin") for word in ("--scope", scope)]
    made = [json.loads(darkroom("keys", "create", name, *scopes, "--days", "9", "--json")[1]) for name in names]
    piped = darkroom("keys", "list")[1].splitlines()
    for lines in (piped, on_a_terminal(80), on_a_terminal(200)):
        assert [line.split()[0] for line in lines] == ["id", *(key["id"] for key in reversed(made))]
        assert all(key["shown"] in "\n".join(lines) for key in made)
    assert max(map(len, on_a_terminal(80))) == 80
    assert "last used" not in on_a_terminal(80)[0]
    assert "last used" in piped[0]
    assert ("long " * 30).strip() in piped[1]


def test_a_database_elsewhere_is_asked_by_the_one_door(darkroom: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_DATABASE__URL", "postgresql+psycopg://darkroom@192.0.2.1/darkroom")
    monkeypatch.setenv("DARKROOM_OFFLINE", "true")
    code, _, said = darkroom("keys", "list")
    assert code == 69
    assert "192.0.2.1 was not contacted (database)" in said


def test_there_is_none_at_first(darkroom: Call) -> None:
    code, out, _ = darkroom("keys", "list")
    assert code == 0
    assert "There is no key" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", "x", "--scope", "root"), 64, "read, write, models, admin"),
        (("create", " "), 64, "name"),
        (("create", "x", "--days", "0"), 64, "days"),
        (("revoke", "nobody"), 66, "key_not_found"),
    ],
)
def test_what_is_wrong_is_said(darkroom: Call, words: tuple[str, ...], code: int, said: str) -> None:
    found, _, error = darkroom("keys", *words)
    assert found == code
    assert said in error
