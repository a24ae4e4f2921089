"""What a provider is: somebody who carries operations out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.operation import Context, Operation


class Provider(Protocol):
    """Somebody who carries operations out. A package brings one by an entry point of the group darkroom.providers.

    The entry point names a callable that takes the settings and gives the provider.
    """

    @property
    def name(self) -> str:
        """What settings and reports call it."""
        ...

    @property
    def cloud(self) -> bool:
        """Whether pictures, or words about them, leave this machine."""
        ...

    def handles(self, operation: Operation) -> bool:
        """Whether it can carry this operation out with these parameters."""
        ...

    def missing(self) -> str | None:
        """What is missing for it to be used, a sentence; None where nothing is."""
        ...

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        """Carry the operation out. Raises DarkroomError."""
        ...
