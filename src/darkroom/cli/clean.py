"""``darkroom clean``: what is older than the settings allow goes, and the files that nobody wants any more."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from darkroom.jobs.housekeeping import Cleaned

app = typer.Typer()


@app.command()
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Delete what the service keeps longer than `retention` in the settings says, and files that nothing names."""
    from darkroom.database.connection import Database
    from darkroom.jobs.housekeeping import Housekeeping
    from darkroom.settings import load_settings
    from darkroom.storage import build

    settings = load_settings()
    database = Database.from_settings(settings)
    try:
        database.migrate()
        cleaned = Housekeeping(settings, database, build(settings)).run_once(dry_run=dry_run)
    finally:
        database.close()
    if cleaned is None:
        print("Another server is at it just now.", file=sys.stderr)
        return
    if as_json:
        print(json.dumps(asdict(cleaned), indent=2))
    else:
        _show(cleaned, dry_run=dry_run)
    for problem in cleaned.problems:
        print(f"darkroom: {problem}", file=sys.stderr)
    if cleaned.problems:
        raise typer.Exit(1)


def _show(cleaned: Cleaned, *, dry_run: bool) -> None:
    counts = asdict(cleaned.forgotten) | {
        "files": cleaned.swept.files,
        "leftovers of uploads": cleaned.leftovers,
        "files written again": cleaned.repaired,
    }
    found = {name: count for name, count in counts.items() if count}
    if not found:
        print("Nothing is to go." if dry_run else "Nothing was to go.")
        return
    print("This would go:" if dry_run else "Done:")
    for name, count in found.items():
        size = f" ({cleaned.swept.bytes / 1e6:.1f} MB)" if name == "files" else ""
        print(f"  {count:>8}  {name}{size}")
