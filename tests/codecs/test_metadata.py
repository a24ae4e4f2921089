"""EXIF, XMP and IPTC blocks, read with care and made true."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from darkroom.codecs import metadata
from darkroom.codecs.metadata import Rights

texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60)


@given(copyright=texts, artist=texts)
def test_a_minimal_block_says_what_it_was_given(copyright: str, artist: str):
    block = metadata.minimal(Rights(copyright, artist))
    assert metadata.rights(block, None, None) == (copyright, artist)
    assert metadata.orientation(block or b"") == 1


def test_no_rights_make_no_block():
    assert metadata.minimal(Rights()) is None


def test_rights_are_found_in_xmp_and_iptc():
    xmp = (
        b"<rdf:RDF><dc:creator><rdf:Seq><rdf:li>Ana &amp; Co</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
        b'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Ana</rdf:li></rdf:Alt></dc:rights></rdf:RDF>'
    )
    assert metadata.rights(None, xmp, None) == ("(c) Ana", "Ana & Co; Bo")
    iptc = b"".join(
        b"\x1c\x02" + bytes([n]) + struct.pack(">H", len(t)) + t for n, t in ((80, b"Cy"), (116, b"(c) Cy"))
    )
    assert metadata.rights(None, None, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + iptc) == ("(c) Cy", "Cy")
    first = metadata.minimal(Rights("(c) Di", None))
    assert metadata.rights(first, xmp, iptc) == ("(c) Di", "Ana & Co; Bo"), "EXIF goes first, XMP next"


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_readers(data: bytes):
    for block in (data, b"II*\x00\x08\x00\x00\x00" + data, b"MM\x00*\x00\x00\x00\x08" + data):
        assert 1 <= metadata.orientation(block) <= 8
        metadata.rights(block, data, data)
        changed = metadata.corrected(block, 40_000, 70_000)
        assert changed is None or len(changed) <= len(block)


def block_with_thumbnail() -> bytes:
    thumbnail = b"\xff\xd8THUMBNAIL\xff\xd9"
    first = struct.pack("<H", 2) + struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) + struct.pack("<HHII", 0x100, 4, 1, 640)
    second_at = 8 + len(first) + 4
    thumb_at = second_at + 2 + 24 + 4
    second = struct.pack("<H", 2) + struct.pack("<HHII", 0x201, 4, 1, thumb_at)
    second += struct.pack("<HHII", 0x202, 4, 1, len(thumbnail)) + bytes(4)
    return b"II*\x00\x08\x00\x00\x00" + first + struct.pack("<I", second_at) + second + thumbnail


def test_a_kept_block_loses_thumbnail_and_orientation_only():
    block = block_with_thumbnail()
    assert metadata.orientation(block) == 6
    kept = metadata.corrected(block, 320, 200)
    assert kept is not None
    assert metadata.orientation(kept) == 1
    assert b"THUMBNAIL" not in kept
    assert struct.unpack_from("<I", kept, 8 + 2 + 12 + 8)[0] == 320
    assert struct.unpack_from("<I", kept, 8 + 2 + 24)[0] == 0, "no second directory"


def test_xmp_loses_its_thumbnails():
    xmp = b"<a><xmp:Thumbnails>AAAA</xmp:Thumbnails><tiff:Orientation>8</tiff:Orientation></a>"
    assert metadata.corrected_xmp(xmp) == b"<a><tiff:Orientation>1</tiff:Orientation></a>"
