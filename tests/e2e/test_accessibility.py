"""Every view, in both themes, held to WCAG 2.2 AA by axe, wide and narrow. A minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import NARROW, ROOT, SAMPLES, WIDE, Visitor
from tests.e2e.test_page import add_step, shown
from tests.server.conftest import Service

Visit = Callable[..., Visitor]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is, a line each."""
    if not AXE.is_file():
        pytest.skip("axe is not here; make page fetches it")
    page.wait_for_timeout(250)  # colours of transitions are none
    page.add_script_tag(content=AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        # What is shown over the page lies beside its landmarks; a label that is scrolled out of sight counts as none.
        """tags => {
          const rules = { region: { enabled: false }, "label-title-only": { enabled: false } };
          return axe.run(document, { runOnly: tags, rules }).then((result) => result.violations);
        }""",
        TAGS,
    )
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    return request.param


def test_every_view(fresh: Service, visit: Visit, theme: str, size: dict[str, int]) -> None:
    # axe is a script of our own here: this context alone goes without the policy.
    visitor = visit(fresh, color_scheme=theme, viewport=size, bypass_csp=True)
    visitor.expected += ["422", "409"]
    found = {"empty": violations(visitor.go())}
    pictures = fresh.upload(*(SAMPLES / name for name in ("duck.jpg", "portrait.jpg")))
    job = fresh.client.post(f"/api/v1/images/{pictures[0]['id']}/process", json={"operations": ["resize:width=300"]})
    fresh.wait(job.json()["id"])
    sources = [{"image_id": one["id"]} for one in pictures]
    work = {"operations": [{"type": "crop", "left": 700}]}
    batch = fresh.client.post("/api/v1/images/batch", json={"images": sources, "work": work}).json()
    for one in fresh.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]:
        fresh.wait(one["id"])
    for view in ("studio", "batch", f"batch/{batch['id']}", "models", "settings", "privacy", "jobs"):
        page = visitor.go(view)
        page.reload()
        page.get_by_role("heading", level=1).wait_for()
        page.locator("img, [data-model], [data-setting], [data-testid=headline]").first.wait_for()
        found[view] = violations(page)
    page.get_by_role("button", name="portrait.jpg").first.click()
    found["a job"] = violations(page)
    page = visitor.go("studio")
    page.get_by_role("option").first.click()
    found["chosen"] = violations(page)
    assert {view: said for view, said in found.items() if said} == {}


def test_the_editor_and_its_tools(service: Service, visit: Visit, theme: str, size: dict[str, int]) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service, color_scheme=theme, viewport=size, bypass_csp=True)
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    found = {"no steps": violations(page)}
    page.get_by_role("button", name="Add a step").click()
    found["add a step"] = violations(page)
    page.keyboard.press("Escape")
    add_step(page, "Adjust")
    page.get_by_role("button", name="3 more").click()
    shown(page)
    found["a form"] = violations(page)
    page.get_by_role("button", name="About Contrast").click()
    found["help"] = violations(page)
    page.keyboard.press("Escape")
    add_step(page, "Inpaint")
    page.get_by_text("It still needs").wait_for()
    found["incomplete"] = violations(page)
    page.get_by_role("button", name="Paint it").click()
    page.locator("canvas").wait_for()
    found["brush"] = violations(page)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Move or duplicate Inpaint").click()
    found["menu of a step"] = violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove all steps").click()
    found["steps to be put back"] = violations(page)
    add_step(page, "Crop")
    page.get_by_role("button", name="Draw on the picture").click()
    page.get_by_role("button", name="Top side").wait_for()
    found["crop"] = violations(page)
    page.get_by_role("button", name="Done").click()
    page.get_by_test_id("after").wait_for()
    found["side by side"] = violations(page)
    add_step(page, "Remove background")
    page.get_by_role("button", name="Paint what stays and what goes").click()
    page.locator("canvas").wait_for()
    found["brush of two colours"] = violations(page)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("combobox", name="Format").click()
    found["a choice"] = violations(page)
    assert {view: said for view, said in found.items() if said} == {}


def test_the_page_of_the_api(service: Service, visit: Visit, theme: str) -> None:
    visitor = visit(service, color_scheme=theme, bypass_csp=True)
    page = visitor.page
    page.goto(f"{service.url}/docs")
    page.get_by_role("heading", name="HTTP API").wait_for()
    page.locator("summary").filter(has_text="/api/v1/images/upload").click()
    page.get_by_text("Store 1 to").wait_for()
    assert violations(page) == []
