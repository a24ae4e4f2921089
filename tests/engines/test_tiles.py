"""A picture in tiles gives what the whole picture gives, whatever its size."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.engines.engine import Device, Graph, Plan
from darkroom.engines.openvino import OpenVino
from darkroom.engines.tiles import choose, lay, reflect, strips
from darkroom.errors import Cancelled
from darkroom.models.architectures.graph import Traits
from darkroom.models.architectures.translate import translate
from darkroom.models.weights import read_tensors

CPU = Device("cpu", "CPU", "CPU", ("fp32",))


def collect(pixels: Any, run: Any, scale: int, **options: Any) -> Any:
    """All strips, checked to follow each other without gap."""
    parts: list[Any] = []
    for row, strip in strips(pixels, run, scale=scale, **options):
        assert row == sum(len(part) for part in parts)
        parts.append(strip.copy())
    return np.concatenate(parts)


def same(batch: Any) -> Any:
    return batch.copy()


def doubled(batch: Any) -> Any:
    return batch.repeat(2, 2).repeat(2, 3)


def mean3(batch: Any) -> Any:
    """A 3 x 3 mean with zeros beyond the edge, as a convolution has."""
    padded = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = batch.shape[2:]
    total = sum(padded[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3))
    return (total / np.float32(9)).astype(np.float32)


@st.composite
def cuts(draw: Any) -> tuple[int, int, tuple[int, int], int, int]:
    """Height, width, tile, overlap and multiple that fit each other."""
    multiple = draw(st.sampled_from([1, 2, 4]))
    overlap = draw(st.integers(0, 4)) * multiple
    side = st.integers(1, 10).map(lambda n: 2 * overlap + n * multiple)
    return draw(st.integers(1, 60)), draw(st.integers(1, 60)), (draw(side), draw(side)), overlap, multiple


def noise(height: int, width: int) -> Any:
    return np.random.default_rng(height * 100 + width).random((height, width, 3), np.float32)


@settings(max_examples=200, deadline=None)
@given(cuts())
def test_a_network_that_changes_nothing(cut: Any) -> None:
    height, width, tile, overlap, multiple = cut
    pixels = noise(height, width)
    result = collect(pixels, same, 1, tile=tile, overlap=overlap, multiple=multiple)
    np.testing.assert_array_equal(result, pixels)


@settings(max_examples=100, deadline=None)
@given(cuts())
def test_a_network_that_repeats_pixels(cut: Any) -> None:
    height, width, tile, overlap, multiple = cut
    pixels = noise(height, width)
    result = collect(pixels, doubled, 2, tile=tile, overlap=overlap, multiple=multiple)
    np.testing.assert_array_equal(result, pixels.repeat(2, 0).repeat(2, 1))


@settings(max_examples=150, deadline=None)
@given(cuts().filter(lambda cut: cut[3] >= 2))
def test_a_network_that_sees_its_neighbours(cut: Any) -> None:
    """Seams see all they need, and beyond the edge the picture is reflected."""
    height, width, tile, overlap, multiple = cut
    pixels = noise(height, width)
    around = pixels[np.ix_(*(reflect(np.arange(-1, length + 1), length) for length in (height, width)))]
    wanted = mean3(around.transpose(2, 0, 1)[None])[0, :, 1:-1, 1:-1].transpose(1, 2, 0)
    result = collect(pixels, mean3, 1, tile=tile, overlap=overlap, multiple=multiple)
    np.testing.assert_allclose(result, wanted, atol=2e-7)


@settings(max_examples=300, deadline=None)
@given(
    length=st.integers(1, 500),
    cores=st.integers(1, 40),
    overlap=st.integers(0, 20),
    multiple=st.sampled_from([1, 2, 4]),
)
def test_tiles_start_on_the_multiple_and_reach_the_end(length: int, cores: int, overlap: int, multiple: int) -> None:
    overlap *= multiple
    axis = lay(length, 2 * overlap + cores * multiple, overlap, multiple)
    assert all(start % multiple == 0 for start in axis.starts)
    assert axis.starts[-1] + cores * multiple >= length
    assert len(axis.starts) == -(-length // (cores * multiple))
    for index in range(len(axis.starts)):
        first, last = axis.used(index)
        assert 0 <= first < last <= length
        # Whatever is used has at least half of the overlap around it, except at the picture's edge.
        if index:
            assert first - (axis.starts[index] - overlap) >= overlap - axis.fade


@pytest.mark.parametrize(("tile", "overlap", "multiple"), [(8, 4, 1), (10, 2, 4), (16, 3, 2), (0, 0, 1)])
def test_tiles_without_a_core_are_refused(tile: int, overlap: int, multiple: int) -> None:
    with pytest.raises(ValueError, match="do not cover"):
        lay(100, tile, overlap, multiple)


def test_a_network_of_another_scale_is_found_out() -> None:
    with pytest.raises(ValueError, match="not 4 times as large"):
        collect(noise(8, 8), doubled, 4, tile=(8, 8), overlap=0)


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    tile=st.none() | st.integers(32, 2048),
    multiple=st.sampled_from([1, 2, 4]),
    share=st.floats(0, 0.25),
)
def test_chosen_tiles_are_possible_and_no_larger_than_asked(
    height: int, width: int, tile: int | None, multiple: int, share: float
) -> None:
    overlap = None if tile is None else int(tile * share)
    sides, margin = choose(
        height, width, tile=tile, overlap=overlap, traits=Traits("test", 2, multiple=multiple), device=CPU
    )
    for length, side in zip((height, width), sides, strict=True):
        assert side <= max(tile or 224 * multiple, 4 * multiple) + multiple
        lay(length, side, margin, multiple)


def test_progress_hears_of_every_tile_and_can_stop() -> None:
    heard: list[float] = []
    collect(noise(20, 20), same, 1, tile=(10, 10), overlap=0, progress=lambda fraction, doing: heard.append(fraction))
    assert heard == [0, 0.25, 0.5, 0.75, 1.0]

    def stop(fraction: float, doing: str) -> None:
        if fraction >= 0.5:
            raise Cancelled(doing)

    with pytest.raises(Cancelled, match="tile 3 of 4"):
        collect(noise(20, 20), same, 1, tile=(10, 10), overlap=0, progress=stop)


def test_memory_follows_the_width_and_not_the_height() -> None:
    def peak(height: int) -> int:
        pixels = np.zeros((height, 64, 3), np.uint8)
        tracemalloc.start()
        try:
            for _ in strips(pixels, doubled, tile=(32, 32), overlap=4, scale=2):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3200) < 1.5 * peak(100)


def test_whole_numbers_become_fractions() -> None:
    pixels = np.array([[[0, 51, 255]]], np.uint8)
    np.testing.assert_allclose(collect(pixels, same, 1, tile=(4, 4), overlap=0), [[[0, 0.2, 1]]], atol=1e-7)
    np.testing.assert_allclose(
        collect(pixels.astype(np.uint16) * 257, same, 1, tile=(4, 4), overlap=0), [[[0, 0.2, 1]]], atol=1e-7
    )


def test_a_network_of_one_channel_sees_luma() -> None:
    pixels = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], np.float32)
    result = collect(pixels, same, 1, tile=(4, 4), overlap=0, channels=1)
    np.testing.assert_allclose(result[0, :, 0], [0.299, 0.587, 0.114], atol=1e-6)
    assert (result == result[..., :1]).all()


@pytest.mark.parametrize("model", ["realesr-animevideov3", "compact-lite-x4"])
def test_real_weights_in_tiles_are_the_whole_picture(model: str, shared: Path, tmp_path: Path) -> None:
    """The overlap that the architecture asks for is enough: 50 dB against one tile of the same margin."""
    found = translate(read_tensors(shared / "models" / "upscale" / f"{model}.pth"), model)
    engine = OpenVino()
    compiled = engine.compile(Graph(model, model, "onnx", lambda: found.onnx), Plan(CPU, "fp32", tmp_path))
    picture = cv2.imread(str(shared / "images" / "jpeg_artifacts" / "baboon.lq.png"))
    assert picture is not None
    margin = found.traits.overlap
    whole = collect(picture, compiled.run, 4, tile=(120 + 2 * margin, 124 + 2 * margin), overlap=margin)
    tiled = collect(picture, compiled.run, 4, tile=(64, 72), overlap=margin)
    error = np.mean((np.clip(whole, 0, 1) - np.clip(tiled, 0, 1)) ** 2, dtype=np.float64)
    assert 10 * np.log10(1 / error) >= 50
