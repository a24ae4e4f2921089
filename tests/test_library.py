"""The library as a programmer meets it: open, process, save, from threads and from a server's event loop."""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import darkroom
from darkroom.errors import Cancelled, CorruptImage, InputNotFound, InvalidParameters, UnknownOperation
from darkroom.image import Image

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    path = tmp_path / "picture.png"
    darkroom.save(Image.from_array(pixels), path)
    return path


def test_open_takes_a_path_bytes_or_a_stream(picture: Path) -> None:
    same = [darkroom.open(source) for source in (picture, str(picture), picture.read_bytes(), picture.open("rb"))]
    assert {image.size for image in same} == {(80, 60)}
    for image in same[1:]:
        np.testing.assert_array_equal(image.to_array(), same[0].to_array())


def test_process_gives_bytes_picture_and_receipt(picture: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.webp"
    result = darkroom.process(picture, ["resize:width=40", {"type": "rotate", "angle": 90}], output=target)
    assert target.read_bytes() == result.data
    assert darkroom.open(target).size == (30, 40) == result.image.size
    assert [step.operation for step in result.report.steps] == ["resize", "rotate"]
    assert result.report.steps[0].parameters["width"] == 40
    assert result.report.input is not None
    assert (result.report.input.width, result.report.input.format) == (80, "png")
    assert result.report.output is not None
    assert result.report.output.bytes == len(result.data)
    assert result.format == "webp"


def test_operations_may_be_instances(picture: Path) -> None:
    from darkroom.operations.resize import Resize

    assert darkroom.process(picture, Resize(width=20)).image.size == (20, 15)
    assert darkroom.process(picture, darkroom.Pipeline([Resize(width=20)])).image.size == (20, 15)


def test_an_image_can_be_processed_without_a_file() -> None:
    image = Image.from_array(np.zeros((10, 10, 3), np.uint8))
    assert darkroom.process(image, "resize:width=5").image.size == (5, 5)


def test_errors_name_what_is_wrong(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownOperation, match="Did you mean resize"):
        darkroom.process(picture, "resise:width=3")
    with pytest.raises(InvalidParameters, match="witdh") as caught:
        darkroom.process(picture, "resize:witdh=3")
    assert caught.value.field == "witdh"
    with pytest.raises(InputNotFound, match=r"none\.png"):
        darkroom.open(tmp_path / "none.png")
    with pytest.raises(CorruptImage):
        darkroom.open(picture.read_bytes()[:200])


def test_progress_rises_to_one_and_cancellation_is_heard(picture: Path) -> None:
    seen: list[float] = []
    darkroom.process(picture, ["resize:width=40", "rotate:angle=90"], on_progress=lambda part, _: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(Cancelled):
        darkroom.process(picture, "resize:width=40", is_cancelled=lambda: True)


def test_settings_may_be_changed_for_one_call(picture: Path) -> None:
    from darkroom.errors import LimitExceeded

    with pytest.raises(LimitExceeded):
        darkroom.process(picture, "resize:width=40", settings={"limits.pixels": 100})


def test_many_threads_share_one_set_of_services(picture: Path) -> None:
    from darkroom.services import build_services

    services = build_services()
    with ThreadPoolExecutor(8) as threads:
        results = list(
            threads.map(lambda _: darkroom.process(picture, "resize:width=33", services=services).data, range(24))
        )
    assert len(set(results)) == 1


def test_the_async_twin_leaves_the_loop_free_and_can_be_cancelled() -> None:
    ticks = 0

    async def work() -> darkroom.Report:
        nonlocal ticks
        task = asyncio.create_task(darkroom.process_async(SAMPLES / "portrait.jpg", "remove_background"))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return (await task).report

    report = asyncio.run(work())
    assert report.steps[0].method != "model"
    assert ticks > 3

    async def cancel() -> None:
        started = threading.Event()
        task = asyncio.create_task(
            darkroom.process_async(
                SAMPLES / "portrait.jpg", ["remove_background"] * 20, on_progress=lambda *_: started.set()
            )
        )
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_save_goes_by_the_suffix(tmp_path: Path) -> None:
    image = Image.from_array(np.full((8, 8, 3), 90, np.uint8))
    for suffix, magic in ((".jpg", b"\xff\xd8"), (".png", b"\x89PNG"), (".webp", b"RIFF"), (".gif", b"GIF8")):
        darkroom.save(image, tmp_path / f"a{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes().startswith(magic)
    assert darkroom.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size == (8, 8)
