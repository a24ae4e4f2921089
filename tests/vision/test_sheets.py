"""Contact sheets: every picture is on it, whole, with its group."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.vision import sheets


@pytest.mark.parametrize(("shape", "count"), [((30, 60), 1), ((400, 100), 7), ((1, 1), 13)])
def test_every_picture_is_there_in_its_proportion(shape: tuple[int, int], count: int) -> None:
    picture = np.zeros((*shape, 3), np.float32)
    picture[..., 0] = 1
    sheet = sheets.sheet([("A name with ü", [(picture, "below")] * count)])
    red = (sheet[..., 0] > 0.99) & (sheet[..., 1] < 0.01)
    factor = sheets.CELL / max(shape)
    assert red.sum() == count * round(shape[0] * factor) * round(shape[1] * factor)
    assert sheet.dtype == np.float32
    assert 0 <= sheet.min() <= sheet.max() <= 1
    assert (sheet[: sheets.HEAD].mean(axis=2) < 0.5).any(), "the heading is written"


def test_groups_stand_below_each_other() -> None:
    colours = [np.full((9, 9, 3), value, np.float32) for value in (0.2, 0.6)]
    sheet = sheets.sheet([("", [(colour, "")]) for colour in colours])
    rows = [np.flatnonzero((np.abs(sheet - colour[0, 0, 0]) < 1e-3).all(axis=2).any(axis=1)) for colour in colours]
    assert rows[0].max() < rows[1].min()
