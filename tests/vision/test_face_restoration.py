"""Restored faces: a blend that is linear, a clearer face without halos, and a measure of whose face it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkroom.vision import face_alignment, face_restoration
from darkroom.vision.faces import Face, find_with_haar

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def portrait(side: int = 256) -> np.ndarray:
    """The aligned face of the bundled portrait, 0.0 to 1.0."""
    pixels = cv2.cvtColor(cv2.imread(str(SAMPLES / "portrait.jpg")), cv2.COLOR_BGR2RGB)
    face = max(find_with_haar(pixels), key=lambda face: face.area)
    matrix = face_alignment.alignment(face_alignment.landmarks_of(face), side)
    assert matrix is not None
    return face_alignment.crop(pixels.astype(np.float32) / 255, matrix, side)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_blend_is_linear_in_strength(one: float, other: float) -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random((2, 4, 4, 3), np.float32)
    mean = (face_restoration.blend(before, after, one) + face_restoration.blend(before, after, other)) / 2
    np.testing.assert_allclose(face_restoration.blend(before, after, (one + other) / 2), mean, atol=1e-6)
    np.testing.assert_array_equal(face_restoration.blend(before, after, 0.0), before)
    np.testing.assert_array_equal(face_restoration.blend(before, after, 1.0), after)


def test_a_blurred_face_becomes_clearer_without_halos() -> None:
    face = portrait()
    blurred = cv2.resize(
        cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA), (256, 256), interpolation=cv2.INTER_CUBIC
    )
    clear = face_restoration.clarify(blurred, 4.0)

    def steepness(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture, axis=1)).mean())

    assert steepness(clear) > 1.1 * steepness(blurred)
    assert np.mean((clear - face) ** 2) < 1.05 * np.mean((blurred - face) ** 2)
    assert clear.min() >= blurred.min() - 1e-6
    assert clear.max() <= blurred.max() + 1e-6


def test_light_and_colour_at_large_stay() -> None:
    face = portrait()
    lit = face_restoration.same_light(np.clip(face * 0.8 + 0.15, 0, 1) * (1.0, 0.95, 0.9), face)
    assert np.abs(cv2.GaussianBlur(lit - face, (0, 0), 16)).max() < 0.04


def test_the_same_face_blurred_is_the_same_and_another_is_not() -> None:
    face = portrait()
    own = face_restoration.structure(face)
    for side in (128, 48, 32):
        low = cv2.resize(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), (256, 256))
        assert face_restoration.drift(own, face_restoration.structure(low)) < 0.01
    darker = np.clip(face * 0.6, 0, 1)
    assert face_restoration.drift(own, face_restoration.structure(darker)) < 0.001
    assert face_restoration.drift(own, face_restoration.structure(1 - face)) == 1
    assert face_restoration.drift(own, face_restoration.structure(np.roll(face, 40, axis=0))) > 0.3


def test_people_are_told_apart(shared: Path) -> None:
    """Two pictures of one man are nearer to each other than to another man, by far."""

    def described(name: str) -> np.ndarray:
        pixels = cv2.cvtColor(cv2.imread(str(shared / "images/people" / name)), cv2.COLOR_BGR2RGB)
        face: Face = max(find_with_haar(pixels), key=lambda face: face.area)
        matrix = face_alignment.alignment(face_alignment.landmarks_of(face), 256)
        assert matrix is not None
        return face_restoration.structure(face_alignment.crop(pixels.astype(np.float32) / 255, matrix, 256))

    obama, again, biden = described("obama.jpg"), described("obama-240p.jpg"), described("biden.jpg")
    assert face_restoration.drift(obama, again) < 0.1
    assert face_restoration.drift(obama, biden) > 0.3
