"""``darkroom egress``: what left this machine, when, to whom, why, and how much of it."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.egress import PURPOSES
from darkroom.errors import InvalidParameters

if TYPE_CHECKING:
    from darkroom.ledger import Entry

app = typer.Typer()
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command()
def egress(
    since: Annotated[
        str | None, typer.Option(help="Only from then on: 30m, 12h, 7d, 2w, or a date such as 2026-11-20.")
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(help=f"Only for this purpose: {', '.join(PURPOSES)}."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table that spreadsheets read.")] = False,
) -> None:
    """Show every connection that Darkroom made from this machine."""
    from darkroom.ledger import COLUMNS, Ledger
    from darkroom.settings import load_settings

    if purpose is not None and purpose not in PURPOSES:
        raise InvalidParameters(f"There is no purpose {purpose!r}.", cure=f"Known: {', '.join(PURPOSES)}.")
    ledger = Ledger(load_settings().egress.ledger)
    found = list(ledger.entries(since=_time(since), purpose=purpose))
    if as_json:
        print(json.dumps([asdict(entry) for entry in found], indent=2))
    elif as_csv:
        written = csv.DictWriter(sys.stdout, COLUMNS)
        written.writeheader()
        written.writerows(asdict(entry) for entry in found)
    else:
        _show(found, str(ledger.path))


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    ago = re.fullmatch(r"([0-9]+)([mhdw])", text.strip())
    try:
        if ago is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise InvalidParameters(
            f"--since {text} is no time.", cure="Write 30m, 12h, 7d, 2w or a date such as 2026-11-20."
        ) from error


def _show(found: Sequence[Entry], path: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False)
    if not found:
        console.print("Nothing: no connection was made from this machine.")
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("when", "purpose", "to", "sent", "received", "how it ended", "what was sent"):
            table.add_column(column, justify="right" if column in ("sent", "received") else "left")
        for entry in found:
            when = datetime.fromisoformat(entry.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
            ended = f"{entry.outcome}, {entry.status}" if entry.status else entry.outcome
            place = f"{entry.host}:{entry.port}{entry.path}"
            table.add_row(when, entry.purpose, place, str(entry.sent), str(entry.received), ended, entry.what)
        console.print(table)
        sent, received = sum(entry.sent for entry in found), sum(entry.received for entry in found)
        console.print(f"\n{len(found)} connections, {sent} bytes sent, {received} bytes received.")
    console.print(f"Written down in {path}", style="dim", soft_wrap=True)
