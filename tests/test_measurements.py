"""What was measured is kept, and chooses model and precision."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import measurements
from darkroom.measurements import Measurement, Measurements, choose
from darkroom.settings import Settings

ROWS = [
    Measurement(task="upscale", model="large", precision="fp32", seconds=100.0),
    Measurement(task="upscale", model="large", precision="bf16", seconds=16.0),
    Measurement(task="upscale", model="large", precision="int8", seconds=10.0),
    Measurement(task="upscale", model="small", precision="fp32", seconds=6.0),
    Measurement(task="upscale", model="small", precision="bf16", seconds=1.0),
    Measurement(task="upscale", model="small", precision="int8", problem="35 dB from fp32"),
    Measurement(task="matte", model="tiny", precision="bf16", seconds=0.1),
]
NAMES = ["large", "small"]


@pytest.mark.parametrize(
    ("quality", "megapixels", "seconds", "wanted"),
    [
        ("best", 1, None, ("large", "fp32")),
        ("balanced", 1, None, ("large", "bf16")),
        ("fast", 1, None, ("small", "bf16")),
        ("balanced", 1, 20, ("large", "bf16")),
        ("balanced", 1, 12, ("large", "int8")),
        ("balanced", 1, 5, ("small", "bf16")),
        ("best", 1, 20, ("large", "bf16")),
        ("best", 1, 8, ("small", "fp32")),
        ("balanced", 10, 20, ("small", "bf16")),
        ("fast", 1, 1000, ("small", "bf16")),
    ],
)
def test_quality_and_time_choose(
    quality: str, megapixels: float, seconds: float | None, wanted: tuple[str, str]
) -> None:
    chosen = choose(ROWS, "upscale", NAMES, quality=quality, megapixels=megapixels, seconds=seconds)
    assert chosen is not None
    assert (chosen.model, chosen.precision) == wanted
    assert not chosen.late
    assert chosen.model in chosen.why
    assert chosen.precision in chosen.why


def test_too_little_time_takes_the_quickest_and_says_so() -> None:
    chosen = choose(ROWS, "upscale", NAMES, quality="balanced", megapixels=100, seconds=3)
    assert chosen is not None
    assert (chosen.model, chosen.precision, chosen.late) == ("small", "bf16", True)
    assert "3 s" in chosen.why
    assert "100 s" in chosen.why


@given(st.floats(0.01, 500), st.floats(0.001, 5000), st.sampled_from(["fast", "balanced", "best"]))
def test_what_is_chosen_is_done_in_time_or_called_late(megapixels: float, seconds: float, quality: str) -> None:
    chosen = choose(ROWS, "upscale", NAMES, quality=quality, megapixels=megapixels, seconds=seconds)
    assert chosen is not None
    (row,) = [row for row in ROWS if (row.model, row.precision) == (chosen.model, chosen.precision)]
    assert row.seconds is not None
    assert chosen.late == (row.seconds * megapixels > seconds)


def test_only_what_is_asked_about_is_chosen() -> None:
    assert choose(ROWS, "upscale", ["unknown"], quality="fast", megapixels=1, seconds=None) is None
    assert choose([], "upscale", NAMES, quality="fast", megapixels=1, seconds=None) is None
    chosen = choose(ROWS, "matte", ["tiny"], quality="best", megapixels=1, seconds=None)
    assert chosen is not None
    assert chosen.model == "tiny"


def test_they_are_kept_whole(settings: Settings) -> None:
    assert measurements.load(settings.engine) is None
    found = Measurements(machine="here", version="1", measured="today", rows=ROWS)
    measurements.save(settings.engine, found)
    assert measurements.load(settings.engine) == found
    path: Path = measurements.file_of(settings.engine)
    path.write_bytes(path.read_bytes()[:50])
    assert measurements.load(settings.engine) is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("1m30s", 90), ("2m", 120), ("7", 7), (3.5, 3.5), ("1.5s", 1.5)],
)
def test_times_are_written_as_people_do(settings: Settings, written: object, seconds: float) -> None:
    assert settings.with_changes({"engine.within": written}).engine.within == seconds
