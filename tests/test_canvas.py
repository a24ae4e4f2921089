"""A frame that is made strip by strip is the frame, in memory or in a file, and nothing is left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom import canvas as module
from darkroom.canvas import Canvas
from darkroom.errors import OutputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("in_memory", [10**9, 0])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_rows_in_order_are_the_frame(
    in_memory: int, bits: Any, bands: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", in_memory)
    kind = np.uint16 if bits == 16 else np.uint8
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (37, 11, bands), kind)
    with Canvas(37, 11, bands, bits=bits) as canvas:
        for top in range(0, 37, 10):
            canvas.add(pixels[top : top + 10])
        frame = canvas.finish()
    made = np.frombuffer(frame.write_to_memory(), kind).reshape(37, 11, bands)
    np.testing.assert_array_equal(made, pixels)
    assert frame.interpretation == {1: frame.interpretation, 3: "rgb16" if bits == 16 else "srgb"}.get(
        min(bands, 3), ""
    )
    assert list(folder.iterdir()) == []


def test_what_is_not_finished_leaves_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    with Canvas(10, 10, 3, bits=8) as canvas:
        canvas.add(np.zeros((4, 10, 3), np.uint8))
        assert len(list(folder.iterdir())) == 1
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    with Canvas(10, 10, 3, bits=8) as canvas, open("/dev/full", "wb", buffering=0) as full:
        assert canvas._file is not None
        monkeypatch.setattr(canvas._file, "write", full.write)
        with pytest.raises(OutputError, match="No space left"):
            canvas.add(np.zeros((4, 10, 3), np.uint8))


def test_rows_that_are_missing_are_an_error() -> None:
    with Canvas(10, 10, 3, bits=8) as canvas:
        canvas.add(np.zeros((4, 10, 3), np.uint8))
        with pytest.raises(ValueError, match="4 rows"):
            canvas.finish()
