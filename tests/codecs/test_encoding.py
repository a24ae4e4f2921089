"""Pictures into bytes: nothing lost unasked, and a word about what had to be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.ExifTags
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from darkroom import codecs
from darkroom.codecs.encoding import WRITTEN, default_format
from darkroom.errors import NotAcceptable, OutputError
from darkroom.image import Animation, Encoding, Image, Metadata, Origin
from darkroom.settings import Limits

LIMITS = Limits()


def decode(data: bytes) -> Image:
    return codecs.decode(data, limits=LIMITS)


def encode(image: Image, **options) -> tuple[codecs.Encoded, list[str]]:
    warnings: list[str] = []
    return codecs.encode(image, Encoding(**options), warnings=warnings), warnings


def photo(width: int = 96, height: int = 64, bits: int = 8, alpha: bool = False) -> Image:
    """Smooth colours with some noise, as photographs have; with ``alpha``, a soft fade to the right."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    noise = np.random.default_rng(3).normal(0, 0.02, (height, width, 3))
    pixels = np.clip(np.dstack([x, y, 1 - x]) + noise, 0, 1)
    if alpha:
        pixels = np.dstack([pixels, 1 - x / x.max()])
    return Image.from_array(pixels.astype(np.float32), bits=bits)  # type: ignore[arg-type]


def animated(count: int = 4) -> Image:
    frames = [Image.from_array(np.full((16, 24, 4), (60 * i, 20, 200 - 40 * i, 255), np.uint8)) for i in range(count)]
    return Image(
        frames=tuple(f.frames[0] for f in frames),
        animation=Animation(tuple(50 + 10 * i for i in range(count)), loop=3),
        origin=Origin(format="gif", lossless=True),
    )


def coming_from(image: Image, **origin) -> Image:
    return Image(image.frames, image.animation, image.metadata, Origin(**origin), image.encoding, image.grey)


# --- round trips -----------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    format=st.sampled_from(["png", "tiff", "webp", "avif", "bmp"]),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    bands=st.sampled_from([1, 3, 4]),
    wide=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_lossless_formats_give_back_every_sample(format, width, height, bands, wide, seed):
    if format in ("webp", "avif", "bmp") and wide:
        wide = False
    if format == "bmp" and bands == 4:
        bands = 3
    kind = np.uint16 if wide else np.uint8
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(kind).max, (height, width, bands), kind, endpoint=True)
    image = Image.from_array(pixels)
    encoded, warnings = encode(image, format=format, effort=0)
    back = decode(encoded.data)
    assert warnings == []
    assert encoded.description.lossless
    assert back.bits == image.bits
    assert np.array_equal(back.to_array(), image.to_array())
    if bands == 1 and format in ("png", "tiff", "bmp"):
        assert back.grey


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_format_is_written_near_enough_and_always_the_same(format, alpha: bool, bits: int):
    image = photo(bits=bits, alpha=alpha)
    encoded, warnings = encode(image, format=format)
    again, _ = encode(photo(bits=bits, alpha=alpha), format=format)
    assert encoded.data == again.data
    assert codecs.sniff(encoded.data) == format
    back = decode(encoded.data)
    assert (back.size, back.bits) == (image.size, 16 if encoded.description.bits > 8 else 8)
    assert back.has_alpha == encoded.description.alpha
    solid = image.to_float()[..., 3:] > 0.9 if alpha else np.ones((64, 96, 1), bool)
    error = np.abs(back.to_float()[..., :3] - image.to_float()[..., :3])[np.repeat(solid, 3, axis=2)]
    assert error.mean() < 0.04
    told = " ".join(warnings)
    assert ("no transparency" in told) == (alpha and format in ("jpeg", "bmp"))
    assert ("bits a channel" in told) == (bits == 16 and format not in ("png", "tiff"))
    assert ("256 colours" in told) == (format == "gif")


def test_twelve_bit_avif_is_within_a_step():
    image = photo(bits=16)
    back = decode(encode(image, format="avif", lossless=True)[0].data)
    assert np.abs(back.to_array().astype(int) - image.to_array()).max() <= 9


def test_sixteen_bits_are_rounded_and_not_cut():
    image = Image.from_array(np.array([[[0, 127, 129], [65535, 65406, 65407]]], np.uint16))
    back = decode(encode(image, format="webp")[0].data)
    assert back.to_array().tolist() == [[[0, 0, 1], [255, 254, 255]]]


def test_transparency_goes_onto_white():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (200, 0, 0, 255)
    back = decode(encode(Image.from_array(pixels), format="bmp")[0].data).to_array()
    assert back[0, 0].tolist() == [200, 0, 0]
    assert back[0, 15].tolist() == [255, 255, 255]


def test_opaque_alpha_is_dropped_without_a_word():
    encoded, warnings = encode(Image.from_array(np.full((8, 8, 4), 255, np.uint8)), format="jpeg")
    assert warnings == []
    assert not encoded.description.alpha


def test_grey_is_written_as_one_channel_only_while_it_is_grey():
    image = Image.from_array(photo().to_array()[..., 0])
    for format in ("jpeg", "png", "tiff", "bmp"):
        data = encode(image, format=format)[0].data
        assert PIL.Image.open(io.BytesIO(data)).mode == "L"
        assert decode(data).grey
    tinted = image.with_array(image.to_array() * np.array([1, 0, 1], np.uint8))
    assert PIL.Image.open(io.BytesIO(encode(tinted, format="png")[0].data)).mode == "RGB"


# --- animation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_animations_keep_frames_delays_and_loop(format):
    image = animated()
    encoded, warnings = encode(image, format=format)
    back = decode(encoded.data)
    assert warnings == []
    assert back.animation == image.animation
    for index in range(4):
        assert np.array_equal(back.to_array(index)[..., :3], image.to_array(index)[..., :3])
    theirs = PIL.Image.open(io.BytesIO(encoded.data))
    assert theirs.n_frames == 4


def test_still_formats_take_the_first_frame_and_say_so():
    encoded, warnings = encode(animated(), format="png")
    assert "first of 4 frames" in warnings[0]
    assert np.array_equal(decode(encoded.data).to_array(), animated().to_array(0))


def test_real_animations_survive(pictures: Path):
    for name in ("rotating-squares.gif", "dispose-background.gif", "dispose-previous.gif", "rotating-squares.webp"):
        image = codecs.decode(pictures / "formats" / name, limits=LIMITS)
        back = decode(encode(image)[0].data)
        assert len(back.frames) == len(image.frames)
        assert back.animation == image.animation
        for index in range(len(image.frames)):
            ours, theirs = back.to_array(index), image.to_array(index)
            assert np.array_equal(ours[..., 3], theirs[..., 3]), name
            seen = theirs[..., 3] > 0
            difference = np.abs(ours[..., :3][seen].astype(int) - theirs[..., :3][seen])
            assert difference.mean() < 3 if name.endswith(".webp") else difference.max(initial=0) == 0, name


# --- what is left open -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "alpha", "expected"),
    [
        (None, False, "png"),
        ("jpeg", False, "jpeg"),
        ("jpeg", True, "png"),
        ("bmp", True, "png"),
        ("webp", True, "webp"),
        ("gif", True, "gif"),
        ("svg", True, "png"),
        ("ico", True, "png"),
        ("ppm", False, "png"),
    ],
)
def test_the_default_format_is_the_sources_own_or_png(origin, alpha: bool, expected: str):
    image = coming_from(photo(alpha=alpha), format=origin)
    encoded, warnings = encode(image)
    assert default_format(image) == encoded.description.format == expected
    assert bool(warnings and "The result is PNG" in warnings[0]) == (origin not in (None, expected))


@pytest.mark.parametrize(
    ("formats", "alpha", "expected"),
    [
        (("jpeg", "png"), False, "jpeg"),
        (("jpeg", "png"), True, "png"),
        (("bmp", "jpeg", "webp", "png"), True, "webp"),
        (("avif", "jpeg"), True, "avif"),
        (("jpeg",), False, "jpeg"),
    ],
)
def test_of_several_formats_the_first_that_holds_the_picture(formats, alpha: bool, expected: str):
    encoded, warnings = encode(coming_from(photo(alpha=alpha), format="gif"), formats=formats)
    assert (encoded.description.format, encoded.description.alpha, warnings) == (expected, alpha, [])
    assert encode(photo(alpha=alpha), formats=formats, format="tiff")[0].description.format == "tiff"


def test_of_several_formats_none_that_holds_the_picture():
    with pytest.raises(NotAcceptable, match="JPEG nor BMP"):
        encode(photo(alpha=True), formats=("jpeg", "bmp"))


def test_an_animated_avif_becomes_webp_and_not_its_first_frame():
    image = coming_from(animated(), format="avif")
    encoded, warnings = encode(image)
    assert len(decode(encoded.data).frames) == 4
    assert "WebP" in warnings[0]


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_lossless_sources_stay_lossless_until_a_quality_is_asked_for(format):
    image = coming_from(photo(), format="png", lossless=True)
    assert np.array_equal(decode(encode(image, format=format)[0].data).to_array(), image.to_array())
    for options in ({"quality": 80}, {"lossless": False}, {"target_bytes": 100_000}):
        description = encode(image, format=format, **options)[0].description
        assert description.lossless is False
        assert description.quality is not None
    lossy = coming_from(photo(), format="jpeg", lossless=False)
    assert encode(lossy, format=format)[0].description.lossless is False


@pytest.mark.parametrize(("own", "written"), [(35, 80), (86, 86), (100, 95), (None, 90)])
def test_a_jpeg_keeps_its_quality_within_reason(own: int | None, written: int):
    image = coming_from(photo(), format="jpeg", quality=own, subsampling="4:2:0")
    encoded, _ = encode(image)
    assert (encoded.description.quality, encoded.description.subsampling) == (written, "4:2:0")
    origin = decode(encoded.data).origin
    assert (origin.quality, origin.subsampling) == (written, "4:2:0")


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_the_description_tells_what_was_written(subsampling):
    encoded, _ = encode(photo(), format="jpeg", quality=77, subsampling=subsampling)
    described, origin = encoded.description, decode(encoded.data).origin
    assert (described.quality, described.subsampling) == (origin.quality, origin.subsampling) == (77, subsampling)
    assert (described.bytes, described.format, described.metadata) == (len(encoded.data), "jpeg", "private")


# --- a size in bytes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_a_target_size_gets_the_highest_quality_that_fits(format):
    image = photo(256, 192)
    target = len(encode(image, format=format, quality=70, subsampling="4:2:0")[0].data)
    encoded, _ = encode(image, format=format, target_bytes=target, subsampling="4:2:0")
    assert len(encoded.data) <= target
    quality = encoded.description.quality
    assert quality is not None
    assert quality >= 70
    more = encode(image, format=format, quality=quality + 1, subsampling="4:2:0")[0].data
    assert len(more) > target


def test_a_target_that_cannot_be_met_says_how_far_off_it_is():
    with pytest.raises(OutputError, match=r"lowest quality the JPEG has \d+ bytes; the target is 200") as caught:
        encode(photo(256, 192), format="jpeg", target_bytes=200)
    assert caught.value.field == "target_bytes"
    for options in ({"format": "png"}, {"format": "webp", "lossless": True}, {"format": "svg", "embed": True}):
        with pytest.raises(OutputError, match="quality to lower"):
            encode(photo(), target_bytes=1000, **options)


# --- what cannot be written ------------------------------------------------------------------------------------------


def test_pixels_do_not_become_svg_unless_embedded():
    with pytest.raises(OutputError, match="made of shapes"):
        encode(photo(), format="svg")
    encoded, warnings = encode(photo(), format="svg", embed=True)
    assert codecs.sniff(encoded.data) == "svg"
    assert "as pixels" in warnings[0]
    assert np.abs(decode(encoded.data).to_array()[..., :3].astype(int) - photo().to_array()).max() <= 1


def test_formats_say_what_they_cannot_hold():
    with pytest.raises(OutputError, match="read but not written"):
        encode(photo(), format="ico")
    with pytest.raises(OutputError, match="WEBP holds 16383 to a side"):
        encode(Image.from_array(np.zeros((1, 16_384, 3), np.uint8)), format="webp")


# --- metadata policies -----------------------------------------------------------------------------------------------

EXIF_FORMATS = ("jpeg", "png", "webp", "avif", "tiff")


def camera_file(orientation: int = 6) -> bytes:
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", orientation
    exif[0x013B], exif[0x8298] = "Ana Núñez".encode(), "© 2026 Ana".encode()
    exif[0x0132] = "2026:01:02 03:04:05"
    inner = exif.get_ifd(0x8769)
    inner[0xA431], inner[0xA002], inner[0xA003] = "SERIAL-4711", 96, 64
    exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[2] = "N", (48.0, 12.0, 30.0)
    stream = io.BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6">SECRET-XMP</x:xmpmeta>'
    picture = PIL.Image.fromarray(photo().to_array())
    picture.save(stream, "JPEG", exif=exif, xmp=xmp, comment=b"SECRET-COMMENT", dpi=(300, 300))
    return stream.getvalue()


SECRETS = (b"SERIAL-4711", b"SECRET-XMP", b"SECRET-COMMENT", b"2026:01:02", b"Maker")


@pytest.mark.parametrize("format", EXIF_FORMATS)
def test_private_keeps_rights_and_profile_and_nothing_else(format):
    image = decode(camera_file())
    assert image.metadata.artist == "Ana Núñez"
    data = encode(image, format=format)[0].data
    back = decode(data)
    assert (back.metadata.artist, back.metadata.copyright) == ("Ana Núñez", "© 2026 Ana")
    assert back.metadata.icc is not None
    assert back.metadata.xmp is None
    assert back.origin.orientation == 1
    for secret in SECRETS:
        assert secret not in data
    assert not PIL.Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825), "GPS"
    if format in ("jpeg", "png", "tiff"):
        assert back.metadata.resolution == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif"])
def test_keep_keeps_the_blocks_and_makes_them_true(format):
    image = decode(camera_file())
    encoded, warnings = encode(image, format=format, metadata="keep")
    exif = PIL.Image.open(io.BytesIO(encoded.data)).getexif()
    assert warnings == []
    assert exif[0x010F] == "Maker"
    assert exif.get(0x0112, 1) == 1
    assert exif.get_ifd(0x8769)[0xA431] == "SERIAL-4711"
    assert (exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003]) == image.size == (64, 96)
    assert exif.get_ifd(0x8825)[1] == "N"
    back = decode(encoded.data)
    assert b"SECRET-XMP" in (back.metadata.xmp or b"")
    assert b'tiff:Orientation="1"' in (back.metadata.xmp or b"")
    assert np.abs(back.to_float() - image.to_float()).mean() < 0.04, "turned a second time"


@pytest.mark.parametrize("format", WRITTEN)
def test_none_keeps_nothing(format):
    data = encode(decode(camera_file()), format=format, metadata="none")[0].data
    back = decode(data).metadata
    assert (back.exif, back.xmp, back.iptc, back.icc, back.artist) == (None,) * 5
    for secret in (*SECRETS, b"ICC_PROFILE", b"Ana"):
        assert secret not in data


@pytest.mark.parametrize("format", ["gif", "bmp"])
def test_what_a_format_cannot_carry_is_a_warning(format):
    image = decode(camera_file())
    assert any("copyright, artist could not be kept" in line for line in encode(image, format=format)[1])
    kept = encode(image, format=format, metadata="keep")[1]
    assert any("EXIF, XMP could not be kept" in line for line in kept)
    assert not any("kept" in line for line in encode(image, format=format, metadata="none")[1])


def test_gps_and_thumbnail_of_a_real_camera_file(pictures: Path):
    path = pictures / "landscape" / "DSCN0010.jpg"
    assert PIL.Image.open(path).getexif().get_ifd(0x8825), "the source has GPS"
    image = codecs.decode(path, limits=LIMITS)
    for policy in ("private", "keep"):
        data = encode(image, metadata=policy)[0].data
        exif = PIL.Image.open(io.BytesIO(data)).getexif()
        assert bool(exif.get_ifd(0x8825)) == (policy == "keep")
        assert not exif.get_ifd(PIL.ExifTags.IFD.IFD1), "thumbnail"
        assert data.count(b"\xff\xd8\xff") == 1, "a picture inside the picture"
    assert b"NIKON" not in encode(image)[0].data


def test_the_written_profile_is_honoured_by_others():
    data = encode(photo(), format="png")[0].data
    assert PIL.Image.open(io.BytesIO(data)).info["icc_profile"] == codecs.colour.srgb_profile()


def test_describe_tells_where_a_picture_came_from():
    image = decode(camera_file())
    described = codecs.describe(image)
    assert (described.format, described.width, described.height, described.bits) == ("jpeg", 64, 96, 8)
    assert described.quality == 75


def test_rights_from_metadata_alone_are_written():
    image = Image(photo().frames, metadata=Metadata(copyright="© me", artist="Me"))
    for format in EXIF_FORMATS:
        back = decode(encode(image, format=format, metadata="keep")[0].data).metadata
        assert (back.copyright, back.artist) == ("© me", "Me")


def test_fields_of_a_tiff_that_are_not_kept_are_a_warning():
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x013B] = "Maker", b"Ana"
    stream = io.BytesIO()
    PIL.Image.fromarray(photo().to_array()).save(stream, "TIFF", exif=exif)
    image = decode(stream.getvalue())
    assert image.metadata.artist == "Ana"
    assert encode(image)[1] == []
    assert any("TIFF fields" in line for line in encode(image, metadata="keep")[1])
