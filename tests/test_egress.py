"""The one door to the network: what it refuses, follows and never sends."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from darkroom import addresses
from darkroom.egress import PURPOSES, REDIRECTS, Egress, Purpose, shown
from darkroom.errors import (
    AddressRefused,
    DownloadFailed,
    DownloadInterrupted,
    EgressRefused,
    LedgerUnwritable,
    OfflineRefused,
)
from darkroom.settings import Settings
from tests.models.serving import Mirror


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror().serving() as served:
        served.files["a"] = b"content"
        yield served


def test_gives_status_headers_and_body(mirror: Mirror) -> None:
    with Egress(Settings()).stream(f"{mirror.url}/a", "model") as answer:
        assert answer.status == 200
        assert answer.headers["etag"] == mirror.etag
        assert b"".join(answer.chunks) == b"content"


def test_offline_makes_no_connection(mirror: Mirror) -> None:
    with (
        pytest.raises(OfflineRefused, match=r"127\.0\.0\.1 was not contacted \(model\)"),
        Egress(Settings(offline=True)).stream(f"{mirror.url}/a", "model"),
    ):
        pass
    assert mirror.requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "no address", "http://", "http://[::1/a"])
def test_only_http_and_https(url: str) -> None:
    with pytest.raises(DownloadFailed), Egress(Settings()).stream(url, "model"):
        pass


def test_redirects_are_followed_but_not_for_ever(mirror: Mirror) -> None:
    mirror.redirect = "/b"
    said = f"more than {REDIRECTS} times"
    with pytest.raises(DownloadFailed, match=said), Egress(Settings()).stream(f"{mirror.url}/a", "model"):
        pass
    assert len(mirror.requests) == REDIRECTS + 1


def test_a_redirect_to_nonsense_is_an_error(mirror: Mirror) -> None:
    mirror.redirect = "http://[bad"
    with pytest.raises(DownloadFailed), Egress(Settings()).stream(f"{mirror.url}/a", "model"):
        pass


def test_a_connection_that_breaks_may_be_tried_again(mirror: Mirror) -> None:
    mirror.files["a"] = b"x" * 100_000
    mirror.cut_after = 40_000
    with (
        pytest.raises(DownloadInterrupted, match=r"127\.0\.0\.1"),
        Egress(Settings()).stream(f"{mirror.url}/a", "model") as answer,
    ):
        list(answer.chunks)


@pytest.mark.parametrize("head", ["", "HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "a body without a length"])
def test_whoever_drips_is_cut_off_when_the_time_is_over(head: str) -> None:
    """Each byte comes soon enough; all of them together would take hours."""
    stopped = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(10_000)
            connection.sendall(head.encode() or b"HTTP/1.1 200 OK\r\n")
            while not stopped.wait(0.02):
                connection.sendall(b"x")
        stopped.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        egress = Egress(Settings())
        with pytest.raises(DownloadFailed, match="took too long"):
            egress.request("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/", "source", seconds=0.5)
        assert stopped.wait(5), "the connection was closed"
        dripping.join()
    (entry,) = egress.ledger.entries()
    assert entry.outcome == "failed"


def test_addresses_are_shown_without_passwords() -> None:
    assert shown("https://me:secret@example.org/a@b") == "https://example.org/a@b"


def test_every_connection_is_in_the_ledger_with_its_bytes(mirror: Mirror) -> None:
    mirror.files["b?secret=1"] = b"12345"
    egress = Egress(Settings(), job="job-7")
    with egress.stream(f"{mirror.url}/b?secret=1", "model", what="nothing") as answer:
        assert [entry.outcome for entry in egress.ledger.entries()] == ["started"]
        assert b"".join(answer.chunks) == b"12345"
    (entry,) = egress.ledger.entries()
    assert (entry.purpose, entry.host, entry.path, entry.job) == ("model", "127.0.0.1", "/b", "job-7")
    assert (entry.status, entry.sent, entry.received, entry.outcome) == (200, 0, 5, "done")


def test_what_is_sent_is_counted(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST", data=b"x" * 1000).respond_with_data("fine")
    egress = Egress(Settings())
    answer = egress.request("POST", httpserver.url_for("/hook"), "webhook", content=b"x" * 1000, what="a job's end")
    assert (answer.status, answer.content) == (200, b"fine")
    (entry,) = egress.ledger.entries()
    assert (entry.method, entry.sent, entry.received, entry.what) == ("POST", 1000, 4, "a job's end")


def test_each_redirect_is_a_connection_of_its_own(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/one").respond_with_data(b"", 302, {"Location": "/two"})
    httpserver.expect_request("/two").respond_with_data(b"abc")
    egress = Egress(Settings())
    assert egress.request("GET", httpserver.url_for("/one"), "source").content == b"abc"
    assert [(entry.path, entry.status) for entry in egress.ledger.entries()] == [("/one", 302), ("/two", 200)]


def test_an_address_of_the_own_network_is_refused_and_noted(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DARKROOM_EGRESS__PRIVATE_HOSTS")
    for purpose in PURPOSES:
        egress = Egress(Settings())
        with pytest.raises(AddressRefused, match="loopback"):
            egress.request("GET", f"{mirror.url}/a", purpose)
    assert mirror.requests == []
    assert {entry.outcome for entry in egress.ledger.entries()} == {"refused"}


def test_what_would_be_refused_is_foreseen_without_contacting_anybody(mirror: Mirror) -> None:
    egress = Egress(
        Settings().with_changes({"egress.private_hosts": ["127.0.0.1"], "models.mirror": "http://10.0.0.9"})
    )
    for url in (f"{mirror.url}/hook", "https://example.org/hook", "http://no.such.name.example/"):
        egress.foresee(url, "webhook")
    egress.foresee("http://10.0.0.9/", "model")
    for url in ("http://10.0.0.9/", "http://127.0.0.2/", "http://[::1]/", "http://2130706433/", "https://nas.local/"):
        with pytest.raises(AddressRefused):
            egress.foresee(url, "webhook")
    for url in ("ftp://example.org/", "example.org", "http:///hook", "http://[::g/"):
        with pytest.raises(DownloadFailed, match="not an"):
            egress.foresee(url, "webhook")
    assert (mirror.requests, list(egress.ledger.entries())) == ([], [])


def test_a_redirect_into_the_own_network_is_refused(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    httpserver.expect_request("/out").respond_with_data(
        b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}
    )
    egress = Egress(Settings())
    with pytest.raises(AddressRefused, match="link-local"):
        egress.request("GET", httpserver.url_for("/out"), "source")
    assert [entry.outcome for entry in egress.ledger.entries()] == ["done", "refused"]


def test_the_address_that_was_checked_is_contacted(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers with a public address first and with another one later (DNS rebinding) is asked once."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    monkeypatch.setattr(addresses, "system_resolve", resolve)
    connected: list[object] = []
    original = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        connected.append(address)
        if address == ("127.0.0.1", int(mirror.url.rsplit(":", 1)[1])):
            return original(self, address)  # type: ignore[arg-type]
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(DownloadInterrupted):
        Egress(Settings()).request("GET", f"http://rebind.example:{int(mirror.url.rsplit(':', 1)[1])}/a", "source")
    assert asked == ["rebind.example"]
    assert connected == [("93.184.216.34", int(mirror.url.rsplit(":", 1)[1]))]
    assert mirror.requests == []


def test_what_the_owner_named_may_be_of_the_own_network(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DARKROOM_EGRESS__PRIVATE_HOSTS")
    settings = Settings().with_changes({"models.mirror": mirror.url})
    assert Egress(settings).request("GET", f"{mirror.url}/a", "model").content == b"content"
    with pytest.raises(AddressRefused):
        Egress(settings).request("GET", f"{mirror.url}/a", "source")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_purpose_can_be_switched_off(mirror: Mirror, purpose: Purpose) -> None:
    egress = Egress(Settings().with_changes({f"egress.{purpose}": False}))
    with pytest.raises(EgressRefused, match=f"purpose {purpose} are off"):
        egress.request("GET", f"{mirror.url}/a", purpose)
    assert list(egress.ledger.entries()) == []


def test_without_a_ledger_nothing_is_contacted(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    egress = Egress(Settings().with_changes({"egress.ledger": tmp_path / "file" / "ledger.sqlite3"}))
    with pytest.raises(LedgerUnwritable, match="was not contacted"):
        egress.request("GET", f"{mirror.url}/a", "model")
    assert mirror.requests == []


def test_answers_are_cut_off(mirror: Mirror) -> None:
    mirror.files["big"] = b"x" * 300_000
    egress = Egress(Settings())
    with pytest.raises(DownloadFailed, match="more than"):
        egress.request("GET", f"{mirror.url}/big", "source", most=100_000)
    mirror.slow = 0.3
    with pytest.raises(DownloadFailed, match="too long"):
        egress.request("GET", f"{mirror.url}/big", "source", seconds=0.2)
    assert [entry.outcome for entry in egress.ledger.entries()] == ["failed", "failed"]


def test_a_connection_that_fails_is_noted() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    egress = Egress(Settings())
    with pytest.raises(DownloadInterrupted):
        egress.request("POST", f"http://127.0.0.1:{port}/", "webhook", content=b"abc")
    (entry,) = egress.ledger.entries()
    assert (entry.outcome, entry.status, entry.sent) == ("failed", 0, 0)


class TestConnectionsOfLibraries:
    """What obstore and the like contact by themselves is held to the same rules."""

    def named(self) -> Settings:
        return Settings().with_changes(
            {"storage.kind": "s3", "storage.s3.endpoint": "https://s3.example.org", "storage.s3.bucket": "shop"}
        )

    def test_are_written_down_before_and_after(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(addresses, "system_resolve", lambda host, port: ["192.0.2.7"])
        egress = Egress(self.named(), job="job-7")
        with egress.account(
            "https://s3.example.org/shop/a?secret=1", "storage", method="PUT", what="a file"
        ) as counted:
            assert [entry.outcome for entry in egress.ledger.entries()] == ["started"]
            counted.sent, counted.status = 5, 200
        (entry,) = egress.ledger.entries()
        assert (entry.host, entry.port, entry.path, entry.address) == ("s3.example.org", 443, "/shop/a", "192.0.2.7")
        assert (entry.method, entry.what, entry.job) == ("PUT", "a file", "job-7")
        assert (entry.sent, entry.received, entry.status, entry.outcome) == (5, 0, 200, "done")

    def test_that_fail_are_written_down_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(addresses, "system_resolve", lambda host, port: ["192.0.2.7"])
        egress = Egress(self.named())
        with (
            pytest.raises(ConnectionResetError),
            egress.account("https://s3.example.org/shop/a", "storage", method="PUT"),
        ):
            raise ConnectionResetError
        assert [entry.outcome for entry in egress.ledger.entries()] == ["failed"]

    @pytest.mark.parametrize("url", ["https://elsewhere.example.org/shop", "http://169.254.169.254/", "no address"])
    def test_go_to_named_hosts_only(self, url: str) -> None:
        egress = Egress(self.named())
        with pytest.raises(AddressRefused, match="do not name it"), egress.account(url, "storage", method="PUT"):
            raise AssertionError("entered")
        assert list(egress.ledger.entries()) == []

    def test_are_refused_by_the_policy(self) -> None:
        for change, error in (({"offline": True}, OfflineRefused), ({"egress.storage": False}, EgressRefused)):
            egress = Egress(self.named().with_changes(change))
            with pytest.raises(error), egress.account("https://s3.example.org/shop", "storage", method="PUT"):
                raise AssertionError("entered")


def test_another_protocol_goes_into_the_own_network_only(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"scanner.lan": ["192.168.7.7"], "far.example": ["93.184.216.34"], "both.example": ["10.0.0.1", "8.8.8.8"]}
    monkeypatch.setattr(addresses, "system_resolve", lambda host, _: known.get(host, []))
    egress = Egress(Settings())
    passage = egress.begin("scanner.lan", 3310, "scan", scheme="clamd", what="an upload")
    assert passage.address == "192.168.7.7"
    egress.end(passage, sent=5, received=7, outcome="done")
    for host in ("far.example", "both.example", "none.example"):
        with pytest.raises(AddressRefused, match=f"{host} was not contacted"):
            egress.begin(host, 3310, "scan", scheme="clamd")
    named = Egress(Settings().with_changes({"egress.private_hosts": ["far.example"]}))
    assert named.begin("far.example", 3310, "scan", scheme="clamd").address == "93.184.216.34"
    first, *others = egress.ledger.entries(purpose="scan")
    assert (first.scheme, first.host, first.address, first.what) == ("clamd", "scanner.lan", "192.168.7.7", "an upload")
    assert (first.sent, first.received, first.outcome) == (5, 7, "done")
    assert [entry.outcome for entry in others] == ["refused", "refused", "refused", "started"]


class TestServersThatAreKeptTo:
    """A library's connections to the owner's database or broker, written down once for as long as the process lives."""

    @pytest.fixture(autouse=True)
    def names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {"db.lan": ["192.168.7.7"], "db.example": ["93.184.216.34"]}
        monkeypatch.setattr(addresses, "system_resolve", lambda host, _: known.get(host, []))

    def test_are_written_down_once(self) -> None:
        egress = Egress(Settings())
        egress.attach("db.lan", 5432, "database", scheme="postgresql", encrypted=False, what="jobs")
        (entry,) = egress.ledger.entries(purpose="database")
        assert (entry.scheme, entry.host, entry.port, entry.address) == ("postgresql", "db.lan", 5432, "192.168.7.7")
        assert (entry.what, entry.outcome) == ("jobs", "done")

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
    def test_of_this_machine_are_no_outgoing_connection(self, host: str) -> None:
        egress = Egress(Settings().with_changes({"offline": True}))
        egress.attach(host, 6379, "broker", scheme="redis", encrypted=False)
        assert list(egress.ledger.entries()) == []

    def test_of_the_public_network_are_encrypted_or_named(self) -> None:
        egress = Egress(Settings())
        with pytest.raises(AddressRefused, match="does not encrypt"):
            egress.attach("db.example", 6379, "broker", scheme="redis", encrypted=False)
        egress.attach("db.example", 6379, "broker", scheme="rediss", encrypted=True)
        named = Egress(Settings().with_changes({"egress.private_hosts": ["db.example"]}))
        named.attach("db.example", 6379, "broker", scheme="redis", encrypted=False)
        assert [entry.outcome for entry in egress.ledger.entries()] == ["refused", "done", "done"]

    @pytest.mark.parametrize("purpose", ["database", "broker"])
    def test_are_refused_by_the_policy(self, purpose: Purpose) -> None:
        for change, error in (({"offline": True}, OfflineRefused), ({f"egress.{purpose}": False}, EgressRefused)):
            egress = Egress(Settings().with_changes(change))
            with pytest.raises(error, match=purpose):
                egress.attach("db.lan", 5432, purpose, scheme="postgresql", encrypted=True)
            assert list(egress.ledger.entries()) == []
