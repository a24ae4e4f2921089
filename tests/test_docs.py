"""The pages are held to the code: generated parts match, links lead somewhere, commands and examples are real."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import Service
from tests.servers import environment, needed

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def curled() -> list[tuple[str, str]]:
    """Every block of README.md and docs/serve.md in which curl asks the service."""
    pages = (ROOT / "README.md", ROOT / "docs" / "serve.md")
    return [(page.name, block) for page in pages for block in fenced(page, "sh") if "curl " in block]


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


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for the examples."""
    made = Service(tmp_path_factory.mktemp("service"))
    yield made
    made.end()


class TestTheServicesExamples:
    """docs/serve.md and README.md: what they have curl ask is asked of a real service."""

    @pytest.mark.parametrize(("page", "block"), curled(), ids=lambda value: re.sub(r"\W+", "-", str(value))[-40:])
    def test_curl_examples_run(self, page: str, block: str, service: Service, tmp_path: Path) -> None:
        curl, jq = needed("curl"), needed("jq")
        for name, sample in (("shoe.jpg", "mug.jpg"), ("portrait.jpg", "portrait.jpg")):
            (tmp_path / name).write_bytes((ROOT / "samples" / sample).read_bytes())
        wrong = "0000000000" in block
        # Every call has to succeed, but for the one that shows what a failure looks like.
        functions = f'curl() {{ {curl} -sS {"" if wrong else "--fail-with-body"} "$@"; }}\njq() {{ {jq} "$@"; }}'
        script = f"set -euo pipefail\n{functions}\n{block.replace('http://127.0.0.1:8765', service.url)}"
        variables = {**environment(curl), **environment(jq)}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        written = re.findall(r"-o (\S+)", block)
        for name in written:
            assert (tmp_path / name).stat().st_size > 100, f"{name}: {done.stdout}"
        if "/events" in block:
            assert '"state":"completed"' in done.stdout.replace(" ", "")
        if wrong:
            assert "HTTP/1.1 404" in done.stdout
            assert '"code":"image_not_found"' in done.stdout.replace(" ", "")

    def test_every_metric_has_its_meaning(self, service: Service) -> None:
        told = set(re.findall(r"^# TYPE (\w+) (\w+)", service.client.get("/metrics").text, re.MULTILINE))
        names = {name + ("_total" if kind == "counter" else "") for name, kind in told}
        page = (ROOT / "docs" / "watch.md").read_text()
        table = dict(re.findall(r"^\| `(darkroom_\w+)` \| (\w+) \|", page, re.MULTILINE))
        assert set(table) == names
        assert table == {name + ("_total" if kind == "counter" else ""): kind for name, kind in told}
        bases = {re.sub("_total$", "", name) for name in names}
        for used in set(re.findall(r"darkroom_\w+", page)):
            assert re.sub("_(total|bucket|count|sum)$", "", used) in bases, used


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_in_examples_are_allowed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every darkroom.toml that a page shows can be read."""
    from darkroom.settings import load_settings

    for block in fenced(page, "toml"):
        if block.startswith("# darkroom.toml"):
            (tmp_path / "darkroom.toml").write_text(block)
            monkeypatch.setenv("DARKROOM_CONFIG", str(tmp_path / "darkroom.toml"))
            load_settings()


def test_the_unit_of_systemd_starts_what_there_is(tmp_path: Path) -> None:
    from darkroom.cli.main import check
    from darkroom.errors import ConfigurationError

    (unit,) = fenced(ROOT / "docs" / "serve.md", "ini")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    program, *words = settings["ExecStart"].split()
    assert program.endswith("/bin/darkroom")
    check(words)
    assert settings["RestartPreventExitStatus"] == str(ConfigurationError.exit_code)
    if shutil.which("systemd-analyze"):
        (tmp_path / "darkroom.service").write_text(unit.replace(program, sys.executable))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / "darkroom.service")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        # Of what is wrong with a unit it says file and line.
        assert "darkroom.service:" not in done.stderr, done.stderr


def test_rules_of_prometheus_are_yaml() -> None:
    import yaml

    scrape, rules = (yaml.safe_load(block) for block in fenced(ROOT / "docs" / "watch.md", "yaml"))
    assert scrape["scrape_configs"][0]["job_name"] == "darkroom"
    assert all({"alert", "expr"} <= set(rule) for rule in rules["groups"][0]["rules"])
