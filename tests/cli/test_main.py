"""The program as a whole: how fast it answers, what it says, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from darkroom import errors
from darkroom.cli.main import COMMANDS, build_app, check, run
from darkroom.cli.operations import summaries
from darkroom.errors import InvalidParameters, UnknownOperation
from darkroom.operation import registry
from darkroom.settings import Settings

Darkroom = Callable[..., tuple[int, str, str]]
PROGRAM = [sys.executable, "-c", "from darkroom.cli.main import main; main()"]


class TestHelp:
    def test_answers_at_once(self) -> None:
        """Within 0.3 s on a machine that is not busy; the limit leaves room for one that is."""
        fastest = min(self.seconds([*PROGRAM, "--help"]) for _ in range(3))
        bare = min(self.seconds([sys.executable, "-c", "import typer, rich"]) for _ in range(3))
        assert fastest < max(0.3, 4 * bare)

    def seconds(self, command: list[str]) -> float:
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - started

    def test_loads_nothing_heavy(self) -> None:
        code = "import sys; from darkroom.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
        assert not set(loaded.split()) & {"numpy", "pyvips", "cv2", "openvino", "onnx", "PIL", "pydantic", "yaml"}

    def test_names_every_command_and_operation(self, darkroom: Darkroom) -> None:
        code, out, _ = darkroom("--help")
        assert code == 0
        for name in [*COMMANDS, *registry()]:
            assert name in out

    def test_of_operations_is_read_from_the_source_as_they_are(self) -> None:
        assert summaries() == {name: kind.summary() for name, kind in registry().items()}

    @pytest.mark.parametrize("name", [*COMMANDS, *registry()])
    def test_of_every_command_is_there(self, darkroom: Darkroom, name: str) -> None:
        code, out, err = darkroom(name, "--help")
        assert (code, err) == (0, "")
        assert f"darkroom {name}" in out

    @pytest.mark.parametrize("name", list(registry()))
    def test_of_an_operation_has_an_option_for_every_field(
        self, darkroom: Darkroom, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setenv("TERMINAL_WIDTH", "120")
        _, out, _ = darkroom(name, "--help")
        for field in registry()[name].model_fields:
            assert field == "type" or f"--{field.replace('_', '-')}" in out


def test_without_a_word_the_help_is_shown(darkroom: Darkroom) -> None:
    code, out, err = darkroom()
    assert (code, err) == (0, "")
    assert "Operations" in out


def test_a_broken_recipe_is_told_and_the_others_are_listed(darkroom: Darkroom, settings: Settings) -> None:
    settings.recipes.mkdir(parents=True)
    (settings.recipes / "broken.yaml").write_text("operations: [nothing]")
    code, out, err = darkroom("recipes")
    assert code == 1
    assert "web-small" in out
    assert "broken.yaml, step 1: There is no operation named 'nothing'" in err


def test_a_recipe_is_shown_as_one_would_type_it(darkroom: Darkroom) -> None:
    code, out, _ = darkroom("recipes", "web-small")
    assert code == 0
    assert "resize:width=1600,height=1600" in out
    assert "format webp, quality 80" in out


def test_version(darkroom: Darkroom) -> None:
    code, out, _ = darkroom("--version")
    assert code == 0
    assert out.startswith("darkroom 0.")


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "exit_code", "words"),
        [
            (["resize", "a.png"], 64, "invalid_parameters: resize"),
            (["resize", "a.png", "-o", "b.png", "--width", "wide"], 64, "width: Input should be a valid integer"),
            (["resize", "a.png", "-o", "b.png", "--width", "0"], 64, "greater than or equal to 1, not '0'"),
            (["resize", "a.png", "-o", "b.png", "--wide", "3"], 64, "No such option: --wide"),
            (["resize", "-o", "b.png", "--width", "3"], 64, "There is no input"),
            (["resize", "absent.png", "-o", "b.png", "--width", "3"], 66, "input_not_found: There is no file"),
            (["resize", "a.png", "-o", "b.png", "--width", "3", "--device", "tpu"], 78, "'auto', 'cpu' or 'gpu'"),
            (["resize", "a.png", "-o", "b.png", "--width", "3", "--set", "limits.x=3"], 78, "limits.x"),
            (["resize", "a.png", "-o", "b.png", "--width", "3", "--set", "no.such=3"], 78, "no.such"),
            (["resize", "a.png", "-o", "b.png", "--width", "3", "--set", "providers.chain={resize"], 64, "JSON"),
            (
                ["resize", "a.png", "-o", "b.png", "--width", "3", "--set", 'providers.chain={"resize":["nobody"]}'],
                78,
                "nobody",
            ),
            (["resize", "a.png", "-o", "b.png", "--width", "3", "--svg-size", "big"], 64, "not WIDTHxHEIGHT"),
            (["resize", "a.png", "-o", "b/", "--width", "3", "--format", "jpg2"], 64, "no format named 'jpg2'"),
            (["process", "a.png", "-o", "b.png", "resise"], 64, "Did you mean resize?"),
            (["process", "a.png", "-o", "b.png", "--recipe", "nothing"], 64, "unknown_recipe"),
            (["process", "a.png"], 64, "What should be done?"),
            (["resise", "a.png"], 64, "No such command 'resise'"),
            (["process", "--watch", "photos", "-o", "photos", "rotate:angle=90"], 64, "worked on again"),
            (["process", "--watch", "absent", "-o", "b", "rotate:angle=90"], 66, "no folder absent"),
        ],
    )  # fmt: skip
    def test_are_one_line_with_code_and_cure(
        self, here: Path, darkroom: Darkroom, arguments: list[str], exit_code: int, words: str
    ) -> None:
        code, out, err = darkroom(*arguments)
        assert code == exit_code, err
        assert out == ""
        *before, line = err.strip().splitlines()
        assert all(said.startswith("watching") for said in before)
        assert line.startswith("darkroom: ")
        assert words in line

    def test_that_nobody_expected_are_told_without_a_traceback_too(
        self, darkroom: Darkroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(COMMANDS, "doctor", ("darkroom.cli.nothing", "Gone."))
        code, _, err = darkroom("doctor")
        assert code == 70
        assert err.startswith("darkroom: error: Something unexpected happened: ModuleNotFoundError")
        _, _, err = darkroom("doctor", "--debug")
        assert "Traceback" in err
        assert err.strip().splitlines()[-1].startswith("darkroom: error:")

    def test_have_their_traceback_with_debug_the_workers_too(self, here: Path, darkroom: Darkroom) -> None:
        (here / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
        code, _, err = darkroom("rotate", "broken.png", "-o", "out.png", "--angle", "90", "--debug")
        assert code == errors.CorruptImage.exit_code
        assert "In the worker process:" in err
        assert "decode" in err

    def test_stopping_is_130(self, monkeypatch: pytest.MonkeyPatch, darkroom: Darkroom) -> None:
        def interrupt(**_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("darkroom.cli.doctor.examine", interrupt)
        assert darkroom("doctor")[0] == 130

    def test_a_reader_that_has_seen_enough_is_no_error(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [*PROGRAM, "operations", "--json"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writer)
        assert done.stderr == ""
        assert done.returncode == 141


class TestCheck:
    def test_takes_what_the_program_takes(self) -> None:
        check(["resize", "a.jpg", "-o", "b.png", "--width", "3"])
        check(["process", "photos/", "-o", "out/", "resize:width=3", "--recipe", "web-small", "--jobs", "2"])
        check(["operations", "resize"])

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (["resize", "a.jpg", "--wide", "3"], InvalidParameters),
            (["resize", "a.jpg", "--width", "much"], InvalidParameters),
            (["process", "a.jpg", "-o", "b.jpg", "resize:wide=3"], InvalidParameters),
            (["process", "a.jpg", "-o", "b.jpg", "resise:width=3"], UnknownOperation),
            (["nothing"], InvalidParameters),
        ],
    )
    def test_refuses_the_rest(self, words: list[str], error: type[Exception]) -> None:
        with pytest.raises(error):
            check(words)

    def test_does_nothing(self, here: Path) -> None:
        check(["rotate", "a.png", "-o", "b.png", "--angle", "90"])
        assert not (here / "b.png").exists()


def test_the_program_is_an_ordinary_typer_application() -> None:
    from typer.testing import CliRunner

    done = CliRunner().invoke(build_app(["operations"]), ["operations", "--json"])
    assert done.exit_code == 0
    assert '"resize"' in done.stdout


def test_a_command_line_can_be_run_from_any_thread(here: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(run, ["rotate", "a.png", "-o", "b.png", "--angle", "90", "-q"]).result() == 0
    assert (here / "b.png").exists()
