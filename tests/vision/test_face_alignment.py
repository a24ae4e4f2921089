"""Aligned faces: a similarity that takes landmarks to the template, and a way back that adds only what changed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.vision import face_alignment
from darkroom.vision.faces import Face


def turned(angle: float, scale: float, x: float, y: float) -> tuple[tuple[float, float], ...]:
    """The template's landmarks, as pixels of a face of side 1, turned, scaled and moved."""
    sine, cosine = math.sin(angle) * scale, math.cos(angle) * scale
    return tuple((cosine * u - sine * v + x, sine * u + cosine * v + y) for u, v in face_alignment.TEMPLATE)


@given(
    st.floats(-3.1, 3.1), st.floats(20, 900), st.floats(-500, 4000), st.floats(-500, 4000), st.sampled_from((64, 512))
)
def test_a_face_in_any_pose_comes_to_lie_on_the_template(
    angle: float, scale: float, x: float, y: float, side: int
) -> None:
    points = turned(angle, scale, x, y)
    matrix = face_alignment.alignment(points, side)
    assert matrix is not None
    lies = np.column_stack([points, np.ones(5)]) @ matrix.T
    np.testing.assert_allclose(lies, face_alignment.TEMPLATE * side - 0.5, atol=1e-6 * side)
    assert face_alignment.scale_of(matrix) == pytest.approx(side / scale)


@pytest.mark.parametrize(
    "points",
    [((5.0, 5.0),) * 5, ((math.nan, 1.0),) * 5, ((0.0, 0.0), (9.0, 9.0)), tuple((i / 9, 0.0) for i in range(5))],
)
def test_what_is_no_face_is_none(points: tuple[tuple[float, float], ...]) -> None:
    assert face_alignment.alignment(points, 512) is None


def test_landmarks_are_guessed_from_the_box_where_there_are_none() -> None:
    left_eye, right_eye, nose, *mouth = face_alignment.landmarks_of(Face(100, 50, 80, 80, 1.0))
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] == right_eye[1] < nose[1] < mouth[0][1] == mouth[1][1] < 130


@pytest.mark.parametrize("scale", [40.0, 300.0, 1100.0])
def test_a_smooth_face_is_cut_out_where_it_is(scale: float) -> None:
    """A ramp across the picture: the value at each pixel of the aligned face says where it came from."""
    y, x = np.mgrid[0:1700, 0:1700].astype(np.float32)
    picture = np.stack([x, y, x + y], axis=2) / 3400
    matrix = face_alignment.alignment(turned(0.2, scale, 400, 60), 256)
    assert matrix is not None
    cut = face_alignment.crop(picture, matrix, 256)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    v, u = np.mgrid[10:246, 10:246]
    came = np.stack([u, v, np.ones_like(u)], axis=2) @ back.T
    np.testing.assert_allclose(cut[10:246, 10:246, :2] * 3400, came[..., :2], atol=1.5 + scale / 400)


@given(st.floats(-1, 1), st.floats(30, 300), st.floats(-100, 300), st.floats(-100, 300))
def test_a_change_is_put_back_where_it_was_cut_out(angle: float, scale: float, x: float, y: float) -> None:
    matrix = face_alignment.alignment(turned(angle, scale, x, y), 128)
    assert matrix is not None
    change = np.ones((128, 128, 3), np.float32) * face_alignment.feather(128)[..., None]
    down, across, part = face_alignment.put_back((240, 320), change, matrix)
    whole = np.zeros((240, 320), np.float32)
    whole[down, across] = part[..., 0]
    assert part.shape[2] == 3
    assert -0.05 < whole.min() <= whole.max() < 1.05
    where = np.argwhere(whole > 0.5)
    points = np.array(turned(angle, scale, x, y))
    if len(where) and points.min() > 60 and points[:, 0].max() < 260 and points[:, 1].max() < 180:
        nose = points[2]
        for point in points:
            row, column = np.rint(point[::-1]).astype(int)
            assert whole[row, column] > 0.4, "every landmark is restored"
        assert np.hypot(*(where.mean(axis=0)[::-1] - nose)) < 0.1 * scale


def test_the_border_of_an_aligned_face_is_not_touched() -> None:
    feather = face_alignment.feather(200)
    assert feather[0].max() == feather[-1].max() == feather[:, 0].max() == feather[:, -1].max() == 0
    assert feather.max() == 1
    for x, y in face_alignment.TEMPLATE * 200:
        assert feather[int(y), int(x)] > 0.9


def test_a_face_for_embedding_has_its_landmarks_in_arcface_places() -> None:
    face = np.zeros((512, 512, 3), np.float32)
    for x, y in face_alignment.TEMPLATE * 512:
        face[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5] = 1
    batch = face_alignment.for_embedding(face)
    assert batch.shape == (1, 3, 112, 112)
    assert batch.dtype == np.float32
    for x, y in face_alignment.ARCFACE:
        assert batch[0, 0, round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() > 60
    assert batch.max() <= 255
