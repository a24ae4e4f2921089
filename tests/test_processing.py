"""The whole path: bytes in, operations, bytes out, and a receipt that is true."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from darkroom.errors import InputNotFound, LimitExceeded
from darkroom.image import Encoding
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import Services, build_services
from darkroom.settings import Settings

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.fixture
def services(settings: Settings) -> Services:
    return build_services(settings)


def test_the_receipt_says_what_went_in_what_was_done_and_what_came_out(services: Services) -> None:
    source = SAMPLES / "portrait.jpg"
    request = Request(
        source, Pipeline(["resize:width=256", "adjust:contrast=1.1"]), Encoding(format="webp", quality=80)
    )
    result = process(request, services)
    report = result.report
    assert report.input is not None
    assert (report.input.name, report.input.bytes) == ("portrait.jpg", source.stat().st_size)
    assert (report.input.width, report.input.height) == (512, 600)
    assert [step.operation for step in report.steps] == ["resize", "adjust"]
    assert all(step.seconds > 0 and step.provider == "local" for step in report.steps)
    assert report.output is not None
    assert (report.output.format, report.output.quality, report.output.width) == ("webp", 80, 256)
    assert report.output.sha256 == hashlib.sha256(result.data).hexdigest()
    assert report.processing_mode == "local"
    assert report.seconds >= sum(step.seconds for step in report.steps)
    assert report.version


def test_a_convert_step_wins_over_the_request(services: Services) -> None:
    pipeline = Pipeline(["convert:format=png"])
    assert process(Request(SAMPLES / "portrait.jpg", pipeline, Encoding(format="jpeg")), services).format == "png"


def test_the_same_request_gives_the_same_bytes(services: Services) -> None:
    request = Request(SAMPLES / "portrait.jpg", Pipeline("resize:width=128"))
    assert process(request, services).data == process(request, services).data


def test_too_large_a_result_is_refused_before_the_work(services: Services) -> None:
    tight = build_services(services.settings.with_changes({"limits.output_pixels": 10_000}))
    with pytest.raises(LimitExceeded, match=r"resize would make .* megapixels"):
        process(Request(SAMPLES / "portrait.jpg", Pipeline("resize:width=2000,enlarge=true")), tight)


def test_a_missing_file_is_named(services: Services, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match=r"gone\.jpg"):
        process(Request(tmp_path / "gone.jpg", Pipeline([])), services)


def test_a_service_lets_operations_open_only_the_pictures_that_it_gives(services: Services, tmp_path: Path) -> None:
    pipeline = Pipeline([{"type": "replace_background", "background": "image", "image": "behind"}])
    source, behind = SAMPLES / "portrait.jpg", SAMPLES / "portrait.jpg"
    result = process(Request(source, pipeline, pictures={"behind": behind}), services)
    assert result.report.steps[0].operation == "replace_background"
    for reference in ("behind", str(behind), "/etc/passwd"):
        other = Pipeline([{"type": "replace_background", "background": "image", "image": reference}])
        with pytest.raises(InputNotFound, match="no stored picture"):
            process(Request(source, other, pictures={}), services)
