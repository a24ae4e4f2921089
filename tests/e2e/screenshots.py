"""Draw the pictures of the documentation: `python -m tests.e2e.screenshots`, after `make page client`. Two minutes."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import NARROW, ROOT, SAMPLES, WIDE
from tests.e2e.test_editor import add_step, stroke
from tests.e2e.test_examples import SWITCHES, checkout
from tests.server.conftest import Service
from tests.servers import environment, find

TARGET = ROOT / "docs" / "images" / "page"
SCENES = (
    ("mug.jpg", "mug-oak.jpg", {"type": "generate_background", "style": "wooden_table"}),
    ("duck.jpg", "duck-marble.jpg", {"type": "generate_background", "style": "marble_desk"}),
    ("mug.jpg", "mug-cut.png", {"type": "remove_background"}),
    (
        "duck.jpg",
        "duck-dusk.jpg",
        {"type": "replace_background", "background": "gradient", "colors": "#2b3a55 #d98f5c"},
    ),
    ("portrait.jpg", "portrait-grey.jpg", {"type": "adjust", "grayscale": True, "contrast": 1.15}),
    ("duck.jpg", "duck-studio.jpg", {"type": "generate_background", "style": "studio", "lighting": "dramatic"}),
)


def furnish(service: Service, folder: Path) -> dict[str, str]:
    """Fill the studio: the samples, pictures made of them, a batch of which one fails. Gives ids by name."""
    stored = service.upload(*(SAMPLES / name for name in ("portrait.jpg", "logo.png", "duck.jpg", "mug.jpg")))
    ids = {one["name"]: one["id"] for one in stored}
    for source, name, operation in SCENES:
        body = {
            "image_id": ids[source],
            "operations": [operation],
            "output": {"format": "png" if name.endswith("png") else "jpeg"},
        }
        answer = service.client.post("/api/v1/images/process/sync", json=body)
        assert answer.status_code == 200, answer.text
        (folder / name).write_bytes(answer.content)
        ids[name] = service.upload(folder / name)[0]["id"]
    names = ("mug.jpg", "duck.jpg", "portrait.jpg", "mug-oak.jpg", "duck-marble.jpg")
    work: dict[str, Any] = {"operations": [{"type": "crop", "left": 30, "top": 25, "width": 1140, "height": 950}]}
    sources = [{"image_id": ids[name]} for name in names]
    batch = service.client.post("/api/v1/images/batch", json={"images": sources, "work": work}).json()
    for one in service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]:
        service.wait(one["id"])
    return {**ids, "batch": batch["id"]}


def keep(page: Page, name: str, target: Path = TARGET) -> None:
    """Write what is seen as a small WebP."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(700)
    target.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(target / f"{name}.webp", quality=82, method=6)


def mend(page: Page, name: str) -> None:
    """A cut-out without a model, which has lost cap and coat, and the strokes that bring them back."""
    page.get_by_role("button", name="Remove all steps").click()
    add_step(page, "Remove background")
    page.get_by_role("button", name="Paint what stays and what goes").click()
    page.get_by_role("application").wait_for()
    stroke(page, (0.2, 0.95), (0.75, 0.8))
    stroke(page, (0.4, 0.14), (0.62, 0.12))
    page.get_by_role("toolbar", name="Brush").get_by_role("button", name="Remove").click()
    stroke(page, (0.1, 0.15), (0.15, 0.6))
    stroke(page, (0.9, 0.15), (0.9, 0.6))
    keep(page, name)


def switches(chromium: Browser, folder: Path) -> None:
    """The client's switches in a page of somebody else."""
    with checkout() as origin:
        service = Service(folder, DARKROOM_SERVER__CORS_ORIGINS=f'["{origin}"]')
        for theme in ("light", "dark"):
            context = chromium.new_context(viewport={"width": 600, "height": 350}, color_scheme=theme)
            page = context.new_page()
            page.goto(f"{origin}/{SWITCHES}/?darkroom={service.url}")
            page.get_by_text("realesrgan-x4plus").wait_for()
            keep(page, f"switches-{theme}", TARGET.parent / "client")
            context.close()
        service.end()


def main() -> None:
    """Each view in light and dark, wide and narrow."""
    program = find("chromium")
    assert program is not None, "scripts/servers fetches Chromium"
    with tempfile.TemporaryDirectory(prefix="darkroom") as folder, sync_playwright() as playwright:
        # Of the folder of models, which the page shows, the pictures tell nothing of whose machine it was.
        models = Path(tempfile.gettempdir()) / "models"
        service = Service(Path(folder) / "service", DARKROOM_MODELS__FOLDER=str(models))
        ids = furnish(service, Path(folder))
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env={**environment(program)}
        )
        for theme in ("light", "dark"):
            for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
                context = chromium.new_context(
                    viewport=viewport, color_scheme=theme, locale="en", has_touch=size == "narrow"
                )
                page = context.new_page()
                views = {
                    "studio": "studio",
                    "batch": f"batch/{ids['batch']}",
                    "models": "models",
                    "settings": "settings",
                    "privacy": "privacy",
                    "jobs": "jobs",
                }
                for name, view in views.items():
                    page.goto(f"{service.url}/#/{view}")
                    page.wait_for_timeout(900)
                    keep(page, f"{name}-{theme}-{size}")
                page.goto(f"{service.url}/#/studio/{ids['portrait.jpg']}")
                page.get_by_role("button", name="Adjust").click()
                for field, value in (("Brightness", "0.05"), ("Contrast", "1.25"), ("Saturation", "0")):
                    number = page.get_by_role("spinbutton", name=field)
                    number.fill(value)
                    number.press("Enter")
                page.get_by_test_id("after").first.wait_for()
                page.evaluate("document.activeElement.blur()")
                page.evaluate("for (const one of document.querySelectorAll('main *')) one.scrollTop = 0")
                keep(page, f"edit-{theme}-{size}")
                mend(page, f"strokes-{theme}-{size}")
                context.close()
        service.end()
        switches(chromium, Path(folder) / "switches")
        chromium.close()


if __name__ == "__main__":
    main()
