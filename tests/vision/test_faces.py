"""Finding faces: our YuNet decoding against OpenCV's, and the cascades that need no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom.vision.faces import Face, _shared, find_with_haar, find_with_yunet

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
COUNTS = {
    "alex-lacamoire.png": 1,
    "astronaut.png": 1,
    "biden.jpg": 1,
    "obama.jpg": 1,
    "two_people.jpg": 2,
    "deepface_couple.jpg": 2,
    "deepface_selfie-many-people.jpg": 6,
    "gray_two_faces.png": 2,
    "girl-2.jpg": 0,
    "u2_five_women.jpeg": 5,
}
"""Faces that the authors' own post-processing finds at 640 pixels, threshold 0.6."""


def read(path: Path) -> Any:
    return np.asarray(Pillow.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def yunet(shared: Path) -> Callable[[Any], dict[str, Any]]:
    import os

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(shared / "models/faces/yunet_n_640_640.onnx"), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return lambda batch: dict(zip(names, session.run(names, {"input": batch}), strict=True))


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_finds_as_many_as_the_authors_do(
    name: str, count: int, pictures: Path, yunet: Callable[[Any], dict[str, Any]]
) -> None:
    assert len(find_with_yunet(read(pictures / "people" / name), yunet)) == count


def test_boxes_are_those_of_opencv(pictures: Path, shared: Path, yunet: Callable[[Any], dict[str, Any]]) -> None:
    pixels = cv2.resize(read(pictures / "people" / "deepface_selfie-many-people.jpg"), (640, 640))
    detector = cv2.FaceDetectorYN.create(str(shared / "models/faces/yunet_n_640_640.onnx"), "", (640, 640), 0.6, 0.3)
    _, theirs = detector.detect(np.ascontiguousarray(pixels[..., ::-1]))
    ours = find_with_yunet(pixels, yunet)
    assert len(ours) == len(theirs)
    for x, y, width, height in theirs[:, :4]:
        other = Face(float(x), float(y), float(width), float(height), 1.0)
        assert max(_shared(face, other) / max(face.area, other.area) for face in ours) > 0.8


def test_small_faces_in_a_large_picture_are_found(pictures: Path, yunet: Callable[[Any], dict[str, Any]]) -> None:
    canvas = np.full((3000, 4000, 3), 128, np.uint8)
    canvas[2200:2400, 3300:3500] = cv2.resize(read(pictures / "people" / "obama.jpg")[:900, :900], (200, 200))
    (face,) = find_with_yunet(canvas, yunet)
    assert 3300 <= face.left <= 3500
    assert 2200 <= face.top <= 2400


def test_the_cascade_finds_a_portrait_without_any_model() -> None:
    (face,) = find_with_haar(read(SAMPLES / "portrait.jpg"))
    assert 150 < face.left < 250
    assert 80 < face.top < 220


def test_the_cascade_is_rarely_wrong(pictures: Path) -> None:
    """One in seven landscapes: measured, and not to get worse."""
    found = [len(find_with_haar(read(path))) for path in sorted((pictures / "landscape").iterdir())]
    assert sum(found) <= 1


def test_a_blank_picture_has_no_face() -> None:
    assert find_with_haar(np.full((50, 60, 3), 128, np.uint8)) == []
