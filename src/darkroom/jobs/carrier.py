"""Who carries jobs out: this process by itself, or machines that take them from a broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow

CLEAN_UP_SECONDS = 3600.0
"""How often housekeeping is done."""

CleanUp = Callable[[], object]
"""One round of housekeeping: deletes what is old. Harmless where two do it at once."""


class Carrier(Protocol):
    """Sees that the jobs of a database are carried out. The table is the truth: whatever is lost here is found there.

    Every method is safe to call from any thread and returns without waiting for jobs, but for :meth:`stop`.
    """

    def start(self) -> None:
        """Begin. Returns at once."""
        ...

    def stop(self) -> None:
        """End: jobs that run here are given back, and wait for whoever comes next. Harmless before :meth:`start`."""
        ...

    def wake(self, rows: Sequence[JobRow] = ()) -> None:
        """There are jobs to do: these, or where none is named some that this process does not know."""
        ...

    def check(self) -> str:
        """Try what it needs, and say who carries jobs out. Raises ServiceError, NetworkError."""
        ...
