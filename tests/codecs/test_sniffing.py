"""What a file is, told by its content."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from darkroom import codecs

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'


@pytest.mark.parametrize(
    "data",
    [
        SVG,
        b"\xef\xbb\xbf  \n" + SVG,
        b'<?xml version="1.0"?>\n<!-- a > b --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">' + SVG,
        b'<!DOCTYPE svg [ <!ENTITY a "<b>"> ]>' + SVG,
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
        gzip.compress(SVG, mtime=0),
        ('<?xml version="1.0"?>' + SVG.decode()).encode("utf-16"),
    ],
)
def test_svg_is_known_by_its_root(data: bytes):
    assert codecs.sniff(data) == "svg"


@pytest.mark.parametrize(
    "data", [b"<html><svg/></html>", b"<svgz>", b"<!-- <svg> -->", b"a <svg/>", gzip.compress(b"x", mtime=0)]
)
def test_svg_elsewhere_is_no_svg(data: bytes):
    assert codecs.sniff(data) is None


def test_a_hostile_prologue_costs_nothing():
    started = time.monotonic()
    for piece in (b"<!---->", b"<!DOCTYPE [", b"<??>", b"<!", b" "):
        codecs.sniff(piece * 10_000)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2", "MP4 or QuickTime video"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\x00\x01", "Photoshop document"),
        (b"PK\x03\x04....", "ZIP archive"),
        (b"<!DOCTYPE html><title>404</title>", "HTML page"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "camera raw"),
        (b"hello, world\n", "text file"),
        (bytes([7, 200, 3, 9, 250, 131]), None),
        (b"", None),
    ],
)
def test_what_is_not_read_is_still_named(data: bytes, kind: str | None):
    assert codecs.sniff(data) is None
    assert codecs.identify(data) == kind


def test_names_and_suffixes():
    assert codecs.format_of(Path("a/b.JPEG")) == "jpeg"
    assert codecs.format_of("b.tif") == "tiff"
    assert codecs.format_of("b.docx") is None
    assert [codecs.extension(kind) for kind in ("jpeg", "tiff", "webp", "svg")] == [".jpg", ".tif", ".webp", ".svg"]
