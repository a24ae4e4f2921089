"""The one door to the network: what it refuses, follows and never sends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from darkroom.egress import REDIRECTS, Egress, shown
from darkroom.errors import DownloadFailed, DownloadInterrupted, OfflineRefused
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


def test_addresses_are_shown_without_passwords() -> None:
    assert shown("https://me:secret@example.org/a@b") == "https://example.org/a@b"
