"""The one door to the network: every outgoing connection of Darkroom is made here, with a purpose.

Only http and https; no cookies; credentials never cross to another host; proxies of the environment are used, as every
other program of the machine does; redirects are followed by hand, at most five, each checked like the first address.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin, urlsplit

from darkroom.errors import DownloadFailed, DownloadInterrupted, OfflineRefused

if TYPE_CHECKING:
    from darkroom.settings import Settings

Purpose = Literal["model", "source", "cloud", "webhook", "storage"]

REDIRECTS = 5
CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
"""How long nothing at all may arrive."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    url: str


class Egress:
    """Makes connections as the settings allow."""

    def __init__(self, settings: Settings) -> None:
        self._offline = settings.offline

    @contextlib.contextmanager
    def stream(self, url: str, purpose: Purpose, headers: Mapping[str, str] | None = None) -> Generator[Response]:
        """GET ``url`` and give the answer, redirects followed; the body is read as it is iterated.

        Raises:
            OfflineRefused: the settings allow no connection.
            DownloadFailed: the address cannot be used.
            DownloadInterrupted: the host cannot be reached, or the connection broke, now or while the body is read.
        """
        import httpx2 as httpx

        if self._offline:
            raise OfflineRefused(
                f"{_host(url)} was not contacted ({purpose}): Darkroom is offline.",
                cure="Leave out --offline, or bring the file by `darkroom models import`.",
            )
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        with contextlib.ExitStack() as stack:
            client: Any = stack.enter_context(
                httpx.Client(timeout=timeout, follow_redirects=False, headers={"User-Agent": "darkroom"})
            )
            try:
                answer = self._follow(client, stack, url, dict(headers or {}))
                yield Response(
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    _read(answer, url),
                    str(answer.url),
                )
            except httpx.TransportError as error:
                raise _unreachable(url, error) from error

    def _follow(self, client: Any, stack: contextlib.ExitStack, url: str, headers: dict[str, str]) -> Any:
        import httpx2 as httpx

        origin: str | None = None
        for _ in range(REDIRECTS + 1):
            try:
                parts = urlsplit(url)
                httpx.URL(url)
            except (ValueError, httpx.InvalidURL) as error:
                raise DownloadFailed(f"{shown(url)} is not an address.", cure="Correct the address.") from error
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise DownloadFailed(f"{shown(url)} is not an http or https address.", cure="Correct the address.")
            if origin is not None and parts.netloc != origin:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            origin = origin or parts.netloc
            answer = stack.enter_context(client.stream("GET", url, headers=headers))
            if answer.status_code not in (301, 302, 303, 307, 308):
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
            url = there
        raise DownloadFailed(f"{shown(url)} redirects more than {REDIRECTS} times.", cure="Correct the address.")


def shown(url: str) -> str:
    """The address without user name and password, for messages and records."""
    return re.sub(r"//[^/@]*@", "//", url, count=1)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or shown(url)
    except ValueError:
        return shown(url)


def _read(answer: Any, url: str) -> Iterator[bytes]:
    """The body as it was sent, not decompressed: what is hashed is what the server holds."""
    import httpx2 as httpx

    try:
        yield from answer.iter_raw()
    except httpx.TransportError as error:
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> DownloadInterrupted:
    host = _host(url)
    return DownloadInterrupted(
        f"The connection to {host} failed: {str(error) or type(error).__name__}.",
        cure="Check the connection and try again: a download goes on where it stopped.",
    )
