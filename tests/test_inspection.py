"""Looking at a picture: what is told of its EXIF, colours and faces, in a worker as in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom.image import Image
from darkroom.inspection import Inspection, colour_of, exif_of, inspect
from darkroom.jobs.worker import WorkerPool
from darkroom.services import build_services
from darkroom.settings import Settings

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    exif = Pillow.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Lumen", "One", 6
    details = exif.get_ifd(0x8769)
    details[0x829A], details[0x8827], details[0x9003] = 0.004, 400, "2026:11:20 12:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    path = tmp_path / "photograph.jpg"
    Pillow.new("RGB", (40, 20), "#ff8000").save(path, exif=exif)
    return path


def found(path: Path, settings: Settings, **options: Any) -> dict[str, Any]:
    return json.loads(inspect(Inspection(path, **options), build_services(settings)).data)


def test_exif_is_told_by_its_own_names(photograph: Path, settings: Settings) -> None:
    told = found(photograph, settings)
    assert told["exif"] == {
        "DateTimeOriginal": "2026:11:20 12:00:00",
        "ExposureTime": 0.004,
        "GPSLatitudeRef": "N",
        "ISOSpeedRatings": 400,
        "Make": "Lumen",
        "Model": "One",
        "Orientation": 6,
    }
    assert (told["picture"]["width"], told["picture"]["height"]) == (20, 40)
    assert told["faces"] is None


@pytest.mark.parametrize(
    "block", [None, b"", b"Exif\0\0", b"\xff" * 64, b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40]
)
def test_what_is_no_exif_is_not_told(block: bytes | None) -> None:
    assert exif_of(block) == {}


def test_colours_are_told_with_their_share() -> None:
    pixels = np.zeros((100, 100, 3), np.float32)
    pixels[:75] = (1, 0, 0)
    pixels[75:] = (0, 0, 1)
    told = colour_of(Image.from_array((pixels * 255).astype(np.uint8)))
    assert told["dominant"][:2] == [{"color": "#ff0000", "share": 0.75}, {"color": "#0000ff", "share": 0.25}]
    assert told["average"] == "#bf0040"


def test_a_worker_looks_as_this_process_does(settings: Settings) -> None:
    path = SAMPLES / "portrait.jpg"
    here = found(path, settings, faces=True)
    with WorkerPool(settings) as pool:
        there = json.loads(pool.submit(Inspection(path, faces=True)).result().data or b"")
    assert there == here
    assert len(here["faces"]) == 1
    box = here["faces"][0]
    assert 0 <= box["left"] < box["left"] + box["width"] <= here["picture"]["width"]
