"""Every view, in both themes, held to WCAG 2.2 AA by axe, wide and narrow. Half a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.e2e.conftest import NARROW, ROOT, SAMPLES, WIDE, Visitor
from tests.e2e.test_page import add_step, shown
from tests.server.conftest import Service

Visit = Callable[..., Visitor]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn())))"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is, in light and, of its colours, in dark; a line each."""
    if not AXE.is_file():
        pytest.skip("axe is not here; make page fetches it")
    # Colours of transitions are none.
    page.emulate_media(reduced_motion="reduce")
    page.add_script_tag(content=AXE.read_text())
    found = [("light", one) for one in _run(page, "light", {"type": "tag", "values": TAGS})]
    found += [("dark", one) for one in _run(page, "dark", {"type": "rule", "values": ["color-contrast"]})]
    return [
        f"{theme}: {one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for theme, one in found
        for node in one["nodes"]
    ]


def _run(page: Page, theme: str, only: dict[str, Any]) -> list[dict[str, Any]]:
    # As the settings do.
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    page.evaluate(_DRAWN)
    return page.evaluate(
        # What is shown over the page lies beside its landmarks; a label that is scrolled out of sight counts as none.
        """only => {
          const off = ["region", "label-title-only"].map((rule) => [rule, { enabled: false }]);
          const rules = only.type === "tag" ? Object.fromEntries(off) : {};
          return axe.run(document, { runOnly: only, rules }).then((result) => result.violations);
        }""",
        only,
    )


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def size(request: pytest.FixtureRequest) -> ViewportSize:
    return request.param


def test_every_view(service: Service, visit: Visit, size: ViewportSize) -> None:
    # axe is a script of our own here: this context alone goes without the policy.
    visitor = visit(service, viewport=size, bypass_csp=True)
    # Of jobs of other tests the pictures are gone.
    visitor.expected += ["422", "409", "404"]
    found = {"empty": violations(visitor.go())}
    pictures = service.upload(*(SAMPLES / name for name in ("duck.jpg", "portrait.jpg")))
    job = service.client.post(f"/api/v1/images/{pictures[0]['id']}/process", json={"operations": ["resize:width=300"]})
    service.wait(job.json()["id"])
    sources = [{"image_id": one["id"]} for one in pictures]
    work = {"operations": [{"type": "crop", "left": 700}]}
    batch = service.client.post("/api/v1/images/batch", json={"images": sources, "work": work}).json()
    for one in service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]:
        service.wait(one["id"])
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


def test_the_editor_and_its_tools(service: Service, visit: Visit, size: ViewportSize) -> None:
    picture = service.upload(SAMPLES / "portrait.jpg")[0]
    visitor = visit(service, viewport=size, bypass_csp=True)
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


def test_the_page_of_the_api(service: Service, visit: Visit) -> None:
    visitor = visit(service, bypass_csp=True)
    page = visitor.page
    page.goto(f"{service.url}/docs")
    page.get_by_role("heading", name="HTTP API").wait_for()
    page.locator("summary").filter(has_text="/api/v1/images/upload").click()
    page.get_by_text("Store 1 to").wait_for()
    assert violations(page) == []
