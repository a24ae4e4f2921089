"""A frame that is made from the top down: small ones in memory, large ones in a file, so that memory follows the width.

The file is raw pixels without a name: libvips reads from it what an encoder or another step asks for, and the system
takes it away when the last reader is gone, whatever becomes of the program.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from darkroom.errors import OutputError

if TYPE_CHECKING:
    import pyvips
    from numpy.typing import NDArray

IN_MEMORY = 64_000_000
"""Bytes up to which a frame is kept in memory."""


class Canvas:
    """Takes ``rows x width x 1, 3 or 4`` of uint8 or uint16, one strip below the other, and gives them as one frame.

    A context manager: what was not finished leaves nothing behind.
    """

    def __init__(self, height: int, width: int, bands: int, *, bits: int) -> None:
        self._shape = (height, width, bands)
        self._bits = bits
        self._rows = 0
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None
        if height * width * bands * bits // 8 > IN_MEMORY:
            # Removed by hand: libvips opens it by its name once it is whole.
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115
                buffering=0, prefix="darkroom-", suffix=".raw", delete=False
            )

    def add(self, rows: NDArray[Any]) -> None:
        """The next rows. Raises OutputError where there is no room for temporary files."""
        self._rows += rows.shape[0]
        if self._file is None:
            self._parts.append(rows.tobytes())
            return
        try:
            self._file.write(rows.tobytes())
        except OSError as error:
            folder = Path(self._file.name).parent
            raise OutputError(
                f"A large result waits in {folder} while it is made, and cannot be written there: {error.strerror}.",
                cure="Make room there, or name another folder in the environment variable TMPDIR.",
            ) from error

    def finish(self) -> pyvips.Image:
        """The frame. Raises ValueError where rows are missing or too many."""
        from darkroom.codecs.vips import vips

        pyvips = vips()
        height, width, bands = self._shape
        if self._rows != height:
            raise ValueError(f"{self._rows} rows were made of {height}")
        kind = "ushort" if self._bits == 16 else "uchar"
        if self._file is None:
            frame = pyvips.Image.new_from_memory(b"".join(self._parts), width, height, bands, kind)
            self._parts.clear()
        else:
            self._file.close()
            frame = pyvips.Image.rawload(self._file.name, width, height, bands, format=kind)
        if bands == 1:
            return frame
        return frame.copy(interpretation="rgb16" if self._bits == 16 else "srgb")

    def __enter__(self) -> Canvas:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None
