"""libvips, set up once: only the loaders that its authors trust, a small cache, no chatter."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyvips

_lock = threading.Lock()
_ready: list[ModuleType] = []


def vips() -> ModuleType:
    """The ``pyvips`` module, ready for files from strangers. Safe from several threads; the first call sets it up.

    Loaders and savers that libvips marks as untrusted are blocked for the whole process. SVG is one of them; its
    loader from memory is opened again, because a picture in memory cannot refer to files beside it. The one from a
    file stays blocked. Raw pixels, which a :class:`darkroom.canvas.Canvas` wrote itself, are read by their size alone;
    no file is ever taken for raw by what it holds.
    """
    if not _ready:
        with _lock:
            if not _ready:
                import pyvips

                pyvips.block_untrusted_set(True)
                pyvips.operation_block_set("VipsForeignLoadSvgBuffer", False)
                pyvips.operation_block_set("VipsForeignLoadRaw", False)
                # A cached operation would keep the pixels of pictures that are done with.
                pyvips.cache_set_max(0)
                # libvips' remarks about odd files reach Python's logging; with no handler they would go to stderr.
                logging.getLogger("pyvips").addHandler(logging.NullHandler())
                _ready.append(pyvips)
    return _ready[0]


def field(frame: pyvips.Image, name: str) -> Any:
    """A header field of a picture; None where it has no such field."""
    return frame.get(name) if frame.get_typeof(name) else None


def with_fields(frame: pyvips.Image, remove: Iterable[str], add: Mapping[str, tuple[int, Any]]) -> pyvips.Image:
    """The same pixels with header fields removed, and others added as (libvips type, value)."""
    # A copy has a header of its own, so that no other thread can be reading what is changed here.
    result = frame.copy()
    for name in remove:
        result.remove(name)
    for name, (kind, value) in add.items():
        result.set_type(kind, name, value)
    return result
