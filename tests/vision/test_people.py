"""People: better faces are judged better, a face is followed from frame to frame, and who comes back is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.vision import face_alignment, people
from darkroom.vision.faces import Face, find_with_haar, moved

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SIDE = 256


@pytest.fixture(scope="module")
def portrait() -> tuple[Face, np.ndarray]:
    """The face of the bundled portrait, with landmarks, and it aligned."""
    pixels = cv2.cvtColor(cv2.imread(str(SAMPLES / "portrait.jpg")), cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    face = max(find_with_haar((pixels * 255).astype(np.uint8)), key=lambda face: face.area)
    face = replace(face, landmarks=face_alignment.landmarks_of(face))
    matrix = face_alignment.alignment(face.landmarks, SIDE)
    assert matrix is not None
    return face, face_alignment.crop(pixels, matrix, SIDE)


class TestQuality:
    def test_a_blurred_face_is_less_sharp(self, portrait: tuple[Face, np.ndarray]) -> None:
        face, aligned = portrait
        grades = [people.quality(face, cv2.GaussianBlur(aligned, (0, 0), blur)).sharpness for blur in (0.1, 2, 4, 8)]
        assert grades == sorted(grades, reverse=True)
        assert grades[0] > 1.5 * grades[-1]

    def test_a_smaller_face_has_less_size(self, portrait: tuple[Face, np.ndarray]) -> None:
        face, aligned = portrait
        assert people.quality(moved(face, 0.25), aligned).size < 0.6 * people.quality(face, aligned).size

    def test_closed_eyes_are_less_open(self, portrait: tuple[Face, np.ndarray]) -> None:
        face, aligned = portrait
        closed = aligned.copy()
        for x, y in face_alignment.TEMPLATE[:2] * SIDE:
            skin = aligned[int(y) + 20, int(x)]
            cv2.ellipse(closed, (int(x), int(y)), (30, 18), 0, 0, 360, skin.tolist(), -1)
            cv2.line(closed, (int(x) - 18, int(y)), (int(x) + 18, int(y)), (skin * 0.5).tolist(), 2)
        assert people.quality(face, closed).openness < people.quality(face, aligned).openness

    def test_a_face_that_turns_away_is_less_frontal(self, portrait: tuple[Face, np.ndarray]) -> None:
        face, aligned = portrait

        def turned(share: float) -> float:
            eye, other, nose, mouth, corner = face_alignment.TEMPLATE * 200
            away = np.array([share * 60, 0.0])
            points = (eye, other - away / 2, nose + away, mouth, corner - away / 2)
            return people.quality(replace(face, landmarks=tuple((x, y) for x, y in points)), aligned).frontal

        grades = [turned(share) for share in (0, 0.3, 0.6, 1.0)]
        assert grades == sorted(grades, reverse=True)
        assert grades[0] > 0.95
        assert grades[-1] < 0.5

    def test_no_landmarks_are_half_frontal(self, portrait: tuple[Face, np.ndarray]) -> None:
        face, aligned = portrait
        assert people.quality(replace(face, landmarks=()), aligned).frontal == 0.5


def face_at(x: float, y: float, side: float = 40.0) -> Face:
    return Face(x, y, side, side, 1.0, tuple((x + u * side, y + v * side) for u, v in face_alignment.TEMPLATE))


class TestTracker:
    def test_two_faces_that_pass_each_other_keep_their_tracks(self) -> None:
        tracker = people.Tracker(5)
        known: list[people.Track] | None = None
        for frame in range(20):
            faces = [face_at(10 + 6 * frame, 10), face_at(150 - 6 * frame, 80)]
            tracks, ended = tracker.match(faces if frame % 2 else faces[::-1], frame)
            tracks = tracks if frame % 2 else tracks[::-1]
            for track, face in zip(tracks, faces, strict=True):
                track.follow(face, frame)
            assert not ended
            assert known is None or all(track is before for track, before in zip(tracks, known, strict=True))
            known = tracks

    def test_a_face_away_for_longer_than_patience_is_a_new_one(self) -> None:
        tracker = people.Tracker(3)
        ((first,), _) = tracker.match([face_at(0, 0)], 0)
        ((again,), ended) = tracker.match([face_at(2, 0)], 3)
        assert again is first
        again.follow(face_at(2, 0), 3)
        ((late,), ended) = tracker.match([face_at(2, 0)], 7)
        assert ended == [first]
        assert late is not first
        assert tracker.end() == [late]

    def test_trembling_is_smoothed_and_motion_is_followed(self) -> None:
        rng = np.random.default_rng(0)
        track = people.Track(face_at(0, 0), 0)
        raw, steady = [], []
        for frame in range(60):
            face = face_at(float(rng.normal(0, 0.4)), 0)
            raw.append(face.landmarks[0][0])
            steady.append(track.follow(face, frame).landmarks[0][0])
        assert np.std(steady) < 0.75 * np.std(raw)
        jump = face_at(20, 0)
        assert track.follow(jump, 61).landmarks[0][0] == pytest.approx(jump.landmarks[0][0], abs=0.5)


def test_a_cut_is_told_from_motion() -> None:
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.integers(0, 255, (90, 160, 3), np.uint8), (0, 0), 12)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    cut = people.SceneCut()
    assert [cut.happened(np.roll(scene, 8 * frame, axis=1)) for frame in range(4)] == [False] * 4
    assert cut.happened((255 - scene) // 3)


def sighting(
    total: float, seconds: float | None = None, source: str = "a", looks: np.ndarray | None = None
) -> people.Sighting:
    graded = people.Quality(total, total, total, total)
    looks = np.eye(8)[0] if looks is None else looks
    return people.Sighting(source, 0, seconds, face_at(0, 0), graded, looks, np.zeros((4, 4, 3), np.uint8), 1.0)


class TestPerson:
    def test_the_best_are_kept_and_no_two_of_one_moment(self) -> None:
        person = people.Person()
        for total, seconds in ((0.5, 0.0), (0.6, 0.1), (0.3, 5.0), (0.9, 9.0), (0.2, 12.0)):
            person.add(sighting(total, seconds), 3, 0.5)
        assert [one.quality.total for one in person.best] == pytest.approx([0.9, 0.6, 0.3])
        assert (person.seen, person.first, person.last) == (5, 0.0, 12.0)

    def test_however_many_sightings_few_are_held(self) -> None:
        person = people.Person()
        for number in range(1000):
            person.add(sighting(0.5 + number % 7 / 20, float(number)), 4, 0.5)
            person.remember(np.eye(1000)[number])
        assert len(person.best) == 4
        assert len(person.looks) == people.LOOKS


class TestGathering:
    def somebody(self, *looks: int, source: str = "a") -> people.Person:
        person = people.Person()
        for one in looks:
            person.add(sighting(0.5, None, f"{source}{one}", np.eye(8)[one]), 5, 0.5)
            person.remember(np.eye(8)[one])
        return person

    def test_who_comes_back_is_known_by_any_of_the_views(self) -> None:
        gathering = people.Gathering(same=0.1, most=5)
        gathering.add([self.somebody(0, 1)])
        gathering.add([self.somebody(1, 2)])
        gathering.add([self.somebody(2)])
        gathering.add([self.somebody(5)])
        assert [person.seen for person in gathering.people] == [5, 1]

    def test_who_is_seen_together_is_not_one(self) -> None:
        gathering = people.Gathering(same=0.1, most=5)
        gathering.add([self.somebody(0), self.somebody(0)])
        assert len(gathering.people) == 2
        gathering.add([self.somebody(0), self.somebody(0), self.somebody(0)])
        assert len(gathering.people) == 3
