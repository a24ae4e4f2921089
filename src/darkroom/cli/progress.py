"""What a person sees: bars while work goes on, and a few lines about what was done.

Everything goes to standard error, so that standard output is free for pictures and JSON. Bars are drawn on a terminal
only.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkroom.report import PictureReport, Report, StepReport


class Display:
    """Progress bars and lines of text that do not get in each other's way."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._total: Any = None
        self._wanted = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Display:
        if self._wanted:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[doing]}", markup=False, style="dim"),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def expect(self, count: int) -> None:
        """Say how many pictures there are; a bar over all of them is drawn for more than one."""
        if self._bars is not None and count > 1:
            self._total = self._bars.add_task(f"{count} pictures", total=count, doing="")

    def advance(self, name: str, fraction: float, doing: str) -> None:
        """Show how far a picture is, 0.0 to 1.0. Called from the threads of the pool."""
        with self._lock:
            if self._bars is None:
                return
            if name not in self._tasks:
                short = Path(name).name[-32:]
                self._tasks[name] = self._bars.add_task(short, total=100, doing=doing)
            self._bars.update(self._tasks[name], completed=round(100 * fraction), doing=doing)

    def finish(self, name: str) -> None:
        """Take a picture's bar away."""
        with self._lock:
            if self._bars is None:
                return
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
            if self._total is not None:
                self._bars.advance(self._total)

    def say(self, line: str) -> None:
        """Print a line, unless quiet."""
        if not self._quiet:
            self.alert(line)

    def alert(self, line: str) -> None:
        """Print a line that is always shown."""
        with self._lock:
            if self._bars is not None:
                self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                print(line, file=sys.stderr, flush=True)


def summary(source: str, target: str, report: Report, *, steps: bool = True) -> list[str]:
    """What was done to one picture: a line about it, one for every operation (``steps``), one for every warning."""
    parts = [_picture(source, report.input), "->", _picture(target, report.output), f"in {_seconds(report.seconds)}"]
    lines = [" ".join(parts)]
    lines += [f"  {_step(step)}" for step in report.steps if steps]
    lines += [f"  and {_picture(attachment.name or '', attachment)}" for attachment in report.attachments if steps]
    lines += [f"  note: {warning}" for warning in report.all_warnings()]
    return lines


def _picture(name: str, picture: PictureReport | None) -> str:
    if picture is None:
        return name
    about = f"{picture.width}x{picture.height}"
    if picture.frames > 1:
        about += f" {picture.frames} frames"
    if picture.format:
        about += f" {picture.format}"
    if picture.bytes is not None:
        about += f" {size(picture.bytes)}"
    return f"{name} ({about})"


def _step(step: StepReport) -> str:
    how = step.method
    if step.models:
        how = f"{', '.join(model.name for model in step.models)}"
        if step.engine:
            how += f" on {step.device} ({step.engine} {step.precision})"
    return f"{step.operation}: {how}, {_seconds(step.seconds)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: int) -> str:
    """Bytes for a person: ``340 kB``, ``2.1 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            value = count / factor
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count} bytes"
