"""Pictures come to the page: dropped on any view, pasted, whole folders, damaged ones. Twenty seconds."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SAMPLES, Visitor, until
from tests.e2e.test_page import shown, tiles
from tests.server.conftest import Service

Visit = Callable[..., Visitor]


def drag_in(page: Page, paths: Sequence[Path], kinds: Sequence[str] = ("dragEnter", "dragOver", "drop")) -> None:
    """Drag files and folders onto the middle of the page, as the desktop does: what nobody takes, the browser opens."""
    size = page.viewport_size
    assert size is not None
    where = {"x": size["width"] / 2, "y": size["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in kinds:
        session.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})
    session.detach()


def names(service: Service) -> list[str]:
    return sorted(one["name"] for one in service.client.get("/api/v1/images").json()["items"])


def test_a_file_that_is_dropped_on_the_editor_is_taken(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service)
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    drag_in(page, [SAMPLES / "duck.jpg"], ["dragEnter", "dragOver"])
    expect(page.get_by_text("Let go to add them")).to_be_visible()
    drag_in(page, [SAMPLES / "duck.jpg"], ["drop"])
    expect(page.get_by_text("Let go to add them")).to_have_count(0)
    expect(page.get_by_text("1 picture is in the studio.")).to_be_visible()
    assert page.url.endswith(picture["id"])
    assert names(service) == ["duck.jpg", "portrait.jpg"]
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("group", name="duck.jpg, at")).to_be_visible()


def test_what_is_refused_elsewhere_than_in_the_studio_says_so(service: Service, visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_text("Dear all,")
    visitor = visit(service)
    visitor.expected.append("415")
    page = visitor.go("privacy")
    expect(page.get_by_role("heading", name="Privacy")).to_be_visible()
    drag_in(page, [tmp_path / "letter.jpg", SAMPLES / "logo.png"])
    expect(page.get_by_role("alert")).to_contain_text("letter.jpg")
    expect(page.get_by_role("alert")).to_contain_text("unsupported_format")
    expect(page.get_by_text("1 picture is in the studio.")).to_be_visible()
    assert names(service) == ["logo.png"]


def test_a_folder_is_taken_however_deep(service: Service, visit: Visit, tmp_path: Path) -> None:
    deep = tmp_path / "holiday" / "day two"
    deep.mkdir(parents=True)
    (tmp_path / "holiday" / "a.jpg").write_bytes((SAMPLES / "duck.jpg").read_bytes())
    (deep / "b.png").write_bytes((SAMPLES / "logo.png").read_bytes())
    (deep / "notes.txt").write_text("sun, sea")
    (deep / ".hidden.jpg").write_bytes((SAMPLES / "duck.jpg").read_bytes())
    page = visit(service).go()
    expect(page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    drag_in(page, [tmp_path / "holiday"])
    expect(tiles(page)).to_have_count(2)
    assert names(service) == ["a.jpg", "b.png"]
    page.get_by_label("Folder").and_(page.locator("input")).set_input_files(tmp_path / "holiday")
    expect(tiles(page)).to_have_count(4)
    assert names(service) == ["a.jpg", "a.jpg", "b.png", "b.png"]


def test_what_was_copied_is_pasted(service: Service, visit: Visit) -> None:
    visitor = visit(service)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.go("settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()

    def copy(kind: str, data: bytes) -> None:
        page.evaluate(
            """([type, text]) => navigator.clipboard.write([new ClipboardItem({
              [type]: new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type }) })])""",
            [kind, base64.b64encode(data).decode()],
        )

    copy("image/png", (SAMPLES / "logo.png").read_bytes())
    page.keyboard.press("ControlOrMeta+v")
    expect(page.get_by_text("1 picture is in the studio.")).to_be_visible()
    assert names(service) == ["image.png"]
    copy("text/plain", b"https://example.org/shoe.jpg")
    page.keyboard.press("ControlOrMeta+v")
    expect(page.get_by_role("textbox", name="Address of the picture")).to_have_value("https://example.org/shoe.jpg")


def test_a_damaged_file_says_so_at_once(service: Service, visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes((SAMPLES / "logo.png").read_bytes()[:80])
    (tmp_path / "cut.jpg").write_bytes((SAMPLES / "duck.jpg").read_bytes()[:700])
    asked: list[Any] = []
    visitor = visit(service)
    visitor.expected.append("422")
    visitor.page.on("response", lambda one: asked.append(one.url) if one.status == 422 else None)
    page = visitor.go()
    service.upload(tmp_path / "broken.png", tmp_path / "cut.jpg", SAMPLES / "mug.jpg")
    page.reload()
    expect(tiles(page)).to_have_count(3)
    expect(page.get_by_text("cannot be read")).to_have_count(2, timeout=3000)
    for facts in page.locator(".facts").all_inner_texts():
        assert not facts.startswith("·"), facts
    # From elsewhere it is not asked for again.
    visitor.page.get_by_role("link", name="Batch").click()
    until(page, "document.querySelectorAll('main svg[role=img]').length === 2")
    assert len(asked) == len(set(asked)) == 2


def test_behind_what_is_opaque_there_is_no_checkerboard(service: Service, visit: Visit) -> None:
    service.upload(SAMPLES / "logo.png", SAMPLES / "duck.jpg")
    opaque = service.client.post(
        "/api/v1/images/process/sync",
        json={"image_id": service.upload(SAMPLES / "mug.jpg")[0]["id"], "output": {"format": "webp"}},
    )
    picture = service.client.post("/api/v1/images/upload", files={"file": ("mug.webp", opaque.content, "image/webp")})
    assert picture.status_code == 201
    page = visit(service).go()
    until(page, "document.querySelectorAll('[role=option] img').length === 4")
    checked = page.locator("[role=option]").filter(has=page.locator("img.checker"))
    expect(checked).to_have_count(1)
    expect(checked).to_contain_text("logo.png")
