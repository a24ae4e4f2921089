"""What the service cannot be offline with. Contacts nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom.database.connection import Database
from darkroom.errors import SettingsConflict
from darkroom.server.parts import refuse_offline
from darkroom.server.telemetry import Telemetry
from darkroom.settings import Settings


def refuse(**changes: object) -> None:
    """Of settings whose names have two underscores for a dot."""
    settings = Settings().with_changes({name.replace("__", "."): value for name, value in changes.items()})
    database = Database(settings.database.url.get_secret_value())
    refuse_offline(settings, database, Telemetry.from_settings(settings))
    database.close()


ELSEWHERE = [
    ("database__url", "postgresql+psycopg://darkroom@db.example/darkroom"),
    ("database__url", "postgresql+psycopg:///darkroom?host=127.0.0.1,192.0.2.1"),
    ("jobs__broker_url", "rediss://redis.example/0"),
    ("storage__kind", "s3"),
    ("storage__kind", "both"),
    ("server__telemetry", "https://traces.example"),
]


@pytest.mark.parametrize(("name", "value"), ELSEWHERE)
def test_what_is_not_on_this_machine(name: str, value: str) -> None:
    with pytest.raises(SettingsConflict, match=name.replace("__", r"\.")) as raised:
        refuse(offline=True, **{name: value})
    assert raised.value.field == "offline"
    assert "example" not in raised.value.message, "where it is is nobody's business"
    refuse(offline=False, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database__url", "sqlite:////nowhere/darkroom.sqlite3"),
        ("database__url", "postgresql+psycopg://darkroom@localhost/darkroom"),
        ("database__url", "postgresql+psycopg:///darkroom?host=/run/postgresql"),
        ("jobs__broker_url", "redis://127.0.0.1:6379/0"),
        ("jobs__broker_url", "redis+socket:///run/redis.sock"),
        ("server__telemetry", "http://[::1]:4318"),
    ],
)
def test_what_is(name: str, value: str, tmp_path: Path) -> None:
    refuse(offline=True, **{name: value.replace("/nowhere", str(tmp_path))})
