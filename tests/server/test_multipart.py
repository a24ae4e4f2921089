"""Bodies of uploads, however they are cut up, and whatever is in them. About 3 seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from darkroom.errors import InvalidParameters, LimitExceeded
from darkroom.server.multipart import FIELD_BYTES, FORM_BYTES, MOST_PARTS, Multipart

BOUNDARY = b"-=boundary'()"
PLENTY = 10**9
Sent = tuple[bytes, bytes | None, bytes]
"""Name, file name and content of a part."""


def body_of(parts: Sequence[Sent], boundary: bytes = BOUNDARY) -> bytes:
    body = b""
    for name, filename, content in parts:
        named = b'; filename="' + filename + b'"' if filename is not None else b""
        body += b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name + b'"' + named + b"\r\n"
        body += b"Content-Type: image/x\r\n\r\n" + content + b"\r\n"
    return body + b"--" + boundary + b"--\r\n"


def read(chunks: Sequence[bytes], content_type: bytes | None = None, most: int = PLENTY) -> list[Sent]:
    """What the parts of a body are that comes in these pieces, and then ends."""
    waiting = [*chunks]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def collect() -> list[Sent]:
        kind = content_type if content_type is not None else b'multipart/form-data; boundary="' + BOUNDARY + b'"'
        request = Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}, receive)
        found: list[Sent] = []
        async for part in Multipart(request, most).parts():
            content = b"".join([piece async for piece in part.chunks()])
            filename = part.filename.encode() if part.filename is not None else None
            found.append((part.name.encode(), filename, content))
        return found

    return asyncio.run(collect())


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in itertools.pairwise(edges)] or [b""]


# Almost boundaries, so that they are met half way.
almost = [b"\r", b"\n", b"--", b"\r\n--", BOUNDARY[:-1], BOUNDARY[:5], b"\0", b"\xff", b"a" * 70]
contents = st.lists(st.sampled_from(almost) | st.binary(max_size=9)).map(b"".join).filter(lambda it: BOUNDARY not in it)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\;'), max_size=12).map(
    str.encode
)
sent = st.lists(st.tuples(words, st.none() | words, contents), min_size=1, max_size=4)


@given(sent, st.lists(st.integers(0, 10_000), max_size=40))
@settings(deadline=None)
def test_however_a_body_is_cut_up_its_parts_are_the_same(parts: list[Sent], places: list[int]) -> None:
    body = body_of(parts)
    assert read([body]) == read(cut(body, places)) == parts


@given(sent)
@settings(deadline=None, max_examples=20)
def test_byte_by_byte_too(parts: list[Sent]) -> None:
    body = body_of(parts)
    assert read([body[at : at + 1] for at in range(len(body))]) == parts


damage = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=4)


@given(sent, damage, st.lists(st.integers(0, 10_000), max_size=5))
@settings(deadline=None)
def test_a_damaged_body_is_read_or_refused(
    parts: list[Sent], damage: list[tuple[int, bytes]], places: list[int]
) -> None:
    body = bytearray(body_of(parts))
    for place, instead in damage:
        at = place % len(body)
        body[at : at + len(instead)] = instead
    with contextlib.suppress(InvalidParameters, LimitExceeded):
        read(cut(bytes(body), places))


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6), st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_under_any_content_type_are_read_or_refused(chunks: list[bytes], kind: bytes) -> None:
    for content_type in (None, kind, b"multipart/form-data; boundary=" + kind, b"multipart/form-data;" + kind):
        with contextlib.suppress(InvalidParameters, LimitExceeded):
            read(chunks, content_type)


@pytest.mark.parametrize(
    "kind",
    [
        b"",
        b"application/json",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary=""',
        b"multipart/mixed; boundary=x",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=" + b"a" * 5000,
    ],
)
def test_what_is_no_form(kind: bytes) -> None:
    with pytest.raises(InvalidParameters):
        read([body_of([(b"a", None, b"b")], b"x")], kind)


def test_a_body_that_ends_too_early() -> None:
    body = body_of([(b"file", b"a.jpg", b"1234")])
    for end in (0, 1, 20, len(body) - 40, len(body) - 20, len(body) - 5):
        with pytest.raises(InvalidParameters):
            read([body[:end]])


def test_what_comes_after_the_end_is_not_read() -> None:
    body = body_of([(b"a", None, b"b")])
    assert read([body, b"--" + BOUNDARY + b"\r\nsomething else"]) == [(b"a", None, b"b")]


def test_limits() -> None:
    with pytest.raises(LimitExceeded, match=f"more than {MOST_PARTS} parts"):
        read([body_of([(b"a", None, b"b")] * (MOST_PARTS + 1))])
    with pytest.raises(InvalidParameters):
        read([body_of([(b"a" * 20_000, None, b"b")])])
    many = b"".join(b"X-%d: a\r\n" % number for number in range(50))
    with pytest.raises(InvalidParameters):
        read([body_of([(b"a", None, b"b")]).replace(b"Content-Type", many + b"Content-Type")])
    start = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="endless"\r\n\r\n'
    with pytest.raises(LimitExceeded, match="longer than all its files"):
        read([start, *[bytes(1_000_000)] * 12], most=12_000_000 - FORM_BYTES)


@pytest.mark.parametrize(
    ("content", "error"), [(b"a" * (FIELD_BYTES + 1), LimitExceeded), (b"\xff\xfe", InvalidParameters)]
)
def test_fields(content: bytes, error: type[Exception]) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body_of([(b"store_id", None, content)]), "more_body": False}

    async def text() -> None:
        kind = b'multipart/form-data; boundary="' + BOUNDARY + b'"'
        form = Multipart(Request({"type": "http", "headers": [(b"content-type", kind)]}, receive), PLENTY)
        async for part in form.parts():
            await part.text()

    with pytest.raises(error, match="store_id"):
        asyncio.run(text())
