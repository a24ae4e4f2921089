"""Smart crop: exact sizes, every face in frame where it fits, and an honest word on how it was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom import codecs
from darkroom.errors import FallbackRefused, InvalidParameters
from darkroom.image import Animation, Image
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import write_user_entries
from darkroom.operation import Models, build
from darkroom.operations.smart_crop import SmartCrop
from darkroom.services import build_services
from darkroom.settings import Limits, Settings
from tests.operations.running import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def noise(width: int, height: int, channels: int = 3, kind: type = np.uint8) -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, np.iinfo(kind).max, (height, width, channels), kind))


@pytest.fixture
def with_yunet(shared: Path, settings: Settings) -> Models:
    """The real runtime and store, with YuNet added as a person adds a model of their own."""
    file = shared / "models/faces/yunet_n_640_640.onnx"
    settings.models.folder.mkdir(parents=True)
    (settings.models.folder / file.name).write_bytes(file.read_bytes())
    entry = ModelEntry(name="my-yunet", task="face_detection", files=(ModelFile(name=file.name),), licence="Apache-2.0")
    write_user_entries([entry])
    return build_services(settings).models


@pytest.mark.parametrize("gravity", ["auto", "center", "attention", "entropy", "0.1,0.9"])
def test_the_size_is_exact(gravity: str) -> None:
    crop = SmartCrop(width=40, height=30, gravity=gravity)
    assert run(crop, noise(120, 64))[0].size == (40, 30) == crop.output_size(120, 64)


def test_an_aspect_crops_without_scaling() -> None:
    crop = SmartCrop(aspect="16:9", gravity="center")
    result, step = run(crop, noise(100, 100))
    assert result.size == crop.output_size(100, 100) == (100, 56)
    left, top, width, height = step.changed["box"]
    np.testing.assert_array_equal(
        result.to_array(), noise(100, 100).to_array()[top : top + height, left : left + width]
    )


def test_a_focal_point_is_in_the_middle_where_it_can_be() -> None:
    _, step = run(SmartCrop(aspect="1:1", gravity="0.7,0.5"), noise(200, 100))
    assert step.changed["box"] == [90, 0, 100, 100]


def test_attention_finds_what_stands_out() -> None:
    pixels = np.full((100, 300, 3), 200, np.uint8)
    pixels[30:70, 230:270] = (200, 20, 20)
    _, step = run(SmartCrop(aspect="1:1", gravity="attention"), Image.from_array(pixels))
    assert step.changed["box"][0] > 130


def test_enlarging_is_said() -> None:
    _, step = run(SmartCrop(width=200, height=200, gravity="center"), noise(50, 50))
    assert step.changed["enlarged"] == 4.0
    assert "enlarged 4.00 times" in step.warnings[0]


def test_every_face_stays_in_frame_where_it_fits(pictures: Path, with_yunet: Models) -> None:
    seen = 0
    for path in sorted((pictures / "people").iterdir()):
        if any(part in path.name for part in ("mask", ".out.", "alpha")):
            continue
        image = codecs.decode(path, limits=Limits())
        result, step = run(SmartCrop(width=128, height=128, gravity="face"), image, models=with_yunet)
        assert result.size == (128, 128)
        faces = step.changed["faces"]
        seen += len(faces)
        if not faces:
            continue
        left, top = min(f["box"][0] for f in faces), min(f["box"][1] for f in faces)
        right = max(f["box"][0] + f["box"][2] for f in faces)
        bottom = max(f["box"][1] + f["box"][3] for f in faces)
        if max(right - left, bottom - top) <= min(image.size):
            assert all(face["in_frame"] for face in faces), path.name
        else:
            assert any(face["in_frame"] for face in faces), path.name
        assert step.method == "model"
    assert seen >= 40


def test_without_a_model_the_cascade_crops_to_the_face() -> None:
    image = codecs.decode(SAMPLES / "portrait.jpg", limits=Limits())
    _, step = run(SmartCrop(width=128, height=128, gravity="face"), image)
    assert step.method == "builtin"
    assert step.changed["detector"] == "haar"
    assert step.changed["faces"][0]["in_frame"]
    assert step.fallbacks[0].wanted == "the face detector yunet"


def test_strict_refuses_the_lesser_detector() -> None:
    image = codecs.decode(SAMPLES / "portrait.jpg", limits=Limits())
    with pytest.raises(FallbackRefused, match="yunet"):
        run(SmartCrop(width=128, height=128, gravity="face"), image, settings=Settings(strict=True))


def test_a_picture_without_faces_goes_by_attention_and_says_so() -> None:
    image = codecs.decode(SAMPLES / "mug.jpg", limits=Limits())
    _, step = run(SmartCrop(width=64, height=64, gravity="face"), image)
    assert step.changed["gravity"] == "attention"
    assert any("no face was found" in fallback.reason for fallback in step.fallbacks)


def test_depth_alpha_and_frames_are_kept() -> None:
    deep, _ = run(SmartCrop(width=10, height=10, gravity="center"), noise(40, 30, 4, np.uint16))
    assert (deep.bits, deep.has_alpha) == (16, True)
    moving = replace(Image((noise(40, 30).frames[0],) * 3), animation=Animation((10, 20, 30)))
    result, _ = run(SmartCrop(width=10, height=10, gravity="attention"), moving)
    assert (len(result.frames), result.animation) == (3, Animation((10, 20, 30)))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "give width and height, or aspect"),
        ({"width": 5}, "give width and height"),
        ({"width": 5, "height": 5, "aspect": "1:1"}, "not both"),
        ({"aspect": "square"}, "proportion"),
        ({"aspect": "1:0"}, "proportion"),
        ({"aspect": "1:1", "gravity": "north"}, "must be one of"),
        ({"aspect": "1:1", "gravity": "0.5,1.5"}, "both 0 to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameters, match=said):
        build("smart_crop", parameters)
