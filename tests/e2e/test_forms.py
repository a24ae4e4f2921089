"""The forms of operations on the page: what they set, and what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from darkroom.errors import InvalidParameters
from darkroom.operation import build, registry
from tests.e2e.conftest import SAMPLES, Visitor
from tests.e2e.test_page import shown
from tests.server.conftest import Service

Visit = Callable[..., Visitor]


def add(page: Page, at: int) -> Any:
    """Add the operation that the dialog lists at a place; gives its card."""
    page.get_by_role("button", name="Add a step").click()
    page.get_by_role("dialog").get_by_role("listitem").nth(at).get_by_role("button").click()
    return page.get_by_role("region", name="Step 1:")


def kept(page: Page) -> list[dict[str, Any]]:
    """The operations that the page would send."""
    steps = json.loads(page.evaluate("localStorage.getItem('darkroom.steps')"))["list"]
    return [{"type": step["type"], **step["values"]} for step in steps]


def incomplete(name: str) -> bool:
    """Whether an operation needs something that has no default."""
    try:
        build(name, {})
    except InvalidParameters:
        return True
    return False


def test_adding_an_operation_sets_nothing_and_asks_for_what_is_missing(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    visitor = visit(service)
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    names = [operation["name"] for operation in service.client.get("/api/v1/operations").json()]
    assert names == list(registry())
    asked = set()
    for at, name in enumerate(names):
        card = add(page, at)
        expect(card).to_be_visible()
        for more in card.get_by_role("button", name="more").all():
            more.click()
        assert kept(page) == [{"type": name}], "nothing is set by adding"
        if card.get_by_role("status").count():
            asked.add(name)
        page.get_by_role("button", name="Remove all steps").click()
    # What is not complete is not sent: an answer of 422 would stand in the console, which the visitor looks through.
    assert asked == {name for name in names if incomplete(name)}
    assert {"resize", "crop", "inpaint", "smart_crop"} <= asked


def test_what_a_step_needs_and_what_the_service_refuses_is_said_in_italian(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    visitor = visit(service, locale="it")
    visitor.expected = ["422", "404"]
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    page.get_by_role("button", name="Aggiungi un passo").click()
    page.get_by_role("dialog").get_by_role("button", name="Ridimensiona").click()
    card = page.get_by_role("region", name="Passo 1: Ridimensiona")
    expect(card.get_by_role("status")).to_have_text("Manca ancora: larghezza, altezza o scala.", ignore_case=True)
    card.get_by_role("button", name="Informazioni: Scala").click()
    expect(page.locator("p").get_by_text("Un fattore al posto di una misura")).to_be_visible()
    page.keyboard.press("Escape")
    width = card.get_by_role("spinbutton", name="Larghezza")
    width.fill("600")
    width.press("Enter")
    shown(page)
    card.get_by_role("button", name="Ridimensiona", exact=True).click()
    expect(card.get_by_text("Larghezza 600 px")).to_be_visible()
    page.get_by_role("button", name="Ricette").click()
    first = page.get_by_role("menuitem").first
    expect(first).to_contain_text("Prodotto su bianco")
    expect(first).to_contain_text("centrato su bianco puro")
    page.keyboard.press("Escape")
    visitor.page.goto(f"{service.url}/#/studio/{'0' * 32}")
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("Questa immagine non c")
    expect(alert.locator("[lang=en]")).to_contain_text("0" * 32)


def test_the_description_of_the_api_is_framed_in_italian(service: Service, visit: Visit) -> None:
    visitor = visit(service, locale="it")
    visitor.page.goto(f"{service.url}/docs")
    expect(visitor.page.get_by_role("heading", name="API HTTP")).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Indirizzi firmati")).to_be_visible()
    assert visitor.page.locator("html").get_attribute("lang") == "it"


def test_resize_takes_a_width(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    visitor = visit(service)
    visitor.expected = ["422"]
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    card = add(page, list(registry()).index("resize"))
    expect(card.get_by_role("slider")).to_have_count(0)
    width = card.get_by_role("spinbutton", name="Width")
    with page.expect_response("**/process/sync") as answer:
        width.fill("600")
        width.press("Enter")
    assert answer.value.status == 200
    shown(page)
    assert kept(page) == [{"type": "resize", "width": 600}]


@pytest.mark.parametrize(
    ("typed", "taken"), [("0", 0.001), ("0.333", 0.333), ("99", 16), ("", None)], ids=["0", "0.333", "99", "nothing"]
)
def test_a_number_is_held_within_its_bounds_and_otherwise_left_alone(
    typed: str, taken: float | None, service: Service, visit: Visit
) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    visitor = visit(service)
    visitor.expected = ["422"]
    page = visitor.go(f"studio/{picture['id']}")
    shown(page, "before")
    scale = add(page, list(registry()).index("resize")).get_by_role("spinbutton", name="Scale")
    scale.fill(typed)
    scale.press("Enter")
    page.wait_for_timeout(100)
    assert kept(page) == [{"type": "resize"} | ({"scale": taken} if taken is not None else {})]


def test_a_value_between_the_steps_of_a_slider_stays_as_it_was_typed(service: Service, visit: Visit) -> None:
    picture = service.upload(SAMPLES / "mug.jpg")[0]
    page = visit(service).go(f"studio/{picture['id']}")
    shown(page, "before")
    card = add(page, list(registry()).index("adjust"))
    number = card.get_by_role("spinbutton", name="Gamma")
    number.fill("1.234")
    number.press("Enter")
    shown(page)
    assert kept(page) == [{"type": "adjust", "gamma": 1.234}]
    card.get_by_role("slider", name="Gamma").press("ArrowRight")
    page.wait_for_timeout(100)
    assert kept(page) == [{"type": "adjust", "gamma": 1.25}]
