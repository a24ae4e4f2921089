"""The memory that all worker processes of a program may take together, and who may begin to take of it.

A worker decodes its picture, says what the rest will take at its worst, and goes on when it is told to. Who fits beside
those that run goes on at once, also past others that wait for more: but never with so much that one who waits longer
would find no room when those have ended that were there before it. So light work passes heavy work that waits, and
heavy work waits for what was there before it and for nothing else.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.settings import Settings


class Budget:
    """Bytes that are dealt out. Safe to use from several threads."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Budget:
        """That of a program: ``limits.memory``."""
        return cls(settings.limits.most_memory())

    def __init__(self, total: int) -> None:
        self.total = total
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[Share] = []
        self._running: list[Share] = []

    def ask(self, wanted: int) -> Share:
        """Ask for so many bytes; more than all is all, which is had alone. Give it back with :meth:`Share.end`."""
        with self._changed:
            share = Share(self, next(self._numbers), min(max(wanted, 0), self.total))
            self._waiting.append(share)
            self._deal()
        return share

    def _deal(self) -> None:
        """Let begin whoever may, the oldest first."""
        for share in list(self._waiting):
            if self._fits(share):
                self._waiting.remove(share)
                self._running.append(share)
                self._changed.notify_all()

    def _fits(self, share: Share) -> bool:
        older = [other for other in self._waiting if other.number < share.number]
        return self._taken() + share.wanted <= self.total and all(
            self._taken(since=other.number) + share.wanted + other.wanted <= self.total for other in older
        )

    def _taken(self, since: int = -1) -> int:
        """Bytes of those that run and have asked after ``since``."""
        return sum(share.wanted for share in self._running if share.number > since)

    def wait(self, share: Share, seconds: float) -> bool:
        """See :meth:`Share.wait`."""
        with self._changed:
            return self._changed.wait_for(lambda: share in self._running, seconds)

    def give_back(self, share: Share) -> None:
        """See :meth:`Share.end`."""
        with self._changed:
            for shares in (self._waiting, self._running):
                if share in shares:
                    shares.remove(share)
            self._deal()


class Share:
    """What one picture takes, or waits for: ``wanted`` bytes."""

    def __init__(self, budget: Budget, number: int, wanted: int) -> None:
        self._budget = budget
        self.number = number
        self.wanted = wanted

    def wait(self, seconds: float) -> bool:
        """Whether it may be taken now, or within so many seconds."""
        return self._budget.wait(self, seconds)

    def end(self) -> None:
        """Give it back, taken or not. Harmless twice."""
        self._budget.give_back(self)
