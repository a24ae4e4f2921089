"""Where a mark is: shared by pictures, repeated in one, written in a region; and nothing where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from darkroom.vision import watermark_finding as finding
from tests.vision.test_watermark import SAMPLES, marked, pictures, shape


def covered(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / truth.sum())


@pytest.mark.parametrize(("opacity", "colour"), [(0.35, (1, 1, 1)), (0.5, (0, 0, 0)), (0.6, (0.8, 0.1, 0.1))])
def test_what_five_pictures_share_is_found(opacity: float, colour: tuple[float, float, float]) -> None:
    found = finding.shared([marked(pixels, opacity, colour) for pixels in pictures()])
    assert found is not None
    assert covered(found, shape() > 0.5) > 0.9
    near = cv2.dilate((shape() > 0.02).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert covered(near, found) > 0.8


def test_pictures_that_share_nothing() -> None:
    assert finding.shared(pictures()) is None


def test_a_few_pictures_are_not_enough() -> None:
    assert finding.shared([marked(pixels, 0.5, (1, 1, 1)) for pixels in pictures()[:3]]) is None


def test_sensitivity_decides_on_faint_marks() -> None:
    faint = [marked(pixels, 0.10, (1, 1, 1)) for pixels in pictures()]
    shares = [found.mean() if (found := finding.shared(faint, value)) is not None else 0 for value in (0.0, 0.5, 1.0)]
    assert shares[0] == 0
    assert shares[2] > 0


def repeated(opacity: float, across: tuple[int, int], down: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The mug under a word that comes again at two distances, and where the words are."""
    picture = cv2.cvtColor(cv2.imread(str(SAMPLES / "mug.jpg")), cv2.COLOR_BGR2RGB)
    picture = cv2.resize(picture, (720, 600), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    words = np.zeros((600, 720), np.uint8)
    for one in range(-12, 13):
        for two in range(-12, 13):
            place = (20 + one * across[0] + two * down[0], 60 + one * across[1] + two * down[1])
            cv2.putText(words, "PROOF", place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 3, cv2.LINE_AA)
    alpha = (opacity * words.astype(np.float32) / 255)[..., None]
    return ((1 - alpha) * picture + alpha).astype(np.float32), words > 127


@pytest.mark.parametrize(("across", "down"), [((160, 0), (0, 110)), ((170, 0), (85, 90)), ((150, 40), (-60, 110))])
def test_what_one_picture_repeats_is_found(across: tuple[int, int], down: tuple[int, int]) -> None:
    picture, truth = repeated(0.4, across, down)
    found = finding.tiled(picture)
    assert found is not None
    tiling, mask = found
    assert covered(mask, truth) > 0.8
    assert mask.mean() < 3.5 * truth.mean()
    windows = tiling.windows(truth)
    assert all(np.mean(window != windows[0]) < 0.02 for window in windows), "all show the same"


def test_a_tiling_spreads_a_window_over_the_whole_picture() -> None:
    tiling = finding.Tiling((3, 2), [(-2, 0), (1, 0), (4, 0), (1, 2)], [(1, 0)])
    window = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
    expected = np.array([[3, 1, 2, 3, 1], [6, 4, 5, 6, 4], [0, 1, 2, 3, 0]], np.float32)
    np.testing.assert_array_equal(tiling.spread(window, (3, 5)), expected)


@pytest.mark.parametrize("name", ["mug.jpg", "duck.jpg", "portrait.jpg"])
def test_a_picture_that_repeats_nothing(name: str) -> None:
    picture = cv2.cvtColor(cv2.imread(str(SAMPLES / name)), cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    assert finding.tiled(picture) is None


def test_bricks_are_not_a_mark() -> None:
    """A pattern without anything else under it repeats whole: there is no blend to be told from it."""
    bricks = np.full((600, 800, 3), (0.62, 0.3, 0.24), np.float32)
    for row in range(0, 600, 30):
        bricks[row : row + 4] = 0.7
        for column in range((row // 30 % 2) * 40, 800, 80):
            bricks[row : row + 30, column : column + 4] = 0.7
    bricks += np.random.default_rng(0).normal(0, 0.03, bricks.shape).astype(np.float32)
    assert finding.tiled(np.clip(bricks, 0, 1)) is None


@pytest.mark.parametrize("light", [True, False])
def test_what_is_written_in_a_part(light: bool) -> None:
    part = cv2.GaussianBlur(np.random.default_rng(1).random((90, 360, 3)).astype(np.float32), (0, 0), 12)
    part = 0.5 + 0.6 * (part - part.mean())
    letters = np.zeros((90, 360), np.uint8)
    cv2.putText(letters, "(c) Studio", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 4, cv2.LINE_AA)
    alpha = (0.6 * letters.astype(np.float32) / 255)[..., None]
    picture = ((1 - alpha) * part + alpha * (1.0 if light else 0.0)).astype(np.float32)
    found = finding.strokes(picture)
    assert found is not None
    assert covered(found, letters > 127) > 0.95
    assert found.mean() < 4 * (letters > 127).mean()
    assert finding.written(picture, found) > 0.8
    assert finding.written(part.astype(np.float32), found) < 0.3


def test_nothing_is_written_on_a_plain_part() -> None:
    assert finding.strokes(np.full((80, 200, 3), 0.4, np.float32)) is None
    assert finding.written(np.zeros((9, 9, 3), np.float32), np.zeros((9, 9), bool)) == 0
