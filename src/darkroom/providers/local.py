"""This machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.operation import Context, Operation


class Local:
    """Carries every operation out here; nothing leaves."""

    name = "local"
    cloud = False

    def handles(self, operation: Operation) -> bool:
        """All of them."""
        del operation
        return True

    def missing(self) -> str | None:
        """Nothing."""
        return None

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        """Apply it, without awaiting anything."""
        return operation.apply(image, context)
