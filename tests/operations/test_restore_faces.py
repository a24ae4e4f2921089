"""Restore faces: only the faces, linear in strength, and whatever fails leaves the picture as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import darkroom
from darkroom.engines.sessions import Runtime
from darkroom.errors import FallbackRefused, InvalidParameters, ModelMissing
from darkroom.image import Animation, Image
from darkroom.operation import Context, build
from darkroom.operations.restore_faces import DEFAULT_MODEL, FaceRestorer, RestoreFaces
from darkroom.report import StepReport
from darkroom.settings import Settings
from darkroom.vision import face_restoration
from tests.engines.conftest import FolderStore, blur_network, raw_network

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
Run = Callable[..., tuple[Image, StepReport]]


@pytest.fixture
def store() -> FolderStore:
    """The usual names, none of them here."""
    found = FolderStore()
    found.add("yunet", None, task="face_detection")
    found.add(DEFAULT_MODEL, None, architecture="rrdbnet", scale=4)
    return found


@pytest.fixture
def blur(store: FolderStore, tmp_path: Path) -> FolderStore:
    """The default, a network whose result is a 3 x 3 mean, four times as large."""
    store.add(DEFAULT_MODEL, blur_network(tmp_path / "blur.onnx", scale=4), scale=4)
    return store


@pytest.fixture
def context(store: FolderStore, settings: Settings) -> Callable[..., Context]:
    def make(*, strict: bool = False, **changes: Any) -> Context:
        changed = settings.with_changes({"strict": strict, "engine.device": "cpu", **changes})
        return Context(
            settings=changed,
            models=Runtime(changed.engine, store),
            step=StepReport(operation="restore_faces"),
            open_image=pytest.fail,
        )

    return make


@pytest.fixture
def restore(context: Callable[..., Context]) -> Run:
    def run(image: Image, *, strict: bool = False, **parameters: Any) -> tuple[Image, StepReport]:
        made = context(strict=strict)
        operation = build("restore_faces", parameters)
        result = operation.apply(image, made)
        assert result.size == operation.output_size(*image.size)
        return result, made.step

    return run


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The bundled portrait; the cascade finds its face."""
    return darkroom.open(SAMPLES / "portrait.jpg")


def test_only_the_face_changes(blur: FolderStore, restore: Run, portrait: Image) -> None:
    result, step = restore(portrait, strength=1)
    (face,) = step.changed["faces"]
    assert face["restored"]
    assert step.method == "model"
    assert step.precision == "fp32"
    different = (result.to_array() != portrait.to_array()).any(axis=2)
    left, top, width, height = face["box"]
    inside = np.zeros_like(different)
    inside[
        max(top - height // 3, 0) : top + height + height // 2, max(left - width // 3, 0) : left + width * 4 // 3
    ] = True
    assert different[inside].mean() > 0.2
    assert not different[~inside].any()


def test_strength_acts_linearly(blur: FolderStore, restore: Run, portrait: Image) -> None:
    made = {strength: restore(portrait, strength=strength)[0].to_float() for strength in (0, 0.25, 0.5, 1)}
    np.testing.assert_array_equal(made[0], portrait.to_float())
    for strength in (0.25, 0.5):
        np.testing.assert_allclose(made[strength], strength * made[1] + (1 - strength) * made[0], atol=1.01 / 255)
    assert np.abs(made[1] - made[0]).max() > 10 / 255


@pytest.mark.parametrize("strength", [-0.1, 1.1, "much"])
def test_a_strength_that_is_none_is_refused_with_its_range(strength: Any) -> None:
    with pytest.raises(InvalidParameters, match="strength") as caught:
        build("restore_faces", {"strength": strength})
    assert "0.0 to 1.0" in str(caught.value.cure)


def test_strength_comes_from_the_settings_where_nobody_says_it(
    blur: FolderStore, context: Callable[..., Context], restore: Run, portrait: Image
) -> None:
    usual = RestoreFaces().apply(portrait, context(**{"faces.restoration_strength": 0.25}))
    np.testing.assert_array_equal(usual.to_array(), restore(portrait, strength=0.25)[0].to_array())


def test_the_way_through_the_network_is_the_specified_one(blur: FolderStore, context: Callable[..., Context]) -> None:
    """A is 512 wide; through the network, four times as large; back by area: of a 3 x 3 mean that is a 3 x 3 mean."""
    before = np.random.default_rng(0).random((512, 512, 3), np.float32)
    restorer = FaceRestorer(context(), "auto", None, 0.8, 512, 1.0)
    restored = restorer.restore(before, 1.0, lambda *_: None)
    mean = cv2.blur(before, (3, 3), borderType=cv2.BORDER_CONSTANT)
    expected = face_restoration.blend(before, face_restoration.same_light(mean, before), 0.8)
    np.testing.assert_allclose(restored.after[100:-100, 100:-100], expected[100:-100, 100:-100], atol=1e-4)


def test_without_a_model_the_picture_stays_and_the_report_says_so(restore: Run, portrait: Image) -> None:
    result, step = restore(portrait)
    np.testing.assert_array_equal(result.to_array(), portrait.to_array())
    assert [fallback.wanted for fallback in step.fallbacks] == [f"faces restored by {DEFAULT_MODEL}"]
    assert not step.changed["faces"][0]["restored"]
    enlarged, _ = restore(portrait, enlarge=2)
    assert enlarged.width == 2 * portrait.width
    with pytest.raises(FallbackRefused):
        restore(portrait, strict=True)
    with pytest.raises(ModelMissing):
        restore(portrait, method="model")


@pytest.mark.parametrize("fault", ["not finite", "black", "no network at all", "another scale"])
def test_a_network_that_fails_leaves_the_face_as_it_was(
    fault: str, store: FolderStore, restore: Run, portrait: Image, tmp_path: Path
) -> None:
    path = tmp_path / "bad.onnx"
    if fault == "not finite":
        raw_network(path, [("Div", [0.0])])
    elif fault == "black":
        blur_network(path, scale=4, gain=0.0)
    elif fault == "another scale":
        blur_network(path, scale=2)
    else:
        path.write_bytes(b"no network")
    store.add(DEFAULT_MODEL, path, scale=4)
    result, step = restore(portrait)
    np.testing.assert_array_equal(result.to_array(), portrait.to_array())
    assert step.fallbacks[-1].used == "the faces as they are, enlarged by Lanczos"


def test_out_of_memory_leaves_the_face_as_it_was(
    blur: FolderStore, restore: Run, portrait: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darkroom.engines.openvino import OpenVino

    def no_room(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(OpenVino, "compile", no_room)
    result, step = restore(portrait)
    np.testing.assert_array_equal(result.to_array(), portrait.to_array())
    assert "out of memory" in step.fallbacks[-1].reason


def test_a_face_that_became_somebody_else_is_refused(
    store: FolderStore, restore: Run, portrait: Image, tmp_path: Path
) -> None:
    """A network for faces that gives the negative: light at large is put right, whose face it is cannot be."""
    store.add("negative", raw_network(tmp_path / "negative.onnx", [("Mul", [-1.0])]), task="face_restoration")
    result, step = restore(portrait, model="negative")
    np.testing.assert_array_equal(result.to_array(), portrait.to_array())
    assert step.changed["faces"][0]["drift"] == 1
    assert not step.changed["faces"][0]["restored"]
    assert "somebody else" in step.warnings[0]
    taken, _ = restore(portrait, model="negative", max_drift=1)
    assert (taken.to_array() != portrait.to_array()).any()


def test_a_network_for_faces_takes_512_pixels_from_minus_one_to_one(
    store: FolderStore, context: Callable[..., Context], tmp_path: Path
) -> None:
    store.add("half", raw_network(tmp_path / "half.onnx", [("Mul", [0.5])]), task="face_restoration")
    before = cv2.GaussianBlur(np.random.default_rng(0).random((1024, 1024, 3), np.float32), (0, 0), 8)
    restorer = FaceRestorer(context(), "model", "half", 1.0, 1024, 1.0)
    after = restorer.restore(before, 1.0, lambda *_: None).after
    halved = before / 2 + np.float32(0.25)
    expected = face_restoration.same_light(halved, before)
    assert after.shape == (1024, 1024, 3)
    assert np.abs(after - expected)[8:-8, 8:-8].mean() < 0.004


def test_a_model_for_something_else_is_refused(store: FolderStore, restore: Run, portrait: Image) -> None:
    store.add("twice", None, scale=2)
    for name in ("twice", "yunet"):
        with pytest.raises(InvalidParameters, match="restores no faces"):
            restore(portrait, model=name)


def test_builtin_needs_no_model_and_makes_the_face_clearer(restore: Run, portrait: Image) -> None:
    small = Image.from_array(cv2.resize(portrait.to_array(), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA))
    result, step = restore(small, method="builtin", enlarge=4, strength=1)
    plain, _ = restore(small, method="builtin", enlarge=4, strength=0)
    assert step.changed["faces"][0]["restored"]
    assert step.method == "builtin"
    left, top, width, height = (4 * value for value in step.changed["faces"][0]["box"])
    area = np.s_[top : top + height, left : left + width]

    def steepness(image: Image) -> float:
        return float(np.abs(np.diff(image.to_float()[area], axis=1)).mean())

    assert steepness(result) > 1.02 * steepness(plain)


def test_alpha_bits_and_frames_are_kept(blur: FolderStore, restore: Run, portrait: Image) -> None:
    pixels = portrait.to_array()
    alpha = np.tile(np.linspace(0, 255, pixels.shape[1]).astype(np.uint8), (pixels.shape[0], 1))
    wide = Image.from_array(np.dstack([pixels, alpha]).astype(np.uint16) * 257)
    result, _ = restore(wide)
    assert result.bits == 16
    np.testing.assert_array_equal(result.to_array()[..., 3], wide.to_array()[..., 3])
    moving = portrait.with_frames(portrait.frames * 2)
    moving = Image(moving.frames, animation=Animation(delays=(40, 60)))
    result, step = restore(moving)
    assert result.animation == moving.animation
    assert [face["frame"] for face in step.changed["faces"]] == [0, 1]
    np.testing.assert_array_equal(result.to_array(0), result.to_array(1))


def test_a_grey_picture_stays_grey(blur: FolderStore, restore: Run, portrait: Image) -> None:
    grey = Image.from_array(cv2.cvtColor(portrait.to_array(), cv2.COLOR_RGB2GRAY))
    result, step = restore(grey)
    assert step.changed["faces"]
    assert np.ptp(result.to_array(), axis=2).max() == 0


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (64, 64)])
def test_pictures_without_faces_come_back_as_they_were(width: int, height: int, restore: Run) -> None:
    image = Image.from_array(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))
    result, step = restore(image, method="builtin")
    np.testing.assert_array_equal(result.to_array(), image.to_array())
    assert step.warnings == ["No face was found: nothing was restored."]


def test_with_real_weights_every_face_is_restored(store: FolderStore, restore: Run, shared: Path) -> None:
    """YuNet's five faces of twenty pixels, through a compact network of four times."""
    store.add("detector", shared / "models/faces/yunet_n_640_640.onnx", task="face_detection")
    store.add("compact", shared / "models/upscale/compact-lite-x4.pth", architecture="srvgg", scale=4)
    image = darkroom.open(shared / "images/people/u2_five_women.jpeg")
    _, step = restore(image, enlarge=2)
    assert [face["restored"] for face in step.changed["faces"]] == [True] * 5
    assert max(face["drift"] for face in step.changed["faces"]) < 0.05
    assert step.models[-1].name == "compact"
