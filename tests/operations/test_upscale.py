"""Upscale: the network that was asked for, or the builtin one and a word about it; alpha, grey and 16 bits kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file

from darkroom.engines.sessions import Runtime
from darkroom.errors import DarkroomError, FallbackRefused, InvalidParameters, ModelMissing, UnsafeWeights
from darkroom.image import Animation, Image
from darkroom.operation import Context, build
from darkroom.operations.upscale import Upscale
from darkroom.report import StepReport
from darkroom.settings import Settings
from tests.engines.conftest import FolderStore, blur_network

Result = tuple[Image, StepReport]
Run = Callable[..., Result]

NAMES = {
    "realesrgan-x2plus": 2,
    "realesrgan-x4plus": 4,
    "realesrgan-x4plus-anime-6b": 4,
    "realesr-animevideov3": 4,
    "realesr-general-x4v3": 4,
    "realesr-general-wdn-x4v3": 4,
}


@pytest.fixture
def store() -> FolderStore:
    """Every official name, none of them here."""
    found = FolderStore()
    for name, scale in NAMES.items():
        found.add(name, None, architecture="rrdbnet" if name.startswith("realesrgan") else "srvgg", scale=scale)
    return found


@pytest.fixture
def upscale(store: FolderStore, settings: Settings) -> Run:
    def run(image: Image, *, strict: bool = False, is_cancelled: Any = None, **parameters: Any) -> Result:
        changed = settings.with_changes({"strict": strict, "engine.precision": "fp32", "engine.device": "cpu"})
        report = StepReport(operation="upscale")
        context = Context(
            settings=changed,
            models=Runtime(changed.engine, store),
            step=report,
            open_image=pytest.fail,
            is_cancelled=is_cancelled,
        )
        operation = build("upscale", parameters)
        result = operation.apply(image, context)
        assert result.size == operation.output_size(*image.size)
        return result, report

    return run


@pytest.fixture
def blur(store: FolderStore, tmp_path: Path) -> FolderStore:
    """A custom network of scale 2 whose result is the source, a little blurred."""
    store.add("blur", blur_network(tmp_path / "blur.onnx", scale=2), scale=2)
    return store


def compact(path: Path, seed: int) -> Path:
    """A small SRVGGNetCompact of scale 4."""
    numbers = np.random.default_rng(seed)
    state: dict[str, Any] = {"body.1.weight": np.full(8, 0.25, np.float32)}
    for index, (out, seen) in {0: (8, 3), 2: (48, 8)}.items():
        state[f"body.{index}.weight"] = (numbers.standard_normal((out, seen, 3, 3)) / 30).astype(np.float32)
        state[f"body.{index}.bias"] = np.zeros(out, np.float32)
    save_file(state, path)
    return path


def photograph(height: int = 40, width: int = 60, bands: int = 3, kind: Any = np.uint8) -> Image:
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [128 + 100 * np.sin(rows / 5 + index) * np.cos(columns / 7) for index in range(bands)]
    pixels = np.stack(channels, axis=2)
    return Image.from_array((pixels * (257 if kind is np.uint16 else 1)).astype(kind))


# --- without a network ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_builtin_works_without_any_model(scale: int, upscale: Run) -> None:
    result, report = upscale(photograph(), scale=scale, method="builtin", strict=True)
    assert result.size == (60 * scale, 40 * scale)
    assert (report.method, report.models, report.fallbacks) == ("builtin", [], [])


def test_auto_without_a_model_says_so(upscale: Run) -> None:
    result, report = upscale(photograph(), scale=2)
    assert result.size == (120, 80)
    assert report.method == "builtin"
    (fallback,) = report.fallbacks
    assert "realesrgan-x2plus" in fallback.wanted
    assert fallback.used == "builtin"
    assert "darkroom models pull" in fallback.reason


def test_strict_and_method_model_refuse_the_builtin_way(upscale: Run) -> None:
    with pytest.raises(FallbackRefused, match="realesrgan-x4plus"):
        upscale(photograph(), scale=3, strict=True)
    with pytest.raises(ModelMissing, match="realesrgan-x4plus"):
        upscale(photograph(), scale=4, method="model")


def test_unsafe_weights_are_never_passed_over(upscale: Run, store: FolderStore, tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(b"\x80\x02cposix\nsystem\nX\x05\x00\x00\x00false\x85R.")
    store.add("evil", path, architecture="rrdbnet")
    with pytest.raises(UnsafeWeights):
        upscale(photograph(), model="evil")


# --- which network ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "name"), [(2, "realesrgan-x2plus"), (3, "realesrgan-x4plus"), (4, "realesrgan-x4plus")]
)
def test_the_usual_model_for_each_scale(
    scale: int, name: str, upscale: Run, store: FolderStore, tmp_path: Path
) -> None:
    store.add(name, blur_network(tmp_path / "a.onnx", scale=NAMES[name]), scale=NAMES[name])
    _, report = upscale(photograph(), scale=scale, strict=True)
    assert [use.name for use in report.models] == [name]
    assert report.method == "model"
    assert ("resized" in report.changed) == (scale == 3)


def test_auto_takes_what_is_ready_and_says_why(blur: FolderStore, upscale: Run) -> None:
    _, report = upscale(photograph(), scale=2, strict=True)
    assert [use.name for use in report.models] == ["blur"]
    assert report.changed["chosen"] == "blur, because it is ready and realesrgan-x2plus is not"


def test_networks_for_drawings_are_a_last_resort(upscale: Run, store: FolderStore, tmp_path: Path) -> None:
    anime = "realesr-animevideov3"
    store.add(anime, blur_network(tmp_path / "a.onnx", scale=4), scale=4)
    _, report = upscale(photograph(), scale=4)
    assert [use.name for use in report.models] == [anime]
    assert "drawings" in report.warnings[0]
    store.add("realesrgan-x2plus", blur_network(tmp_path / "b.onnx", scale=2), scale=2)
    _, report = upscale(photograph(), scale=4)
    assert [use.name for use in report.models] == ["realesrgan-x2plus"]


@pytest.mark.parametrize("network_scale", [1, 2, 4])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_any_scale_from_any_network(
    network_scale: int, scale: int, upscale: Run, store: FolderStore, tmp_path: Path
) -> None:
    store.add("own", blur_network(tmp_path / "n.onnx", scale=network_scale), scale=network_scale)
    source = photograph()
    result, _ = upscale(source, scale=scale, model="own")
    blurred = cv2.blur(source.to_array(), (3, 3), borderType=cv2.BORDER_REFLECT_101)
    known = blurred.repeat(network_scale, 0).repeat(network_scale, 1)
    how = cv2.INTER_AREA if scale < network_scale else cv2.INTER_CUBIC
    wanted = cv2.resize(known, result.size, interpolation=how)
    assert abs(result.to_array().astype(int) - wanted).mean() < 1


def test_denoising_is_mixed_from_two_networks(upscale: Run, store: FolderStore, tmp_path: Path) -> None:
    for seed, name in enumerate(["realesr-general-x4v3", "realesr-general-wdn-x4v3"]):
        store.add(name, compact(tmp_path / f"{name}.safetensors", seed), architecture="srvgg", scale=4)
    strong, report = upscale(photograph(), scale=4, denoise_strength=1)
    assert [use.name for use in report.models] == ["realesr-general-x4v3"]
    weak, report = upscale(photograph(), scale=4, denoise_strength=0, model="realesr-general-x4v3")
    assert [use.name for use in report.models] == ["realesr-general-wdn-x4v3"]
    middle, report = upscale(photograph(), scale=4, denoise_strength=0.5)
    assert len(report.models) == 2
    distance = [abs(middle.to_array().astype(int) - end.to_array()).mean() for end in (strong, weak)]
    assert 0 < max(distance) < abs(strong.to_array().astype(int) - weak.to_array()).mean()


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"scale": 5}, "scale"),
        ({"denoise_strength": 1.5}, "denoise_strength"),
        ({"denoise_strength": 0.5, "model": "realesrgan-x4plus"}, "denoise_strength"),
        ({"denoise_strength": 0.5, "method": "builtin"}, "denoise_strength"),
        ({"model": "blur", "method": "builtin"}, "model"),
        ({"model": "cutter"}, "model"),
        ({"tile": 16}, "tile"),
        ({"tile": 4096}, "tile"),
        ({"tile": 64, "overlap": 17}, "overlap"),
        ({"tiles": 64}, "tiles"),
    ],
)
def test_a_wrong_parameter_is_named(
    parameters: Any, field: str, blur: FolderStore, upscale: Run, tmp_path: Path
) -> None:
    blur.add("cutter", blur_network(tmp_path / "c.onnx"), task="matte")
    with pytest.raises(InvalidParameters) as caught:
        upscale(photograph(), **parameters)
    assert caught.value.field == field


def test_tile_and_overlap_hardly_change_the_result(blur: FolderStore, upscale: Run) -> None:
    whole, _ = upscale(photograph(), model="blur", tile="auto")
    tiled, _ = upscale(photograph(), model="blur", tile=32, overlap=8)
    assert abs(whole.to_array().astype(int) - tiled.to_array()).max() <= 1


def test_a_stop_is_heard_between_tiles(blur: FolderStore, upscale: Run) -> None:
    asked: list[int] = []

    def third_time() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(DarkroomError, match="cancelled"):
        upscale(photograph(), model="blur", tile=32, overlap=8, is_cancelled=third_time)
    assert len(asked) == 3


# --- what must be kept ------------------------------------------------------------------------------------------------

METHODS = pytest.mark.parametrize(
    "parameters", [{"method": "builtin"}, {"model": "blur"}, {"model": "blur", "scale": 3}]
)


@METHODS
def test_sixteen_bits_stay(parameters: Any, blur: FolderStore, upscale: Run) -> None:
    result, _ = upscale(photograph(kind=np.uint16), **parameters)
    assert result.bits == 16
    assert len(np.unique(result.to_array())) > 1000


@METHODS
def test_grey_stays_grey(parameters: Any, blur: FolderStore, upscale: Run) -> None:
    source = Image.from_array(photograph().to_array()[..., 0])
    result, _ = upscale(source, **parameters)
    pixels = result.to_array()
    assert result.grey
    assert (pixels == pixels[..., :1]).all()


@METHODS
def test_alpha_is_treated_as_well_as_the_colours(parameters: Any, blur: FolderStore, upscale: Run) -> None:
    """A green disc on clear magenta: nothing of the magenta may be seen at its edge."""
    rows, columns = np.mgrid[0:48, 0:48]
    pixels = np.zeros((48, 48, 4), np.uint8)
    pixels[:] = (255, 0, 255, 0)
    inside = np.clip(16.5 - np.hypot(rows - 24, columns - 24), 0, 1)
    pixels[inside > 0] = (0, 180, 0, 0)
    pixels[..., 3] = np.rint(inside * 255)
    result, _ = upscale(Image.from_array(pixels), **parameters)
    large = result.to_array()
    scale = parameters.get("scale", 2)
    seen = large[..., 3] > 8
    assert large[seen][:, 0].max() <= 8
    assert large[seen][:, 2].max() <= 8
    assert abs(large[seen][:, 1].astype(int) - 180).max() <= 8
    # What was clear or solid stays exactly so, and the disc keeps its size.
    assert large[: 4 * scale, :, 3].max() == 0
    assert (large[22 * scale : 26 * scale, 22 * scale : 26 * scale, 3] == 255).all()
    assert large[..., 3].sum() / 255 / scale**2 == pytest.approx(inside.sum(), rel=0.02)


@METHODS
def test_an_opaque_alpha_stays_opaque(parameters: Any, blur: FolderStore, upscale: Run) -> None:
    pixels = np.dstack([photograph().to_array(), np.full((40, 60), 255, np.uint8)])
    result, _ = upscale(Image.from_array(pixels), **parameters)
    assert (result.to_array()[..., 3] == 255).all()


@METHODS
def test_every_frame_is_enlarged(parameters: Any, blur: FolderStore, upscale: Run) -> None:
    first, second = photograph(), Image.from_array(255 - photograph().to_array())
    moving = Image(frames=(*first.frames, *second.frames), animation=Animation((40, 60), 3))
    result, _ = upscale(moving, **parameters)
    assert result.animation == moving.animation
    for index, still in enumerate((first, second)):
        alone, _ = upscale(still, **parameters)
        np.testing.assert_array_equal(result.to_array(index), alone.to_array())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (3, 2)])
@METHODS
def test_the_smallest_pictures(height: int, width: int, parameters: Any, blur: FolderStore, upscale: Run) -> None:
    colour = Image.from_array(np.full((height, width, 3), 77, np.uint8))
    pixels = upscale(colour, **parameters)[0].to_array()
    assert abs(pixels.astype(int) - 77).max() <= 1


@pytest.mark.parametrize("name", ["realesr-animevideov3", "compact-lite-x4"])
def test_real_weights_sharpen_a_real_picture(name: str, upscale: Run, store: FolderStore, shared: Path) -> None:
    """Both networks are made for damaged pictures: steeper edges than Lanczos, and the same picture when made small."""
    store.add(name, shared / "models" / "upscale" / f"{name}.pth", architecture="srvgg", scale=4)
    source = cv2.imread(str(shared / "images" / "jpeg_artifacts" / "comic.lq.png"))
    assert source is not None
    pixels = np.ascontiguousarray(source[..., ::-1])
    result, report = upscale(Image.from_array(pixels), scale=4, model=name)
    large = result.to_array()
    plain = cv2.resize(pixels, result.size, interpolation=cv2.INTER_LANCZOS4)
    assert np.abs(np.diff(large.astype(int), axis=1)).max() > np.abs(np.diff(plain.astype(int), axis=1)).max()
    small = cv2.resize(large, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_AREA)
    assert abs(small.astype(int) - pixels).mean() < 12
    assert report.models[0].digest.isalnum()


def test_the_schema_describes_every_parameter() -> None:
    for name, about in Upscale.model_json_schema()["properties"].items():
        assert name == "type" or about["description"]
