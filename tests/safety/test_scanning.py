"""Scanning: what a real clamd finds, and that nothing else is ever taken for a clean bill."""

from __future__ import annotations

import asyncio
import io
import socket
import struct
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from darkroom import addresses
from darkroom.egress import Egress
from darkroom.errors import Infected, InputNotFound, LimitExceeded, ScannerUnavailable
from darkroom.ledger import Ledger
from darkroom.safety.scanning import Scanner, Verdict, admit
from darkroom.settings import ScanningSettings, Settings
from tests.safety.conftest import Behave
from tests.servers import EICAR, SIGNATURE, STREAM_MAX, Clamd

pytestmark = pytest.mark.anyio
Serve = Callable[[Behave], int]


async def stream(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def scanner_at(place: tuple[str, int] | Path, **options: float) -> Scanner:
    return Scanner(place, Egress(Settings()), **({"timeout_seconds": 10} | options))  # type: ignore[arg-type]


@pytest.fixture(params=["tcp", "unix"])
def scanner(request: pytest.FixtureRequest, clamd: Clamd) -> Scanner:
    return scanner_at(("127.0.0.1", clamd.port) if request.param == "tcp" else clamd.socket)


def zipped(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("harmless.txt", b"nothing")
        archive.writestr("folder/eicar.com", data)
    return made.getvalue()


class TestWithClamd:
    async def test_clean_is_clean(self, scanner: Scanner) -> None:
        assert await scanner.scan(stream(b"a picture " * 10_000)) == Verdict("clean")

    async def test_nothing_is_clean_too(self, scanner: Scanner) -> None:
        assert await scanner.scan(stream(b"")) == Verdict("clean")

    @pytest.mark.parametrize("wrapped", [lambda data: data, zipped], ids=["raw", "in a zip"])
    async def test_infected_is_named(self, scanner: Scanner, wrapped: Callable[[bytes], bytes]) -> None:
        verdict = await scanner.scan(stream(wrapped(EICAR), 7))
        assert verdict == Verdict("infected", signature=f"{SIGNATURE}.UNOFFICIAL")

    async def test_an_empty_piece_does_not_end_the_stream(self, scanner: Scanner) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (EICAR[:30], b"", EICAR[30:], b""):
                yield piece

        assert (await scanner.scan(pieces())).state == "infected"

    async def test_a_file(self, scanner: Scanner, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(zipped(EICAR))
        assert (await scanner.scan(tmp_path / "a.zip")).state == "infected"
        with pytest.raises(InputNotFound):
            await scanner.scan(tmp_path / "none")

    async def test_many_at_once(self, scanner: Scanner) -> None:
        scans = [scanner.scan(stream(EICAR if index % 2 else b"fine" * 5000)) for index in range(20)]
        assert [one.state for one in await asyncio.gather(*scans)] == ["clean", "infected"] * 10

    async def test_check_gives_the_latency_and_the_version(self, scanner: Scanner) -> None:
        assert 0 < await scanner.check() < 5
        assert scanner.version.startswith("ClamAV ")

    async def test_past_clamds_own_limit_is_never_clean(self, scanner: Scanner) -> None:
        for size in (STREAM_MAX + 1, 10 * STREAM_MAX):
            verdict = await scanner.scan(stream(b"x" * size, 100_000))
            assert verdict.state == "unavailable"
            assert verdict.reason
            with pytest.raises((LimitExceeded, ScannerUnavailable)):
                await admit(stream(b"x" * size, 100_000), name="long.png", scanner=scanner)

    async def test_past_our_limit_is_refused_whatever_the_policy(self, clamd: Clamd) -> None:
        scanner = scanner_at(("127.0.0.1", clamd.port), most_bytes=5000)
        assert (await scanner.scan(stream(b"x" * 5000))).state == "clean"
        assert (await scanner.scan(stream(b"x" * 5001))).too_long
        with pytest.raises(LimitExceeded, match=r"long\.png was not taken"):
            await admit(stream(b"x" * 5001), name="long.png", scanner=scanner, policy="fail_open")

    async def test_a_file_is_never_whole_in_memory(self, clamd: Clamd, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x" * (STREAM_MAX - 1))
        tracemalloc.start()
        try:
            assert (await scanner_at(clamd.socket).scan(tmp_path / "a")).state == "clean"
            assert tracemalloc.get_traced_memory()[1] < STREAM_MAX * 3 / 4
        finally:
            tracemalloc.stop()

    async def test_an_error_of_the_upload_is_its_own(self, scanner: Scanner) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"start"
            raise ConnectionError("the client went away")

        with pytest.raises(ConnectionError, match="the client went away"):
            await scanner.scan(broken())
        assert (await scanner.scan(stream(b"next"))).state == "clean"

    @pytest.mark.parametrize("policy", ["fail_open", "fail_closed"])
    async def test_infected_is_refused_whatever_the_policy(self, scanner: Scanner, policy: str) -> None:
        with pytest.raises(Infected, match=rf"shoe\.zip is infected: .*{SIGNATURE}") as raised:
            await admit(stream(zipped(EICAR)), name="shoe.zip", scanner=scanner, policy=policy)  # type: ignore[arg-type]
        assert (raised.value.code, raised.value.http_status) == ("infected", 422)

    async def test_from_settings(self, clamd: Clamd) -> None:
        assert Scanner.from_settings(Settings()) is None
        changes = {"scanning.enabled": True, "scanning.address": f"unix:{clamd.socket}"}
        scanner = Scanner.from_settings(Settings().with_changes(changes))
        assert scanner is not None
        assert await scanner.check() > 0


def receive_all(connection: socket.socket) -> None:
    """Read a command and a stream to its end, as clamd does."""
    with connection.makefile("rb") as file:
        while file.read(1) not in (b"\0", b""):
            pass
        while length := int.from_bytes(file.read(4), "big"):
            file.read(length)


def says(answer: bytes, *, first: bool = False, close: bool = True) -> Behave:
    def behave(connection: socket.socket) -> None:
        if not first:
            receive_all(connection)
        connection.sendall(answer)
        if first:
            receive_all(connection)
        if close:
            connection.close()

    return behave


def reset(connection: socket.socket) -> None:
    connection.recv(20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


NOT_CLEAN: dict[str, tuple[Behave, str]] = {
    "hangs": (lambda _: None, "within 0.5 seconds"),
    "hangs after the stream": (receive_all, "gave no verdict within 0.5 seconds"),
    "closes at once": (lambda connection: connection.close(), "broke the connection off"),
    "closes in the middle": (reset, "broke the connection off"),
    "closes before the answer": (says(b""), "without an answer"),
    "closes within the answer": (says(b"stream: OK"), 'after saying "stream: OK"'),
    "garbage": (says(b"\xff\x00HTTP/1.1 400 Bad Request\r\n\r\n\0"), "The scanner answered"),
    "a web server": (says(b"HTTP/1.1 200 OK\r\n\r\n\0"), 'answered "HTTP/1.1 200 OK??'),
    "nearly": (says(b"stream: OK then\0"), 'answered "stream: OK then"'),
    "another's verdict": (says(b"1: stream: OK\0"), "The scanner answered"),
    "an error": (says(b"stream: Can't allocate memory ERROR\0"), "allocate memory"),
    "ok before the end": (says(b"stream: OK\0", first=True), "before it had the whole upload"),
    "no end of words": (says(b"x" * 100_000, close=False), "more than 4096 bytes"),
}


@pytest.mark.parametrize("policy", ["fail_open", "fail_closed"])
@pytest.mark.parametrize("case", NOT_CLEAN)
async def test_a_server_that_is_not_clamd_or_not_well(serve: Serve, case: str, policy: str) -> None:
    behave, said = NOT_CLEAN[case]
    scanner = scanner_at(("127.0.0.1", serve(behave)), timeout_seconds=0.5)

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000
            await asyncio.sleep(0.005)

    verdict = await scanner.scan(slow())
    assert verdict.state == "unavailable"
    assert said in verdict.reason
    warnings: list[str] = []
    if policy == "fail_closed":
        with pytest.raises(ScannerUnavailable, match=r"a\.png could not be searched") as raised:
            await admit(slow(), name="a.png", scanner=scanner, policy=policy, warnings=warnings)
        assert (raised.value.http_status, warnings) == (503, [])
    else:
        admitted = await admit(slow(), name="a.png", scanner=scanner, policy=policy, warnings=warnings)  # type: ignore[arg-type]
        assert admitted is not None
        assert admitted.state == "unavailable"
        assert len(warnings) == 1
        assert warnings[0].startswith("a.png was not searched for viruses. The scanner ")


async def test_found_before_the_end_is_found(serve: Serve) -> None:
    scanner = scanner_at(("127.0.0.1", serve(says(b"stream: Early FOUND\0", first=True))))

    async def slow() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.005)

    assert await scanner.scan(slow()) == Verdict("infected", signature="Early")


async def test_the_time_an_upload_takes_is_not_counted(serve: Serve) -> None:
    scanner = scanner_at(("127.0.0.1", serve(says(b"stream: OK\0"))), timeout_seconds=0.3)

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x"
            await asyncio.sleep(0.15)

    assert (await scanner.scan(slow())).state == "clean"


@pytest.mark.parametrize("case", ["hangs", "closes at once", "garbage", "no end of words"])
async def test_check_of_what_is_not_well(serve: Serve, case: str) -> None:
    behave = NOT_CLEAN[case][0] if case == "hangs" else says(b"nonsense\0" * 2, close=False)
    port = serve((lambda connection: connection.close()) if case == "closes at once" else behave)
    with pytest.raises(ScannerUnavailable, match=f"127.0.0.1:{port}"):
        await scanner_at(("127.0.0.1", port), timeout_seconds=0.3).check()


async def test_nobody_is_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for place in (("127.0.0.1", port), tmp_path / "no-socket"):
            assert "cannot be reached" in (await scanner_at(place).scan(stream(b"x"))).reason
            with pytest.raises(ScannerUnavailable, match="cannot be reached"):
                await scanner_at(place).check()


async def test_off_means_off() -> None:
    assert await admit(stream(b"x"), name="a.png", scanner=None) is None


class TestLeavingThisMachine:
    """A scanner elsewhere is an outgoing connection; the name is one that leads here, as the tests may go nowhere."""

    @pytest.fixture(autouse=True)
    def names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {"scanner.example": ["127.0.0.1"], "public.example": ["93.184.216.34"]}
        monkeypatch.setattr(addresses, "system_resolve", lambda host, _: known.get(host, []))

    def scanner(self, host: str, port: int = 3310, **changes: object) -> Scanner:
        named = {f"egress.{name}" if name == "scan" else name: value for name, value in changes.items()}
        settings = Settings().with_changes(
            named | {"scanning.enabled": True, "scanning.address": f"{host}:{port}", "scanning.timeout_seconds": 5}
        )
        made = Scanner.from_settings(settings)
        assert made is not None
        return made

    def ledger(self) -> Ledger:
        return Ledger(Settings().egress.ledger)

    async def test_it_is_in_the_ledger_with_its_bytes(self, serve: Serve) -> None:
        port = serve(says(b"stream: Evil FOUND\0"))
        assert (await self.scanner("scanner.example", port).scan(stream(b"x" * 1000))).state == "infected"
        (entry,) = self.ledger().entries(purpose="scan")
        assert (entry.host, entry.port, entry.address, entry.scheme) == ("scanner.example", port, "127.0.0.1", "clamd")
        assert (entry.sent, entry.received, entry.outcome) == (10 + 4 + 1000 + 4, 19, "done")

    async def test_one_that_fails_is_noted(self, serve: Serve) -> None:
        port = serve(lambda connection: connection.close())
        assert (await self.scanner("scanner.example", port).scan(stream(b"x" * 1000))).state == "unavailable"
        assert [entry.outcome for entry in self.ledger().entries()] == ["failed"]

    async def test_one_that_is_cancelled_is_noted(self, serve: Serve) -> None:
        scan = asyncio.ensure_future(self.scanner("scanner.example", serve(receive_all)).scan(stream(b"x")))
        await asyncio.sleep(0.5)
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scan
        assert [entry.outcome for entry in self.ledger().entries()] == ["failed"]

    async def test_on_this_machine_is_no_outgoing_connection(self, serve: Serve) -> None:
        scanner = self.scanner("127.0.0.1", serve(says(b"stream: OK\0")), offline=True, scan=False)
        assert (await scanner.scan(stream(b"x"))).state == "clean"
        assert list(self.ledger().entries()) == []

    @pytest.mark.parametrize(
        ("host", "changes", "said"),
        [
            ("scanner.example", {"offline": True}, "Darkroom is offline"),
            ("scanner.example", {"scan": False}, "purpose scan are off"),
            ("public.example", {}, "93.184.216.34 is of the public network, and clamd does not encrypt"),
            ("nowhere.example", {}, "it has no address"),
        ],
    )
    async def test_what_is_not_allowed_is_unavailable(self, host: str, changes: dict[str, bool], said: str) -> None:
        scanner = self.scanner(host, **changes)
        verdict = await scanner.scan(stream(b"x"))
        assert verdict.state == "unavailable"
        assert said in verdict.reason
        with pytest.raises(ScannerUnavailable, match=said):
            await scanner.check()

    async def test_without_a_ledger_nothing_is_sent(self, serve: Serve, tmp_path: Path) -> None:
        asked: list[bytes] = []
        port = serve(lambda connection: asked.append(connection.recv(10)))
        (tmp_path / "file").write_text("not a folder")
        scanner = self.scanner("scanner.example", port, **{"egress.ledger": tmp_path / "file" / "ledger.sqlite3"})
        assert "cannot be written" in (await scanner.scan(stream(b"x"))).reason
        assert asked == []


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1:3310", ("127.0.0.1", 3310)),
        ("[::1]:3310", ("::1", 3310)),
        ("scanner.lan:1", ("scanner.lan", 1)),
        ("unix:/run/clamav/clamd.ctl", Path("/run/clamav/clamd.ctl")),
    ],
)
async def test_addresses(address: str, place: object) -> None:
    assert ScanningSettings(address=address).place == place


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "localhost:", "a:0", "a:70000", "::1:3310", "http://a:1", "unix:", "unix:here", "a b:1"],
)
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValidationError, match=r"it is written host:port|the path of a socket"):
        ScanningSettings(address=address)
