"""Fix artifacts: measured first, repaired where there is something, untouched where there is nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from safetensors.numpy import save_file

import darkroom
from darkroom.engines.pytorch import PyTorch
from darkroom.engines.sessions import Runtime
from darkroom.errors import InvalidParameters, ModelMissing
from darkroom.image import Animation, Image
from darkroom.operation import Context
from darkroom.operations.fix_artifacts import FixArtifacts
from darkroom.report import StepReport
from darkroom.settings import Settings
from tests.engines.conftest import FolderStore, blur_network, usable
from tests.operations.running import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def sample(name: str = "mug.jpg") -> np.ndarray:
    pixels = cv2.resize(cv2.imread(str(SAMPLES / name)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def jpeg(quality: int, pixels: np.ndarray | None = None) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(sample() if pixels is None else pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def psnr(one: Any, other: Any) -> float:
    return float(-10 * np.log10(np.mean((one.astype(np.float32) / 255 - other.astype(np.float32) / 255) ** 2)))


def test_a_jpeg_is_repaired_by_its_own_tables() -> None:
    image = darkroom.open(jpeg(25))
    result, step = run(FixArtifacts(), image)
    before, after = step.changed["before"], step.changed["after"]
    assert (before["quality"], before["quality_from"], before["grid"]) == (25, "file", [0, 0])
    assert after["blocking"] < 0.5 * before["blocking"]
    assert "blocks" in step.changed["repaired"]
    assert psnr(result.to_array(), sample()) > psnr(image.to_array(), sample()) + 0.3
    assert step.method == "builtin"


def test_a_cropped_png_of_a_jpeg_is_repaired_by_what_its_pixels_say() -> None:
    image = Image.from_array(darkroom.open(jpeg(25)).to_array()[5:, 2:])
    result, step = run(FixArtifacts(), image)
    before = step.changed["before"]
    assert (before["quality"], before["quality_from"], before["grid"]) == (25, "pixels", [5, 2])
    assert psnr(result.to_array(), sample()[5:, 2:]) > psnr(image.to_array(), sample()[5:, 2:]) + 0.2


def test_after_a_resize_the_tables_of_the_file_count_no_more() -> None:
    image = darkroom.process(jpeg(40), "resize:width=333").image
    _, step = run(FixArtifacts(), image)
    assert step.changed["before"].get("quality_from") != "file"


@pytest.mark.parametrize("data", ["png", "jpeg of 95"])
def test_a_picture_without_artifacts_comes_back_bit_identical(data: str) -> None:
    pixels = sample("portrait.jpg")
    image = Image.from_array(pixels) if data == "png" else darkroom.open(jpeg(95, pixels))
    result, step = run(FixArtifacts(), image)
    assert result is image
    assert step.changed["repaired"] == []
    assert step.changed["before"] == step.changed["after"]


def test_only_the_region_with_blocks_is_touched_unless_told() -> None:
    pixels = sample("portrait.jpg")
    half = pixels.shape[1] // 16 * 8
    mixed = pixels.copy()
    mixed[:, half:] = darkroom.open(jpeg(25, pixels)).to_array()[:, half:]
    found, step = run(FixArtifacts(deband=False), Image.from_array(mixed))
    everywhere, _ = run(FixArtifacts(deband=False, where="all"), Image.from_array(mixed))
    assert 0.3 < step.changed["before"]["share"] < 0.9
    left = np.s_[:, : half - 60]
    assert (found.to_array()[left] != mixed[left]).mean() < 0.5 * (everywhere.to_array()[left] != mixed[left]).mean()


def test_steps_are_smoothed_with_dithering() -> None:
    y, x = np.mgrid[0:200, 0:300].astype(np.float32)
    tones = np.stack([40 + x / 25, 60 + x / 20, 90 + x / 40 + y / 60], axis=2)
    image = Image.from_array(np.rint(tones).astype(np.uint8))
    result, step = run(FixArtifacts(), image)
    assert step.changed["repaired"] == ["bands"]
    assert step.changed["before"]["banding"] > 0.8 > 0.3 > step.changed["after"]["banding"]
    assert np.abs(result.to_array().astype(int) - image.to_array()).max() <= 2
    assert run(FixArtifacts(deband=False), image)[0] is image


def test_alpha_bits_grey_and_frames_are_kept() -> None:
    pixels = darkroom.open(jpeg(20)).to_array()
    alpha = np.random.default_rng(0).integers(0, 255, (*pixels.shape[:2], 1), np.uint8)
    wide = Image.from_array(np.dstack([pixels, alpha]).astype(np.uint16) * 257)
    result, step = run(FixArtifacts(), wide)
    assert result.bits == 16
    assert "blocks" in step.changed["repaired"]
    np.testing.assert_array_equal(result.to_array()[..., 3], wide.to_array()[..., 3])
    still = Image.from_array(pixels)
    moving = Image(still.frames * 2, animation=Animation(delays=(50, 70)))
    result, step = run(FixArtifacts(), moving)
    assert result.animation == moving.animation
    assert len(step.changed["before"]) == 2
    grey = darkroom.open(jpeg(20, cv2.cvtColor(sample(), cv2.COLOR_RGB2GRAY)))
    result, _ = run(FixArtifacts(), grey)
    assert np.ptp(result.to_array(), axis=2).max() == 0


def test_it_can_take_noise_away_and_enlarge_afterwards() -> None:
    noisy = np.clip(sample() + np.random.default_rng(0).normal(0, 15, sample().shape), 0, 255).astype(np.uint8)
    operation = FixArtifacts(denoise=1, scale=2)
    result, step = run(operation, Image.from_array(noisy))
    assert result.size == operation.output_size(noisy.shape[1], noisy.shape[0])
    assert "noise" in step.changed["repaired"]
    assert step.changed["before"]["noise"] > 5


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (20, 20)])
def test_small_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert run(FixArtifacts(quality=30), Image.from_array(pixels))[0].size == size[::-1]


def models(settings: Settings, store: FolderStore) -> Runtime:
    return Runtime(settings.with_changes({"engine.device": "cpu", "engine.precision": "fp32"}).engine, store)


def test_a_network_is_run_where_it_is_asked_for(settings: Settings, tmp_path: Path) -> None:
    store = FolderStore()
    store.add("fbcnn-color", None, architecture="torch", task="deblocking")
    store.add("mean", blur_network(tmp_path / "mean.onnx", scale=1), task="deblocking")
    store.add("other", None, task="upscale")
    image = darkroom.open(jpeg(25))
    result, step = run(FixArtifacts(model="mean", deband=False), image, models=models(settings, store))
    assert step.method == "model"
    assert step.models[0].name == "mean"
    blurred = cv2.blur(image.to_float(), (3, 3))
    np.testing.assert_allclose(result.to_float()[4:-4, 4:-4], blurred[4:-4, 4:-4], atol=1.5 / 255)
    with pytest.raises(ModelMissing):
        run(FixArtifacts(deblock="model"), image, models=models(settings, store))
    with pytest.raises(InvalidParameters, match="no deblocking model"):
        run(FixArtifacts(model="other"), image, models=models(settings, store))


def test_given_regions_are_filled() -> None:
    pixels = np.full((96, 96, 3), 90, np.uint8)
    pixels[40:56, 40:56] = (255, 0, 0)
    result, step = run(FixArtifacts(fill=[(38, 38, 20, 20)]), Image.from_array(pixels))
    assert np.abs(result.to_array().astype(int) - 90).max() <= 2
    assert step.changed["filled"] == pytest.approx(24 * 24 / 96**2, rel=0.2)
    assert step.method == "builtin"


def test_fbcnn_runs_through_pytorch(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network of FBCNN's own layout, made by spandrel's class: its weights are read and run as real ones."""
    usable(PyTorch(), monkeypatch)
    import torch
    from spandrel.architectures.FBCNN import FBCNN

    torch.manual_seed(0)
    network = FBCNN(in_nc=3, out_nc=3, nc=[8, 8, 16, 512], nb=2)
    state = {name: tensor.detach().numpy() * 0.2 for name, tensor in network.state_dict().items()}
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in state.items()}, tmp_path / "small.safetensors")
    store = FolderStore()
    store.add("small", tmp_path / "small.safetensors", architecture="torch", task="deblocking")
    step = StepReport(operation="fix_artifacts")
    runtime = models(settings, store)
    context = Context(settings=settings, models=runtime, step=step, open_image=pytest.fail)
    batch = np.ascontiguousarray(darkroom.open(jpeg(25)).to_float()[:64, :48].transpose(2, 0, 1)[None])
    result = runtime.network("small", context).predict(batch)
    network.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in state.items()})
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(batch))[0].numpy()
    np.testing.assert_allclose(result, expected, atol=1e-4)
    assert step.engine == "pytorch"
