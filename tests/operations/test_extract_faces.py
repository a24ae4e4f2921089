"""Extract faces: every face upright and square, each a picture of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import darkroom
from darkroom.image import Image
from darkroom.models.adding import add_model
from darkroom.models.store import Store
from darkroom.operation import Attachment, build
from darkroom.services import Services, build_services
from darkroom.settings import Settings
from darkroom.vision.face_alignment import TEMPLATE
from tests.operations.running import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def portrait() -> Image:
    return darkroom.open(SAMPLES / "portrait.jpg")


def extract(image: Image, **parameters: Any) -> tuple[Image, list[Attachment], Any]:
    attachments: list[Attachment] = []
    result, step = run(build("extract_faces", parameters), image, attachments=attachments)
    return result, attachments, step


@pytest.fixture
def with_yunet(shared: Path, settings: Settings) -> Services:
    """YuNet, added as a person adds a model of their own."""
    store = Store.from_settings(settings)
    add_model(store, shared / "models/faces/yunet_n_640_640.onnx", name="finder", task="face_detection", licence="MIT")
    return build_services(settings)


@pytest.mark.parametrize("angle", [0, 25, -40])
def test_a_face_is_cut_out_upright_with_its_eyes_in_place(angle: int, with_yunet: Services, pictures: Path) -> None:
    result = darkroom.process(
        pictures / "people" / "obama.jpg",
        [f"rotate:angle={angle}", "extract_faces:restore=false,resize=256"],
        services=with_yunet,
    )
    assert list(result.attachments) == ["face-1"]
    again = darkroom.process(result.attachments["face-1"], "extract_faces:restore=false", services=with_yunet)
    landmarks = again.report.steps[0].changed["faces"][0]["landmarks"]
    np.testing.assert_allclose(landmarks, TEMPLATE * 256, atol=20)
    assert darkroom.open(result.attachments["face-1"]).size == (256, 256)


def test_its_natural_size_is_the_one_in_the_picture(portrait: Image) -> None:
    _, (face,), step = extract(portrait, restore=False)
    assert step.changed["faces"][0]["scale"] == pytest.approx(1.0, abs=0.01)
    assert face.image.width == face.image.height


def test_restored_faces_have_512_pixels_and_say_that_they_are(portrait: Image) -> None:
    _, (face,), step = extract(portrait)
    assert face.image.size == (512, 512)
    assert not face.about["restored"], "no network is here"
    assert step.fallbacks
    _, (face,), _ = extract(portrait, resize=700)
    assert face.image.size == (700, 700)


def test_without_faces_the_picture_comes_back(settings: Settings) -> None:
    image = Image.from_array(np.zeros((64, 64, 3), np.uint8))
    result, attachments, step = extract(image)
    assert result is image
    assert not attachments
    assert "No face" in step.warnings[0]


def test_no_face_that_yunet_finds_is_lost(with_yunet: Services, pictures: Path) -> None:
    """Every face of the pictures of people, down to 24 pixels: as many as the detector counts."""
    lost: dict[str, tuple[int, int]] = {}
    total = 0
    for path in sorted((pictures / "people").glob("*.jp*g")):
        result = darkroom.process(path, "extract_faces:restore=false,resize=96", services=with_yunet)
        crop = darkroom.process(path, "smart_crop:aspect=1:1,gravity=face", services=with_yunet)
        counted = [face["box"] for face in crop.report.steps[0].changed["faces"]]
        large = sum(min(box[2], box[3]) >= 24.5 for box in counted)
        total += len(result.attachments)
        if len(result.attachments) < large:
            lost[path.name] = (len(result.attachments), large)
    assert not lost
    assert total >= 35
