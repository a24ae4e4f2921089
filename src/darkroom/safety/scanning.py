"""Searching uploads for viruses with ClamAV's daemon, by its INSTREAM command over TCP or a unix socket.

The protocol is that of clamd(8): a command that starts with ``z`` ends with a zero byte and so does its answer;
INSTREAM is followed by pieces, each after its length in four bytes, big-endian, and a length of zero ends them. A
verdict is only ever *clean* when clamd said so, in those words, after the last byte; everything else is a reason why
nobody knows.

A scanner on this machine is no outgoing connection. Any other goes through :class:`darkroom.egress.Egress` with the
purpose ``scan``: refused offline, and in the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

from darkroom.addresses import is_loopback
from darkroom.egress import Egress
from darkroom.errors import (
    DarkroomError,
    Infected,
    InputNotFound,
    LimitExceeded,
    NetworkError,
    ScannerUnavailable,
)

if TYPE_CHECKING:
    from darkroom.settings import ScanningPolicy, Settings

log = logging.getLogger("darkroom.safety")

PIECE_BYTES = 256 * 1024
"""Most that is sent, or read of a file, at a time."""
ANSWER_BYTES = 4096
"""Longest answer that is read; clamd's are a line."""

_FOUND = re.compile(r"stream: (.+) FOUND")
_CURE = "See whether clamd runs, and scanning.address and scanning.timeout_seconds."

Source = AsyncIterable[bytes] | Path
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner says of an upload.

    ``signature`` names what was found where it is infected; ``reason`` is a sentence about why nobody knows where it is
    unavailable; ``too_long`` says that it is unavailable because of the upload's length, not of the scanner's health.
    """

    state: Literal["clean", "infected", "unavailable"]
    signature: str = ""
    reason: str = ""
    too_long: bool = False


class _Broken(Exception):
    """The talk with the scanner cannot go on, for the reason given, which is a sentence."""


@dataclass(slots=True)
class _Talk:
    """A connection to clamd, and what was counted on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seconds: float
    sent: int = 0
    received: int = 0

    async def send(self, data: bytes | memoryview) -> None:
        try:
            self.writer.write(data)
            await _within(self.writer.drain(), self.seconds, "took no more bytes")
        except OSError as error:
            raise _Broken(f"The scanner broke the connection off ({error}).") from error
        self.sent += len(data)

    async def answer(self) -> str:
        """The next answer, without its end. Raises _Broken where there is none, or none of clamd's."""
        try:
            line = await self.reader.readuntil(b"\0")
        except asyncio.IncompleteReadError as error:
            self.received += len(error.partial)
            said = f" after saying {_shown(error.partial)}" if error.partial else " without an answer"
            raise _Broken(f"The scanner broke the connection off{said}.") from error
        except asyncio.LimitOverrunError as error:
            raise _Broken(f"The scanner answered more than {ANSWER_BYTES} bytes, which clamd does not.") from error
        except OSError as error:
            raise _Broken(f"The scanner broke the connection off ({error}).") from error
        self.received += len(line)
        return line[:-1].decode("utf-8", "replace")


class Scanner:
    """clamd at an address. Holds no connection: each scan makes its own, so that one may be shared by many tasks.

    Args:
        place: host and port, or the path of clamd's socket.
        egress: asked before any connection that leaves this machine.
        timeout_seconds: for connecting, for each piece to be taken, and for the answer after the last one. Time that
            the upload itself takes to come in is not counted.
        most_bytes: after which an upload is not searched; at most clamd's own StreamMaxLength.
    """

    def __init__(
        self,
        place: tuple[str, int] | Path,
        egress: Egress,
        *,
        timeout_seconds: float = 30.0,
        most_bytes: int = 100_000_000,
    ) -> None:
        self._place = place
        self._egress = egress
        self._seconds = timeout_seconds
        self._most = most_bytes
        self.version = ""
        """What clamd said of itself and its signatures at the last :meth:`check`."""

    @classmethod
    def from_settings(cls, settings: Settings, egress: Egress | None = None) -> Scanner | None:
        """The scanner that the settings name; None where scanning is off."""
        wanted = settings.scanning
        if not wanted.enabled:
            return None
        return cls(
            wanted.place,
            egress or Egress(settings),
            timeout_seconds=wanted.timeout_seconds,
            most_bytes=wanted.most_bytes,
        )

    async def scan(self, source: Source) -> Verdict:
        """Have a stream or a file searched; no more than a piece of it is in memory.

        A stream is read no further once the verdict is known. Errors of the stream itself are its caller's and pass.

        Raises:
            InputNotFound: the file cannot be read.
        """
        if isinstance(source, Path):
            async with contextlib.aclosing(_pieces(source)) as pieces:
                return await self.scan(pieces)
        verdict = Verdict("unavailable", reason="The scan was not finished.")
        try:
            async with self._talk("an upload, to be searched for viruses") as talk:
                verdict = await self._stream(talk, source)
        except _Broken as error:
            verdict = Verdict("unavailable", reason=str(error))
        except NetworkError as error:
            # What was found stays found, also where the ledger could not be written at the end.
            if verdict.state != "infected":
                verdict = Verdict("unavailable", reason=error.message)
        return verdict

    async def check(self) -> float:
        """Ask clamd whether it is there and what it is; gives the seconds until it answered.

        Raises:
            ScannerUnavailable: it is not, or it may not be asked.
        """
        started = time.monotonic()
        try:
            async with self._talk("a question whether it is there") as talk:
                # One connection for both: answers in a session are numbered.
                await talk.send(b"zIDSESSION\0zPING\0")
                pong = await _within(talk.answer(), self._seconds, "did not answer")
                latency = time.monotonic() - started
                await talk.send(b"zVERSION\0zEND\0")
                version = await _within(talk.answer(), self._seconds, "did not answer")
        except _Broken as error:
            raise ScannerUnavailable(f"{self._shown()}: {error}", cure=_CURE) from error
        except NetworkError as error:
            raise ScannerUnavailable(error.message, cure=error.cure) from error
        if pong != "1: PONG" or not version.startswith("2: ClamAV"):
            raise ScannerUnavailable(
                f"{self._shown()} is not clamd: it answered {_shown(pong.encode())} and {_shown(version.encode())}.",
                cure=_CURE,
            )
        self.version = version.removeprefix("2: ")
        return latency

    async def _stream(self, talk: _Talk, chunks: AsyncIterable[bytes]) -> Verdict:
        # Listening from the start: clamd says why it stops in the middle, and then breaks the connection off.
        answer = asyncio.ensure_future(talk.answer())
        try:
            try:
                whole = await self._send(talk, chunks, answer)
            except _Broken:
                # What it said before is the better reason.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(answer), min(1.0, self._seconds))
                if not answer.done():
                    raise
                whole = False
            if whole is None:
                return Verdict(
                    "unavailable",
                    reason=f"The upload has more than the {self._most / 1e6:.1f} MB that are searched for viruses.",
                    too_long=True,
                )
            return _verdict(await _within(answer, self._seconds, "gave no verdict"), whole)
        finally:
            answer.cancel()
            await asyncio.wait([answer])
            if not answer.cancelled():
                answer.exception()

    async def _send(self, talk: _Talk, chunks: AsyncIterable[bytes], answer: asyncio.Future[str]) -> bool | None:
        """Whether the whole stream was sent; False where clamd answered before, None where it is too long."""
        await talk.send(b"zINSTREAM\0")
        total = 0
        async for chunk in chunks:
            total += len(chunk)
            if total > self._most:
                return None
            view = memoryview(chunk)
            for start in range(0, len(view), PIECE_BYTES):
                if answer.done():
                    return False
                piece = view[start : start + PIECE_BYTES]
                await talk.send(len(piece).to_bytes(4, "big"))
                await talk.send(piece)
        if answer.done():
            return False
        await talk.send(b"\0\0\0\0")
        return True

    @contextlib.asynccontextmanager
    async def _talk(self, what: str) -> AsyncGenerator[_Talk]:
        """A connection, closed in the end whatever happens, and in the ledger where it leaves this machine."""
        passage = None
        place = self._place
        if not isinstance(place, Path) and not is_loopback(place[0]):
            host, port = place
            passage = await asyncio.to_thread(self._egress.begin, host, port, "scan", scheme="clamd", what=what)
            place = passage.address, port
        talk, outcome = None, "failed"
        try:
            talk = await self._connect(place)
            yield talk
            outcome = "done"
        finally:
            if talk is not None:
                talk.writer.transport.abort()
            if passage is not None:
                sent, received = (talk.sent, talk.received) if talk is not None else (0, 0)
                # Written also when the task that wanted it is cancelled.
                await asyncio.shield(
                    asyncio.to_thread(self._egress.end, passage, sent=sent, received=received, outcome=outcome)
                )

    async def _connect(self, place: tuple[str, int] | Path) -> _Talk:
        try:
            if isinstance(place, Path):
                opening = asyncio.open_unix_connection(place, limit=ANSWER_BYTES)
            else:
                opening = asyncio.open_connection(place[0], place[1], limit=ANSWER_BYTES)
            reader, writer = await _within(opening, self._seconds, "did not take the connection")
        except OSError as error:
            raise _Broken(f"The scanner cannot be reached ({error.strerror or error}).") from error
        return _Talk(reader, writer, self._seconds)

    def _shown(self) -> str:
        return f"unix:{self._place}" if isinstance(self._place, Path) else f"{self._place[0]}:{self._place[1]}"


async def admit(
    source: Source,
    *,
    name: str,
    scanner: Scanner | None,
    policy: ScanningPolicy = "fail_closed",
    warnings: list[str] | None = None,
) -> Verdict | None:
    """Have an upload searched and refuse it where it must be; None where scanning is off.

    What is infected is refused always, and so is what is too long to be searched, since anybody can make that. Where
    the scanner is unavailable ``policy`` decides; a sentence about what was let pass is appended to ``warnings``.

    Raises:
        Infected: the scanner knows it; the message has the signature's name.
        LimitExceeded: it is longer than what is searched.
        ScannerUnavailable: nobody could search it, under ``fail_closed``.
        InputNotFound: the file cannot be read.
    """
    if scanner is None:
        return None
    verdict = await scanner.scan(source)
    refusal: DarkroomError | None = None
    if verdict.state == "infected":
        refusal = Infected(
            f"{name} is infected: the virus scanner found {verdict.signature}.",
            cure="Do not open it; search the machine that it came from.",
        )
    elif verdict.too_long:
        refusal = LimitExceeded(
            f"{name} was not taken. {verdict.reason}",
            cure="Give a smaller file, or raise scanning.most_bytes and StreamMaxLength in clamd's settings.",
        )
    elif verdict.state == "unavailable":
        if policy == "fail_closed":
            refusal = ScannerUnavailable(f"{name} could not be searched for viruses. {verdict.reason}", cure=_CURE)
        else:
            note = f"{name} was not searched for viruses. {verdict.reason}"
            log.warning("%s", note)
            if warnings is not None:
                warnings.append(note)
    if refusal is not None:
        log.warning("%s", refusal.message)
        raise refusal
    return verdict


def _verdict(answer: str, whole: bool) -> Verdict:
    """What an answer of clamd means; whatever is not known is no verdict."""
    found = _FOUND.fullmatch(answer)
    if found is not None:
        return Verdict("infected", signature=_plain(found[1]))
    if answer == "stream: OK" and whole:
        return Verdict("clean")
    if answer.startswith("INSTREAM size limit exceeded"):
        return Verdict(
            "unavailable",
            reason="The upload is longer than StreamMaxLength in clamd's settings allows.",
            too_long=True,
        )
    when = "" if whole else " before it had the whole upload"
    return Verdict("unavailable", reason=f"The scanner answered {_shown(answer.encode())}{when}.")


async def _pieces(path: Path) -> AsyncGenerator[bytes]:
    """A file, a piece at a time, read beside the event loop."""
    try:
        file: BinaryIO = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise InputNotFound(f"{path} cannot be read: {error.strerror or error}.", cure="Check the path.") from error
    try:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
    except OSError as error:
        raise InputNotFound(f"{path} cannot be read: {error.strerror or error}.", cure="Check the disk.") from error
    finally:
        file.close()


async def _within(work: Awaitable[T], seconds: float, what: str) -> T:
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError as error:
        raise _Broken(f"The scanner {what} within {seconds:g} seconds.") from error


def _plain(text: str) -> str:
    """Text from outside as it may stand in a message: printable, and not long."""
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _shown(answer: bytes) -> str:
    return f'"{_plain(answer[:200].decode("utf-8", "replace"))}"'
