"""A proxy in front of the S3 server that fails as it is told."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Fate = int | Literal["pass", "lose", "cut"]
"""A status to answer with; or pass it on; pass it on and lose the answer; or pass on half of the answer's body."""


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Flaky:
    endpoint: str = ""
    decide: Callable[[Asked], Fate] = lambda asked: "pass"
    asked: list[Asked] = field(default_factory=list)

    @contextmanager
    def before(self, target: str) -> Iterator[Flaky]:
        flaky, host = self, urlsplit(target).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
                flaky.asked.append(asked)
                fate = flaky.decide(asked)
                if isinstance(fate, int):
                    self.answer(fate, [], b"<Error><Code>InternalError</Code></Error>")
                    return
                connection = http.client.HTTPConnection(host, timeout=30)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                if fate == "lose":
                    self.close_connection = True
                    self.connection.close()
                    return
                kept = [(name, value) for name, value in answer.getheaders() if name.lower() != "transfer-encoding"]
                self.answer(answer.status, kept, content, cut=fate == "cut")

            def answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                if "content-length" not in {name.lower() for name, _ in headers}:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content[: len(content) // 2] if cut else content)
                if cut:
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.endpoint = f"http://127.0.0.1:{server.server_port}"
            try:
                yield self
            finally:
                server.shutdown()
