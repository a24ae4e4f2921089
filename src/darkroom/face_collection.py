"""Everybody's best faces out of any number of pictures and videos: the work behind ``darkroom faces``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darkroom.errors import DarkroomError
from darkroom.face_finder import FaceFinder, FaceIdentity
from darkroom.operations.extract_faces import describe, silent
from darkroom.operations.restore_faces import SIDE, FaceRestorer
from darkroom.version import version

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.operation import Context
    from darkroom.vision.faces import Face
    from darkroom.vision.people import Person, Sighting

    Array = NDArray[Any]

INDEX, SHEET = "faces.json", "contact-sheet.jpg"
PATIENCE = 0.7
"""Seconds that a face in a video may be away before it is somebody anew."""
FEWEST = 2
"""Frames in which a face of a video must be found: what is there once is often none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted: how many faces of each, whether restored and how much, how large, in which format."""

    restore: bool = True
    strength: float = 0.8
    model: str | None = None
    resize: int = 0
    most: int = 5
    every: int | None = None
    least: int = 24
    format: Literal["png", "jpeg"] = "png"
    quality: int | None = None

    @property
    def side(self) -> int:
        """Side of a face, in pixels."""
        return max(SIDE, self.resize) if self.restore else self.resize or SIDE


class FaceCollection:
    """Takes pictures and videos in, one after the other, and writes everybody's best faces at the end.

    A few faces of each person are held, and one frame: memory does not grow with the length of a video.
    """

    def __init__(self, context: Context, choice: Choice) -> None:
        from darkroom.vision.people import Gathering

        self._context = context
        self._choice = choice
        self._finder = FaceFinder(context, insist=False)
        self._identity = FaceIdentity(context)
        self._gathering = Gathering(same=self._identity.same, most=choice.most)
        self._sources: list[dict[str, Any]] = []

    @property
    def people(self) -> list[Person]:
        """Everybody seen so far."""
        return self._gathering.people

    def add_failure(self, source: str, error: DarkroomError) -> None:
        """Note in the index that a source could not be read."""
        self._sources.append({"source": source, "faces": 0, "error": error.to_dict()})

    def add_picture(self, source: str, pixels: Array) -> int:
        """Take in the faces of ``height x width x 3``, uint8, RGB; gives how many there are."""
        from darkroom.vision.people import Person

        newcomers: list[Person] = []
        for face in self._found(pixels):
            sighting = self._sighting(pixels, face, source, 0, None)
            if sighting is not None:
                person = Person()
                person.add(sighting, self._choice.most, 0.0)
                person.remember(sighting.looks)
                newcomers.append(person)
        self._gathering.add(newcomers)
        self._sources.append({"source": source, "faces": len(newcomers)})
        return len(newcomers)

    def add_video(self, path: Path, on_progress: Callable[[float, str], None]) -> int:
        """Follow the faces of a video; gives how many people it shows. Raises InputError."""
        from darkroom.video import Video
        from darkroom.vision.people import Gathering, SceneCut, Tracker

        video = Video(path, self._context.settings.limits)
        every = video.every(self._choice.every)
        tracker, cut = Tracker(max(every, round(PATIENCE * video.rate))), SceneCut()
        # People of one video are put together by themselves first: who is seen with whom is known there.
        here = Gathering(same=self._identity.same, most=self._choice.most)
        looked = found = 0

        def close(tracks: list[Any]) -> None:
            here.add([track.person for track in tracks if track.person.seen >= FEWEST])

        for frame in video.frames(every):
            on_progress(frame.fraction, f"{frame.seconds:.0f} s, {len(here.people)} people")
            if cut.happened(frame.pixels):
                close(tracker.end())
            faces = self._found(frame.pixels)
            tracks, ended = tracker.match(faces, frame.number)
            close(ended)
            for face, track in zip(faces, tracks, strict=True):
                steady = track.follow(face, frame.number)
                sighting = self._sighting(frame.pixels, steady, path.name, frame.number, frame.seconds)
                if sighting is not None:
                    found += 1
                    track.person.add(sighting, self._choice.most, 0.5)
                    track.person.remember(sighting.looks)
            looked += 1
        close(tracker.end())
        self._gathering.add(here.people)
        self._sources.append({"source": path.name, "frames": looked, "every": every, "faces": found})
        return len(here.people)

    def write(
        self, folder: Path, on_progress: Callable[[float, str], None], *, overwrite: bool = False
    ) -> dict[str, Any]:
        """Restore and write the best faces, the contact sheet and last the index, which is given back.

        Raises OutputError.
        """
        import numpy as np

        from darkroom import codecs
        from darkroom.errors import OutputError
        from darkroom.image import Encoding, Image
        from darkroom.vision import sheets

        index_path = folder / INDEX
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made: {error.strerror}.", cure="Choose another folder.") from error
        if index_path.exists() and not overwrite:
            raise OutputError(
                f"{index_path} is there already.",
                cure="Choose another folder, or --overwrite to replace what it lists.",
            )
        _remove_listed(index_path)
        people = sorted(self.people, key=lambda person: (-person.seen, -person.best[0].quality.total))
        choice, restorer = self._choice, None
        if choice.restore and people:
            restorer = FaceRestorer(self._context, "auto", choice.model, choice.strength, choice.side, 0.5)
        suffix = ".png" if choice.format == "png" else ".jpg"
        encoding = Encoding(format=choice.format, quality=choice.quality, metadata="none")
        listed: list[dict[str, Any]] = []
        groups: list[tuple[str, list[tuple[Array, str]]]] = []
        total = sum(len(person.best) for person in people)
        for number, person in enumerate(people, 1):
            files: list[dict[str, Any]] = []
            shown: list[tuple[Array, str]] = []
            for place, sighting in enumerate(person.best, 1):
                on_progress(sum(len(one["files"]) for one in listed) / total + len(files) / total, "restore and write")
                cut = sighting.pixels.astype(np.float32) / 255
                about = describe(sighting.face, sighting.quality, 1 / sighting.blur)
                about["restored"] = False
                if restorer is not None:
                    restored = restorer.restore(cut, sighting.blur, silent)
                    cut = restored.after
                    about |= {"restored": restored.why is None, "drift": round(restored.drift, 4), **restored.note()}
                name = f"person-{number:02}-{place}{suffix}"
                data = codecs.encode(Image.from_array(cut), encoding, warnings=[]).data
                codecs.write_atomically(folder / name, data)
                where = {"source": sighting.source, "frame": sighting.frame, "seconds": _rounded(sighting.seconds)}
                files.append({"file": name, "bytes": len(data), **where, **about})
                small = sheets.thumbnail(cut)
                shown.append((small, _caption(sighting)))
            times = {"first_seconds": _rounded(person.first), "last_seconds": _rounded(person.last)}
            listed.append({"person": number, "sightings": person.seen, **times, "files": files})
            groups.append(
                (f"Person {number}: seen {person.seen} times" if person.seen > 1 else f"Person {number}", shown)
            )
        if groups:
            picture = Image.from_array(sheets.sheet(groups))
            jpeg = Encoding(format="jpeg", quality=90, metadata="none")
            codecs.write_atomically(folder / SHEET, codecs.encode(picture, jpeg, warnings=[]).data)
        index = {
            "version": version(),
            "detector": self._context.step.changed["detector"],
            "identity": self._identity.name,
            "restored_with": restorer.method if restorer else None,
            "models": [model.name for model in self._context.step.models],
            "warnings": [*self._context.step.warnings, *(f.reason for f in self._context.step.fallbacks)],
            "sheet": SHEET if groups else None,
            "sources": self._sources,
            "people": listed,
        }
        codecs.write_atomically(index_path, (json.dumps(index, indent=2) + "\n").encode())
        return index

    def _found(self, pixels: Array) -> list[Face]:
        return [face for face in self._finder.find_in(pixels) if min(face.width, face.height) >= self._choice.least]

    def _sighting(self, pixels: Array, face: Face, source: str, frame: int, seconds: float | None) -> Sighting | None:
        import numpy as np

        from darkroom.vision import face_alignment, people

        side = self._choice.side
        matrix = face_alignment.alignment(face_alignment.landmarks_of(face), side)
        if matrix is None:
            return None
        # Only what lies about the face is needed as floats, and not a whole large frame.
        reach = 2 * max(face.width, face.height)
        left, top = max(int(face.left - reach), 0), max(int(face.top - reach), 0)
        right, bottom = int(face.left + face.width + reach) + 1, int(face.top + face.height + reach) + 1
        part = pixels[top:bottom, left:right].astype(np.float32) / 255
        matrix = matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ (left, top)
        cut = face_alignment.crop(part, matrix, side)
        return people.Sighting(
            source=source,
            frame=frame,
            seconds=seconds,
            face=face,
            quality=people.quality(face, cut),
            looks=self._identity.describe(cut),
            pixels=np.rint(cut * 255).astype(np.uint8),
            blur=face_alignment.scale_of(matrix),
        )


def _remove_listed(index_path: Path) -> None:
    """Remove what an earlier index lists, the index first: what is left over without one is nobody's."""
    try:
        index = json.loads(index_path.read_text(encoding="utf-8"))
        names = [str(file["file"]) for person in index["people"] for file in person["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    index_path.unlink(missing_ok=True)
    for name in [*names, SHEET]:
        if Path(name).name == name:
            (index_path.parent / name).unlink(missing_ok=True)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _caption(sighting: Sighting) -> str:
    where = sighting.source if sighting.seconds is None else f"{sighting.seconds:.1f} s"
    return f"{sighting.quality.total:.2f}  {where}"
