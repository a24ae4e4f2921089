"""``darkroom faces`` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Darkroom = Callable[..., tuple[int, str, str]]
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def test_faces_of_a_folder_with_a_bad_file_in_it(darkroom: Darkroom, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "portrait.jpg").write_bytes((SAMPLES / "portrait.jpg").read_bytes())
    (folder / "again.jpg").write_bytes((SAMPLES / "portrait.jpg").read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    (folder / "broken.mp4").write_bytes(b"no film")
    out = tmp_path / "out"
    code, said, error = darkroom("faces", folder, "-o", out, "--no-face-restoration", "--json", "--format", "jpeg")
    assert code == 1, error
    index = json.loads(said)
    assert index == json.loads((out / "faces.json").read_text())
    assert [len(person["files"]) for person in index["people"]] == [2], "one person, in two pictures"
    assert {source["source"]: "error" in source for source in index["sources"]} == {
        "again.jpg": False,
        "broken.mp4": True,
        "broken.png": True,
        "portrait.jpg": False,
    }
    assert (out / "contact-sheet.jpg").exists()
    assert (out / "person-01-2.jpg").exists()


def test_restoration_is_on_unless_the_settings_say_otherwise(
    darkroom: Darkroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No network is here: what was wanted is told, and an error in strict mode."""
    code, _, error = darkroom("faces", SAMPLES / "portrait.jpg", "-o", tmp_path / "a")
    assert code == 0
    assert "realesrgan-x4plus is not" in error
    assert darkroom("faces", SAMPLES / "portrait.jpg", "-o", tmp_path / "b", "--strict")[0] != 0
    monkeypatch.setenv("DARKROOM_FACES__RESTORATION_ENABLED", "false")
    code, _, error = darkroom("faces", SAMPLES / "portrait.jpg", "-o", tmp_path / "c")
    assert code == 0
    assert "realesrgan" not in error


@pytest.mark.parametrize(
    "wrong",
    [
        ["--face-restoration-strength", "1.5"],
        ["--set", "faces.restoration_strength=7"],
        ["--format", "gif"],
        ["--max-per-person", "0"],
        ["--every", "0"],
    ],
)
def test_what_is_out_of_range_is_refused(darkroom: Darkroom, tmp_path: Path, wrong: list[str]) -> None:
    code, _, error = darkroom("faces", SAMPLES / "portrait.jpg", "-o", tmp_path / "out", *wrong)
    assert code in (64, 78)
    assert error.startswith("darkroom: ")
    assert not (tmp_path / "out").exists()


def test_an_earlier_collection_stays_unless_told(darkroom: Darkroom, tmp_path: Path) -> None:
    order = ("faces", SAMPLES / "portrait.jpg", "-o", tmp_path / "out", "--no-face-restoration")
    assert darkroom(*order)[0] == 0
    code, _, error = darkroom(*order)
    assert code == 64
    assert "--overwrite" in error
    assert darkroom(*order, "--overwrite")[0] == 0
