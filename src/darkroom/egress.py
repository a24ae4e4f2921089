"""The one door to the network: every outgoing connection of Darkroom is made here, with a purpose, and written down.

Only http and https; no cookies; credentials never cross to another host; redirects are followed by hand, at most five,
each checked like the first address. Addresses that somebody else chose are held to the public network and the address
that was checked is the one that is contacted (:mod:`darkroom.addresses`). Every connection is in the ledger before it
is made (:mod:`darkroom.ledger`). Who speaks another protocol asks here first (:meth:`Egress.begin`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from darkroom import addresses
from darkroom.errors import AddressRefused, DownloadFailed, DownloadInterrupted, EgressRefused, OfflineRefused
from darkroom.ledger import Entry, Ledger, now

if TYPE_CHECKING:
    from darkroom.settings import Settings

Purpose = Literal["model", "source", "cloud", "webhook", "storage", "scan", "database", "broker", "telemetry"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
FOREIGN: tuple[Purpose, ...] = ("source", "webhook")
"""Purposes whose addresses come from outside: no proxy resolves them, so that what was checked is contacted."""

REDIRECTS = 5
CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
"""How long nothing at all may arrive."""
ANSWER_BYTES = 64_000_000
"""Most that is read of an answer where nobody says more."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Passage:
    """A connection that was allowed and written down: the address to contact, and its number in the ledger."""

    address: str
    number: int


@dataclass(slots=True)
class Counted:
    """What a library's own connections have moved: bytes of bodies, and the last status of HTTP's (0 is unknown)."""

    sent: int = 0
    received: int = 0
    status: int = 0


@dataclass(slots=True)
class _Hop:
    """One connection: what goes out, and what was counted."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes
    number: int = 0
    status: int = 0
    received: int = 0
    outcome: str = "failed"
    deadline: _Deadline | None = None


class _Deadline:
    """Cuts a connection off when its time is over, whatever it waits for: whoever drips bytes gets no more time."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._lock = threading.Lock()
        self._socket: Any = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What the HTTP client tells of itself: here each connection that it has made."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
            if self.over:
                self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # Closing it would not wake who reads from it.
                    self._socket.shutdown(socket.SHUT_RDWR)


class Egress:
    """Makes connections as the settings allow.

    ``job`` names whose work they are for in the ledger.
    """

    def __init__(self, settings: Settings, job: str = "") -> None:
        self._offline = settings.offline
        self._policy = settings.egress
        self._own = {host for host in (_host_of(url) for url in settings.own_addresses()) if host}
        self._job = job
        self.ledger = Ledger(settings.egress.ledger)

    @contextlib.contextmanager
    def stream(
        self,
        url: str,
        purpose: Purpose,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        content: bytes = b"",
        what: str = "",
        most: int | None = None,
        seconds: float | None = None,
    ) -> Generator[Response]:
        """Send a request and give the answer, redirects followed; the body is read as it is iterated.

        Args:
            url: http or https.
            purpose: what for; each may be switched off in the settings.
            headers: to send.
            method: a request with content follows no redirect.
            content: the body to send.
            what: in words, what is sent, for the ledger.
            most: bytes of the answer's body after which it is cut off with an error.
            seconds: the whole may take, from now on; only looking up a name may take longer.

        Raises:
            OfflineRefused: the settings allow no connection.
            EgressRefused: the settings do not allow this purpose.
            AddressRefused: the address is not of the public network, or (NameUnknown) its name is not known.
            LedgerUnwritable: the connection could not be written down.
            DownloadFailed: the address cannot be used, or the answer is too long or slow.
            DownloadInterrupted: the host cannot be reached, or the connection broke, now or while the body is read.
        """
        import httpx2 as httpx

        self._permit(_host(url), purpose)
        longest = READ_SECONDS if seconds is None else min(seconds, READ_SECONDS)
        timeout = httpx.Timeout(longest, connect=min(longest, CONNECT_SECONDS))
        with contextlib.ExitStack() as stack:
            deadline = None if seconds is None else stack.enter_context(_Deadline(seconds))
            client: Any = stack.enter_context(
                httpx.Client(
                    timeout=timeout,
                    follow_redirects=False,
                    headers={"User-Agent": "darkroom"},
                    trust_env=purpose not in FOREIGN,
                )
            )
            hop = _Hop(method, url, dict(headers or {}), content, deadline=deadline)
            try:
                answer = self._follow(client, stack, hop, purpose, what)
                yield Response(
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    _read(answer, hop, most),
                    hop.url,
                )
                hop.outcome = "done"
            except httpx.TransportError as error:
                raise _broken(hop, error) from error
            finally:
                self._written(hop)

    def foresee(self, url: str, purpose: Purpose) -> None:
        """Refuse at once what would be refused whenever it is contacted; a name is not looked up for that.

        Raises DownloadFailed where it is not an http or https address; AddressRefused as :meth:`stream`.
        """
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise DownloadFailed(f"{shown(url)} is not an address.", cure="Correct the address.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _not_http(url)
        if not self._is_own(parts.hostname, purpose):
            addresses.check_spelling(parts.hostname)

    def request(
        self,
        method: str,
        url: str,
        purpose: Purpose,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        what: str = "",
        most: int = ANSWER_BYTES,
        seconds: float | None = None,
    ) -> Answer:
        """As :meth:`stream`, the answer read whole: at most ``most`` bytes."""
        with self.stream(
            url, purpose, headers, method=method, content=content, what=what, most=most, seconds=seconds
        ) as answer:
            return Answer(answer.status, answer.headers, b"".join(answer.chunks))

    @contextlib.contextmanager
    def account(self, url: str, purpose: Purpose, *, method: str, what: str = "") -> Generator[Counted]:
        """Permit and write down connections that a library makes by itself, to a host that the settings name.

        Entered before the first of them and left after the last; the caller counts the bytes of bodies into what is
        given. What the library does by itself, such as a request made again or a redirect followed, is not seen and
        not counted. The library looks the name up once more, so only hosts that the owner has named may be contacted.

        Args:
            url: http or https, as the library contacts it.
            purpose: what for.
            method: of HTTP, or of the library's operation.
            what: in words, what is sent, for the ledger.

        Raises:
            OfflineRefused: the settings allow no connection.
            EgressRefused: the settings do not allow this purpose.
            AddressRefused: the host is not one that the settings name.
            LedgerUnwritable: the connection could not be written down.
        """
        self._permit(_host(url), purpose)
        host = _host(url)
        if host not in self._own and host not in self._policy.private_hosts:
            raise AddressRefused(
                f"{host} was not contacted ({purpose}): the settings do not name it.",
                cure="Name it there, or in egress.private_hosts.",
            )
        parts = urlsplit(url)
        hop = _Hop(method, url, {}, b"")
        counted = Counted()
        try:
            self._begin(hop, purpose, what, host, parts.port or (443 if parts.scheme == "https" else 80))
            yield counted
            hop.outcome = "done"
        finally:
            if hop.number:
                self.ledger.end(
                    hop.number,
                    sent=counted.sent,
                    received=counted.received,
                    status=counted.status,
                    outcome=hop.outcome,
                )

    def begin(self, host: str, port: int, purpose: Purpose, *, scheme: str, what: str = "") -> Passage:
        """Write down a connection that speaks another protocol than HTTP, and give the address to contact.

        The caller makes the connection, to that address, and says with :meth:`end` how it went. ``host`` is one that
        the owner's settings name. As such protocols do not encrypt, it must be of the own network or in
        ``egress.private_hosts``. Blocks while the name is looked up.

        Raises:
            OfflineRefused: the settings allow no connection.
            EgressRefused: the settings do not allow this purpose.
            AddressRefused: the address is of the public network, or the name has none.
            LedgerUnwritable: the connection could not be written down.
        """
        return self._begin_other(host, port, purpose, scheme, what, encrypted=False)

    def _begin_other(
        self, host: str, port: int, purpose: Purpose, scheme: str, what: str, *, encrypted: bool
    ) -> Passage:
        self._permit(host, purpose)
        entry = Entry(
            at=now(),
            purpose=purpose,
            method="",
            scheme=scheme,
            host=host,
            port=port,
            path="",
            address="",
            what=what,
            job=self._job,
        )
        found = addresses.system_resolve(host, port)
        public = [text for text in found if addresses.why_refused(ipaddress.ip_address(text.split("%", 1)[0])) is None]
        if not found or (public and not encrypted and host not in self._policy.private_hosts):
            self.ledger.end(self.ledger.begin(entry), sent=0, received=0, status=0, outcome="refused")
            why = "it has no address"
            if public:
                why = f"{public[0]} is of the public network, and {scheme} does not encrypt"
            raise AddressRefused(
                f"{host} was not contacted: {why}.",
                cure="If the way there is safe, add the host to egress.private_hosts." if public else "Check the name.",
            )
        return Passage(found[0], self.ledger.begin(_with_address(entry, found[0])))

    def end(self, passage: Passage, *, sent: int, received: int, outcome: Literal["done", "failed"]) -> None:
        """Say how a connection ended that :meth:`begin` allowed. Raises LedgerUnwritable."""
        self.ledger.end(passage.number, sent=sent, received=received, status=0, outcome=outcome)

    def attach(self, host: str, port: int, purpose: Purpose, *, scheme: str, encrypted: bool, what: str = "") -> None:
        """Permit and write down, once, that this process now keeps connections to a server of the owner's.

        For a library that opens them by itself, again and again, as long as the process lives: bytes are not counted,
        and the address is the one that the name had at the start. This machine itself is no outgoing connection, and
        what is not ``encrypted`` stays in the own network, as with :meth:`begin`.

        Raises:
            OfflineRefused: the settings allow no connection.
            EgressRefused: the settings do not allow this purpose.
            AddressRefused: it would go unencrypted to the public network, or the name has no address.
            LedgerUnwritable: the connection could not be written down.
        """
        if addresses.is_loopback(host):
            return
        passage = self._begin_other(host, port, purpose, scheme, what, encrypted=encrypted)
        self.ledger.end(passage.number, sent=0, received=0, status=0, outcome="done")

    def _permit(self, host: str, purpose: Purpose) -> None:
        if self._offline:
            cure = {
                "storage": "Leave out --offline, or set storage.kind to local.",
                "database": "Leave out --offline, or keep the database on this machine.",
                "broker": "Leave out --offline, or leave jobs.broker_url empty.",
                "telemetry": "Leave out --offline, or name no collector of traces.",
            }.get(purpose, "Leave out --offline, or bring the file by `darkroom models import`.")
            raise OfflineRefused(f"{host} was not contacted ({purpose}): Darkroom is offline.", cure=cure)
        if not self._policy.allows(purpose):
            raise EgressRefused(
                f"{host} was not contacted: connections for the purpose {purpose} are off.",
                cure=f"Set egress.{purpose} if that is wanted.",
            )

    def _follow(self, client: Any, stack: contextlib.ExitStack, hop: _Hop, purpose: Purpose, what: str) -> Any:
        import httpx2 as httpx

        origin: str | None = None
        for _ in range(REDIRECTS + 1):
            url = hop.url
            try:
                parts = urlsplit(url)
                httpx.URL(url)
                port = parts.port or (443 if parts.scheme == "https" else 80)
            except (ValueError, httpx.InvalidURL) as error:
                raise DownloadFailed(f"{shown(url)} is not an address.", cure="Correct the address.") from error
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _not_http(url)
            if origin is not None and parts.netloc != origin:
                hop.headers = {name: value for name, value in hop.headers.items() if name.lower() != "authorization"}
            origin = origin or parts.netloc
            address = self._begin(hop, purpose, what, parts.hostname, port)
            answer = stack.enter_context(self._sent(client, hop, parts.netloc, parts.hostname, address))
            hop.status = answer.status_code
            if answer.status_code not in (301, 302, 303, 307, 308) or hop.content:
                return answer
            client.cookies.clear()
            try:
                there = urljoin(url, answer.headers.get("location", ""))
            except ValueError as error:
                raise DownloadFailed(
                    f"{shown(url)} redirects to what is not an address.", cure="Correct the address."
                ) from error
            if parts.scheme == "https" and there.startswith("http:"):
                raise DownloadFailed(
                    f"{shown(url)} redirects to an address without encryption.", cure="Correct the address."
                )
            hop.outcome = "done"
            self._written(hop)
            hop.url, hop.number, hop.status, hop.received, hop.outcome = there, 0, 0, 0, "failed"
        raise DownloadFailed(f"{shown(hop.url)} redirects more than {REDIRECTS} times.", cure="Correct the address.")

    def _begin(self, hop: _Hop, purpose: Purpose, what: str, host: str, port: int) -> str:
        """Check where a hop goes, write it down, and give the address to contact; empty where a proxy knows it."""
        parts = urlsplit(hop.url)
        entry = Entry(
            at=now(),
            purpose=purpose,
            method=hop.method,
            scheme=parts.scheme,
            host=host,
            port=port,
            path=parts.path or "/",
            address="",
            what=what,
            job=self._job,
        )
        try:
            address = self._address(host, port, parts.scheme, purpose)
        except AddressRefused:
            self.ledger.end(self.ledger.begin(entry), sent=0, received=0, status=0, outcome="refused")
            raise
        hop.number = self.ledger.begin(_with_address(entry, address))
        return address

    def _is_own(self, host: str, purpose: Purpose) -> bool:
        """Whether a host may be of the own network: the owner has named it."""
        return host in self._policy.private_hosts or (purpose not in FOREIGN and host in self._own)

    def _address(self, host: str, port: int, scheme: str, purpose: Purpose) -> str:
        proxied = purpose not in FOREIGN and scheme in getproxies() and not proxy_bypass(host)
        own = self._is_own(host, purpose)
        if proxied:
            # The proxy resolves names; an address that is written out is checked all the same.
            if not own and addresses.literal(host) is not None:
                addresses.allowed(host, port)
            return ""
        if not own:
            return addresses.allowed(host, port)[0]
        return next(iter(addresses.system_resolve(host, port)), "")

    @staticmethod
    def _sent(client: Any, hop: _Hop, netloc: str, host: str, address: str) -> Any:
        """Start the request, at the address that was checked, under the name that was asked for."""
        import httpx2 as httpx

        url = httpx.URL(hop.url)
        headers = dict(hop.headers)
        extensions: dict[str, Any] = {"trace": hop.deadline.trace} if hop.deadline is not None else {}
        if address and not _is_literal(host):
            url = url.copy_with(host=address)
            headers["Host"] = netloc.rsplit("@", 1)[-1]
            extensions["sni_hostname"] = host
        return client.stream(hop.method, url, headers=headers, content=hop.content or None, extensions=extensions)

    def _written(self, hop: _Hop) -> None:
        if hop.number:
            sent = len(hop.content) if hop.status or hop.outcome == "done" else 0
            self.ledger.end(hop.number, sent=sent, received=hop.received, status=hop.status, outcome=hop.outcome)
            hop.number = 0


def form(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """The body and the content type of a multipart form (RFC 7578); files are (name, content, type)."""
    import httpx2 as httpx

    made: Any = httpx.Request("POST", "http://form", data=dict(fields), files=dict(files))
    return made.read(), str(made.headers["content-type"])


def shown(url: str) -> str:
    """The address without user name and password, for messages and records."""
    return re.sub(r"//[^/@]*@", "//", url, count=1)


def _host(url: str) -> str:
    return _host_of(url) or shown(url)


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _with_address(entry: Entry, address: str) -> Entry:
    from dataclasses import replace

    return replace(entry, address=address)


def _read(answer: Any, hop: _Hop, most: int | None) -> Iterator[bytes]:
    """The body as it was sent, not decompressed: what is hashed is what the server holds."""
    import httpx2 as httpx

    try:
        for chunk in answer.iter_raw():
            hop.received += len(chunk)
            if most is not None and hop.received > most:
                raise DownloadFailed(
                    f"{shown(hop.url)} sends more than the {most / 1e6:.0f} MB that are allowed.",
                    cure="Fetch a smaller file.",
                )
            if _is_over(hop):
                raise _too_slow(hop)
            yield chunk
    except httpx.TransportError as error:
        raise _broken(hop, error) from error
    if _is_over(hop):
        # A body without a length seems whole where it was cut off.
        raise _too_slow(hop)


def _not_http(url: str) -> DownloadFailed:
    return DownloadFailed(f"{shown(url)} is not an http or https address.", cure="Correct the address.")


def _is_over(hop: _Hop) -> bool:
    return hop.deadline is not None and hop.deadline.over


def _too_slow(hop: _Hop) -> DownloadFailed:
    return DownloadFailed(f"{shown(hop.url)} took too long.", cure="Try again later.")


def _broken(hop: _Hop, error: Exception) -> DownloadFailed:
    return _too_slow(hop) if _is_over(hop) else _unreachable(hop.url, error)


def _unreachable(url: str, error: Exception) -> DownloadInterrupted:
    host = _host(url)
    return DownloadInterrupted(
        f"The connection to {host} failed: {str(error) or type(error).__name__}.",
        cure="Check the connection and try again: a download goes on where it stopped.",
    )
