"""What a person does on the page: pictures dropped, worked on, compared, taken away. Two minutes."""

from __future__ import annotations

import base64
import io
import json
import re
import statistics
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NARROW, SAMPLES, Visitor, until
from tests.server.conftest import Service

Visit = Callable[..., Visitor]

_DROP = """([target, files]) => {
  const transfer = new DataTransfer();
  for (const { name, type, data } of files)
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def drop(page: Page, *paths: Path) -> None:
    """Drop files onto the studio, as from a file manager."""
    files = [{"name": p.name, "type": "image/jpeg", "data": base64.b64encode(p.read_bytes()).decode()} for p in paths]
    target = page.get_by_role("main").element_handle()
    page.evaluate(_DROP, [target, files])


def tiles(page: Page) -> Any:
    return page.get_by_role("listbox", name="Pictures").get_by_role("option")


def add_step(page: Page, name: str) -> None:
    page.get_by_role("button", name="Add a step").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill(name)
    dialog.get_by_role("button", name=name).first.click()


def shown(page: Page, which: str = "after") -> None:
    """Wait until a layer of the viewer is drawn."""
    until(
        page,
        f"[...document.querySelectorAll('[data-testid={which}]')].some(one => one.complete && one.naturalWidth > 1)",
    )


def picture_of(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_dropped_picture_is_worked_on_compared_and_taken_away(service: Service, visit: Visit) -> None:
    page = visit(service).go()
    expect(page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    drop(page, SAMPLES / "mug.jpg")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page)).to_have_accessible_name("mug.jpg 1,200 × 1,000 · JPEG · 229 kB")  # noqa: RUF001
    until(page, "document.querySelector('[role=option] img')?.naturalWidth > 100")
    stored = service.client.get("/api/v1/images").json()["items"][0]
    sent = (SAMPLES / "mug.jpg").read_bytes()
    assert service.client.get(f"/api/v1/images/{stored['id']}/download").content == sent

    tiles(page).dblclick()
    shown(page, "before")
    page.get_by_role("button", name="Recipes").click()
    page.get_by_role("menuitem", name="Product white").click()
    expect(page.get_by_role("region", name="Step 5: Replace background")).to_be_visible()
    shown(page)
    page.get_by_role("button", name="Run at full size").click()
    page.get_by_test_id("download").wait_for()
    expect(page.get_by_text("Done on this machine")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_test_id("download").click()
    assert download.value.suggested_filename == "mug.jpg"
    data = Path(download.value.path()).read_bytes()
    newest = service.client.get(f"/api/v1/images/{stored['id']}").json()["newest"]
    assert service.client.get(f"/api/v1/images/{stored['id']}/download").content == data
    assert (newest["number"], newest["bytes"]) == (1, len(data))
    made = picture_of(data)
    assert (made.format, made.size) == ("JPEG", (1600, 1600))
    assert made.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_before_and_after_lie_over_each_other(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    page = visit(service).go(f"studio/{picture['id']}")
    add_step(page, "Adjust")
    page.get_by_role("spinbutton", name="Saturation").fill("0")
    page.get_by_role("spinbutton", name="Saturation").press("Enter")
    shown(page)
    divider = page.get_by_role("slider", name="Where before ends and after begins")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")
    box = divider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + 60, steps=4)
    page.mouse.up()
    assert int(divider.get_attribute("aria-valuenow") or "") < 40
    # One half is as it was, the other grey.
    stage = page.get_by_role("group", name="portrait.jpg, at")
    picture_now = picture_of(stage.screenshot()).convert("HSV")
    saturation = picture_now.split()[1]
    width, height = saturation.size
    left = saturation.crop((width // 3 - 60, height // 3, width // 3 - 20, height // 3 * 2))
    right = saturation.crop((width // 2 + 20, height // 3, width // 2 + 120, height // 3 * 2))
    assert max(left.tobytes()) > 100
    assert max(right.tobytes()) < 12
    stage.focus()
    page.keyboard.press("1")
    expect(page.get_by_role("group", name="portrait.jpg, at 100%")).to_be_visible()
    page.keyboard.press("+")
    expect(page.get_by_role("group", name="portrait.jpg, at 125%")).to_be_visible()
    page.keyboard.press("0")
    page.get_by_role("radio", name="Before").click()
    expect(page.get_by_test_id("after")).to_have_count(0)


def test_a_light_step_is_shown_within_a_second(service: Service, visit: Visit, tmp_path: Path) -> None:
    with Image.open(SAMPLES / "portrait.jpg") as small:
        small.resize((4000, 3200)).save(tmp_path / "camera.jpg", quality=90)
    picture = service.upload(tmp_path / "camera.jpg")[0]
    page = visit(service).go(f"studio/{picture['id']}")
    add_step(page, "Adjust")
    shown(page)
    seconds = []
    for value in ("0.1", "0.2", "0.3", "0.4", "0.5"):
        before = page.get_by_test_id("after").get_attribute("src")
        number = page.get_by_role("spinbutton", name="Brightness")
        number.fill(value)
        # From the key to the new picture on the screen.
        seconds.append(
            page.evaluate(
                """([before]) => new Promise((done) => {
                  const begun = performance.now();
                  document.activeElement.dispatchEvent(new Event("change", { bubbles: true }));
                  const look = () => {
                    const now = document.querySelector("[data-testid=after]");
                    if (now && now.src !== before && now.complete) done((performance.now() - begun) / 1000);
                    else requestAnimationFrame(look);
                  };
                  look();
                })""",
                [before],
            )
        )
    assert statistics.median(seconds) < 1.0, seconds


def test_pictures_are_chosen_by_mouse_and_by_keys(service: Service, visit: Visit) -> None:
    service.upload(*(SAMPLES / name for name in ("duck.jpg", "mug.jpg", "portrait.jpg", "logo.png")))
    page = visit(service).go()
    expect(tiles(page)).to_have_count(4)
    first, third = tiles(page).nth(0).bounding_box(), tiles(page).nth(2).bounding_box()
    assert first is not None
    assert third is not None
    # A rectangle from below, over the middle two.
    page.mouse.move(third["x"] + 40, third["y"] + third["height"] + 60)
    page.mouse.down()
    page.mouse.move(first["x"] + first["width"] + 20, first["y"] + 30, steps=6)
    page.mouse.up()
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_have_count(2)
    expect(page.get_by_text("2 chosen")).to_be_visible()
    tiles(page).nth(0).click(modifiers=["ControlOrMeta"])
    expect(chosen).to_have_count(3)
    tiles(page).nth(1).click()
    expect(chosen).to_have_count(1)
    tiles(page).nth(3).click(modifiers=["Shift"])
    expect(chosen).to_have_count(3)
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowRight")
    expect(chosen).to_have_count(2)
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog", name="Delete 2 pictures?")
    dialog.get_by_role("button", name="Delete").click()
    expect(tiles(page)).to_have_count(2)
    assert len(service.client.get("/api/v1/images").json()["items"]) == 2


def test_what_is_no_picture_says_why(service: Service, visit: Visit, tmp_path: Path) -> None:
    visitor = visit(service)
    visitor.expected.append("415")
    page = visitor.go()
    (tmp_path / "letter.jpg").write_text("Dear all,")
    drop(page, tmp_path / "letter.jpg", SAMPLES / "duck.jpg")
    expect(tiles(page)).to_have_count(1)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("unsupported_format")
    page.get_by_role("button", name="Dismiss letter.jpg").click()
    expect(alert).to_have_count(0)


def test_a_picture_from_the_web_is_written_down(fresh: Service, visit: Visit, httpserver: Any) -> None:
    httpserver.expect_request("/shoe.jpg").respond_with_data(
        (SAMPLES / "duck.jpg").read_bytes(), content_type="image/jpeg"
    )
    visitor = visit(fresh)
    page = visitor.go("privacy")
    expect(page.get_by_text("Nothing has left this machine.")).to_be_visible()
    page = visitor.go()
    page.get_by_role("button", name="From the web").click()
    page.get_by_role("textbox", name="Address of the picture").fill(httpserver.url_for("/shoe.jpg"))
    page.get_by_role("button", name="Fetch it").click()
    expect(tiles(page)).to_have_accessible_name("shoe.jpg 1,200 × 1,000 · JPEG · 218 kB")  # noqa: RUF001
    page = visitor.go("privacy")
    expect(page.get_by_text("No picture has left this machine.")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="/shoe.jpg")
    expect(row).to_contain_text("127.0.0.1")
    expect(row).to_contain_text("Pictures from the web")
    expect(row).to_contain_text("218 kB")


def test_a_crop_is_drawn_on_the_picture(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    page = visit(service).go(f"studio/{picture['id']}")
    add_step(page, "Crop")
    page.get_by_role("button", name="Draw on the picture").click()
    page.get_by_role("combobox", name="Proportion").click()
    page.get_by_role("option", name="1:1").click()
    page.get_by_role("button", name="Rectangle at").press("ArrowLeft")
    corner = page.get_by_role("button", name="Right bottom corner")
    corner.press("Shift+ArrowLeft")
    width = int(page.get_by_role("spinbutton", name="Width").input_value())
    assert int(page.get_by_role("spinbutton", name="Height").input_value()) == width
    box = corner.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 13, box["y"] + 13)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] - 60, steps=4)
    page.mouse.up()
    smaller = int(page.get_by_role("spinbutton", name="Width").input_value())
    assert smaller < width
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Run at full size").click()
    page.get_by_test_id("download").wait_for()
    newest = service.client.get(f"/api/v1/images/{picture['id']}").json()["newest"]
    assert (newest["width"], newest["height"]) == (smaller, smaller)


def test_faces_and_the_focal_point(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    page = visit(service).go(f"studio/{picture['id']}")
    shown(page, "before")
    page.get_by_role("button", name="Show faces").click()
    expect(page.get_by_role("button", name="1 face was found")).to_be_visible()
    add_step(page, "Smart crop")
    page.get_by_role("textbox", name="Aspect").fill("1:1")
    page.get_by_role("textbox", name="Aspect").press("Enter")
    page.get_by_role("button", name="Set the focal point").click()
    page.get_by_role("button", name="Focal point at 50% from the left").press("Shift+ArrowUp")
    expect(page.get_by_role("textbox", name="Gravity")).to_have_value("0.5,0.45")


def test_a_mask_is_painted(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service)
    page = visitor.go(f"studio/{picture['id']}")
    add_step(page, "Inpaint")
    page.get_by_role("button", name="Paint it").click()
    canvas = page.locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    # A dab by keys, taken back again.
    canvas.focus()
    canvas.press(" ")
    canvas.press("Control+z")
    page.get_by_role("button", name="Use the mask").click()
    expect(page.get_by_text("portrait-mask.png")).to_be_visible()
    mask = next(one for one in service.client.get("/api/v1/images").json()["items"] if one["store_id"] == "page:masks")
    painted = picture_of(service.client.get(mask["links"]["download"]).content).convert("L")
    assert painted.size == (512, 600)
    assert (painted.getpixel((230, 480)), painted.getpixel((230, 100))) == (255, 0)
    shown(page)
    visitor.go()
    # The mask is no picture of the grid.
    expect(tiles(page)).to_have_count(1)


def test_a_batch_goes_on_where_one_picture_fails(service: Service, visit: Visit) -> None:
    service.upload(*(SAMPLES / name for name in ("duck.jpg", "mug.jpg", "portrait.jpg")))
    visitor = visit(service)
    page = visitor.go()
    steps = [{"key": "a", "type": "crop", "values": {"left": 700}, "off": False, "open": False}]
    page.evaluate("steps => localStorage.setItem('darkroom.steps', JSON.stringify({ list: steps, output: {} }))", steps)
    page.reload()
    page.get_by_role("link", name="Batch").click()
    page.get_by_role("radio", name="The steps of the editor").check(force=True)
    page.get_by_role("button", name="Process 3 pictures").click()
    expect(page.get_by_text("2 done, 1 not")).to_be_visible()
    failed = page.get_by_role("listitem").filter(has_text="portrait.jpg")
    expect(failed).to_contain_text("left is 700, outside a picture of 512 x 600.")
    expect(failed).to_contain_text("left may be 0 to 511 here.")
    expect(failed).to_contain_text("invalid_parameters")
    page.get_by_role("button", name="Retry portrait.jpg").click()
    expect(page.get_by_text("2 done, 1 not")).to_be_visible()
    expect(failed).to_contain_text("left may be 0 to 511 here.")
    with page.expect_download() as download:
        page.get_by_test_id("archive").click()
    with zipfile.ZipFile(download.value.path()) as bundle:
        assert sorted(bundle.namelist()) == ["duck.jpg", "manifest.json", "mug.jpg"]
        assert picture_of(bundle.read("duck.jpg")).size == (500, 1000)
    page.get_by_role("link", name="All batches").click()
    expect(page.get_by_role("link", name="Batch of 3 pictures")).to_contain_text("1 failed")


def test_a_batch_is_stopped(service: Service, visit: Visit) -> None:
    service.upload(*(SAMPLES / name for name in ("duck.jpg", "mug.jpg", "portrait.jpg", "logo.png")))
    page = visit(service).go()
    steps = [{"key": "a", "type": "upscale", "values": {"scale": 4}, "off": False, "open": False}] * 3
    page.evaluate("steps => localStorage.setItem('darkroom.steps', JSON.stringify({ list: steps, output: {} }))", steps)
    page.reload()
    page.get_by_role("link", name="Batch").click()
    page.get_by_role("radio", name="The steps of the editor").check(force=True)
    page.get_by_role("button", name="Process 4 pictures").click()
    page.get_by_role("button", name="Stop the rest").click()
    expect(page.get_by_role("listitem").filter(has_text="stopped").first).to_be_visible()
    expect(page.get_by_role("button", name="Stop the rest")).to_have_count(0)


def test_a_failing_job_says_what_to_do(fresh: Service, visit: Visit) -> None:
    picture = fresh.upload(SAMPLES / "logo.png")[0]
    visitor = visit(fresh)
    visitor.expected.append("409")
    page = visitor.go(f"studio/{picture['id']}")
    add_step(page, "Upscale")
    page.get_by_role("radio", name="Model").click()
    page.get_by_role("button", name="Run at full size").click()
    alert = page.get_by_role("alert").filter(has_text="model_missing")
    expect(alert).to_contain_text("The model realesrgan-x2plus is not on this machine.")
    expect(alert).to_contain_text("darkroom models pull realesrgan-x2plus")
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("button", name="logo.png").click()
    expect(page.get_by_role("main")).to_contain_text("model_missing")
    expect(page.get_by_role("button", name="Do it again")).to_be_visible()
    page.get_by_role("radio", name="Not completed").click()
    expect(page.get_by_role("button", name="logo.png")).to_have_count(1)
    page.get_by_role("radio", name="Running").click()
    expect(page.get_by_text("None of these")).to_be_visible()


def test_jobs_are_told_of_as_they_happen(fresh: Service, visit: Visit) -> None:
    picture = fresh.upload(SAMPLES / "duck.jpg")[0]
    page = visit(fresh).go("jobs")
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    # Begun by somebody else.
    fresh.client.post(
        f"/api/v1/images/{picture['id']}/process", json={"operations": ["resize:width=300", "adjust:contrast=1.2"]}
    )
    row = page.get_by_role("button", name="duck.jpg")
    expect(row).to_contain_text("Resize → Adjust")
    expect(row).to_contain_text("completed")
    row.click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("From 1,200 × 1,000 · JPEG · 218 kB")  # noqa: RUF001
    expect(main).to_contain_text("To 300 × 250 · JPEG")  # noqa: RUF001
    expect(main).to_contain_text("Done on this machine")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    assert picture_of(Path(download.value.path()).read_bytes()).size == (300, 250)


def test_steps_are_put_in_order_and_left_out(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "duck.jpg")[0]
    visitor = visit(service)
    page = visitor.go(f"studio/{picture['id']}")
    for name in ("Adjust", "Rotate", "Sizes"):
        add_step(page, name)

    def order() -> list[str]:
        return [
            (one.get_attribute("aria-label") or "").partition(": ")[2]
            for one in page.get_by_role("region", name="Step ").all()
        ]

    assert order() == ["Adjust", "Rotate", "Sizes"]
    page.get_by_role("button", name=re.compile("^Move Sizes")).press("ArrowUp")
    assert order() == ["Adjust", "Sizes", "Rotate"]
    handle, target = (
        page.get_by_role("button", name=re.compile("^Move Adjust")),
        page.get_by_role("region", name="Step 2"),
    )
    start, end = handle.bounding_box(), target.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + end["height"] - 2, steps=6)
    page.mouse.up()
    assert order() == ["Sizes", "Adjust", "Rotate"]
    page.get_by_role("button", name="Leave out Sizes").click()
    expect(page.get_by_role("button", name="Carry out Sizes")).to_be_visible()
    page.get_by_role("button", name="Remove Rotate").click()
    page.reload()
    expect(page.get_by_role("region", name="Step 2: Adjust")).to_be_visible()
    assert order() == ["Sizes", "Adjust"]


def test_everything_by_keys_alone(service: Service, visit: Visit) -> None:
    service.upload(SAMPLES / "portrait.jpg")
    page = visit(service).go()
    expect(tiles(page)).to_have_count(1)

    def tab_to(name: str, most: int = 60) -> None:
        """Press Tab until something of this name has the focus."""
        for _ in range(most):
            page.keyboard.press("Tab")
            said = page.evaluate(
                "() => { const at = document.activeElement; return at.getAttribute('aria-label') ?? at.textContent }"
            )
            if name in said:
                return
        raise AssertionError(f"Tab never leads to {name}")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Skip to the content
    tab_to("portrait.jpg")
    page.keyboard.press("Enter")
    shown(page, "before")
    tab_to("Add a step")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.get_by_role("searchbox").wait_for()
    page.keyboard.type("rotate")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Step 1: Rotate")).to_be_visible()
    # The new card has the focus; its first field is next.
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "slider":
            break
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("spinbutton", name="Angle")).to_have_value("3")
    page.keyboard.press("Control+Enter")
    page.get_by_test_id("download").wait_for()
    tab_to("Download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert picture_of(Path(download.value.path()).read_bytes()).format == "JPEG"


def test_the_first_load_is_small(service: Service, visit: Visit) -> None:
    visitor = visit(service)
    scripts: list[Any] = []
    visitor.page.on("requestfinished", lambda one: scripts.append(one) if one.resource_type == "script" else None)
    visitor.go()
    expect(visitor.page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    sizes = {one.url.rsplit("/", 1)[1]: one.sizes()["responseBodySize"] for one in scripts}
    assert 20_000 < sum(sizes.values()) < 200_000, json.dumps(sizes, indent=1)


def test_nothing_is_wider_than_a_telephone(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service, viewport=NARROW, has_touch=True)
    # Jobs of other tests, whose pictures are gone.
    visitor.expected.append("404")
    for view in ("studio", "batch", "models", "settings", "privacy", "jobs", f"studio/{picture['id']}"):
        page = visitor.go(view)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_timeout(300)
        wide = page.evaluate(
            """() => [...document.querySelectorAll("main *")]
              .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
              .filter((one) => !one.closest("[tabindex='0'], nav"))
              .map((one) => one.outerHTML.slice(0, 100))"""
        )
        assert wide == [], view
