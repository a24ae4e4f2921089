"""How the studio page is served: its policy, what may be kept, compressed parts, nothing beside it. A second."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from darkroom.server import page
from darkroom.server.app import create_app
from darkroom.settings import Settings

SCRIPT = b"console.log('darkroom');" * 100


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page as Vite builds one, and something beside it that is nobody's business."""
    built = tmp_path / "page"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>Darkroom</title>")
    (built / "docs.html").write_text("<title>HTTP API</title>")
    (built / "icon.svg").write_text("<svg/>")
    (built / "theme.js").write_text("0")
    (built / "assets" / "page-x1.js").write_bytes(SCRIPT)
    (built / "assets" / "page-x1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (built / "assets" / "page-x1.js.br").write_bytes(b"brotli")
    (tmp_path / "secret.js").write_text("secret")
    monkeypatch.setattr(page, "FOLDER", built)
    return built


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(Settings()), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize(("path", "title"), [("/", "Darkroom"), ("/docs", "HTTP API")])
def test_a_page_may_load_nothing_from_elsewhere(folder: Path, client: TestClient, path: str, title: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert title in answer.text
    policy = dict(part.partition(" ")[::2] for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_parts_with_a_digest_in_their_name_are_kept_for_ever(folder: Path, client: TestClient) -> None:
    answer = client.get("/assets/page-x1.js", headers={"Accept-Encoding": "identity"})
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/theme.js").headers["cache-control"] == "no-cache"
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("accepted", "given"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("gzip;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0", None),
        ("", None),
    ],
)
def test_the_smallest_form_that_a_browser_takes(folder: Path, accepted: str, given: str | None) -> None:
    client = TestClient(create_app(Settings()), base_url="http://127.0.0.1:8765")
    answer = client.head("/assets/page-x1.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == given
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/..%2f..%2fsecret.js",
        "/assets/%2e%2e/%2e%2e/secret.js",
        "/assets/../../secret.js",
        "/assets/..%5c..%5csecret.js",
        "/assets/.hidden.js",
        "/assets/page-x1.js.br",
        "/assets/none.js",
        "/assets/page-x1.js%00.css",
        "/secret.js",
        "/index.html.gz",
    ],
)
def test_nothing_but_the_page_is_served(folder: Path, client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.json().get("title", "")
    assert answer.text != "secret"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_where_it_was_not_built_it_says_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: TestClient, path: str
) -> None:
    monkeypatch.setattr(page, "FOLDER", tmp_path / "none")
    answer = client.get(path)
    assert answer.status_code == 200
    assert "make page" in answer.text
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_is_no_part_of_the_api(client: TestClient) -> None:
    assert "/" not in client.get("/openapi.json").json()["paths"]
