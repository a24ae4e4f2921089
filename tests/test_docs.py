"""The pages are held to the code: generated parts match, links lead somewhere, commands and examples are real."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, list[str]]]:
    """Every ``darkroom ...`` line of every page, continued lines joined, comments dropped."""
    found = []
    for page in PAGES:
        for block in fenced(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "darkroom" in words:
                    words = words[words.index("darkroom") + 1 :]
                    for stop in ("|", "&&", ">", "<"):
                        words = words[: words.index(stop)] if stop in words else words
                    found.append((f"{page.name}: {line.strip()}", words))
    return found


def test_generated_parts_match_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(("line", "words"), commands(), ids=[line for line, _ in commands()])
def test_every_command_is_one_that_the_program_takes(line: str, words: list[str]) -> None:
    from darkroom.cli.main import check

    check(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page's examples run in order, in a folder with the sample pictures under the names the pages use."""
    blocks = fenced(page, "python")
    samples = ROOT / "samples"
    for name, sample in (("shoe.jpg", "mug.jpg"), ("mug.jpg", "mug.jpg"), ("portrait.jpg", "portrait.jpg")):
        (tmp_path / name).write_bytes((samples / sample).read_bytes())
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), scope)


def test_the_gallery_shows_every_operation() -> None:
    from darkroom.operation import registry

    shown = {path.stem for path in (ROOT / "docs" / "gallery").glob("*.jpg")}
    assert shown == set(registry())
    assert max(path.stat().st_size for path in (ROOT / "docs" / "gallery").glob("*.jpg")) < 200_000


def test_no_page_is_an_orphan() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if not target.startswith("http")
    }
    assert [page for page in PAGES[1:] if page.resolve() not in linked] == []
