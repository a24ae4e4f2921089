"""A real HTTP server for downloads, with the faults that real ones have."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """What is served, by name, and how it misbehaves; ``requests`` lists (name, Range header) as they came."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etag = '"one"'
        self.requests: list[tuple[str, str | None]] = []
        self.cut_after: int | None = None
        """Close the connection after so many bytes, once."""
        self.statuses: list[int] = []
        """Answer with these first."""
        self.ranges = True
        self.wrong_range = False
        self.redirect: str | None = None
        self.slow = 0.0
        """Seconds to wait before each part of the body."""
        self.url = ""

    @contextlib.contextmanager
    def serving(self) -> Iterator[Mirror]:
        """Serve on a free port of this machine."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                mirror.requests.append((name, self.headers.get("Range")))
                if mirror.statuses:
                    return self._empty(mirror.statuses.pop(0))
                if mirror.redirect is not None:
                    self.send_response(302)
                    self.send_header("Location", mirror.redirect)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return None
                if name not in mirror.files:
                    return self._empty(404)
                return self._send(mirror.files[name])

            def _empty(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send(self, data: bytes) -> None:
                start, asked = 0, self.headers.get("Range")
                fresh = self.headers.get("If-Range") in (None, mirror.etag)
                if asked and mirror.ranges and fresh:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                    if start >= len(data):
                        self.send_response(416)
                        self.send_header("Content-Range", f"bytes */{len(data)}")
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                        return
                    if mirror.wrong_range:
                        start = 0
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(data) - start))
                self.send_header("ETag", mirror.etag)
                self.end_headers()
                body = data[start:]
                cut, mirror.cut_after = mirror.cut_after, None
                for at in range(0, len(body), 20_000):
                    if cut is not None and at >= cut:
                        self.close_connection = True
                        self.wfile.flush()
                        self.connection.close()
                        return
                    time.sleep(mirror.slow)
                    self.wfile.write(body[at : at + 20_000])

        return Handler
