"""``darkroom keys``: API keys of the service, made, listed and revoked."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from darkroom.database.schema import KeyRow
    from darkroom.server.keys import KeyStore

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@contextmanager
def _store() -> Generator[KeyStore]:
    from darkroom.database.connection import Database
    from darkroom.server.keys import KeyStore
    from darkroom.settings import load_settings

    database = Database(load_settings().database.url.get_secret_value())
    try:
        database.migrate()
        yield KeyStore(database)
    finally:
        database.close()


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it: who will use it, and for what.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may: read, write, models or admin; several times for several. Without: read, write."
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0.001, max=36_500, help="How long it is good; for ever without.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it: only its hash is kept, so it is shown only now."""
    from darkroom.database.schema import now

    with _store() as store:
        expires = now() + timedelta(days=days) if days is not None else None
        text, row = store.create(name, scope or ["read", "write"], expires)
    if as_json:
        print(json.dumps({**_as_dict(row), "key": text}, indent=2))
        return
    print(text)
    about = f"The key {row.id} of {row.name} ({', '.join(row.scopes)}) is good {_until(row)}."
    print(f"{about} It is shown only now: keep it.", file=sys.stderr)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all keys, also those that are good no more; never the keys themselves."""
    with _store() as store:
        found = store.listed()
    if as_json:
        print(json.dumps([_as_dict(row) for row in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False)
    if not found:
        console.print("There is no key: make one with `darkroom keys create NAME`.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("id", "begins with", "name", "may", "made", "last used", "good"):
        table.add_column(head, no_wrap=head == "id", overflow="fold")
    for row in found:
        table.add_row(
            row.id, row.shown, row.name, ", ".join(row.scopes), _day(row.created), _day(row.used), _until(row)
        )
    console.print(table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, the characters that it begins with, or all of it.")],
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on; servers that run follow within five seconds."""
    with _store() as store:
        row = store.revoke(key)
    print(json.dumps(_as_dict(row), indent=2) if as_json else f"The key {row.id} of {row.name} is revoked.")


def _as_dict(row: KeyRow) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in ("created", "expires", "revoked", "used")}
    return {
        "id": row.id,
        "name": row.name,
        "shown": row.shown,
        "scopes": row.scopes,
        **{name: time.isoformat() if time is not None else None for name, time in times.items()},
    }


def _until(row: KeyRow) -> str:
    if row.revoked is not None:
        return f"no more, revoked {_day(row.revoked)}"
    return "for ever" if row.expires is None else f"until {_day(row.expires)}"


def _day(time: datetime | None) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if time is not None else "never"
