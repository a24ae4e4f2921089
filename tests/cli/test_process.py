"""Work done through the command line: one picture, a folder, standard streams, a watched folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darkroom import codecs
from darkroom.cli.record import NAME
from darkroom.errors import CorruptImage
from darkroom.settings import Limits
from tests.cli.conftest import picture

Darkroom = Callable[..., tuple[int, str, str]]
PROGRAM = [sys.executable, "-c", "from darkroom.cli.main import main; main()"]
HALF = ("resize", "--scale", "0.5")


def size(path: Path | bytes) -> tuple[int, int]:
    return codecs.decode(path, limits=Limits()).size


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class TestOnePicture:
    def test_by_an_operations_own_command(self, here: Path, darkroom: Darkroom) -> None:
        code, out, err = darkroom("resize", "a.png", "-o", "b.webp", "--width", "30")
        assert (code, out) == (0, "")
        assert size(here / "b.webp") == (30, 20)
        assert err.splitlines()[0].startswith("a.png (60x40 png ")
        assert "b.webp (30x20 webp " in err
        assert "  resize: " in err

    def test_by_process_with_several_operations_in_order(self, here: Path, darkroom: Darkroom) -> None:
        code, _, err = darkroom("process", "a.png", "-o", "b.png", "resize:width=30", "rotate:angle=90")
        assert code == 0, err
        assert size(here / "b.png") == (20, 30)

    def test_options_may_be_written_with_underscores(self, here: Path, darkroom: Darkroom) -> None:
        assert darkroom("convert", "a.png", "-o", "b.jpg", "--target_size", "3000")[0] == 0
        assert (here / "b.jpg").stat().st_size <= 3000

    def test_by_a_recipe_whose_output_a_flag_overrules(self, here: Path, darkroom: Darkroom) -> None:
        code, out, _ = darkroom("process", "a.png", "-o", "out/", "--recipe", "web-small", "--quality", "33", "--json")
        report = json.loads(out)["report"]
        assert code == 0
        assert tree(here / "out") == [NAME, "a.webp"]
        assert report["output"]["quality"] == 33

    def test_json_is_one_object_on_standard_output(self, here: Path, darkroom: Darkroom) -> None:
        code, out, err = darkroom(*HALF, "a.png", "-o", "b.png", "--json")
        said = json.loads(out)
        assert (code, err) == (0, "")
        assert (said["input"], said["output"], said["status"]) == ("a.png", "b.png", "done")
        assert said["report"]["steps"][0]["parameters"]["scale"] == 0.5

    def test_that_fails_ends_with_the_errors_own_exit_code(self, here: Path, darkroom: Darkroom) -> None:
        (here / "broken.png").write_bytes(picture()[:200])
        code, out, err = darkroom(*HALF, "broken.png", "-o", "b.png", "--json")
        assert code == CorruptImage.exit_code
        assert json.loads(out)["error"]["code"] == "corrupt_image"
        assert err.startswith("darkroom: ")
        assert not (here / "b.png").exists()

    def test_is_never_replaced_unless_asked(self, here: Path, darkroom: Darkroom) -> None:
        before = (here / "a.png").read_bytes()
        code, _, err = darkroom(*HALF, "a.png", "-o", "./a.png")
        assert code == 73
        assert "is the input itself" in err
        assert (here / "a.png").read_bytes() == before
        assert darkroom(*HALF, "a.png", "-o", "./a.png", "--overwrite")[0] == 0
        assert size(here / "a.png") == (30, 20)

    def test_quiet_says_nothing(self, here: Path, darkroom: Darkroom) -> None:
        assert darkroom(*HALF, "a.png", "-o", "b.png", "-q") == (0, "", "")

    def test_settings_are_laid_over(self, here: Path, darkroom: Darkroom) -> None:
        code, _, err = darkroom(*HALF, "a.png", "-o", "b.png", "--set", "limits.pixels=100")
        assert code == 65
        assert "limit_exceeded" in err


class TestStandardStreams:
    def test_in_and_out(self, here: Path) -> None:
        done = subprocess.run(
            [*PROGRAM, "process", "-", "-o", "-", "--format", "jpeg", "resize:scale=0.5", "--json"],
            input=picture(), capture_output=True, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(b"\xff\xd8")
        assert size(done.stdout) == (30, 20)
        assert json.loads(done.stderr)["report"]["output"]["format"] == "jpeg"

    def test_too_long_an_input_is_refused(self, here: Path) -> None:
        done = subprocess.run(
            [*PROGRAM, *HALF, "-", "--set", "limits.input_bytes=10"], input=picture(), capture_output=True, check=False
        )
        assert done.returncode == 65
        assert b"limit_exceeded: Standard input is longer than 10 bytes" in done.stderr


class TestAFolder:
    def test_comes_out_with_its_structure_and_the_format_of_each(self, here: Path, darkroom: Darkroom) -> None:
        code, _, err = darkroom(*HALF, "photos", "-o", "out", "-r", "--jobs", "2")
        assert code == 0
        assert tree(here / "out") == [NAME, "deep/two.jpg", "one.png"]
        assert err.splitlines()[-1] == "2 done"

    def test_one_bad_file_does_not_stop_the_rest(self, here: Path, darkroom: Darkroom) -> None:
        (here / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
        code, out, err = darkroom(*HALF, "photos", "-o", "out", "-r", "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        assert code == 1
        assert sorted(line["status"] for line in lines) == ["done", "done", "failed"]
        assert err.startswith("darkroom: ")
        assert "broken.png" in err

    def test_what_is_done_already_is_skipped_until_something_changes(self, here: Path, darkroom: Darkroom) -> None:
        def counts(*arguments: str) -> str:
            code, _, err = darkroom(*arguments, "photos", "-o", "out", "-r")
            assert code == 0, err
            return err.splitlines()[-1]

        assert counts(*HALF) == "2 done"
        assert counts(*HALF) == "0 done, 2 done already"
        (here / "photos" / "one.png").write_bytes(picture(seed=9))
        assert counts(*HALF) == "1 done, 1 done already"
        (here / "out" / "one.png").unlink()
        assert counts(*HALF) == "1 done, 1 done already"
        (here / "out" / "one.png").write_bytes(b"cut off")
        assert counts(*HALF) == "1 done, 1 done already"
        assert counts("resize", "--scale", "0.25") == "2 done"
        assert counts("resize", "--scale", "0.25", "--quality", "50") == "2 done"
        assert counts(*HALF, "--overwrite") == "2 done"

    def test_files_from_elsewhere_are_not_replaced_unless_asked(self, here: Path, darkroom: Darkroom) -> None:
        (here / "out").mkdir()
        (here / "out" / "one.png").write_bytes(b"mine")
        code, _, err = darkroom(*HALF, "photos", "-o", "out", "-r")
        assert code == 1
        assert "was not made from photos/one.png by Darkroom" in err
        assert (here / "out" / "one.png").read_bytes() == b"mine"
        assert darkroom(*HALF, "photos", "-o", "out", "-r", "--overwrite")[0] == 0
        assert size(here / "out" / "one.png") == (30, 20)

    def test_a_batch_that_is_killed_is_taken_up_where_it_stopped(self, here: Path, darkroom: Darkroom) -> None:
        for number in range(30):
            (here / "photos" / f"n{number:02}.png").write_bytes(picture(400, 400, seed=number))
        command = [*PROGRAM, "process", "photos", "-o", "out", "resize:scale=0.5", "--jobs", "1"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as batch:
            until(lambda: len(list((here / "out").glob("*.png"))) >= 3)
            batch.kill()
        done = len(list((here / "out").glob("*.png")))
        assert 3 <= done < 31
        code, _, err = darkroom("process", "photos", "-o", "out", "resize:scale=0.5")
        assert code == 0, err
        assert err.splitlines()[-1] == f"{31 - done} done, {done} done already"
        assert all(size(path) in ((200, 200), (30, 20)) for path in (here / "out").glob("*.png"))

    @pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_stopped_from_outside_it_leaves_no_half_written_file(self, here: Path, number: int, exit_code: int) -> None:
        for index in range(40):
            (here / "photos" / f"n{index:02}.png").write_bytes(picture(400, 400, seed=index))
        command = [*PROGRAM, "process", "photos", "-o", "out", "resize:scale=0.5"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as batch:
            until(lambda: len(list((here / "out").glob("*.png"))) >= 2)
            batch.send_signal(number)
            _, err = batch.communicate(timeout=10)
        assert batch.returncode == exit_code
        assert err.splitlines()[-1] == "darkroom: stopped"
        assert not [name for name in tree(here / "out") if name.endswith(".part")]

    def test_one_format_that_makes_two_names_clash_is_refused_before_work_starts(
        self, here: Path, darkroom: Darkroom
    ) -> None:
        (here / "photos" / "one.jpg").write_bytes(picture(kind="jpeg"))
        code, _, err = darkroom(*HALF, "photos", "-o", "out", "--format", "webp")
        assert code == 64
        assert "would both become" in err
        assert not (here / "out").exists()


class TestWatching:
    @pytest.fixture
    def watching(self, here: Path) -> Iterator[subprocess.Popen[str]]:
        command = [*PROGRAM, "process", "--watch", "photos", "-o", "photos/out", "-r", "resize:scale=0.5"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            yield process
            process.kill()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_does_what_is_there_and_what_comes_and_ends_cleanly(
        self, here: Path, watching: subprocess.Popen[str], number: int
    ) -> None:
        out = here / "photos" / "out"
        until(lambda: (out / "one.png").exists() and (out / "deep" / "two.jpg").exists())
        data = picture(seed=7)
        with (here / "photos" / "slow.png").open("wb") as file:
            for start in range(0, len(data), len(data) // 6 + 1):
                file.write(data[start : start + len(data) // 6 + 1])
                file.flush()
                time.sleep(0.1)
        (here / "photos" / "half.png.part").write_bytes(data[:100])
        until((out / "slow.png").exists)
        time.sleep(0.7)
        watching.send_signal(number)
        _, err = watching.communicate(timeout=10)
        assert watching.returncode == 0, err
        assert err.splitlines()[-1] == "stopped watching: 3 done"
        assert tree(out) == [NAME, "deep/two.jpg", "one.png", "slow.png"]


def test_nothing_is_left_running(here: Path) -> None:
    import psutil

    subprocess.run([*PROGRAM, *HALF, "a.png", "-o", "b.png"], check=True, capture_output=True)
    ours = [child for child in psutil.Process(os.getpid()).children(recursive=True) if "darkroom" in child.name()]
    assert ours == []


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)
