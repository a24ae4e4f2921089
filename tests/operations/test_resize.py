"""Resize: exact sizes, proportions kept, nothing lost at the edge of a transparent picture."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags

from darkroom.errors import InvalidParameters, LimitExceeded
from darkroom.image import Animation, Encoding, Image
from darkroom.operation import build
from darkroom.operations.resize import Resize
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, Result, process
from darkroom.services import build_services
from darkroom.settings import Settings
from tests.operations.running import run

sides = st.integers(1, 60)
targets = st.one_of(st.none(), st.integers(1, 90))


def noise(width: int, height: int, channels: int = 3, kind: type = np.uint8) -> Image:
    top = np.iinfo(kind).max
    return Image.from_array(np.random.default_rng(0).integers(0, top, (height, width, channels), kind, endpoint=True))


@given(sides, sides, targets, targets, st.sampled_from(["fit", "fill", "stretch", "pad"]), st.booleans())
def test_the_size_is_the_one_that_was_promised(
    width: int, height: int, to_width: int | None, to_height: int | None, mode: str, enlarge: bool
) -> None:
    if to_width is None and to_height is None:
        to_width = 7
    if mode != "fit":
        to_width, to_height = to_width or 5, to_height or 5
    resize = Resize(width=to_width, height=to_height, mode=mode, enlarge=enlarge)
    result, _ = run(resize, noise(width, height))
    assert result.size == resize.output_size(width, height)
    if mode != "fit":
        assert result.size == (to_width, to_height)
    else:
        assert result.width <= max(to_width or 10**6, 1)
        assert result.height <= max(to_height or 10**6, 1)


@given(sides, sides, st.integers(1, 90))
def test_fit_keeps_the_proportions_to_the_pixel(width: int, height: int, to_width: int) -> None:
    result, _ = run(Resize(width=to_width, enlarge=True), noise(width, height))
    assert result.width == to_width
    assert abs(result.height - height * to_width / width) <= 0.5 or result.height == 1


def test_fit_does_not_enlarge_unless_asked_and_says_so() -> None:
    small = noise(20, 10)
    same, step = run(Resize(width=100), small)
    assert same.size == (20, 10)
    assert "was not enlarged" in step.warnings[0]
    larger, step = run(Resize(width=100, enlarge=True), small)
    assert larger.size == (100, 50)
    assert "enlarged 5.00 times" in step.warnings[0]


def test_scale_is_a_factor() -> None:
    assert run(Resize(scale=0.5), noise(40, 20))[0].size == (20, 10)


def test_fill_cuts_off_what_gravity_does_not_keep() -> None:
    pixels = np.zeros((10, 40, 3), np.uint8)
    pixels[:, :20] = (255, 0, 0)
    left, _ = run(Resize(width=10, height=10, mode="fill", gravity="left"), Image.from_array(pixels))
    right, _ = run(Resize(width=10, height=10, mode="fill", gravity="right"), Image.from_array(pixels))
    assert left.to_array()[5, 5].tolist() == [255, 0, 0]
    assert right.to_array()[5, 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("background", "channels", "corner"),
    [
        (None, 3, [255, 255, 255]),
        (None, 4, [0, 0, 0, 0]),
        ("navy", 3, [0, 0, 128]),
        ("#ff000080", 3, [255, 0, 0, 128]),
        ("transparent", 3, [0, 0, 0, 0]),
    ],
)
def test_pad_fills_with_the_background(background: str | None, channels: int, corner: list[int]) -> None:
    resize = Resize(width=20, height=30, mode="pad", background=background)
    result, _ = run(resize, noise(20, 20, channels))
    assert result.size == (20, 30)
    assert result.to_array()[0, 0].tolist() == corner
    np.testing.assert_array_equal(result.to_array()[5:25, :, :3], noise(20, 20, channels).to_array()[..., :3])


def test_sixteen_bits_stay() -> None:
    result, _ = run(Resize(width=10), noise(20, 20, kind=np.uint16))
    assert result.bits == 16
    assert len(np.unique(result.to_array() % 256)) > 20, "the low byte still holds something"


@pytest.mark.parametrize("linear", [False, True])
def test_hidden_colours_do_not_bleed_into_the_edge(linear: bool) -> None:
    """Green under full transparency beside opaque red: no green may appear where something can be seen."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, :20] = (255, 0, 0, 255)
    pixels[:, 20:] = (0, 255, 0, 0)
    result, _ = run(Resize(width=13, linear=linear), Image.from_array(pixels))
    seen = result.to_array()
    visible = seen[..., 3] > 8
    assert visible.any()
    assert seen[visible][:, 1].max() <= 2
    assert seen[visible][:, 0].min() >= 250


def test_linear_light_keeps_the_brightness_of_fine_lines() -> None:
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[::2] = 255
    plain, _ = run(Resize(width=16), Image.from_array(lines))
    linear, _ = run(Resize(width=16, linear=True), Image.from_array(lines))
    assert abs(int(plain.to_array()[8, 8, 0]) - 128) <= 2
    assert abs(int(linear.to_array()[8, 8, 0]) - 188) <= 2, "half the light is 188 in sRGB"


def test_every_frame_and_its_timing_is_kept() -> None:
    frames = tuple(noise(20, 10).frames[0] + n for n in range(3))
    moving = replace(Image.from_array(np.zeros((10, 20, 3), np.uint8)), animation=Animation((40, 50, 60), 2))
    moving = moving.with_frames(frames).map(lambda frame: frame)
    result, _ = run(Resize(width=10), moving)
    assert len(result.frames) == 3
    assert result.animation == Animation((40, 50, 60), 2)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "give width, height or scale"),
        ({"scale": 2, "width": 3}, "not both"),
        ({"width": 3, "mode": "fill"}, "fill needs width and height"),
        ({"width": 3, "background": "reddish"}, "not a colour"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameters, match=said):
        build("resize", parameters)


def photograph(width: int, height: int, orientation: int = 1) -> bytes:
    """A JPEG with soft shapes and some detail."""
    import cv2

    random = np.random.default_rng(3)
    soft = cv2.resize(random.integers(0, 256, (12, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(soft + random.normal(0, 8, soft.shape), 0, 255).astype(np.uint8)
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def both_ways(data: bytes, *operations: str) -> tuple[Result, Result]:
    """The result from all pixels, and as it is made."""
    services = build_services()
    whole = services.decode(data)
    pipeline, encoding = Pipeline(list(operations)), Encoding(format="png")
    return process(Request(whole, pipeline, encoding), services), process(Request(data, pipeline, encoding), services)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize(
    "parameters", ["width=97", "scale=0.11", "width=90,height=90,mode=fill", "width=90,height=40,mode=pad"]
)
def test_a_jpeg_that_is_decoded_smaller_gives_the_same_picture(parameters: str, orientation: int) -> None:
    whole, quick = both_ways(photograph(1216, 904, orientation), f"resize:{parameters}")
    assert quick.image.size == whole.image.size
    error = np.mean((quick.image.to_float() - whole.image.to_float()) ** 2)
    assert -10 * np.log10(error) > 40
    assert quick.report.input is not None
    assert (quick.report.input.width, quick.report.input.height) == (1216, 904)[:: -1 if orientation == 6 else 1]
    assert quick.image.full_size == quick.image.size
    assert quick.report.steps[0].warnings == whole.report.steps[0].warnings


def test_only_as_much_is_decoded_as_is_needed() -> None:
    data, services = photograph(1600, 1200), build_services()

    def decoded(*operations: str) -> tuple[int, int]:
        first = Pipeline(list(operations)).operations[0]
        return services.decode(data, needed=first.needed_size).size

    assert decoded("resize:width=200") == (400, 300)
    assert decoded("resize:width=201") == (800, 600)
    assert decoded("resize:width=100", "rotate:angle=90") == (200, 150)
    assert decoded("resize:width=900") == (1600, 1200)
    assert services.decode(photograph(1604, 1200), needed=Resize(width=100).needed_size).size == (401, 300)
    assert services.decode(photograph(1603, 1200), needed=Resize(width=100).needed_size).size == (1603, 1200)
    assert decoded("resize:width=100,linear=true") == (1600, 1200)
    assert decoded("resize:width=100,kernel=nearest") == (1600, 1200)
    assert decoded("rotate:angle=90", "resize:width=100") == (1600, 1200)
    assert services.decode(data, needed=Resize(width=100).needed_size).full_size == (1600, 1200)


def test_limits_are_those_of_the_whole_picture() -> None:
    services = build_services(Settings().with_changes({"limits.pixels": 1_000_000}))
    with pytest.raises(LimitExceeded):
        process(Request(photograph(1600, 1200), Pipeline(["resize:width=100"])), services)
