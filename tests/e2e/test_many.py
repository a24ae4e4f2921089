"""More pictures and jobs than one answer of the service has, and where a whole batch goes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import SAMPLES, Visitor, until
from tests.e2e.test_page import picture_of, tiles
from tests.server.conftest import Service

Visit = Callable[..., Visitor]
MANY = 210
AT_ONCE = 70
ROWS = "document.querySelectorAll('main li').length"


def dots(count: int) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    """Pictures of a few pixels, as fields of a form."""
    for number in range(count):
        file = io.BytesIO()
        Image.new("RGB", (16, 16), (number % 256, number // 256, 90)).save(file, "PNG")
        yield "file", (f"dot-{number:04}.png", file.getvalue(), "image/png")


def ended(service: Service, batch: str) -> None:
    """Wait until a batch has ended."""
    end = time.monotonic() + 60
    while not service.client.get(f"/api/v1/batches/{batch}").json()["done"]:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def full(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with more pictures than two pages have, and masks of the editor on top."""
    unlimited = {"DARKROOM_SERVER__REQUESTS_PER_MINUTE": "0", "DARKROOM_SERVER__UPLOAD_FILES": str(AT_ONCE)}
    made = Service(tmp_path_factory.mktemp("service"), **unlimited)
    for count, group in ((MANY, {}), (101, {"store_id": "page:masks"})):
        fields = list(dots(count))
        for at in range(0, count, AT_ONCE):
            answer = made.client.post("/api/v1/images/upload", files=fields[at : at + AT_ONCE], data=group)
            assert answer.status_code == 201, answer.text
    yield made
    made.end()


def test_jobs_of_a_state_are_asked_of_the_service(full: Service, visit: Visit) -> None:
    picture = full.client.get("/api/v1/images").json()["items"][0]
    failing = full.client.post(f"/api/v1/images/{picture['id']}/process", json={"operations": ["crop:left=5000"]})
    full.wait(failing.json()["id"])
    sources = [{"image_id": picture["id"]}] * 120
    batch = {"images": sources, "work": {"operations": ["resize:width=20"]}}
    answer = full.client.post("/api/v1/images/batch", json=batch).json()
    full.client.post(f"/api/v1/batches/{answer['id']}/cancel")
    ended(full, answer["id"])
    visitor = visit(full)
    asked: list[str] = []
    visitor.page.on("request", lambda one: asked.append(one.url) if "/api/v1/jobs?" in one.url else None)
    page = visitor.go("jobs")
    page.get_by_role("radio", name="Not completed").click()
    states = ["failed", "cancelled"]
    count = len(full.client.get("/api/v1/jobs", params={"state": states, "most": 500}).json()["items"])
    assert count > 100
    until(page, f"(document.querySelector('.view').scrollTop = 1e6, {ROWS} === {count})")
    expect(page.locator("main li").last).to_contain_text("Crop")
    assert any("state=failed&state=cancelled&state=quarantined" in url for url in asked)


def test_all_pictures_are_all_of_them(full: Service, visit: Visit) -> None:
    visitor = visit(full)
    page = visitor.go()
    # The newest page has masks only: the pictures behind it are found all the same.
    expect(tiles(page).first).to_be_visible()
    tiles(page).first.focus()
    page.keyboard.press("ControlOrMeta+a")
    expect(page.get_by_text(f"{MANY} chosen")).to_be_visible()
    page.keyboard.press("Escape")
    until(page, "(document.querySelector('[role=listbox]').parentElement.scrollTop = 1e6) > 0")
    expect(tiles(page)).to_have_count(MANY)

    # A page that was never scrolled.
    visitor = visit(full)
    page = visitor.go("batch")
    page.get_by_text("web-small").or_(page.get_by_text("Web small")).click()
    page.get_by_role("button", name=f"Process {MANY} pictures").click()
    expect(page.get_by_role("heading", name=f"Batch of {MANY} pictures")).to_be_visible()
    page.get_by_role("button", name="Stop the rest").click()
    expect(page.get_by_role("button", name="Stop the rest")).to_have_count(0)

    page.get_by_role("link", name="All batches").click()
    row = page.get_by_role("link", name=f"Batch of {MANY} pictures")
    expect(row).to_contain_text("Resize")
    expect(row.locator("img")).to_have_count(4)

    # Jobs that the first page does not have.
    ended(full, full.client.get("/api/v1/batches").json()["items"][0]["id"])
    jobs = full.client.get("/api/v1/jobs", params={"most": 500}).json()["items"]
    page = visit(full).go("jobs")
    until(page, f"(document.querySelector('.view').scrollTop = 1e6, {ROWS} === {len(jobs)})")
    expect(page.locator("main li").last).to_contain_text(jobs[-1]["name"])


def test_a_batch_is_saved_into_a_folder(service: Service, visit: Visit) -> None:
    pictures = service.upload(SAMPLES / "duck.jpg", SAMPLES / "duck.jpg")
    body = {
        "images": [{"image_id": one["id"]} for one in pictures],
        "work": {"operations": ["resize:width=60"], "output": {"format": "webp"}},
    }
    batch = service.client.post("/api/v1/images/batch", json=body).json()
    for one in service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]:
        service.wait(one["id"])
    visitor = visit(service)
    # The picker is the browser's own window; the folder is a real one, of the browser's private file system.
    visitor.page.add_init_script(
        """globalThis.showDirectoryPicker = async () =>
          (await navigator.storage.getDirectory()).getDirectoryHandle("results", { create: true })"""
    )
    page = visitor.go(f"batch/{batch['id']}")
    page.get_by_role("button", name="Save into a folder").click()
    expect(page.get_by_text("2 pictures saved into results.")).to_be_visible()
    found: dict[str, list[int]] = page.evaluate(
        """async () => {
          const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("results");
          const found = {};
          for await (const [name, handle] of folder.entries())
            found[name] = [...new Uint8Array(await (await handle.getFile()).arrayBuffer())];
          return found;
        }"""
    )
    assert sorted(found) == ["duck-2.webp", "duck.webp"]
    assert {picture_of(bytes(data)).size for data in found.values()} == {(60, 50)}
