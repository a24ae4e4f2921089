"""Uploads: what is taken, what is refused and why, and names that no file system stumbles over."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import textwrap
import unicodedata
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import pyvips
from hypothesis import assume, example, given
from hypothesis import strategies as st

from darkroom.codecs import decode, sniff
from darkroom.errors import CorruptImage, DarkroomError, InputError, LimitExceeded, UnsupportedFormat
from darkroom.image import Format
from darkroom.safety.headers import read_header
from darkroom.safety.validation import HEAD_BYTES, NAME_BYTES, check_upload, safe_name
from darkroom.settings import Limits

LIMITS = Limits()


def picture(format: str, width: int = 37, height: int = 23, frames: int = 1, **options: object) -> bytes:
    """A picture of noise in a format, by Pillow."""
    noise = np.random.default_rng(7).integers(0, 255, (frames, height, width, 3), np.uint8)
    made = io.BytesIO()
    first, *others = [PIL.Image.fromarray(frame) for frame in noise]
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(made, format, **more, **options)  # type: ignore[arg-type]
    return made.getvalue()


def big_tiff() -> bytes:
    return pyvips.Image.black(37, 23).tiffsave_buffer(bigtiff=True)


SAMPLES: dict[str, tuple[bytes, Format, int]] = {
    "png": (picture("PNG"), "png", 1),
    "apng": (picture("PNG", frames=4), "png", 1),
    "jpeg": (picture("JPEG"), "jpeg", 1),
    "progressive jpeg": (picture("JPEG", progressive=True, icc_profile=b"x" * 200_000), "jpeg", 1),
    "gif": (picture("GIF"), "gif", 1),
    "animated gif": (picture("GIF", frames=5), "gif", 5),
    "webp": (picture("WEBP"), "webp", 1),
    "lossless webp": (picture("WEBP", lossless=True), "webp", 1),
    "animated webp": (picture("WEBP", frames=6), "webp", 6),
    "extended webp": (picture("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"), "webp", 1),
    "avif": (pyvips.Image.black(37, 23, bands=3).heifsave_buffer(compression="av1"), "avif", 1),
    "tiff": (picture("TIFF"), "tiff", 1),
    "bigtiff": (big_tiff(), "tiff", 1),
    "bmp": (picture("BMP"), "bmp", 1),
    "ppm": (picture("PPM"), "ppm", 1),
    "ico": (picture("ICO", 32, 32), "ico", 1),
    "bitmap ico": (picture("ICO", 32, 32, bitmap_format="bmp"), "ico", 1),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="37" height="23px"><path d="M0 0h9"/></svg>', "svg", 1),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_header_says_what_the_decoder_finds(name: str) -> None:
    data, format, frames = SAMPLES[name]
    accepted = check_upload(data, f"a.{name}", None, len(data), LIMITS)
    origin = decode(data, limits=LIMITS).origin
    assert (accepted.format, accepted.width, accepted.height) == (format, origin.width, origin.height)
    assert accepted.frames == origin.frames == frames


def test_real_pictures_have_the_size_that_the_decoder_finds(pictures: Path) -> None:
    files = [path for folder in ("formats", "exif_orientation") for path in sorted((pictures / folder).iterdir())]
    told = 0
    for path in files:
        data = path.read_bytes()
        if sniff(data) in (None, "svg", "ico") or len(data) > 3_000_000:
            continue
        accepted = check_upload(data[:HEAD_BYTES], path.name, None, len(data), LIMITS)
        try:
            origin = decode(data, limits=LIMITS).origin
        except DarkroomError:
            continue
        if accepted.width is not None:
            # An AVIF's decoder turns it upright by itself.
            order = sorted if accepted.format == "avif" else list
            assert order([accepted.width, accepted.height]) == order([origin.width, origin.height]), path.name
            told += 1
    assert told > 20


@pytest.mark.parametrize("name", SAMPLES)
def test_a_header_that_is_cut_off_is_no_error(name: str) -> None:
    data, format, _ = SAMPLES[name]
    for length in range(min(len(data), 300)):
        header = read_header(data[:length], format)
        assert header is None or (header.width >= 0 and header.height >= 0)


@given(st.sampled_from([name for name in SAMPLES if name != "svg"]), st.data())
def test_a_header_that_lies_is_no_error(name: str, data: st.DataObject) -> None:
    content, format, _ = SAMPLES[name]
    changed = bytearray(content[:2000])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(changed) - 1), st.integers(0, 255)), max_size=8)):
        changed[at] = value
    read_header(bytes(changed), format)
    with contextlib.suppress(InputError):
        check_upload(bytes(changed), "a", None, None, LIMITS)


HOSTILE = """
    import json, resource, sys
    from pathlib import Path
    from darkroom.errors import InputError
    from darkroom.safety.validation import HEAD_BYTES, check_upload
    from darkroom.settings import Limits

    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
    results = {}
    for path in sorted(Path(sys.argv[1]).iterdir()):
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        try:
            taken = check_upload(head, path.name, None, path.stat().st_size, Limits())
            results[path.name] = f"{taken.format} {taken.width} {taken.height} {taken.frames}"
        except InputError as error:
            assert error.message and error.cure
            results[path.name] = error.code
    print(json.dumps(results))
"""


def test_hostile_files_are_taken_or_refused_for_a_reason_and_never_crash(pictures: Path) -> None:
    """Those that are taken have nothing wrong in the header; the worker that decodes them finds the rest."""
    code = [sys.executable, "-c", textwrap.dedent(HOSTILE), str(pictures / "hostile")]
    results = json.loads(subprocess.run(code, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert len(results) == len(list((pictures / "hostile").iterdir()))
    for name in ("17000x17000.avif", "Bad_height.bmp", "decompression_bomb.ico", "reallybig.bmp"):
        assert results[name] == "limit_exceeded", name
    for name in ("small_html5.html", "small_pdf.pdf", "small_zip.zip", "psd-oob-write.psd", "truncated.svgz"):
        assert results[name] == "unsupported_format", name
    assert results["looks-like-svg.webp"].startswith("webp ")
    assert results["small_svg.svg"].startswith("svg ")
    assert set(results.values()) & {"limit_exceeded", "unsupported_format"}
    assert all(
        re.fullmatch(r"(jpeg|png|webp|avif|tiff|gif|bmp|svg|ppm|ico) (\d+|None) (\d+|None) (\d+|None)", result)
        for result in results.values()
        if result not in ("limit_exceeded", "unsupported_format", "corrupt_image", "unsafe_content")
    )


def png_of(width: int, height: int) -> bytes:
    data = SAMPLES["png"][0]
    return data[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + data[24:]


@pytest.mark.parametrize(
    ("data", "length", "limits", "kind", "said"),
    [
        (b"", 0, {}, CorruptImage, "is empty"),
        (png_of(0, 10), None, {}, CorruptImage, "0 x 10 pixels"),
        (png_of(100_000, 10), None, {}, LimitExceeded, "the limit is 65500 to a side"),
        (png_of(20_000, 20_000), None, {}, LimitExceeded, "400 megapixels; the limit is 250"),
        (SAMPLES["animated gif"][0], None, {"frames": 4}, LimitExceeded, "5 frames; the limit is 4"),
        (SAMPLES["animated webp"][0], None, {"pixels": 37 * 23 * 5}, LimitExceeded, "in 6 frames"),
        (SAMPLES["png"][0], 10**9, {}, LimitExceeded, "1000.0 MB; the limit is 256.0 MB"),
        (SAMPLES["png"][0], None, {"input_bytes": 100}, LimitExceeded, "the limit is 0.0 MB"),
        (b"%PDF-1.7", None, {}, UnsupportedFormat, "not read: PDF"),
        (b"\x00\x01\x02\x03" * 9, None, {}, UnsupportedFormat, "not a picture of any known type"),
    ],
)
def test_what_is_refused(
    data: bytes, length: int | None, limits: dict[str, int], kind: type[InputError], said: str
) -> None:
    with pytest.raises(kind, match=said) as raised:
        check_upload(data, "a.png", None, length, Limits(**limits))
    assert raised.value.message.startswith("a.png ")
    assert raised.value.cure


@pytest.mark.parametrize(
    "said", [None, "", "image/png", "IMAGE/PNG; charset=binary", "image/x-png", "application/octet-stream"]
)
def test_a_type_that_agrees_or_says_nothing(said: str | None) -> None:
    assert check_upload(SAMPLES["png"][0], "a.png", said, None, LIMITS).media_type == "image/png"


@pytest.mark.parametrize("said", ["image/jpeg", "image/svg+xml", "text/html", "video/mp4", "nonsense", "image/\x1b[2J"])
def test_a_type_that_contradicts_the_content(said: str) -> None:
    with pytest.raises(UnsupportedFormat, match=r"is said to be .*, and its content is image/png") as raised:
        check_upload(SAMPLES["png"][0], "a.png", said, None, LIMITS)
    assert raised.value.http_status == 415
    assert raised.value.message.isprintable()


def test_only_the_types_that_are_allowed() -> None:
    data = SAMPLES["gif"][0]
    assert check_upload(data, "a.gif", None, None, LIMITS, types=("gif", "png")).format == "gif"
    with pytest.raises(UnsupportedFormat, match="is a GIF, which is not taken here") as raised:
        check_upload(data, "a.gif", None, None, LIMITS, types=("jpeg", "png"))
    assert raised.value.cure == "Convert it to one of JPEG, PNG first."


@pytest.mark.parametrize(
    ("name", "given"),
    [("shoe.png", "shoe.png"), ("shoe.html", "shoe.png"), ("shoe", "shoe.png"), ("../shoe.PNG", "shoe.PNG")],
)
def test_the_name_ends_as_the_content_does(name: str, given: str) -> None:
    assert check_upload(SAMPLES["png"][0], name, None, None, LIMITS).name == given


# --- names --------------------------------------------------------------------------------------------------------

WINDOWS = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"
}
ODD = st.one_of(
    st.sampled_from(["/", "\\", ".", "..", ":", "~", "-", " ", "con", "LPT1", "aux.", ".png", "\0", "\n", "\ud800"]),
    st.sampled_from(["\u202e", "\u2066", "\u200d", "\ufeff", "\u0301", "e\u0301", "\u1100\u1161", "\uff0f", "\u00a0"]),
    st.sampled_from(["\u2028", "ü" * 150, "\U0001f5bc" * 60]),
)


@given(st.lists(ODD | st.text(max_size=5), max_size=12).map("".join))
@example("")
@example("...")
@example("CON")
@example("con.tar.gz")
@example("COM¹ .png")
@example("a" * 300 + ".png")
@example("a" * 500 + "." + "b" * 500)
@example("e" + "\u0301" * 300)
@example("../../etc/passwd")
@example("a\u200d\u0301.png")
@example("CON" + " " * 200 + "x")
@example("a" * 179 + "." + " " * 18 + "bc.png")
def test_a_safe_name_is_safe(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert 0 < len(safe.encode()) <= NAME_BYTES
    assert safe == unicodedata.normalize("NFC", safe)
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\x7f]', safe)
    assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert safe.split(".", 1)[0].rstrip().upper() not in WINDOWS
    assert safe_name(safe) == safe


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=20))
def test_an_ordinary_name_stays(stem: str) -> None:
    name = unicodedata.normalize("NFC", f"{stem} (2)_x-1.png")
    assume(safe_name(name)[0] != "_")
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Füße.jpg", "Füße.jpg"),
        ("Fu\u0308ße.jpg", "Füße.jpg"),
        ("C:\\Users\\me\\shoe.png", "shoe.png"),
        ("../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("/..", "unnamed"),
        (".htaccess", "htaccess"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\r\nSet-Cookie: b.png", "aSet-Cookie_ b.png"),
        ("nul", "_nul"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("console.png", "console.png"),
        ("x.png:stream", "x.png_stream"),
        ("\u202e\u200b", "unnamed"),
        ("a" * 300 + ".png", "a" * 196 + ".png"),
    ],
)
def test_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe
