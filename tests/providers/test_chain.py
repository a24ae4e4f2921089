"""Who is asked, in which order, and what has to be agreed to before anything leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from darkroom.errors import (
    ConfigurationError,
    ConsentMissing,
    EgressRefused,
    FallbackRefused,
    InferenceFailed,
    InvalidParameters,
    OfflineRefused,
    ProviderFailed,
)
from darkroom.image import Image
from darkroom.operation import Context, Operation, build
from darkroom.operations.resize import Resize
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.providers.chain import Chain, discovered
from darkroom.services import Services, build_services
from darkroom.settings import Settings

PICTURE = Image.from_array(np.zeros((8, 8, 3), np.uint8))


class Painter:
    """A provider that paints the picture white, or fails."""

    cloud = True

    def __init__(self, name: str = "painter", error: Exception | None = None, without: str | None = None) -> None:
        self.name, self.error, self.without = name, error, without
        self.asked: list[str] = []

    def handles(self, operation: Operation) -> bool:
        return operation.name != "rotate"

    def missing(self) -> str | None:
        return self.without

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        self.asked.append(operation.name)
        if self.error is not None:
            raise self.error
        return image.map(lambda frame: frame.new_from_image([255, 255, 255]).cast("uchar"))


class Broken:
    """This machine, on a bad day."""

    name, cloud = "local", False

    def __init__(self, error: Exception) -> None:
        self.error = error

    def handles(self, operation: Operation) -> bool:
        return True

    def missing(self) -> str | None:
        return None

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        raise self.error


def services(changes: dict[str, Any], **providers: Any) -> Services:
    settings = Settings().with_changes(changes)
    made = build_services(settings)
    return Services(settings, made.models, Chain(settings, providers))


def run(found: Services, *steps: str) -> Any:
    return process(Request(PICTURE, Pipeline(list(steps or ("resize:width=8",)))), found)


FALLBACK = {"providers.cloud_fallback": True, "providers.consent": True}
BROKEN = InferenceFailed("The network is not well.")


def test_by_default_nobody_but_this_machine_is_asked() -> None:
    painter = Painter()
    result = run(services({}, painter=painter))
    assert result.report.processing_mode == "local"
    assert result.report.steps[0].provider == "local"
    assert painter.asked == []


def test_with_fallback_off_the_error_stands() -> None:
    painter = Painter()
    with pytest.raises(InferenceFailed):
        run(services({"providers.consent": True}, local=Broken(BROKEN), painter=painter))
    assert painter.asked == []


def test_with_fallback_on_the_cloud_is_asked_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    painter = Painter()
    result = run(services(FALLBACK, local=Broken(BROKEN), painter=painter))
    assert result.image.to_array().min() == 255
    report = result.report
    assert report.processing_mode == "cloud"
    assert report.steps[0].provider == "painter"
    assert any("not well" in warning for warning in report.all_warnings())
    assert "asking painter" in caplog.text


def test_a_key_is_no_consent() -> None:
    painter = Painter()
    found = services({"providers.cloud_fallback": True}, local=Broken(BROKEN), painter=painter)
    with pytest.raises(ConsentMissing, match="nobody has agreed"):
        run(found)
    assert painter.asked == []


@pytest.mark.parametrize(("change", "error"), [("offline", OfflineRefused), ("egress.cloud", EgressRefused)])
def test_no_way_out_where_connections_are_off(change: str, error: type[Exception]) -> None:
    painter = Painter()
    changes = {**FALLBACK, change: change == "offline"}
    with pytest.raises(error):
        run(services(changes, local=Broken(BROKEN), painter=painter))
    assert painter.asked == []


def test_with_local_first_off_the_cloud_goes_first_and_this_machine_after_it() -> None:
    painter = Painter()
    changes = {"providers.local_first": False, "providers.consent": True}
    assert run(services(changes, painter=painter)).report.processing_mode == "cloud"
    failing = Painter(error=ProviderFailed("Too much to do."))
    report = run(services(changes, painter=failing)).report
    assert report.processing_mode == "local"
    assert report.steps[0].fallbacks[0].used == "local"
    unset = Painter(without="set a key.")
    assert run(services(changes, painter=unset)).report.steps[0].fallbacks == []


def test_without_consent_the_cloud_is_left_out_and_the_report_says_so() -> None:
    painter = Painter()
    report = run(services({"providers.local_first": False}, painter=painter)).report
    assert painter.asked == []
    assert "agreed" in report.steps[0].fallbacks[0].reason


def test_a_chain_for_one_operation() -> None:
    painter = Painter()
    changes = {"providers.chain": {"resize": ["painter", "local"]}, "providers.consent": True}
    report = run(services(changes, painter=painter), "resize:width=8", "crop:width=4,height=4").report
    assert [step.provider for step in report.steps] == ["painter", "local"]
    assert report.processing_mode == "mixed"


def test_a_chain_of_only_the_cloud_needs_all_that_is_missing() -> None:
    changes: dict[str, Any] = {"providers.chain": {"resize": ["painter"]}}
    with pytest.raises(ConsentMissing):
        run(services(changes, painter=Painter()))
    changes["providers.consent"] = True
    with pytest.raises(ProviderFailed, match="set a key"):
        run(services(changes, painter=Painter(without="set a key.")))
    with pytest.raises(ConfigurationError, match="paintr"):
        run(services({"providers.chain": {"resize": ["paintr"]}}, painter=Painter()))


def test_what_does_not_handle_it_is_not_asked() -> None:
    painter = Painter()
    run(services({"providers.local_first": False, "providers.consent": True}, painter=painter), "rotate:angle=90")
    assert painter.asked == []


def test_wrong_parameters_are_wrong_everywhere() -> None:
    painter = Painter()
    with pytest.raises(InvalidParameters):
        run(services(FALLBACK, local=Broken(InvalidParameters("No.")), painter=painter))
    assert painter.asked == []


def test_strict_takes_no_other_provider() -> None:
    with pytest.raises(FallbackRefused):
        run(services({**FALLBACK, "strict": True}, local=Broken(BROKEN), painter=Painter()))


def test_the_whole_path_may_be_called_within_an_event_loop() -> None:
    import asyncio

    async def caller() -> Any:
        return run(services(FALLBACK, local=Broken(BROKEN), painter=Painter()))

    assert asyncio.run(caller()).report.processing_mode == "cloud"


def test_a_package_brings_a_provider_by_an_entry_point(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from importlib.metadata import EntryPoint

    from darkroom.providers import chain

    point = EntryPoint("painter", "tests.providers.test_chain:_made", chain.GROUP)
    monkeypatch.setattr(chain, "entry_points", lambda group: [point])
    found = discovered(Settings())
    assert {"cloudinary", "openai_images", "painter"} <= set(found)
    broken = EntryPoint("other", "tests.nothing:here", chain.GROUP)
    monkeypatch.setattr(chain, "entry_points", lambda group: [broken])
    assert set(discovered(Settings())) == {"cloudinary", "openai_images"}
    assert "other" in caplog.text


def _made(settings: Settings) -> Painter:
    return Painter()


def test_order_without_anything_set() -> None:
    chain = Chain(Settings(), discovered(Settings()))
    made: Callable[..., Operation] = build
    assert [provider.name for provider in chain.order(made("upscale", {"scale": 4}))] == ["local"]
    assert [provider.name for provider in chain.order(Resize(width=3))] == ["local"]
