"""Whose faces they are, and which of them are the best: quality of a face, tracks in a video, people over all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision.face_alignment import TEMPLATE, landmarks_of
from darkroom.vision.face_restoration import drift
from darkroom.vision.faces import Face, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 128
"""Side of the aligned face that quality is measured on."""
SHARP = 0.05
"""Steepness, 0.0 to 1.0 a pixel, at which a face of that side is half as sharp as can be."""
LARGE = 60.0
"""Pixels between the eyes at which a face is half as large as is of use."""
OVERLAP = 0.25
"""Intersection over union from which two boxes of neighbouring frames may be one face."""
SMOOTHING = 0.5
"""How much of a new frame's landmarks is taken into those of the track: detectors tremble."""
LOOKS = 8
"""Descriptions kept of one person: views differ more than people do."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a picture of somebody a face is; each 0.0 to 1.0."""

    sharpness: float
    size: float
    openness: float
    frontal: float

    @property
    def total(self) -> float:
        """The geometric mean, in which sharpness and size count twice: no virtue makes up for a lack of another."""
        values = (self.sharpness, self.sharpness, self.size, self.size, self.openness, self.frontal)
        return math.prod(max(value, 1e-3) for value in values) ** (1 / len(values))


def quality(face: Face, aligned: Array) -> Quality:
    """Judge a face.

    Args:
        face: where it is; without landmarks it counts as half frontal.
        aligned: ``side x side x 3``, float32, 0.0 to 1.0, cut out of the picture as it is.
    """
    grey = cv2.resize(aligned, (SIDE, SIDE), interpolation=cv2.INTER_AREA) @ np.array([0.299, 0.587, 0.114], np.float32)
    eyes = math.dist(*landmarks_of(face)[:2])
    steep = _steepness(grey)
    return Quality(
        sharpness=steep / (steep + SHARP),
        size=eyes / (eyes + LARGE),
        openness=_openness(grey),
        frontal=_frontal(face.landmarks) if face.landmarks else 0.5,
    )


def _steepness(grey: Array) -> float:
    """Of the steepest hundredth of the face's inside: an edge is as steep as the picture is sharp."""
    inside = grey[SIDE // 4 : SIDE * 7 // 8, SIDE // 4 : SIDE * 3 // 4]
    contrast = max(float(inside.std()), 0.05)
    across, down = np.diff(inside, axis=1)[1:], np.diff(inside, axis=0)[:, 1:]
    return float(np.quantile(np.hypot(across, down), 0.99)) * min(1.0, 0.15 / contrast)


def _openness(grey: Array) -> float:
    """Iris and white of an open eye differ more, over more rows, than the line of a closed one."""
    found: list[float] = []
    for x, y in TEMPLATE[:2] * SIDE:
        eye = grey[int(y) - 7 : int(y) + 8, int(x) - 12 : int(x) + 13]
        rows = np.ptp(eye, axis=1)
        found.append(float((rows > 0.6 * rows.max()).mean()) * min(1.0, float(rows.max()) / 0.25))
    return float(np.clip(1.4 * np.mean(found), 0, 1))


def _frontal(landmarks: tuple[Point, ...]) -> float:
    """1.0 for a face that looks here; the nose leaves the middle as it turns away, or up and down."""
    points = np.array(landmarks)
    eyes, nose, mouth = points[:2].mean(axis=0), points[2], points[3:].mean(axis=0)
    span = points[1] - points[0]
    width = float(np.hypot(*span))
    down = mouth - eyes
    height = float(np.hypot(*down))
    if width < 1e-6 or height < 1e-6:
        return 0.0
    sideways = abs(float(np.dot(nose - (eyes + mouth) / 2, span))) / width**2
    usual = float((TEMPLATE[2, 1] - TEMPLATE[:2, 1].mean()) / (TEMPLATE[3:, 1].mean() - TEMPLATE[:2, 1].mean()))
    nodding = abs(float(np.dot(nose - eyes, down)) / height**2 - usual)
    # A face seen from the side is narrow: eyes near each other for its height.
    narrow = max(0.0, 0.75 - width / height)
    return float(np.clip(1 - 1.6 * sideways - 1.2 * nodding - narrow, 0, 1))


@dataclass(slots=True)
class Sighting:
    """A face in one picture or frame: where and when, how good, what it is told by, and its pixels.

    ``pixels`` is ``side x side x 3``, uint8: as it was cut out, aligned. ``blur`` is how many of them one pixel of the
    picture became.
    """

    source: str
    frame: int
    seconds: float | None
    face: Face
    quality: Quality
    looks: Array
    pixels: Array
    blur: float


@dataclass(slots=True)
class Person:
    """Somebody, with the best sightings."""

    best: list[Sighting] = field(default_factory=list[Sighting])
    looks: list[Array] = field(default_factory=list[Any])
    seen: int = 0
    first: float | None = None
    last: float | None = None

    def add(self, sighting: Sighting, most: int, apart: float) -> None:
        """Take a sighting in if it is among the ``most`` best; in one video no two are within ``apart`` seconds."""
        self.seen += 1
        if sighting.seconds is not None:
            self.first = sighting.seconds if self.first is None else min(self.first, sighting.seconds)
            self.last = sighting.seconds if self.last is None else max(self.last, sighting.seconds)
        rival = next((other for other in self.best if _near(other, sighting, apart)), None)
        if rival is not None:
            if rival.quality.total >= sighting.quality.total:
                return
            self.best.remove(rival)
        self.best.append(sighting)
        self.best.sort(key=lambda one: -one.quality.total)
        del self.best[most:]

    def remember(self, looks: Array) -> None:
        """Keep a description of how this person looks, where it is a new one."""
        if len(self.looks) < LOOKS and self.distance(looks) > 0.02:
            self.looks.append(looks)

    def distance(self, looks: Array) -> float:
        """To the most similar of the kept descriptions; 1.0 where there is none."""
        return min((drift(own, looks) for own in self.looks), default=1.0)

    def distance_to(self, other: Person) -> float:
        """Of the two most similar views."""
        return min((self.distance(looks) for looks in other.looks), default=1.0)

    def take_in(self, other: Person, most: int, apart: float) -> None:
        """Be the same person as ``other``."""
        seen = self.seen + other.seen
        times = [time for time in (self.first, self.last, other.first, other.last) if time is not None]
        for sighting in other.best:
            self.add(sighting, most, apart)
        self.seen, self.first, self.last = seen, min(times, default=None), max(times, default=None)
        for looks in other.looks:
            self.remember(looks)


def _near(one: Sighting, other: Sighting, apart: float) -> bool:
    return (
        one.source == other.source
        and one.seconds is not None
        and other.seconds is not None
        and abs(one.seconds - other.seconds) < apart
    )


@dataclass(slots=True)
class Track:
    """One face from frame to frame; ``landmarks`` are smoothed, so that what is aligned by them does not tremble."""

    face: Face
    last_frame: int
    person: Person = field(default_factory=Person)

    def follow(self, face: Face, frame: int) -> Face:
        """The face in the next frame, with smoothed landmarks."""
        if bool(face.landmarks) == bool(self.face.landmarks):
            # What moves fast is followed at once: only trembling is smoothed. Boxes tremble more than landmarks.
            now, before = landmarks_of(face), landmarks_of(self.face)
            moved = max(math.dist(one, other) for one, other in zip(now, before, strict=True)) / max(face.width, 1e-6)
            share = min(1.0, SMOOTHING + moved / 0.15 if face.landmarks else SMOOTHING / 2 + moved / 0.5)

            def mixed(new: float, old: float) -> float:
                return share * new + (1 - share) * old

            face = replace(
                face,
                left=mixed(face.left, self.face.left),
                top=mixed(face.top, self.face.top),
                width=mixed(face.width, self.face.width),
                height=mixed(face.height, self.face.height),
                landmarks=tuple(
                    (mixed(x, u), mixed(y, v))
                    for (x, y), (u, v) in zip(face.landmarks, self.face.landmarks, strict=True)
                ),
            )
        self.face, self.last_frame = face, frame
        return face


class Tracker:
    """Follows the faces of one video; what it keeps depends on how many are seen at a time, not on its length."""

    def __init__(self, patience: int) -> None:
        """``patience``: a track ends when its face was not found in so many frames."""
        self._patience = patience
        self._tracks: list[Track] = []

    def match(self, faces: Sequence[Face], frame: int) -> tuple[list[Track], list[Track]]:
        """The track of each face, in order, new ones among them; and the tracks that have ended."""
        ended = [track for track in self._tracks if frame - track.last_frame > self._patience]
        self._tracks = [track for track in self._tracks if track not in ended]
        pairs = sorted(
            ((_overlap(track.face, face), index, track) for index, face in enumerate(faces) for track in self._tracks),
            key=lambda pair: -pair[0],
        )
        given: dict[int, Track] = {}
        for overlap, index, track in pairs:
            if overlap >= OVERLAP and index not in given and all(track is not other for other in given.values()):
                given[index] = track
        found: list[Track] = []
        for index, face in enumerate(faces):
            if index not in given:
                given[index] = Track(face, frame)
                self._tracks.append(given[index])
            found.append(given[index])
        return found, ended

    def end(self) -> list[Track]:
        """End every track: the video is over, or what it shows is something else now."""
        ended, self._tracks = self._tracks, []
        return ended


def _overlap(one: Face, other: Face) -> float:
    wide = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    high = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    both = max(0.0, wide) * max(0.0, high)
    return both / max(one.area + other.area - both, 1e-9)


class SceneCut:
    """Tells when a video shows something else all at once: the colours are others (Lienhart, 1999)."""

    def __init__(self, threshold: float = 0.5) -> None:
        self._threshold = threshold
        self._before: Array | None = None

    def happened(self, pixels: Array) -> bool:
        """Whether this frame, ``height x width x 3``, uint8, is the first of another scene."""
        small = cv2.resize(pixels, (64, 36), interpolation=cv2.INTER_AREA)
        colours = cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel() / (64 * 36)
        before, self._before = self._before, colours
        return before is not None and float(np.minimum(before, colours).sum()) < self._threshold


class Gathering:
    """Everybody who was seen, in any number of pictures and videos."""

    def __init__(self, *, same: float, most: int, apart: float = 0.5) -> None:
        """``same``: up to this distance two are one person; ``most`` sightings are kept of each."""
        self._same, self._most, self._apart = same, most, apart
        self.people: list[Person] = []

    def add(self, newcomers: Sequence[Person]) -> None:
        """Take in people who were seen together, and so are not each other."""
        known = list(self.people)
        pairs = sorted(
            ((person.distance_to(new), index, person) for index, new in enumerate(newcomers) for person in known),
            key=lambda pair: pair[0],
        )
        given: dict[int, Person] = {}
        for distance, index, person in pairs:
            if distance <= self._same and index not in given and all(person is not other for other in given.values()):
                given[index] = person
        for index, new in enumerate(newcomers):
            if index in given:
                given[index].take_in(new, self._most, self._apart)
            else:
                self.people.append(new)
