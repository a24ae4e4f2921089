"""Bytes into pictures: limits first, upright, sRGB, whole or not at all."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from darkroom import codecs
from darkroom.codecs import colour
from darkroom.codecs.containers import png_chunk
from darkroom.errors import CorruptImage, DarkroomError, InputNotFound, LimitExceeded, UnsupportedFormat
from darkroom.image import Image
from darkroom.settings import Limits

LIMITS = Limits()


def saved(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def decode(data: bytes, **options) -> Image:
    return codecs.decode(data, limits=options.pop("limits", LIMITS), **options)


def corners() -> PIL.Image.Image:
    """48 x 32 pixels, each quarter of its own colour, so that every orientation looks different."""
    picture = PIL.Image.new("RGB", (48, 32), (250, 10, 10))
    for box, fill in (((24, 0), (10, 250, 10)), ((0, 16), (10, 10, 250)), ((24, 16), (240, 240, 20))):
        picture.paste(fill, (*box, box[0] + 24, box[1] + 16))
    return picture


def swatch(width: int = 24, height: int = 16, bands: int = 3) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, bands), dtype=np.uint8)


# --- where bytes come from -------------------------------------------------------------------------------------------


def test_a_path_bytes_and_a_stream_give_the_same_picture(tmp_path: Path):
    data = saved(corners(), "PNG")
    (tmp_path / "holiday.jpg").write_bytes(data)  # the name lies; the content counts
    from_path = codecs.decode(tmp_path / "holiday.jpg", limits=LIMITS)
    from_stream = codecs.decode(io.BytesIO(data), limits=LIMITS)
    assert from_path.origin.format == "png"
    assert from_path.origin.name == "holiday.jpg"
    assert np.array_equal(from_path.to_array(), np.asarray(corners()))
    assert np.array_equal(from_stream.to_array(), from_path.to_array())


def test_what_cannot_be_opened_says_so(tmp_path: Path):
    with pytest.raises(InputNotFound, match=r"no file .*nowhere\.png"):
        codecs.decode(tmp_path / "nowhere.png", limits=LIMITS)
    with pytest.raises(InputNotFound, match="is a folder"):
        codecs.decode(tmp_path, limits=LIMITS)
    with pytest.raises(CorruptImage, match="empty"):
        decode(b"")


# --- limits, from the header -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"input_bytes": 100}, r"MB; the limit is 0\.0 MB"),
        ({"pixels": 48 * 32 - 1}, r"48 x 32 pixels"),
        ({"dimension": 47}, r"the limit is 47 to a side"),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"])
def test_limits_hold_for_every_format(kind: str, limits: dict, told: str):
    data = saved(corners(), kind)
    with pytest.raises(LimitExceeded, match=told) as caught:
        decode(data + bytes(120), limits=Limits(**limits))
    assert caught.value.cure
    assert "limits." in caught.value.cure
    exact = Limits(input_bytes=len(data), pixels=48 * 32, dimension=48)
    assert decode(data, limits=exact).size == (48, 32)


def test_a_stream_is_read_no_further_than_the_limit():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, count: int = -1) -> bytes:
            assert count > 0
            self.given += count
            return bytes(count)

    endless = Endless()
    with pytest.raises(LimitExceeded, match="more than"):
        codecs.decode(endless, limits=Limits(input_bytes=5000))
    assert endless.given <= 5001


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_frames_are_counted_before_they_are_decoded(kind: str):
    frames = [PIL.Image.fromarray(swatch()), *[PIL.Image.new("RGB", (24, 16), (i, 0, 0)) for i in (40, 120, 200)]]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    with pytest.raises(LimitExceeded, match="4 frames; the limit is 3"):
        decode(data, limits=Limits(frames=3))
    with pytest.raises(LimitExceeded, match="24 x 16 pixels in 4 frames"):
        decode(data, limits=Limits(pixels=24 * 16 * 4 - 1))
    assert len(decode(data).frames) == 4


def test_a_header_that_promises_a_huge_picture_costs_nothing():
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    with pytest.raises(LimitExceeded, match=r"60000 x 60000 pixels, 3600 megapixels; the limit is 250"):
        decode(b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))))


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"])
@pytest.mark.parametrize("part", [0.5, 0.8, 0.95])
def test_a_file_that_is_cut_off_is_an_error(kind: str, part: float):
    data = saved(PIL.Image.fromarray(swatch(200, 150)), kind)
    with pytest.raises(CorruptImage) as caught:
        decode(data[: int(len(data) * part)], name="cut.bin")
    assert "cut.bin" in caught.value.message
    assert caught.value.cure


@hypothesis_settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "ICO"]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_scribbled_bytes_end_in_a_picture_or_in_an_error_of_ours(kind: str, changes: list[tuple[int, int]]):
    data = bytearray(saved(PIL.Image.fromarray(swatch(16, 16)), kind))
    for at, value in changes:
        data[at % len(data)] = value
    try:
        picture = decode(bytes(data), limits=Limits(pixels=1_000_000))
    except DarkroomError:
        return
    assert picture.to_array().size == picture.width * picture.height * picture.frames[0].bands


# --- orientation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("TIFF", 0), ("WEBP", 0), ("JPEG", 12)])
def test_every_orientation_comes_out_upright(kind: str, tolerance: int, orientation: int):
    exif = PIL.Image.Exif()
    exif[0x112] = orientation
    stored = {
        1: lambda p: p,
        2: lambda p: p.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda p: p.transpose(PIL.Image.Transpose.ROTATE_180),
        4: lambda p: p.transpose(PIL.Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda p: p.transpose(PIL.Image.Transpose.TRANSPOSE),
        6: lambda p: p.transpose(PIL.Image.Transpose.ROTATE_90),
        7: lambda p: p.transpose(PIL.Image.Transpose.TRANSVERSE),
        8: lambda p: p.transpose(PIL.Image.Transpose.ROTATE_270),
    }[orientation](corners())
    options = {"lossless": True} if kind == "WEBP" else {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    picture = decode(saved(stored, kind, exif=exif, **options))
    assert picture.size == (48, 32)
    assert picture.origin.orientation == orientation
    assert np.abs(picture.to_array().astype(int) - np.asarray(corners())).max() <= tolerance


def test_the_eight_real_orientations_are_upright_and_equal(pictures: Path):
    folder = pictures / "exif_orientation"
    reference = codecs.decode(folder / "Landscape_1.jpg", limits=LIMITS).to_array().astype(int)
    for number in range(2, 9):
        other = codecs.decode(folder / f"Landscape_{number}.jpg", limits=LIMITS).to_array().astype(int)
        assert other.shape == reference.shape
        # They were made by different runs of a JPEG encoder: close, and much closer than any wrong way round.
        assert np.abs(other - reference).mean() < 8
        assert np.abs(other[::-1, ::-1] - reference).mean() > 40


def test_avif_is_turned_once(pictures: Path):
    folder = pictures / "exif_orientation"
    assert codecs.decode(folder / "avif-orientation-6.avif", limits=LIMITS).size == (3024, 4032)
    for name in ("rot0mir1.avif", "rot1mir0.avif"):
        ours = codecs.decode(folder / name, limits=LIMITS).to_array()
        theirs = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(folder / name)).convert("RGB"))
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).mean() < 2


# --- colour ----------------------------------------------------------------------------------------------------------


def test_an_srgb_profile_moves_no_pixel():
    pixels = swatch(64, 64)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(saved(PIL.Image.fromarray(pixels), "PNG", icc_profile=profile))
    assert np.array_equal(picture.to_array(), pixels)
    assert "sRGB" in (picture.origin.profile or "")


@pytest.mark.parametrize("name", ["Channel_digital_image_CMYK_color.jpg", "p3.png", "prophoto.png", "sample-xyb.jpg"])
def test_profiles_agree_with_an_independent_path(pictures: Path, name: str):
    source = PIL.Image.open(pictures / "formats" / name)
    profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(source.info["icc_profile"]))
    expected = PIL.ImageCms.profileToProfile(
        source.convert("RGB") if source.mode == "RGBA" else source,
        profile,
        PIL.ImageCms.createProfile("sRGB"),
        renderingIntent=PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=PIL.ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    ours = codecs.decode(pictures / "formats" / name, limits=LIMITS).to_array()[..., :3]
    assert np.abs(ours.astype(int) - np.asarray(expected)).max() <= 1
    if name != "sample-xyb.jpg":
        assert PIL.Image.open(pictures / "formats" / name).mode == source.mode
    untouched = np.asarray(source.convert("RGB"))
    assert np.abs(ours.astype(int) - untouched).max() > 3, "the profile changed nothing"


def test_cmyk_without_a_profile_looks_like_itself(pictures: Path):
    folder = pictures / "formats"
    tagged = codecs.decode(folder / "Channel_digital_image_CMYK_color.jpg", limits=LIMITS).to_array().astype(int)
    bare = codecs.decode(folder / "Channel_digital_image_CMYK_color_no_profile.jpg", limits=LIMITS).to_array()
    assert bare.shape == tagged.shape
    assert np.abs(tagged - bare).mean() < 12


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        (b"not a profile at all" * 20, "is not a profile"),
        (bytes(36) + b"acsp" + bytes(400), "does not fit"),
        (bytes(16) + b"RGB XYZ " + bytes(12) + b"acsp" + bytes(400), "is broken"),
    ],
)
def test_a_broken_profile_is_a_warning(profile: bytes, told: str):
    pixels = swatch()
    warnings: list[str] = []
    picture = decode(saved(PIL.Image.fromarray(pixels), "PNG", icc_profile=profile), warnings=warnings)
    if warnings:  # libpng itself drops a profile whose header makes no sense
        assert told in warnings[0]
    assert np.array_equal(picture.to_array(), pixels)
    assert told in (colour.unusable(profile, 3) or "")


def test_our_grey_profile_is_read_as_the_srgb_curve():
    assert colour.unusable(colour.grey_profile(), 1) is None
    assert colour.is_srgb(colour.grey_profile(), 1)
    described = PIL.ImageCms.getProfileDescription(PIL.ImageCms.ImageCmsProfile(io.BytesIO(colour.grey_profile())))
    assert "sRGB" in described


def test_grey_palette_and_one_bit_become_rgb():
    grey = PIL.Image.fromarray(swatch()[..., 0])
    picture = decode(saved(grey, "PNG"))
    assert picture.grey
    assert np.array_equal(picture.to_array(), np.repeat(np.asarray(grey)[..., None], 3, axis=2))
    palette = corners().quantize(4)
    picture = decode(saved(palette, "PNG"))
    assert not picture.grey
    assert np.array_equal(picture.to_array(), np.asarray(palette.convert("RGB")))
    bits = PIL.Image.fromarray(swatch()[..., 0] > 127)
    assert set(np.unique(decode(saved(bits, "TIFF")).to_array())) == {0, 255}


def test_sixteen_bits_are_kept():
    values = np.linspace(0, 65535, 24 * 16).astype(np.uint16).reshape(16, 24)
    for kind in ("PNG", "TIFF", "PPM"):
        picture = decode(saved(PIL.Image.fromarray(values), kind))
        assert picture.bits == 16
        assert picture.grey
        assert np.array_equal(picture.to_array()[..., 0], values), kind


def test_float_tiffs_are_read_as_zero_to_one():
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    frame = codecs.vips().Image.new_from_array(values)
    picture = decode(frame.tiffsave_buffer())
    assert picture.bits == 16
    assert np.abs(picture.to_float()[..., 0] - values).max() < 1e-4


def test_twelve_bits_and_lab(pictures: Path):
    twelve = codecs.decode(pictures / "formats" / "12bit.cropped.tif", limits=LIMITS)
    assert (twelve.bits, twelve.origin.bits) == (16, 12)
    samples = np.asarray(PIL.Image.open(pictures / "formats" / "12bit.cropped.tif")).astype(float)
    assert np.abs(twelve.to_array()[..., 0] - samples * 65535 / 4095).max() <= 0.5, "12 bits are stretched to 16"
    lab = codecs.decode(pictures / "formats" / "lab.tif", limits=LIMITS).to_array()
    assert lab.min() > 65000, "L 255, a 0, b 0 is white"


# --- the rest of the contract ----------------------------------------------------------------------------------------


def test_animation_keeps_frames_delays_and_loop(pictures: Path):
    looped = codecs.decode(pictures / "formats" / "animated-loop-3.webp", limits=LIMITS)
    assert looped.animation is not None
    assert (len(looped.frames), looped.animation.loop, looped.animation.delays[0]) == (10, 3, 3000)
    star = codecs.decode(pictures / "formats" / "star.avifs", limits=LIMITS)
    assert (len(star.frames), star.size, star.has_alpha) == (5, (159, 159), True)


def test_svg_is_drawn_to_fit():
    square = b'<rect width="20" height="20" fill="red"/>'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">' + square + b"</svg>"
    picture = decode(svg, svg_size=(200, 200))
    assert picture.size == (200, 100)
    assert picture.to_array()[50, 50].tolist() == [255, 0, 0, 255]
    assert picture.to_array()[50, 150, 3] == 0
    with pytest.raises(LimitExceeded):
        decode(svg, svg_size=(100_000, 100_000))


def test_svg_sees_no_file_of_ours(tmp_path: Path):
    (tmp_path / "secret.png").write_bytes(saved(PIL.Image.new("RGB", (8, 8), "lime"), "PNG"))
    for reference in (f"file://{tmp_path}/secret.png", f"{tmp_path}/secret.png", "secret.png"):
        shown = f'<image href="{reference}" width="8" height="8"/>'
        (tmp_path / "a.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">{shown}</svg>')
        assert codecs.decode(tmp_path / "a.svg", limits=LIMITS).to_array().max() == 0


def test_untrusted_loaders_are_blocked(tmp_path: Path):
    pyvips = codecs.vips()
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')
    with pytest.raises(pyvips.Error, match="blocked"):
        pyvips.Image.svgload(str(tmp_path / "a.svg"))


def test_jpeg_quality_and_subsampling_are_read_from_its_tables():
    for quality in (35, 60, 75, 85, 92, 98):
        for code, name in ((0, "4:4:4"), (2, "4:2:0")):
            origin = decode(saved(PIL.Image.fromarray(swatch()), "JPEG", quality=quality, subsampling=code)).origin
            assert (origin.quality, origin.subsampling, origin.lossless) == (quality, name, False)


def test_threads_do_not_meet():
    files = [saved(PIL.Image.fromarray(swatch(64, 48)), kind) for kind in ("PNG", "TIFF", "BMP")] * 8
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda data: decode(data).to_array(), files))
    assert all(np.array_equal(result, swatch(64, 48)) for result in results)


# --- real files ------------------------------------------------------------------------------------------------------

PICTURE = "picture"
FORMATS: dict[str, str] = {
    "12bit.cropped.tif": PICTURE,
    "16-bit-grey-alpha.png": PICTURE,
    "1bit.tif": PICTURE,
    "5_webp_a.webp": PICTURE,
    "8bit_depth.tiff": PICTURE,
    "Channel_digital_image_CMYK_color.jpg": PICTURE,
    "Channel_digital_image_CMYK_color_no_profile.jpg": PICTURE,
    "G31D_MULTI.TIF": PICTURE,
    "IMG_5195.HEIC": "HEIC",
    "alpha-premultiply-1024x768-paper.png": PICTURE,
    "animated-loop-3.webp": PICTURE,
    "ball.png": PICTURE,
    "blankpage.pdf": "PDF",
    "blend_op_over.png": PICTURE,
    "cat.jpg": PICTURE,
    "check.svg": PICTURE,
    "dispose-background.gif": PICTURE,
    "dispose-previous.gif": PICTURE,
    "favicon.ico": PICTURE,
    "full-transparent.png": PICTURE,
    "gain-map.jpg": PICTURE,
    "gamma_dalai_lama_gray.jpg": PICTURE,
    "heif.heif": "HEIC",
    "hopper.ppm": PICTURE,
    "hopper.psd": "Photoshop",
    "hopper.qoi": "QOI",
    "hopper_bigtiff.tif": PICTURE,
    "image-in-alpha.png": PICTURE,
    "iss634.gif": PICTURE,
    "jxl.jxl": "JPEG XL",
    "lab.tif": PICTURE,
    "logo.svg": PICTURE,
    "lossy_alpha.webp": PICTURE,
    "ojpeg-strip.tif": "Old-style JPEG",
    "p3.png": PICTURE,
    "pal4rle.bmp": PICTURE,
    "pil_sample_cmyk.jpg": PICTURE,
    "pitm.avif": PICTURE,
    "prophoto.png": PICTURE,
    "python.ico": PICTURE,
    "relax.jp2": "JPEG 2000",
    "rgb24jpeg.bmp": "Unsupported BMP",
    "rgb24prof.bmp": PICTURE,
    "rgb_trns.png": PICTURE,
    "rgba32.bmp": PICTURE,
    "rotating-squares.gif": PICTURE,
    "rotating-squares.webp": PICTURE,
    "sample-xyb.jpg": PICTURE,
    "sample.exr": "OpenEXR",
    "small.bmp": PICTURE,
    "star.avifs": PICTURE,
    "struct-image-04-t.svg": PICTURE,
    "targa.tga": "Targa",
    "tiff_16bit_RGB.tiff": PICTURE,
    "tiff_16bit_RGBa.tiff": PICTURE,
    "tiff_strip_cmyk_jpeg.tif": PICTURE,
    "transparency.avif": PICTURE,
    "uncompressed_tiff.tiff": PICTURE,
    "world.jp2": "JPEG 2000",
}


@pytest.mark.parametrize(("name", "verdict"), FORMATS.items())
def test_every_real_format_decodes_or_is_refused_by_name(pictures: Path, name: str, verdict: str):
    path = pictures / "formats" / name
    if verdict == PICTURE:
        picture = codecs.decode(path, limits=LIMITS)
        assert picture.to_array().shape == (picture.height, picture.width, 4 if picture.has_alpha else 3)
        with PIL.Image.open(path) if path.suffix != ".svg" else PIL.Image.new("1", picture.size) as theirs:
            assert set(picture.size) == set(theirs.size)
    else:
        with pytest.raises(UnsupportedFormat, match=verdict) as caught:
            codecs.decode(path, limits=LIMITS)
        assert caught.value.cure


def test_the_table_names_every_real_file(pictures: Path):
    assert {path.name for path in (pictures / "formats").iterdir()} == set(FORMATS)


CHILD = """
import json, resource, sys, time
from pathlib import Path
from darkroom import codecs
from darkroom.errors import DarkroomError
from darkroom.settings import Limits
import PIL.Image
codecs.vips().Image.black(8, 8).copy_memory()
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 1_000_000_000,) * 2)
for name in sys.argv[1:]:
    started = time.monotonic()
    try:
        size = codecs.decode(Path(name), limits=Limits()).size
        verdict = "picture"
    except DarkroomError as error:
        verdict = type(error).__name__ if error.cure else "no cure"
    print(json.dumps([name, verdict, time.monotonic() - started]), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not in CI: the memory limit is set the way of Linux")
def test_hostile_files_end_soon_and_small(pictures: Path):
    files = sorted(str(path) for path in (pictures / "hostile").iterdir())
    command = [sys.executable, "-c", CHILD, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    verdicts = {Path(name).name: (verdict, took) for name, verdict, took in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(verdicts) == len(files)
    assert max(took for _, took in verdicts.values()) < 10
    refused = {"CorruptImage", "UnsupportedFormat", "LimitExceeded"}
    assert {verdict for verdict, _ in verdicts.values()} <= refused | {"picture"}
    for name in ("truncated.jpg", "truncated.png", "truncated.gif", "broken_data_stream.png", "shortfile.bmp"):
        assert verdicts[name][0] == "CorruptImage", name
    for name in ("17000x17000.avif", "decompression_bomb.ico", "reallybig.bmp"):
        assert verdicts[name][0] == "LimitExceeded", name
    for name in ("looks-like-svg.webp", "junk_jpeg_header.jpg", "hopper_bad_exif.jpg"):
        assert verdicts[name][0] == "picture", name
