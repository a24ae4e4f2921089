"""AuraSR: its sizes are read from its tensors, it gives what its authors' network gives, and tiles leave no seams."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.engines.conftest import FolderStore, usable
from tests.operations.running import run

from darkroom.engines import aura_sr, tiles
from darkroom.engines.aura_sr import Sizes, layout, measure, recognise
from darkroom.engines.engine import Graph, Plan
from darkroom.engines.pytorch import PyTorch
from darkroom.engines.sessions import Runtime
from darkroom.errors import UnsupportedModel
from darkroom.image import Image
from darkroom.models.catalogue import builtin_entries
from darkroom.operation import Context
from darkroom.operations.upscale import Upscale
from darkroom.settings import Settings

PUBLISHED = Sizes(
    channels=3,
    widths=(64, 64, 128, 256, 512, 1024),
    halvings=3,
    blocks=6,
    kernels=4,
    down_layers=(0, 0, 0),
    middle_layers=4,
    up_layers=(4, 2, 0, 0, 0),
    heads_width=512,
    hidden=4,
    style=(128, 512, 4),
)
SMALL = replace(PUBLISHED, widths=(8, 8, 16, 32, 64, 128), middle_layers=1, up_layers=(1, 2, 0, 0, 0), heads_width=64)
SMALL = replace(SMALL, style=(16, 24, 4))
OTHER = Sizes(
    channels=3,
    widths=(16, 12, 8, 16, 16),
    halvings=2,
    blocks=2,
    kernels=2,
    down_layers=(0, 1),
    middle_layers=2,
    up_layers=(1, 0, 0, 0),
    heads_width=16,
    hidden=2,
    style=(8, 10, 2),
)

State = dict[str, Any]


def tensors(sizes: Sizes, spread: float = 0.1) -> State:
    """Random tensors: norms near one, and the style's so large that it matters."""
    numbers = np.random.default_rng(0)

    def draw(key: str, shape: tuple[int, ...]) -> Any:
        wide = {"style_network": 3.0, "style_to_conv_modulations": 0.5}.get(key.partition(".")[0], spread)
        return numbers.normal(key.endswith(".g"), wide, shape).astype(np.float32)

    return {key: draw(key, shape) for key, shape in layout(sizes).items()}


def faithful(sizes: Sizes) -> State:
    """A network that repeats the picture's pixels and adds a little of everything that it computes.

    The first map of the way down carries the picture over to the way up, and the last convolutions hand it on. What is
    not on that path is as random as elsewhere, and sees the whole of its tile.
    """
    state = tensors(sizes)
    across = sizes.halvings - 1
    join = f"ups.{across}.0.{sizes.blocks - 1}."
    after = tuple(f"ups.{level}." for level in range(sizes.halvings, len(sizes.up_layers)))
    for key in state:
        if key.startswith(("init_conv", "downs.0.0.0.", join, *after, "final_")):
            # Kernels this small stay below the norm that larger ones are brought to.
            state[key] *= 1e-5 if key.endswith(".proj.weights") else 0.05
    colours = np.arange(sizes.channels)
    state["init_conv.weight"][colours, colours, 3, 3] += 1
    beside = state[f"{join}res_conv.weight"]
    beside[:, : beside.shape[0]] *= 10
    beside[colours, beside.shape[0] + colours] += 1 / aura_sr.SKIP
    for level in after:
        # Pixels are repeated before the convolution: its middle hands them on.
        state[f"{level}1.0.conv.weight"][colours, colours, 1, 1] += 1
    state["final_to_rgb.weight"][colours, colours] += 1
    return state


def saved(folder: Path, state: State, name: str = "aura") -> FolderStore:
    store = FolderStore()
    save_file(state, folder / f"{name}.safetensors")
    store.add(name, folder / f"{name}.safetensors", architecture="torch", scale=4)
    return store


def runtime(settings: Settings, store: FolderStore) -> Runtime:
    return Runtime(settings.with_changes({"engine.device": "cpu", "engine.precision": "fp32"}).engine, store)


@pytest.mark.parametrize("sizes", [SMALL, OTHER, replace(OTHER, kernels=1, style=(8, 10, 1))])
def test_the_tensors_tell_the_sizes(sizes: Sizes) -> None:
    assert measure(tensors(sizes), "any") == sizes
    traits = recognise(tensors(sizes), "any")
    assert traits is not None
    assert (traits.scale, traits.multiple, traits.overlap) == (4, 2**sizes.halvings, 16)
    assert traits.fixed == (64, 64)


def test_the_published_network_has_as_many_numbers_as_its_authors_say() -> None:
    assert round(sum(math.prod(shape) for shape in layout(PUBLISHED).values()) / 1e6) == 618
    entry = next(entry for entry in builtin_entries() if entry.name == "aurasr-v2")
    assert (entry.architecture, entry.scale, entry.commercial) == ("torch", PUBLISHED.scale, True)


def test_other_networks_are_not_its_business() -> None:
    assert measure({"conv_first.weight": np.zeros((8, 3, 3, 3), np.float32)}, "any") is None


def test_it_gives_what_its_authors_network_gives(
    settings: Settings, step: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some pixels as aura-sr 0.0.4 computes them from these tensors and this noise, adding none to the picture."""
    usable(PyTorch(), monkeypatch)
    picture = np.random.default_rng(1).random((1, 3, 64, 64), np.float32)
    network = runtime(settings, saved(tmp_path, tensors(SMALL))).network("aura", step)
    result = network.predict(picture)
    assert result.shape == (1, 3, 256, 256)
    np.testing.assert_allclose(result[0, :, ::100, ::85], EXPECTED, atol=1e-4)


@pytest.mark.parametrize("sizes", [SMALL, OTHER])
def test_a_picture_becomes_four_times_as_large_and_the_same_each_time(
    sizes: Sizes, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable(PyTorch(), monkeypatch)
    store = saved(tmp_path, faithful(sizes))
    pixels = np.random.default_rng(2).integers(30, 220, (70, 100, 3), np.uint8)
    pixels = pixels // 4 + np.linspace(0, 150, 100).astype(np.uint8)[:, None]
    operation = Upscale(model="aura", scale=4)
    result, report = run(operation, Image.from_array(pixels), models=runtime(settings, store))
    again, _ = run(operation, Image.from_array(pixels), models=runtime(settings, store))
    assert result.size == (400, 280)
    assert report.engine == "pytorch"
    np.testing.assert_array_equal(result.to_array(), again.to_array())
    apart = result.to_float() - np.repeat(np.repeat(pixels, 4, 0), 4, 1) / np.float32(255)
    assert 0.003 < np.abs(apart).max() < 0.3


@pytest.mark.parametrize("size", [(1, 1), (20, 50), (64, 64), (65, 33)])
def test_pictures_smaller_than_a_tile_are_reflected(
    size: tuple[int, int], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable(PyTorch(), monkeypatch)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    pixels = np.dstack([60 + x, 80 + y, 100 + x // 2]).astype(np.uint8)
    models = runtime(settings, saved(tmp_path, faithful(OTHER)))
    result, _ = run(Upscale(model="aura", scale=4), Image.from_array(pixels), models=models)
    assert result.size == (size[1] * 4, size[0] * 4)
    apart = result.to_float() - np.repeat(np.repeat(pixels, 4, 0), 4, 1) / np.float32(255)
    assert np.abs(apart).max() < 0.3


def test_tiles_leave_no_seams(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tiles meet, the result steps no more than elsewhere; it would if they were laid side by side."""
    usable(PyTorch(), monkeypatch)
    y, x = np.mgrid[0:64, 0:200].astype(np.float32)
    waves = np.stack([0.5 + 0.3 * np.sin(x / 30 + k) * np.cos(y / 25 - k) for k in range(3)], axis=2)
    image = Image.from_array(np.rint(waves * 65535).astype(np.uint16))
    models = runtime(settings, saved(tmp_path, faithful(OTHER)))
    across = tiles.lay(200, 64, 16, 4)
    assert len(across.seams) == 6

    def worst() -> tuple[float, float]:
        """The largest step between two columns of what was added to the pixels: where tiles meet, and elsewhere."""
        result, _ = run(Upscale(model="aura", scale=4), image, models=models)
        added = result.to_float() - np.repeat(np.repeat(image.to_float(), 4, 0), 4, 1)
        steps = np.abs(np.diff(added, axis=1)).mean(axis=(0, 2))
        near = np.zeros(steps.size, bool)
        for seam in across.seams:
            near[(seam - 9) * 4 : (seam + 9) * 4] = True
        return float(steps[near].max()), float(steps[~near].max())

    near, elsewhere = worst()
    assert near <= 1.1 * elsewhere
    monkeypatch.setattr(tiles, "FADE", 0)
    near, elsewhere = worst()
    assert near > 2 * elsewhere


def without(key: str) -> Any:
    return lambda state: state.pop(key)


def put(key: str, *shape: int) -> Any:
    return lambda state: state.update({key: np.zeros(shape, np.float32)})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("final_to_rgb.weight"), "final_to_rgb.weight"),
        (without("mid_block2.block1.proj.weights"), "mid_block2.block1.proj.weights is missing"),
        (without("ups.3.1.0.conv.weight"), "is of shape"),
        (put("ups.1.1.0.conv.weight", 3), "missing"),
        (put("style_to_conv_modulations.weight", 7, 10), r"of shape \(7, 10\)"),
        (put("mid_attn.layers.0.0.to_out.weight", 16, 12, 1, 1), "heads"),
        (put("text_encoder.weight", 3), "no text_encoder.weight"),
    ],
)
def test_damaged_tensors_are_refused(
    damage: Any, said: str, settings: Settings, step: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tensors(OTHER)
    damage(state)
    with pytest.raises(UnsupportedModel, match=said):
        recognise(state, "aura")
    engine = usable(PyTorch(), monkeypatch)
    with pytest.raises(UnsupportedModel, match="do not make one network"):
        runtime(settings, saved(tmp_path, state)).network("aura", step)
    graph = Graph("aura", "0" * 64, "state", lambda: state)
    with pytest.raises(UnsupportedModel, match=said):
        engine.compile(graph, Plan(engine.devices()[-1], "fp32", tmp_path))


EXPECTED = np.array(
    [
        [
            [0.07029, 0.23394, 0.23633, 0.06949],
            [0.14181, -0.41457, -0.76320, 0.02061],
            [0.14179, -0.93395, -1.01922, 0.01839],
        ],
        [
            [0.04094, -0.07246, -0.05706, -0.08199],
            [0.09599, 0.10238, 0.20365, -0.00215],
            [0.08220, 0.32847, 0.37675, 0.03424],
        ],
        [
            [0.03727, 0.18354, 0.22991, 0.01332],
            [0.14090, -0.53124, -0.74203, 0.01771],
            [0.13183, -0.85425, -0.90307, 0.08775],
        ],
    ]
)
"""Channels, rows, columns."""
