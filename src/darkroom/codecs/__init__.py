"""Bytes to pictures and back: the fidelity contract is kept here.

In: type by content, limits from the header, orientation applied, colour profile honoured, 16 bits and alpha and every
frame kept. Out: format, quality, metadata policy; whatever could not be kept is a warning.
"""

from __future__ import annotations

from darkroom.codecs.decoding import decode
from darkroom.codecs.encoding import Encoded, describe, encode
from darkroom.codecs.files import write_atomically
from darkroom.codecs.sniffing import extension, format_of, identify, sniff
from darkroom.codecs.vips import vips

__all__ = [
    "Encoded",
    "decode",
    "describe",
    "encode",
    "extension",
    "format_of",
    "identify",
    "sniff",
    "vips",
    "write_atomically",
]
