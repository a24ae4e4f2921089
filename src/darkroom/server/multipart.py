"""Uploads as they come in: the parts of a multipart body (RFC 7578), one after the other, none kept in memory.

What comes first can be refused before the rest has arrived, and a client that sends nothing more is not waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from darkroom.errors import DarkroomError, InvalidParameters, LimitExceeded

if TYPE_CHECKING:
    from starlette.requests import Request

UPLOAD_BYTES = 2**50
"""Longest body of a route that takes uploads: each of its files is measured by itself."""
FIELD_BYTES = 1_000_000
"""Longest value of a field that is no file."""
HEADER_BYTES = 16_000
MOST_PARTS = 200
FORM_BYTES = 8_000_000
"""What a form may have besides its files: fields, headers of parts, boundaries."""
_HEADERS_OF_ONE = 16


@dataclass(slots=True)
class _Event:
    """Something the parser has met: the headers of a part, some of its content, or its end."""

    kind: str
    headers: dict[str, bytes] | None = None
    data: bytes = b""


class Part:
    """One part: a field, or a file where it has a file name. Its content is read once, before the next part."""

    def __init__(self, form: Multipart, headers: dict[str, bytes]) -> None:
        _, options = parse_options_header(headers.get("content-disposition", b""))
        self.name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        self.filename = filename.decode("utf-8", "replace") if filename is not None else None
        self.content_type = headers.get("content-type", b"").decode("latin-1") or None
        self._form = form

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, in pieces, as it comes in."""
        while (event := await self._form.next_event()).kind == "data":
            yield event.data

    async def text(self) -> str:
        """The content of a field. Raises LimitExceeded, InvalidParameters."""
        value = bytearray()
        async for chunk in self.chunks():
            value += chunk
            if len(value) > FIELD_BYTES:
                raise LimitExceeded(f"The field {self.name} is too long.", cure="Send it shorter.", field=self.name)
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InvalidParameters(f"The field {self.name} is not UTF-8.", field=self.name) from error


class Multipart:
    """The body of a request, by its parts.

    Args:
        request: whose body has not been read.
        most: bytes that its files may have together; what else a form has is allowed beside it.

    Raises:
        InvalidParameters: the request is not such a form.
    """

    def __init__(self, request: Request, most: int) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidParameters(
                "The request is not a form with files.", cure="Send multipart/form-data, as a browser or curl -F does."
            )
        self._body = request.stream()
        self._left = most + FORM_BYTES
        self._events: deque[_Event] = deque()
        self._headers: dict[str, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._parts = 0
        self._ended = False
        self.broken = False
        """Whether it cannot be read on: what is being read of it has raised an error."""
        callbacks: Any = {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
            "on_end": self._ends,
        }
        try:
            self._parser = MultipartParser(
                boundary,
                callbacks,
                max_header_count=_HEADERS_OF_ONE,
                max_header_size=HEADER_BYTES,
            )
        except FormParserError as error:
            raise InvalidParameters("The form's boundary is not allowed.") from error

    async def parts(self) -> AsyncIterator[Part]:
        """Every part, in order. Raises InvalidParameters, LimitExceeded; what was not read is passed over."""
        while (event := await self.next_event()).kind != "over":
            if event.kind == "part":
                self._parts += 1
                if self._parts > MOST_PARTS:
                    raise LimitExceeded(f"The form has more than {MOST_PARTS} parts.", cure="Send fewer at once.")
                yield Part(self, event.headers or {})

    async def next_event(self) -> _Event:
        """What comes next; ``over`` at the end."""
        while not self._events:
            if self._ended:
                return _Event("over")
            try:
                await self._receive()
            except DarkroomError:
                self.broken = True
                raise
        return self._events.popleft()

    async def _receive(self) -> None:
        try:
            chunk = await anext(self._body)
        except (StopAsyncIteration, ClientDisconnect) as error:
            raise InvalidParameters("The upload ended before its end.", cure="Send it again, whole.") from error
        self._left -= len(chunk)
        if self._left < 0:
            raise LimitExceeded("The upload is longer than all its files may be.", cure="Send less at once.")
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidParameters("The upload is not a form that can be read.", cure="Send it again.") from error
        if not chunk and not self._ended:
            raise InvalidParameters("The upload ended before its end.", cure="Send it again, whole.")

    def _part_begins(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _headers_end(self) -> None:
        self._events.append(_Event("part", self._headers))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(_Event("data", data=data[start:end]))

    def _part_ends(self) -> None:
        self._events.append(_Event("end"))

    def _header_ends(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _ends(self) -> None:
        self._ended = True
