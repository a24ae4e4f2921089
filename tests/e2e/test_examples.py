"""The examples of the TypeScript client that are pages, before a service that allows their origin. Ten seconds."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import NARROW, ROOT, SAMPLES, until
from tests.e2e.test_accessibility import violations
from tests.server.conftest import Service

CLIENT = ROOT / "clients" / "typescript"
SWITCHES = "clients/typescript/examples/svelte/build"


@contextlib.contextmanager
def checkout() -> Generator[str]:
    """The checkout at an address, as `python -m http.server` serves it."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    if not (CLIENT / "dist" / "index.js").is_file():
        pytest.skip("the client is not built; make client builds it")
    with checkout() as address:
        yield address


@pytest.fixture(scope="module")
def service(browser: Browser, origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"), DARKROOM_SERVER__CORS_ORIGINS=f'["{origin}"]')
    yield made
    made.end()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=NARROW)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def test_the_plain_page_cuts_out_a_background(service: Service, origin: str, page: Page) -> None:
    page.goto(f"{origin}/clients/typescript/examples/html/?darkroom={service.url}")
    page.locator("input").set_input_files(SAMPLES / "mug.jpg")
    expect(page.get_by_role("status")).to_contain_text("on this computer")
    expect(page.get_by_role("img", name="mug.jpg without its background")).to_be_visible()
    until(page, "document.querySelector('img').naturalWidth === 1200")
    page.locator("input").set_input_files(Path(__file__))
    expect(page.get_by_role("status")).to_contain_text("is of a type that is not read")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_switches_are_accessible_and_change_the_service(
    service: Service, origin: str, page: Page, theme: Literal["light", "dark"]
) -> None:
    if not (ROOT / SWITCHES).is_dir():
        pytest.skip("the example is not built; make client builds it")
    service.client.patch("/api/v1/settings", json={"changes": {"providers.local_first": None}})
    page.emulate_media(color_scheme=theme)
    page.goto(f"{origin}/{SWITCHES}/?darkroom={service.url}")
    prefer = page.get_by_role("switch").first
    expect(prefer).to_be_checked()
    expect(page.get_by_text("realesrgan-x4plus")).to_be_visible()
    assert violations(page) == []
    prefer.click()
    expect(prefer).not_to_be_checked()
    assert violations(page) == []
    settings = service.client.get("/api/v1/settings").json()["settings"]
    assert settings["providers.local_first"]["value"] is False


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
