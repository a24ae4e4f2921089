"""The studio page in a real browser, Debian's Chromium, before a real `darkroom serve`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from darkroom.server import page as served
from tests.server.conftest import Service
from tests.servers import environment, needed

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
WAIT_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file of tests: while it is there a loop runs in this thread, which no other test may meet.

    Skips where it is not, and where the page was not built.
    """
    program = needed("chromium")
    if not (served.FOLDER / "index.html").is_file():
        pytest.skip("the page is not built; make page builds it")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env={**environment(program)}
        )
        yield chromium
        chromium.close()


class Visitor:
    """A page of the browser that remembers what went wrong in it, and whom it asked.

    ``expected`` are texts of errors that the test brings about.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.errors: list[str] = []
        self.asked: set[str] = set()
        self.expected: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def go(self, view: str = "studio") -> Page:
        """Open a view, and wait until it is drawn."""
        self.page.goto(f"{self.url}/#/{view}")
        self.page.get_by_role("navigation", name="Views").or_(
            self.page.get_by_role("navigation", name="Sezioni")
        ).wait_for()
        return self.page

    def check(self) -> None:
        """Nothing went wrong, and nobody else was asked."""
        left = [error for error in self.errors if not any(text in error for text in self.expected)]
        assert left == []
        assert {origin for origin in self.asked if origin != self.url} == set()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.asked.add("/".join(request.url.split("/")[:3]))


def until(page: Page, expression: str) -> None:
    """Wait until an expression holds in the page. Playwright's own way needs eval, which the page's policy forbids."""
    end = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"this never holds: {expression}"
        page.wait_for_timeout(50)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services of the test's own; ``tmp_path / "service"`` is the folder of the first."""
    begun: list[Service] = []

    def begin(*, keys: Sequence[Sequence[str]] = (), **variables: str) -> Service:
        folder = tmp_path / ("service" if not begun else f"service-{len(begun)}")
        begun.append(Service(folder, keys=keys, **variables))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.end()


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"), DARKROOM_SERVER__REQUESTS_PER_MINUTE="0")
    yield made
    made.end()


@pytest.fixture
def service(browser: Browser, request: pytest.FixtureRequest) -> Service:
    """A service without pictures; other tests may have left jobs."""
    _running: Service = request.getfixturevalue("_running")
    for picture in _running.client.get("/api/v1/images", params={"most": 500}).json()["items"]:
        _running.client.delete(f"/api/v1/images/{picture['id']}")
    return _running


@pytest.fixture
def fresh(browser: Browser, start: Callable[..., Service]) -> Service:
    """A service that has nothing and was asked nothing."""
    return start()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens the page of a service; what went wrong in it fails the test at its end."""
    visitors: list[Visitor] = []

    def begin(service: Service, **options: Any) -> Visitor:
        options = {"viewport": WIDE, "locale": "en", "accept_downloads": True, **options}
        visitors.append(Visitor(browser.new_context(**options), service.url))
        return visitors[-1]

    yield begin
    for one in visitors:
        one.context.close()
    for one in visitors:
        one.check()
