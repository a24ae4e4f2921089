"""Frames of a video, one after the other, by OpenCV's decoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.errors import CorruptImage, InputNotFound, LimitExceeded, UnsupportedFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.settings import Limits

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".ts"})
"""Names by which a file is taken for a video."""
PER_SECOND = 6.0
"""Frames looked at in a second where nobody says it: no face worth keeping is there for a shorter time."""


def is_video(path: Path) -> bool:
    """Whether the file's name is a video's."""
    return path.suffix.lower() in SUFFIXES


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: ``height x width x 3``, uint8, RGB; its number from 0, its time, and how much of the video is behind."""

    pixels: NDArray[Any]
    number: int
    seconds: float
    fraction: float


class Video:
    """An open video. Raises InputNotFound, UnsupportedFormat or LimitExceeded when it is opened."""

    def __init__(self, path: Path, limits: Limits) -> None:
        import cv2

        if not path.is_file():
            raise InputNotFound(f"There is no video {path}.", cure="Check the name.")
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise UnsupportedFormat(
                f"{path.name} is no video that can be read.", cure="Convert it to MP4 with H.264, or WebM."
            )
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.rate = self._capture.get(cv2.CAP_PROP_FPS)
        if not 0.1 < self.rate < 1000:
            self.rate = 25.0
        self.count = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        if self.width * self.height > limits.pixels or max(self.width, self.height) > limits.dimension:
            raise LimitExceeded(
                f"{path.name} has frames of {self.width} x {self.height} pixels.", cure="Raise limits.pixels."
            )

    def every(self, asked: int | None) -> int:
        """Which frames to look at: every so many."""
        return asked if asked is not None else max(1, round(self.rate / PER_SECOND))

    def frames(self, every: int) -> Iterator[Frame]:
        """Every ``every``-th frame. Only one is held. Raises CorruptImage where not one can be decoded."""
        number = 0
        try:
            while self._capture.grab():
                if number % every == 0:
                    there, pixels = self._capture.retrieve()
                    if there:
                        # BGR to RGB
                        behind = min(1.0, number / self.count) if self.count else 0.0
                        yield Frame(pixels[..., ::-1].copy(), number, number / self.rate, behind)
                number += 1
        finally:
            self._capture.release()
        if number == 0:
            raise CorruptImage(f"No frame of {self._path.name} could be decoded.", cure="The file may be damaged.")
