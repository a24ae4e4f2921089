"""``darkroom keys``: API keys of the service, made, listed and revoked."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Generator, Sequence
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

    database = Database.from_settings(load_settings())
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
    if not found:
        print("There is no key: make one with `darkroom keys create NAME`.")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in _table(found, width):
        print(line)


def _table(rows: Sequence[KeyRow], width: int | None) -> list[str]:
    """A head, and a line for each key. Of ``width`` letters at most: what has no room is left out.

    Ids are always whole, since they are what a key is revoked by.
    """
    columns = {
        "id": [row.id for row in rows],
        "begins": [row.shown for row in rows],
        "good": [_good(row) for row in rows],
        "may": [" ".join(row.scopes) for row in rows],
        "name": ["".join(letter if letter.isprintable() else " " for letter in row.name) for row in rows],
        "last used": [_day(row.used) for row in rows],
        "made": [_day(row.created) for row in rows],
    }
    widths = {head: max(map(len, [head, *cells])) for head, cells in columns.items()}
    for head in ("made", "last used"):
        if width is not None and sum(widths.values()) + 2 * (len(widths) - 1) > width:
            del widths[head]
    lines = [
        "  ".join(text.ljust(widths[head]) for text, head in zip(line, widths, strict=True)).rstrip()
        for line in zip(*([head, *columns[head]] for head in widths), strict=True)
    ]
    return [line if width is None or len(line) <= width else f"{line[: width - 1]}…" for line in lines]


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
    return "for ever" if row.expires is None else f"until {_day(row.expires)}"


def _good(row: KeyRow) -> str:
    """Until which day, or that it is no more."""
    from darkroom.database.schema import now

    if row.revoked is not None:
        return "revoked"
    if row.expires is None:
        return "for ever"
    return _day(row.expires) if row.expires > now() else "over"


def _day(time: datetime | None) -> str:
    return f"{time.astimezone():%Y-%m-%d}" if time is not None else "never"
