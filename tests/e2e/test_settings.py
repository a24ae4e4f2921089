"""What is set on the page, and what is kept of it: by the service, by the browser, for the tab only. Half a minute."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import write_user_entries
from tests.e2e.conftest import SAMPLES, Visitor, until
from tests.models.serving import Mirror
from tests.server.conftest import Service

Visit = Callable[..., Visitor]
DATA = os.urandom(3_000_000)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A server with the file of the model ``net``, which the catalogue of the service to come knows."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "service" / "config"))
    with Mirror().serving() as served:
        served.files["net.onnx"] = DATA
        file = ModelFile(
            name="net.onnx",
            url=f"{served.url}/net.onnx",
            sha256=hashlib.sha256(DATA).hexdigest(),
            bytes=len(DATA),
            digest_source="this test",
        )
        write_user_entries(
            [ModelEntry(name="net", task="matte", summary="A net.", files=(file,), licence="MIT", commercial=True)]
        )
        yield served


def test_settings_are_kept_across_reloads_and_restarts(fresh: Service, visit: Visit) -> None:
    visitor = visit(fresh)
    page = visitor.go("settings")
    prefer = page.get_by_role("switch", name="Prefer this machine")
    fallback = page.get_by_role("switch", name="Fall back")
    expect(prefer).to_be_checked()
    expect(fallback).to_be_disabled()
    row = page.locator("[data-setting='providers.cloud_fallback']")
    expect(row).to_contain_text("No key of a cloud service is set up.")
    prefer.click()
    expect(prefer).not_to_be_checked()
    expect(row).to_contain_text("Turn “Prefer this machine” on first")
    page.get_by_role("radiogroup", name="Metadata of results").get_by_role("radio", name="None").click()
    page.get_by_role("combobox", name="Precision").click()
    page.get_by_role("option", name="fp32").click()
    download = page.get_by_role("switch", name="Download models by themselves")
    download.click()
    expect(download).to_be_checked()
    page.reload()
    expect(prefer).not_to_be_checked()
    expect(download).to_be_checked()
    expect(page.get_by_role("combobox", name="Precision")).to_contain_text("fp32")

    visitor.page.close()
    fresh.restart()
    page = visit(fresh).go("settings")
    expect(page.get_by_role("switch", name="Prefer this machine")).not_to_be_checked()
    expect(page.get_by_role("radio", name="None")).to_be_checked()
    page.get_by_role("button", name="Back to the default: Prefer this machine").click()
    expect(page.get_by_role("switch", name="Prefer this machine")).to_be_checked()


def test_a_purpose_of_connections_is_switched_off(service: Service, visit: Visit) -> None:
    visitor = visit(service)
    page = visitor.go("privacy")
    web = page.get_by_role("listitem").filter(has_text="Pictures from the web")
    expect(web).not_to_contain_text("not allowed")
    page.get_by_role("link", name="Change it").click()
    page.get_by_role("switch", name="Pictures from the web").click()
    expect(page.get_by_role("switch", name="Pictures from the web")).not_to_be_checked()
    page = visitor.go("privacy")
    expect(web).to_contain_text("not allowed")
    answer = service.client.post("/api/v1/images/fetch", json={"url": "https://example.org/shoe.jpg"})
    service.client.patch("/api/v1/settings", json={"changes": {"egress.source": None}})
    assert (answer.status_code, answer.json()["code"]) == (403, "egress_refused")


def test_what_the_environment_says_cannot_be_changed(
    browser: object, start: Callable[..., Service], visit: Visit
) -> None:
    service = start(DARKROOM_OFFLINE="true", DARKROOM_PROVIDERS__CLOUDINARY__API_KEY="")
    page = visit(service).go("settings")
    expect(page.get_by_role("switch", name="Offline")).to_be_disabled()
    expect(page.locator("[data-setting='offline']")).to_contain_text("DARKROOM_OFFLINE")


def test_theme_and_language_are_the_browsers(service: Service, visit: Visit) -> None:
    visitor = visit(service, color_scheme="light")
    page = visitor.go("settings")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("radio", name="Dark").click()
    dark = page.evaluate(background)
    assert dark != light
    page.get_by_role("radio", name="Italiano").click()
    expect(page.get_by_role("heading", name="Opzioni")).to_be_visible()
    expect(page.get_by_role("switch", name="Fuori rete")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Opzioni")).to_be_visible()
    assert page.evaluate(background) == dark
    assert page.evaluate("document.documentElement.lang") == "it"
    italian = visit(service, locale="it-IT").go("batch")
    expect(italian.get_by_role("heading", name="Serie", exact=True)).to_be_visible()


def test_a_model_is_downloaded_stopped_and_removed(
    browser: object, mirror: Mirror, start: Callable[..., Service], visit: Visit
) -> None:
    service = start()
    page = visit(service).go("models")
    row = page.locator("[data-model=net]")
    expect(row).to_contain_text("3 MB")
    expect(row).to_contain_text("MIT")
    expect(row).to_contain_text("commercial use allowed")
    mirror.slow = 0.05
    row.get_by_role("button", name="Download net").click()
    bar = row.get_by_role("progressbar", name="Downloading net")
    expect(bar).to_be_visible()
    until(page, "document.querySelector('[data-model=net] [role=progressbar]')?.getAttribute('aria-valuenow') > 0")
    row.get_by_role("button", name="Stop the download of net").click()
    expect(row.get_by_role("button", name="Download net")).to_be_visible()
    mirror.slow = 0.0
    row.get_by_role("button", name="Download net").click()
    expect(row.get_by_text("On this machine")).to_be_visible()
    assert service.client.get("/api/v1/egress").json()["by_purpose"]["model"] >= 2
    page.get_by_role("radio", name="On this machine").click()
    expect(page.locator("[data-model]")).to_have_count(1)
    row.get_by_role("button", name="Remove net").click()
    page.get_by_role("dialog", name="Remove net?").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No model fits.")).to_be_visible()


def test_a_model_is_brought_as_a_file(
    browser: object, mirror: Mirror, start: Callable[..., Service], visit: Visit, tmp_path: Path
) -> None:
    service = start()
    visitor = visit(service)
    visitor.expected.append("422")
    page = visitor.go("models")
    (tmp_path / "net.onnx").write_bytes(DATA)
    (tmp_path / "other.onnx").write_bytes(b"what is this")
    chooser = page.get_by_label("Import a file").and_(page.locator("input"))
    chooser.set_input_files(tmp_path / "net.onnx")
    expect(page.locator("[data-model=net]").get_by_text("On this machine")).to_be_visible()
    chooser.set_input_files(tmp_path / "other.onnx")
    expect(page.get_by_role("alert").filter(has_text="other.onnx")).to_be_visible()


def test_offline_nothing_can_be_fetched(fresh: Service, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.expected += ["403", "502", "503"]
    page = visitor.go("settings")
    page.get_by_role("switch", name="Offline").click()
    expect(page.get_by_role("switch", name="Offline")).to_be_checked()
    page = visitor.go("models")
    expect(page.get_by_text("Offline: nothing can be downloaded.")).to_be_visible()
    expect(page.get_by_role("button", name="Download u2netp")).to_be_disabled()
    page = visitor.go("privacy")
    expect(page.get_by_text("Offline: no connection is allowed")).to_be_visible()
    page = visitor.go()
    page.get_by_role("button", name="From the web").click()
    page.get_by_role("textbox", name="Address of the picture").fill("https://example.org/shoe.jpg")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.get_by_role("alert")).to_contain_text("offline")
    # Everything that needs nobody else works.
    page.keyboard.press("Escape")
    page.get_by_label("Add files").and_(page.locator("input")).set_input_files(SAMPLES / "logo.png")
    expect(page.get_by_role("option", name="logo.png")).to_be_visible()


def test_a_service_that_is_away_is_said_to_be(fresh: Service, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.expected += ["net::ERR_"]
    page = visitor.go()
    expect(page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    port = fresh.url.rsplit(":", 1)[1]
    fresh.end()
    page.get_by_role("link", name="Privacy").click()
    expect(page.get_by_role("alert").filter(has_text="The service does not answer.").first).to_be_visible()
    fresh.environment["DARKROOM_SERVER__PORT"] = port
    fresh.restart()
    expect(page.get_by_text("The service does not answer. Start it")).to_have_count(0)


def test_a_key_is_asked_for_once(browser: object, start: Callable[..., Service], visit: Visit) -> None:
    service = start(keys=[()], DARKROOM_SERVER__REQUIRE_KEY="true")
    key = service.keys[0]
    service.client.headers["Authorization"] = f"Bearer {key}"
    service.upload(SAMPLES / "duck.jpg")
    visitor = visit(service)
    visitor.expected.append("401")
    page = visitor.go()
    dialog = page.get_by_role("dialog", name="This service needs a key")
    dialog.get_by_label("API key").fill("drk_wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("refused")
    dialog.get_by_label("API key").fill(key)
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_have_count(0)
    picture = page.get_by_role("option", name="duck.jpg").locator("img")
    picture.wait_for()
    assert (picture.get_attribute("src") or "").startswith("blob:")
    page.reload()
    expect(page.get_by_role("option", name="duck.jpg")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert key not in json.dumps(page.evaluate("({ ...localStorage })"))
    other = visit(service)
    other.expected.append("401")
    expect(other.go().get_by_role("dialog", name="This service needs a key")).to_be_visible()
