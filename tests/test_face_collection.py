"""Everybody's best faces: out of pictures and videos, steady, few, and listed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from darkroom.errors import InputNotFound, OutputError, UnsupportedFormat
from darkroom.face_collection import INDEX, SHEET, Choice, FaceCollection
from darkroom.operation import Context
from darkroom.report import StepReport, peak_memory
from darkroom.services import build_services
from darkroom.settings import Settings

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def silent(fraction: float, doing: str) -> None:
    assert 0 <= fraction <= 1
    assert doing


def portrait() -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(SAMPLES / "portrait.jpg")), cv2.COLOR_BGR2RGB)


def film(path: Path, frames: Any, rate: float = 10.0) -> Path:
    """A real video file of RGB frames."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (512, 600))  # type: ignore[attr-defined]
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def trembling(count: int, sharp: int | None = None) -> Any:
    """The portrait, moving by a pixel or two; blurred but for one frame."""
    rng = np.random.default_rng(0)
    for number in range(count):
        frame = np.roll(portrait(), rng.integers(-2, 3, 2), axis=(0, 1))
        yield frame if sharp in (None, number) else cv2.GaussianBlur(frame, (0, 0), 5)


@pytest.fixture
def context(settings: Settings) -> Context:
    services = build_services(settings)
    return Context(
        settings=settings, models=services.models, step=StepReport(operation="faces"), open_image=services.open_image
    )


def test_one_person_of_a_video_is_found_once_and_the_sharpest_frame_is_kept(context: Context, tmp_path: Path) -> None:
    collection = FaceCollection(context, Choice(restore=False, most=2, every=1))
    assert collection.add_video(film(tmp_path / "a.mp4", trembling(12, sharp=7)), silent) == 1
    index = collection.write(tmp_path / "out", silent)
    (person,) = index["people"]
    assert person["sightings"] >= 10
    best = person["files"][0]
    assert (best["source"], best["frame"], best["seconds"]) == ("a.mp4", 7, 0.7)
    assert not best["restored"]
    assert best["quality"]["sharpness"] > 1.1 * person["files"][1]["quality"]["sharpness"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        SHEET,
        INDEX,
        "person-01-1.png",
        "person-01-2.png",
    ]
    assert json.loads((tmp_path / "out" / INDEX).read_text()) == index


def test_the_same_person_of_a_picture_and_a_video_is_one(context: Context, tmp_path: Path) -> None:
    collection = FaceCollection(context, Choice(restore=False))
    assert collection.add_picture("p.jpg", portrait()) == 1
    collection.add_video(film(tmp_path / "a.mp4", trembling(6)), silent)
    collection.add_picture("small.jpg", cv2.resize(portrait(), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
    index = collection.write(tmp_path / "out", silent)
    assert len(index["people"]) == 1
    assert {file["source"] for file in index["people"][0]["files"]} >= {"p.jpg", "a.mp4"}


def test_two_people_are_two(context: Context, tmp_path: Path, pictures: Path) -> None:
    collection = FaceCollection(context, Choice(restore=False))
    for name in ("obama.jpg", "biden.jpg", "obama-240p.jpg"):
        found = cv2.imread(str(pictures / "people" / name))
        collection.add_picture(name, cv2.cvtColor(found, cv2.COLOR_BGR2RGB))
    index = collection.write(tmp_path / "out", silent)
    sources = [sorted({file["source"] for file in person["files"]}) for person in index["people"]]
    assert sources == [["obama-240p.jpg", "obama.jpg"], ["biden.jpg"]]


def test_restored_faces_of_one_track_do_not_flicker(context: Context, tmp_path: Path) -> None:
    """From frame to frame restored faces differ little more than the same faces not restored."""
    from darkroom.operations.restore_faces import FaceRestorer

    collection = FaceCollection(context, Choice(restore=True, most=40, every=1))
    rng = np.random.default_rng(1)
    noisy = (
        np.clip(frame + rng.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)
        for frame in (portrait() for _ in range(12))
    )
    # What is kept is half a second apart: of a film with a frame in a second that is every frame.
    collection.add_video(film(tmp_path / "a.avi", noisy, rate=1.0), silent)
    kept = sorted(collection.people[0].best, key=lambda one: one.frame)
    assert len(kept) == 12
    restorer = FaceRestorer(context, "builtin", None, 1.0, 512, 0.5)
    before = [one.pixels.astype(np.float32) / 255 for one in kept]
    after = [restorer.restore(one, kept[0].blur, silent).after for one in before]

    def unrest(faces: list[np.ndarray]) -> float:
        """Mean change between neighbours of what the eye sees flicker: not single pixels."""
        calm = [cv2.GaussianBlur(face[150:400, 130:380], (0, 0), 3) for face in faces]
        return float(np.mean([np.abs(one - other).mean() for one, other in itertools.pairwise(calm)]))

    assert unrest(after) < 1.1 * unrest(before)
    assert unrest(after) < 3 / 255


def test_memory_is_flat_however_long_the_video(context: Context, tmp_path: Path) -> None:
    collection = FaceCollection(context, Choice(restore=False, most=3, every=1))
    collection.add_video(film(tmp_path / "short.avi", trembling(10)), silent)
    before = peak_memory()
    collection.add_video(film(tmp_path / "long.avi", trembling(80)), silent)
    after = peak_memory()
    if before is None or after is None:
        pytest.skip("not in CI: the system does not say how much memory a process had")
    assert after - before < 30_000_000
    assert sum(len(person.best) for person in collection.people) <= 3 * len(collection.people)


def test_what_is_no_video_is_refused(context: Context, tmp_path: Path) -> None:
    collection = FaceCollection(context, Choice())
    (tmp_path / "no.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(UnsupportedFormat, match=r"no\.mp4"):
        collection.add_video(tmp_path / "no.mp4", silent)
    with pytest.raises(InputNotFound):
        collection.add_video(tmp_path / "away.mp4", silent)


def test_a_collection_is_replaced_only_when_asked_and_then_whole(context: Context, tmp_path: Path) -> None:
    for most in (3, 1):
        collection = FaceCollection(context, Choice(restore=False, most=most))
        collection.add_video(film(tmp_path / "a.mp4", trembling(30)), silent)
        if most == 1:
            with pytest.raises(OutputError, match="there already"):
                collection.write(tmp_path / "out", silent)
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "mine.txt").write_text("stays")
        collection.write(tmp_path / "out", silent, overwrite=True)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [SHEET, INDEX, "mine.txt", "person-01-1.png"]


def test_frames_of_a_real_film(context: Context, tmp_path: Path, shared: Path) -> None:
    """A singer on a stage for six seconds, seen by the cascade: he is the one who is seen most."""
    collection = FaceCollection(context, Choice(restore=False, format="jpeg", quality=80, resize=160))
    assert collection.add_video(shared / "images/video/short_hamilton_clip.mp4", silent) >= 1
    index = collection.write(tmp_path / "out", silent)
    first = index["people"][0]
    assert first["sightings"] >= 5
    assert 1 < first["files"][0]["seconds"] < 8
    assert (tmp_path / "out" / "person-01-1.jpg").stat().st_size == first["files"][0]["bytes"]
    assert index["sources"][0]["every"] == 5
