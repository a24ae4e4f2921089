"""Pictures that operations make beside the result: their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import picture

Darkroom = Callable[..., tuple[int, str, str]]


def test_pictures_beside_the_result_are_written_with_it(darkroom: Darkroom, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mug.png").write_bytes(picture(120, 90))
    code, _, error = darkroom("sizes", tmp_path / "in", "-o", tmp_path / "out", "--sizes", "icon=16,zoom=64")
    assert code == 0, error
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name[0] != ".") == [
        "mug.icon.png",
        "mug.manifest.json",
        "mug.png",
        "mug.zoom.png",
    ]
    code, _, error = darkroom("sizes", tmp_path / "in", "-o", tmp_path / "out", "--sizes", "icon=16,zoom=64")
    assert "done already" in error


def test_what_is_there_already_from_elsewhere_is_not_replaced(darkroom: Darkroom, tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(picture(120, 90))
    other = tmp_path / "out.icon.png"
    other.write_bytes(b"mine")
    code, _, error = darkroom("sizes", tmp_path / "mug.png", "-o", tmp_path / "out.png", "--sizes", "icon=16")
    assert code != 0
    assert "out.icon.png is there already" in error
    assert other.read_bytes() == b"mine"
    assert not (tmp_path / "out.png").exists()
