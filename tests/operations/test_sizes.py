"""Sizes: several at once, beside the picture, with a list that is true."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkroom
from darkroom.errors import InvalidParameters
from darkroom.image import Image
from darkroom.operation import Attachment, build
from darkroom.operations.sizes import Sizes
from tests.operations.running import run


def noise(width: int, height: int, channels: int = 3) -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, 255, (height, width, channels), np.uint8))


def made(operation: Sizes, image: Image) -> dict[str, tuple[int, int]]:
    attachments: list[Attachment] = []
    result, _ = run(operation, image, attachments=attachments)
    assert result is image
    return {attachment.name: attachment.image.size for attachment in attachments}


def test_the_usual_three() -> None:
    assert made(Sizes(), noise(2000, 1000)) == {"thumbnail": (200, 100), "medium": (800, 400), "large": (1600, 800)}


def test_a_small_picture_is_not_enlarged_unless_asked() -> None:
    assert made(Sizes(sizes=["big=900"]), noise(300, 500)) == {"big": (300, 500)}
    assert made(Sizes(sizes=["big=900"], enlarge=True), noise(300, 500)) == {"big": (540, 900)}
    attachments: list[Attachment] = []
    _, step = run(Sizes(), noise(300, 500), attachments=attachments)
    assert [warning.split()[0] for warning in step.warnings] == ["medium", "large"]


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 90),
    st.sampled_from(["longer", "shorter", "width", "height"]),
)
def test_the_edge_has_the_pixels_that_were_asked_for(width: int, height: int, pixels: int, edge: str) -> None:
    (size,) = made(Sizes(sizes=[str(pixels)], edge=edge, enlarge=True), noise(width, height)).values()
    assert {"longer": max(size), "shorter": min(size), "width": size[0], "height": size[1]}[edge] == pixels


@pytest.mark.parametrize("wrong", ["0", "tall", "a=b", "x=99999", "../up=20", ""])
def test_what_is_no_size_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidParameters, match="NAME=PIXELS"):
        build("sizes", {"sizes": [wrong]})


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidParameters, match="two sizes named"):
        build("sizes", {"sizes": ["a=10", "A=20"]})


def test_the_manifest_has_every_file_with_its_true_size_and_digest(tmp_path: Path) -> None:
    result = darkroom.process(noise(900, 600, 4), "sizes", output=tmp_path / "shoe.webp")
    manifest = json.loads((tmp_path / "shoe.manifest.json").read_text())
    named = [file["name"] for file in manifest["files"]]
    assert named == [None, "thumbnail", "medium", "large"]
    for file in manifest["files"]:
        data = (tmp_path / file["file"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert darkroom.open(data).size == (file["width"], file["height"])
    assert [part.name for part in result.report.attachments] == ["thumbnail", "medium", "large"]
    assert len(list(tmp_path.iterdir())) == 5
