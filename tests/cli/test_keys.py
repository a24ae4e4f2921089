"""``darkroom keys``: a key is shown once, and works until it is revoked. Two seconds."""

from __future__ import annotations

import json
import re
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
    assert "revoked" in " ".join(darkroom("keys", "list")[1].split())


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
