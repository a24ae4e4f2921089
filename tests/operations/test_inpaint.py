"""Inpaint: the hole is where it was said to be, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper

import darkroom
from darkroom.engines.sessions import Runtime
from darkroom.errors import InvalidParameters, ModelMissing
from darkroom.image import Animation, Image
from darkroom.operation import build
from darkroom.operations.inpaint import Inpaint
from darkroom.settings import Settings
from tests.engines.conftest import FolderStore
from tests.operations.running import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def sample(name: str = "portrait.jpg") -> np.ndarray:
    pixels = cv2.cvtColor(cv2.imread(str(SAMPLES / name)), cv2.COLOR_BGR2RGB)
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def changed(result: Image, before: np.ndarray) -> Any:
    return (result.to_array() != before).any(axis=2)


def test_a_box_in_pixels_and_one_in_shares_are_filled() -> None:
    pixels = sample()
    height, width = pixels.shape[:2]
    for box in ((40, 60, 30, 20), (40 / width, 60 / height, 30 / width, 20 / height)):
        result, step = run(Inpaint(boxes=[box], grow=0), Image.from_array(pixels))
        where = changed(result, pixels)
        assert where[60:80, 40:70].mean() > 0.8
        where[60:80, 40:70] = False
        assert not where.any()
        assert step.method == "multiscale"
        assert step.changed["filled"] == pytest.approx(600 / (height * width), abs=1e-4)


def test_a_mask_from_a_file_is_grown(tmp_path: Path) -> None:
    pixels = sample()
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[100:110, 50:90] = 255
    result, _ = run(
        Inpaint(mask="mask.png", grow=4), Image.from_array(pixels), open_image=lambda _: Image.from_array(mask)
    )
    where = changed(result, pixels)
    assert where[97:113, 47:93].mean() > 0.8
    where[96:114, 46:94] = False
    assert not where.any()
    half = Image.from_array(mask[::2, ::2])
    result, step = run(Inpaint(mask="mask.png"), Image.from_array(pixels), open_image=lambda _: half)
    assert "was scaled" in step.warnings[0]
    assert changed(result, pixels)[100:110, 52:88].mean() > 0.8


def test_a_colour_is_filled_wherever_it_is() -> None:
    pixels = sample()
    pixels[30:34, 20:100] = (255, 0, 255)
    pixels[200:204, 60:64] = (250, 5, 250)
    result, _ = run(Inpaint(color="#ff00ff"), Image.from_array(pixels))
    assert not (np.abs(result.to_array().astype(int) - (255, 0, 255)).max(axis=2) < 60).any()


@pytest.mark.parametrize("method", ["telea", "navier_stokes", "multiscale"])
def test_alpha_bits_grey_and_frames_are_kept(method: str) -> None:
    pixels = sample()
    alpha = np.random.default_rng(0).integers(0, 255, (*pixels.shape[:2], 1), np.uint8)
    wide = np.dstack([pixels, alpha]).astype(np.uint16) * 257
    inpaint = build("inpaint", {"boxes": [[10, 10, 30, 30]], "method": method})
    result, _ = run(inpaint, Image.from_array(wide))
    assert result.bits == 16
    np.testing.assert_array_equal(result.to_array()[..., 3], wide[..., 3])
    np.testing.assert_array_equal(result.to_array()[60:], wide[60:])
    moving = Image(Image.from_array(pixels).frames * 2, animation=Animation(delays=(50, 70)))
    assert run(inpaint, moving)[0].animation == moving.animation
    grey = Image.from_array(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    assert np.ptp(run(inpaint, grey)[0].to_array(), axis=2).max() == 0


def test_nothing_to_fill_is_said_and_everything_too() -> None:
    image = Image.from_array(sample())
    result, step = run(Inpaint(color="#ff00ff", tolerance=0), image)
    assert result is image
    assert "nothing to fill" in step.warnings[0]
    result, step = run(Inpaint(boxes=[(0, 0, 1, 1)]), image)
    np.testing.assert_array_equal(result.to_array(), image.to_array())
    assert "nothing to fill it from" in step.warnings[0]


@pytest.mark.parametrize("wrong", [{}, {"boxes": [[0, 0, 0, 5]]}, {"boxes": [[-1, 0, 4, 5]]}, {"color": "no colour"}])
def test_what_says_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters):
        build("inpaint", wrong)


@pytest.mark.parametrize("size", [(1, 1), (2, 300)])
def test_small_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert run(Inpaint(boxes=[(0, 0, 1, 1)], grow=0), Image.from_array(pixels))[0].size == size[::-1]


def network(path: Path, kind: int) -> Path:
    """An ONNX file with LaMa's inputs, or MI-GAN's in bytes: it gives the picture where it is known, and white."""
    sides = ["n", 3, 512, 512], ["n", 1, 512, 512]
    nodes = [
        helper.make_node("Cast", ["image"], ["picture"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["mask"], ["shares"], to=TensorProto.FLOAT),
    ]
    if kind == TensorProto.FLOAT:
        nodes += [
            helper.make_node("Add", ["picture", "shares"], ["both"]),
            helper.make_node("Mul", ["both", "white"], ["result"]),
        ]
    else:
        nodes += [
            helper.make_node("Sub", ["white", "shares"], ["open"]),
            helper.make_node("Max", ["picture", "open"], ["result"]),
        ]
    nodes.append(helper.make_node("Cast", ["result"], ["output"], to=kind))
    graph = helper.make_graph(
        nodes,
        "inpainting",
        [helper.make_tensor_value_info(name, kind, side) for name, side in zip(("image", "mask"), sides, strict=True)],
        [helper.make_tensor_value_info("output", kind, sides[0])],
        [helper.make_tensor("white", TensorProto.FLOAT, [1], [255.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(("interface", "kind"), [("lama", TensorProto.FLOAT), ("migan", TensorProto.UINT8)])
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_networks_of_both_kinds_are_run(
    interface: str, kind: int, engine: str, settings: Settings, tmp_path: Path
) -> None:
    store = FolderStore()
    store.add(interface, network(tmp_path / "net.onnx", kind), task="inpainting")
    entry, path = store.models[interface]
    store.models[interface] = (entry.model_copy(update={"interface": interface}), path)
    changed_settings = settings.with_changes({"engine.device": "cpu", "engine.engine": engine})
    pixels = sample()
    inpaint = Inpaint(boxes=[(40, 60, 30, 20)], grow=0, model=interface)
    result, step = run(inpaint, Image.from_array(pixels), models=Runtime(changed_settings.engine, store))
    assert step.method == "model"
    assert step.engine == engine
    assert result.to_array()[62:78, 42:68].min() > 240
    np.testing.assert_array_equal(result.to_array()[90:], pixels[90:])


def test_without_the_network_it_is_done_without_or_not_at_all(settings: Settings) -> None:
    store = FolderStore()
    store.add("lama", None, task="inpainting")
    store.add("other", None, task="upscale")
    models = Runtime(settings.engine, store)
    image = Image.from_array(sample())
    _, step = run(Inpaint(boxes=[(9, 9, 9, 9)]), image, models=models)
    assert step.method == "multiscale"
    assert not step.fallbacks
    _, step = run(Inpaint(boxes=[(9, 9, 9, 9)], model="lama"), image, models=models)
    assert step.fallbacks[0].used == "multiscale"
    with pytest.raises(ModelMissing):
        run(Inpaint(boxes=[(9, 9, 9, 9)], method="model"), image, models=models)
    with pytest.raises(InvalidParameters, match="no inpainting model"):
        run(Inpaint(boxes=[(9, 9, 9, 9)], model="other"), image, models=models)


def test_on_a_file(tmp_path: Path) -> None:
    mask = np.zeros((600, 512), np.uint8)
    mask[300:320, 100:200] = 255
    darkroom.save(Image.from_array(mask), tmp_path / "mask.png")
    result = darkroom.process(SAMPLES / "portrait.jpg", {"type": "inpaint", "mask": str(tmp_path / "mask.png")})
    assert 0.005 < result.report.steps[0].changed["filled"] < 0.02
