"""``darkroom bench``: measure this machine, and choose models by it."""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from darkroom.measurements import Measurement, Measurements

app = typer.Typer()
BAR = 28
"""Characters of the longest bar on a terminal."""


@app.command()
def bench(
    show: Annotated[bool, typer.Option("--show", help="Show what was measured last, and measure nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.svg", help="Write the chart as a picture too.")
    ] = None,
) -> None:
    """Measure how fast this machine is with each model that is here, and keep it.

    --quality fast|best and --within 10s then choose model and precision by it. Ctrl-C keeps what was measured.
    """
    from darkroom import measurements
    from darkroom.errors import InputNotFound
    from darkroom.settings import load_settings

    settings = load_settings()
    if show:
        found = measurements.load(settings.engine)
        if found is None:
            raise InputNotFound("Nothing was measured here yet.", cure="Run: darkroom bench")
    else:
        found = _measure(settings)
    if output is not None:
        from darkroom.codecs import write_atomically

        write_atomically(output, chart(found).encode())
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        _print(found, stale=found.machine != measurements.describe_machine())


def _measure(settings: Any) -> Measurements:
    from darkroom import bench as measuring
    from darkroom import measurements
    from darkroom.cli.progress import Display

    found = measuring.nothing_yet()
    wanted = measuring.trials(settings)
    with Display(quiet=False) as display:
        try:
            for number, trial in enumerate(measuring.measure(settings, wanted, found)):
                name = " ".join(part for part in (trial.model, trial.precision) if part)
                display.advance("measuring", number / len(wanted), f"{trial.task}: {name} on {trial.device}")
        except KeyboardInterrupt:
            print(f"darkroom: stopped after {len(found.rows)} of {len(wanted)}", file=sys.stderr)
        display.finish("measuring")
    measurements.save(settings.engine, found)
    return found


def _print(found: Measurements, *, stale: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False)
    for task, title in TITLES.items():
        rows = [row for row in found.rows if row.task == task]
        if not rows:
            continue
        slowest = max((row.seconds for row in rows if row.seconds is not None), default=1.0)
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
        for column, side in (("model", "left"), ("on", "left"), ("s per megapixel", "right"), ("memory", "right")):
            table.add_column(column, justify=side)  # pyright: ignore[reportArgumentType]
        table.add_column("")
        for row in rows:
            name, where = _name(row)
            if row.seconds is None:
                table.add_row(name, where, "-", "", f"[dim]{(row.problem or '').replace('[', chr(92) + '[')}[/dim]")
                continue
            memory = f"{row.memory / 1e6:.0f} MB" if row.memory else ""
            table.add_row(name, where, f"{row.seconds:.3g}", memory, bar(row.seconds / slowest))
        console.print(table)
        console.print()
    console.print(f"{found.machine}; {found.measured}", style="dim", soft_wrap=True)
    if stale:
        console.print("This machine or its engines have changed since: run darkroom bench again.", soft_wrap=True)


TITLES = {"upscale": "Enlarging, seconds per megapixel of the input", "matte": "Cutting out"}
"""What each task is called in tables and charts."""


def _name(row: Measurement) -> tuple[str, str]:
    return row.model, " ".join(part for part in (row.device, row.precision) if part)


def bar(share: float) -> str:
    """A bar of that share, 0.0 to 1.0, in eighths of a character; the shortest is one eighth."""
    eighths = max(1, round(share * BAR * 8))
    return "█" * (eighths // 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]


def chart(found: Measurements) -> str:
    """The same as bars in an SVG file, readable on light and dark pages."""
    lines: list[str] = []
    top = 8
    for task, title in TITLES.items():
        rows = [row for row in found.rows if row.task == task and row.seconds is not None]
        if not rows:
            continue
        slowest = max(row.seconds or 0.0 for row in rows)
        lines.append(f'<text x="16" y="{top + 18}" class="title">{html.escape(title)}</text>')
        top += 30
        for row in rows:
            width = max(2, round(330 * (row.seconds or 0.0) / slowest))
            label = html.escape(" ".join(_name(row)))
            lines.append(f'<text x="270" y="{top + 14}" text-anchor="end">{label}</text>')
            lines.append(f'<rect x="280" y="{top + 3}" width="{width}" height="14" rx="2"/>')
            lines.append(f'<text x="{288 + width}" y="{top + 14}">{row.seconds:.3g} s</text>')
            top += 22
        top += 14
    lines.append(f'<text x="16" y="{top + 10}" class="small">{html.escape(found.machine)}</text>')
    style = (
        "text{font:12px sans-serif;fill:#334155}.title{font-weight:600}.small{font-size:10px}rect{fill:#c2410c}"
        ".page{fill:#ffffff}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {top + 24}" width="720" height="{top + 24}">'
    return "\n".join(
        [head, f"<style>{style}</style>", '<rect class="page" width="100%" height="100%"/>', *lines, "</svg>\n"]
    )
