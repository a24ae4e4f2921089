"""The editor's tools, previews and comparisons, by mouse, fingers and keys. Two minutes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import NARROW, SAMPLES, WIDE, Visitor, until
from tests.e2e.test_page import add_step, shown
from tests.server.conftest import Service

Visit = Callable[..., Visitor]
VALUES = "JSON.parse(localStorage.getItem('darkroom.steps')).list[0].values"
"""What is said of the first step, as the page keeps it."""
SIDES = ("Left", "Top", "Width", "Height")


def edit(visitor: Visitor, picture: dict[str, Any]) -> Page:
    """Open a picture, and wait until it is there."""
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    return page


def say(page: Page, role: Any, name: str, value: str) -> None:
    field = page.get_by_role(role, name=name, exact=True)
    field.fill(value)
    field.press("Enter")


def stage(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile(r", at \d"))


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw a line with the brush; points are shares of the picture's width and height."""
    box = page.get_by_role("application").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def asked(page: Page) -> list[str]:
    """Collects the addresses at which the service is asked to work."""
    found: list[str] = []
    page.on("request", lambda one: found.append(one.url) if "/process" in one.url else None)
    return found


def test_what_stays_and_what_goes_is_painted(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    page = edit(visit(service), picture)
    add_step(page, "Remove background")
    page.get_by_role("button", name="Paint what stays and what goes").click()
    bar = page.get_by_role("toolbar", name="Brush")
    stroke(page, (0.4, 0.4), (0.6, 0.5))
    bar.get_by_role("button", name="Remove").click()
    stroke(page, (0.1, 0.1), (0.9, 0.1))
    # What is painted last counts; what is rubbed out is neither.
    stroke(page, (0.6, 0.4), (0.6, 0.6))
    bar.get_by_role("button", name="Erase").click()
    stroke(page, (0.85, 0.1), (0.95, 0.1))
    page.get_by_role("button", name="Use the strokes").click()
    expect(page.get_by_text("mug-remove.png")).to_be_visible()
    expect(page.get_by_text("mug-keep.png")).to_be_visible()
    shown(page)

    page.get_by_role("button", name="Run at full size").click()
    page.get_by_test_id("download").wait_for()
    job = service.client.get("/api/v1/jobs", params={"most": 1}).json()["items"][0]
    (operation,) = job["operations"]
    keep, remove = (
        Image.open(io.BytesIO(service.client.get(f"/api/v1/images/{operation[field]}/download").content)).convert("L")
        for field in ("keep", "remove")
    )
    assert keep.size == remove.size == (1200, 1000)
    for place, wanted in (
        ((490, 405), (255, 0)),
        ((720, 500), (0, 255)),
        ((500, 100), (0, 255)),
        ((1080, 100), (0, 0)),
    ):
        assert (keep.getpixel(place), remove.getpixel(place)) == wanted, place

    # The brush begins with what is there; all of it wiped away leaves nothing to be said.
    page.get_by_role("button", name="Paint what stays and what goes").click()
    expect(bar.get_by_role("button", name="Undo the last stroke")).to_be_disabled()
    bar.get_by_role("button", name="Wipe all away").click()
    bar.get_by_role("button", name="Undo the last stroke").click()
    stroke(page, (0.45, 0.8), (0.5, 0.8))
    page.get_by_role("button", name="Use the strokes").click()
    until(page, f"{VALUES}.keep !== '{operation['keep']}'")
    values = page.evaluate(VALUES)
    again = Image.open(io.BytesIO(service.client.get(f"/api/v1/images/{values['keep']}/download").content)).convert("L")
    assert (again.getpixel((490, 405)), again.getpixel((570, 800))) == (255, 255)
    page.get_by_role("button", name="Paint what stays and what goes").click()
    bar.get_by_role("button", name="Wipe all away").click()
    page.get_by_role("button", name="Use the strokes").click()
    until(page, f"Object.keys({VALUES}).length === 0")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_handle_can_be_reached(service: Service, visit: Visit, size: dict[str, int]) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = edit(visit(service, viewport=size, has_touch=size is NARROW), picture)
    add_step(page, "Crop")

    def hidden() -> list[str]:
        return page.evaluate(
            """() => [...document.querySelectorAll("button[aria-label$=corner], button[aria-label$=side]")]
              .filter((one) => {
                const box = one.getBoundingClientRect();
                return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) !== one;
              })
              .map((one) => one.getAttribute("aria-label"))"""
        )

    handles = page.get_by_role("button", name=re.compile("(corner|side)$"))
    for values in ({}, dict(zip(SIDES, ("0", "0", "1200", "1000"), strict=True))):
        for name, value in values.items():
            say(page, "spinbutton", name, value)
        page.get_by_role("button", name="Draw on the picture").click()
        expect(handles).to_have_count(8)
        assert hidden() == []
        page.get_by_role("button", name="Done").click()


def test_a_tool_is_taken_back(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    page = edit(visit(service), picture)
    add_step(page, "Crop")
    say(page, "spinbutton", "Left", "30")
    page.get_by_role("button", name="Draw on the picture").click()
    page.get_by_role("button", name="Rectangle at").press("Shift+ArrowRight")
    page.keyboard.press("Escape")
    expect(page.get_by_role("spinbutton", name="Left")).to_have_value("30")
    expect(page.get_by_role("spinbutton", name="Width")).to_have_value("")
    page.get_by_role("button", name="Draw on the picture").click()
    page.get_by_role("button", name="Right side").press("ArrowLeft")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("spinbutton", name="Width")).to_have_value("")

    add_step(page, "Smart crop")
    say(page, "textbox", "Aspect", "1:1")
    page.get_by_role("button", name="Set the focal point").click()
    page.get_by_role("button", name="Focal point at").press("ArrowRight")
    expect(page.get_by_role("textbox", name="Gravity")).to_have_value("0.51,0.5")
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Gravity")).to_have_value("auto")

    page.get_by_role("button", name="Remove all steps").click()
    expect(page.get_by_role("region", name="Step ")).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("region", name="Step ")).to_have_count(2)
    page.get_by_role("button", name="Recipes").click()
    page.get_by_role("menuitem", name="Web small").click()
    expect(page.get_by_role("region", name="Step 1: Resize")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("region", name="Step 2: Smart crop")).to_be_visible()


def test_what_was_moved_is_compared_side_by_side(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = edit(visit(service), picture)
    divider = page.get_by_role("slider", name="Where before ends and after begins")
    add_step(page, "Adjust")
    say(page, "spinbutton", "Saturation", "0")
    expect(divider).to_be_visible()
    add_step(page, "Crop")
    # The same proportion, and another part of the picture.
    for name, value in zip(SIDES, ("120", "100", "960", "800"), strict=True):
        say(page, "spinbutton", name, value)
    expect(divider).to_have_count(0)
    before, after = (page.get_by_test_id(which).bounding_box() for which in ("before", "after"))
    assert before is not None
    assert after is not None
    assert before["x"] + before["width"] < after["x"]
    page.get_by_role("button", name="Run at full size").click()
    page.get_by_test_id("download").wait_for()
    shown(page)
    expect(divider).to_have_count(0)
    # What was done is told again to who comes back; there is nothing to be done again.
    page.get_by_role("button", name="Remove all steps").click()
    page.reload()
    expect(page.get_by_text("Done on this machine")).to_be_visible()
    expect(divider).to_have_count(0)
    expect(page.get_by_role("button", name="Again")).to_be_disabled()
    requests = asked(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    assert requests == []


def test_looked_at_closely_a_preview_has_every_pixel(service: Service, visit: Visit, tmp_path: Path) -> None:
    with Image.open(SAMPLES / "portrait.jpg") as small:
        small.resize((3600, 2700)).save(tmp_path / "camera.jpg", quality=90)
    picture = service.upload(tmp_path / "camera.jpg")[0]
    page = edit(visit(service), picture)
    add_step(page, "Rotate")
    say(page, "spinbutton", "Angle", "90")
    shown(page)
    assert page.evaluate("document.querySelector('[data-testid=after]').naturalWidth") < 1500
    held: list[Route] = []
    page.route("**/process/sync", lambda route: held.append(route))
    stage(page).focus()
    page.keyboard.press("1")
    expect(page.get_by_role("group", name="camera.jpg, at 100%")).to_be_visible()
    expect(page.get_by_text("Enlarged preview")).to_be_visible()
    while not held:
        page.wait_for_timeout(50)
    held.pop().continue_()
    until(page, "document.querySelector('[data-testid=after]').naturalWidth === 2700")
    expect(page.get_by_text("Enlarged preview")).to_have_count(0)
    # A pixel of the result is one of the screen.
    assert page.evaluate("document.querySelector('[data-testid=after]').getBoundingClientRect().width") == 2700


def test_two_fingers_zoom_through_a_tool(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service, viewport=NARROW, has_touch=True)
    page = edit(visitor, picture)
    add_step(page, "Inpaint")
    page.get_by_role("button", name="Paint it").click()
    box = page.get_by_role("application").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = visitor.context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": px, "y": py, "id": finger} for finger, (px, py) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def zoom() -> int:
        return int((re.search(r"at (\d+)%", stage(page).get_attribute("aria-label") or "") or ["", "0"])[1])

    fitted = zoom()
    undo = page.get_by_role("button", name="Undo the last stroke")
    fingers("touchStart", (x - 30, y))
    fingers("touchMove", (x - 34, y))
    expect(undo).to_be_enabled()
    fingers("touchStart", (x - 34, y), (x + 30, y))
    for step in range(1, 6):
        fingers("touchMove", (x - 34 - 10 * step, y), (x + 30 + 10 * step, y))
    fingers("touchEnd")
    assert zoom() > 2 * fitted
    # What the first finger began is no stroke.
    expect(undo).to_be_disabled()
    fingers("touchStart", (x, y))
    fingers("touchMove", (x + 20, y))
    fingers("touchEnd")
    expect(undo).to_be_enabled()


def test_single_letters_act_in_the_viewer_only(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = edit(visit(service), picture)
    add_step(page, "Adjust")
    shown(page)
    before = page.get_by_role("radio", name="Before")
    page.get_by_role("button", name="Leave out Adjust").press("b")
    page.get_by_role("button", name="Recipes").press("b")
    expect(before).not_to_be_checked()
    stage(page).press("b")
    expect(before).to_be_checked()
    stage(page).press("a")
    expect(page.get_by_role("radio", name="After")).to_be_checked()


def test_what_is_incomplete_is_not_sent(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = edit(visit(service), picture)
    requests = asked(page)
    add_step(page, "Crop")
    expect(page.get_by_text("It still needs Left, Top, Width, Height, or Trim.")).to_be_visible()
    expect(page.get_by_role("button", name="Run at full size")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(400)
    assert requests == []
    # What is complete is shown all the same.
    add_step(page, "Adjust")
    shown(page)
    assert len(requests) == 1
    expect(page.get_by_role("button", name="Run at full size")).to_be_disabled()


def test_steps_are_moved_without_dragging(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = edit(visit(service), picture)
    for name in ("Adjust", "Rotate"):
        add_step(page, name)
    page.get_by_role("button", name="Move or duplicate Rotate").click()
    expect(page.get_by_role("menuitem", name="Move down")).to_be_disabled()
    page.get_by_role("menuitem", name="Move up").click()
    expect(page.get_by_role("region", name="Step 1: Rotate")).to_be_visible()
    page.get_by_role("button", name="Move or duplicate Rotate").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    expect(page.get_by_role("region", name="Step 2: Rotate")).to_be_visible()
