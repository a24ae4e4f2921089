"""Pictures to work on, in a current folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from darkroom import codecs
from darkroom.cli.main import run
from darkroom.image import Encoding, Image


def picture(width: int = 60, height: int = 40, kind: str = "png", seed: int = 1) -> bytes:
    """A small picture of noise."""
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return codecs.encode(Image.from_array(pixels), Encoding(format=kind), warnings=[]).data  # type: ignore[arg-type]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``a.png``, and ``photos`` with two pictures, a broken one and a text."""
    folder = tmp_path / "here"
    (folder / "photos" / "deep").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture())
    (folder / "photos" / "one.png").write_bytes(picture(seed=2))
    (folder / "photos" / "deep" / "two.jpg").write_bytes(picture(kind="jpeg", seed=3))
    (folder / "photos" / "notes.txt").write_text("no picture")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def darkroom(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call
