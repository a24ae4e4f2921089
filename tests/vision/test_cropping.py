"""Where to crop: always inside the picture, of the right proportion, and around what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.vision.cropping import Box, about, around_faces, detail, heaviest, largest
from darkroom.vision.faces import Face

sides = st.integers(1, 3000)
aspects = st.floats(0.05, 20)


@st.composite
def pictures_with_faces(draw: st.DrawFn) -> tuple[int, int, list[Face]]:
    width, height = draw(st.integers(40, 3000)), draw(st.integers(40, 3000))
    faces = []
    for _ in range(draw(st.integers(1, 6))):
        wide, high = draw(st.floats(4, width / 3)), draw(st.floats(4, height / 3))
        faces.append(Face(draw(st.floats(0, width - wide)), draw(st.floats(0, height - high)), wide, high, 0.9))
    return width, height, faces


def inside(box: Box, width: int, height: int) -> bool:
    return 0 <= box.left <= width - box.width and 0 <= box.top <= height - box.height


@given(sides, sides, aspects)
def test_the_largest_window_fits_and_touches_two_sides(width: int, height: int, aspect: float) -> None:
    wide, high = largest(width, height, aspect)
    assert 1 <= wide <= width
    assert 1 <= high <= height
    assert wide == width or high == height
    assert abs(wide - high * aspect) <= max(1, aspect) or min(wide, high) == 1


@given(sides, sides, aspects, st.floats(0, 1), st.floats(0, 1))
def test_a_window_about_a_point_lies_in_the_picture(width: int, height: int, aspect: float, x: float, y: float) -> None:
    assert inside(about(width, height, largest(width, height, aspect), x * width, y * height), width, height)


@given(pictures_with_faces(), aspects, st.floats(0, 1))
def test_all_faces_are_held_where_they_fit(scene: tuple[int, int, list[Face]], aspect: float, padding: float) -> None:
    width, height, faces = scene
    box, held = around_faces(width, height, aspect, faces, padding)
    assert inside(box, width, height)
    assert (box.width, box.height) == largest(width, height, aspect)
    span = (
        max(f.left + f.width for f in faces) - min(f.left for f in faces),
        max(f.top + f.height for f in faces) - min(f.top for f in faces),
    )
    if span[0] <= box.width and span[1] <= box.height:
        assert held == faces
    if all(face.width <= box.width and face.height <= box.height for face in faces):
        assert all(box.contains(face) for face in held)


def test_where_not_all_fit_the_larger_ones_win() -> None:
    large, small = Face(0, 40, 60, 60, 0.9), Face(360, 40, 20, 20, 0.9)
    box, held = around_faces(400, 150, 1.0, [small, large], 0.3)
    assert held == [large]
    assert box.contains(large)


def test_the_heaviest_window_is_found_exactly() -> None:
    weights = np.zeros((40, 100), np.float32)
    weights[10:30, 70:90] = 1
    box = heaviest(weights, 1000, 400, 1.0)
    assert (box.width, box.height) == (400, 400)
    assert box.left <= 700
    assert box.left + 400 >= 900


def test_without_weight_the_centre_is_taken() -> None:
    box = heaviest(np.ones((40, 100), np.float32), 1000, 400, 1.0)
    assert box.left == pytest.approx(300, abs=10)


def test_detail_is_where_there_is_much_to_see() -> None:
    pixels = np.full((120, 160, 3), 90, np.uint8)
    pixels[:, 100:] = np.random.default_rng(0).integers(0, 255, (120, 60, 3))
    map_ = detail(pixels)
    assert map_[:, 120:].mean() > 2
    assert map_[:, :80].max() < 0.1
