"""Telling inputs from operations, finding pictures, and where each result goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom.cli.inputs import STDIO, find, plan, split_arguments
from darkroom.errors import InputNotFound, InvalidParameters, OutputError, UnknownOperation

OPERATIONS = ("resize", "remove_background", "crop")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of (empty) pictures and other files, which is the current one."""
    for name in ("a.jpg", "b.PNG", "notes.txt", ".hidden.jpg", "deep/c.webp", "deep/er/d.heic", ".git/e.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(inputs: list[str], *, recursive: bool = False, skip: Path | None = None) -> list[str]:
    return [found.inside.as_posix() for found in find(inputs, recursive=recursive, skip=skip)]


class TestArguments:
    def test_are_operations_by_name_and_inputs_otherwise(self, folder: Path) -> None:
        assert split_arguments(["photos", "resize:width=3", "x.jpg", "remove-background", "-"], OPERATIONS) == (
            ["photos", "x.jpg", "-"],
            ["resize:width=3", "remove-background"],
        )

    def test_that_could_be_both_are_refused(self, folder: Path) -> None:
        (folder / "crop").touch()
        with pytest.raises(InvalidParameters, match=r"also a file here.*\./crop.*crop:"):
            split_arguments(["crop"], OPERATIONS)
        assert split_arguments(["./crop", "crop:"], OPERATIONS) == (["./crop"], ["crop"])

    @pytest.mark.parametrize("text", ["resise", "resise:width=3"])
    def test_that_are_misspelt_operations_are_told(self, folder: Path, text: str) -> None:
        with pytest.raises(UnknownOperation, match="Did you mean resize"):
            split_arguments([text], OPERATIONS)

    def test_with_an_operations_name_before_a_colon_in_a_path_are_inputs(self, folder: Path) -> None:
        assert split_arguments(["./resize:3.jpg"], OPERATIONS)[0] == ["./resize:3.jpg"]


class TestFinding:
    def test_a_folder_gives_its_pictures_in_order(self, folder: Path) -> None:
        assert names(["photos"]) == ["a.jpg", "b.PNG"]

    def test_recursive_gives_those_of_subfolders_with_their_place(self, folder: Path) -> None:
        assert names(["photos"], recursive=True) == ["a.jpg", "b.PNG", "deep/c.webp", "deep/er/d.heic"]

    def test_nothing_is_taken_from_the_output_folder(self, folder: Path) -> None:
        assert names(["photos"], recursive=True, skip=folder / "photos" / "deep") == ["a.jpg", "b.PNG"]

    def test_a_quoted_pattern_is_expanded_and_keeps_places_below_its_fixed_part(self, folder: Path) -> None:
        assert names(["photos/*.jpg"]) == ["a.jpg"]
        assert names(["photos/**/*"]) == ["a.jpg", "b.PNG", "deep/c.webp", "deep/er/d.heic"]

    def test_a_file_whose_name_has_a_wildcard_is_that_file(self, folder: Path) -> None:
        (folder / "a[1].jpg").touch()
        assert names(["a[1].jpg"]) == ["a[1].jpg"]

    def test_each_picture_comes_once(self, folder: Path) -> None:
        assert names(["photos/a.jpg", "photos", "photos/../photos/a.jpg"]) == ["a.jpg", "b.PNG"]

    @pytest.mark.parametrize("text", ["absent.jpg", "photos/*.gif", "photos/deep/er/none"])
    def test_what_is_not_there_is_told(self, folder: Path, text: str) -> None:
        with pytest.raises(InputNotFound, match=r"no file|No picture"):
            find([text], recursive=False)

    def test_a_folder_with_pictures_further_down_only_says_how_to_reach_them(self, folder: Path) -> None:
        with pytest.raises(InputNotFound, match="--recursive"):
            find([str(folder)], recursive=False)


class TestPlaces:
    def targets(
        self, folder: Path, inputs: list[str], output: str | None, wanted: str | None = None, *, single: bool = False
    ) -> list[str | None]:
        items = plan(find(inputs, recursive=True), output, wanted, single=single)  # type: ignore[arg-type]
        return [
            None if item.target is None else item.target.as_posix() + (".?" if item.open_suffix else "")
            for item in items
        ]

    def test_a_single_picture_goes_to_the_file_that_is_named(self, folder: Path) -> None:
        assert self.targets(folder, ["photos/a.jpg"], "out.png", single=True) == ["out.png"]

    def test_or_into_a_folder(self, folder: Path) -> None:
        assert self.targets(folder, ["photos/a.jpg"], "new/", single=True) == ["new/a.?"]
        assert self.targets(folder, ["photos/a.jpg"], "photos/deep", "png", single=True) == ["photos/deep/a.png"]

    def test_a_folder_keeps_its_structure(self, folder: Path) -> None:
        assert self.targets(folder, ["photos"], "out", "webp") == [
            "out/a.webp", "out/b.webp", "out/deep/c.webp", "out/deep/er/d.webp"
        ]  # fmt: skip

    def test_the_suffix_stays_open_until_the_format_is_known(self, folder: Path) -> None:
        (item, _) = plan(find(["photos"], recursive=False), "out", None, single=False)
        assert str(item.path("png")) == "out/a.png"
        assert str(item.path("jpeg")) == "out/a.jpg"

    def test_a_pattern_names_every_result(self, folder: Path) -> None:
        assert self.targets(folder, ["photos"], "out/{folder}/{stem}-{index}.{ext}") == [
            "out/a-0001.?", "out/b-0002.?", "out/deep/c-0003.?", "out/deep/er/d-0004.?"
        ]  # fmt: skip
        assert self.targets(folder, ["photos/a.jpg"], "{stem}.png", single=True) == ["a.png"]

    @pytest.mark.parametrize("pattern", ["{nothing}.png", "{stem.png", "{stem!x}.png", "{0}.png"])
    def test_a_pattern_that_cannot_be_is_refused(self, folder: Path, pattern: str) -> None:
        with pytest.raises(InvalidParameters, match="pattern"):
            self.targets(folder, ["photos/a.jpg"], pattern, single=True)

    def test_standard_input_goes_to_standard_output_or_to_a_place(self, folder: Path) -> None:
        assert self.targets(folder, [STDIO], None, single=True) == [None]
        assert self.targets(folder, [STDIO], "out/", single=True) == ["out/stdin.?"]

    def test_two_pictures_with_one_place_are_refused_before_work_starts(self, folder: Path) -> None:
        (folder / "photos" / "a.png").touch()
        with pytest.raises(InvalidParameters, match=r"photos/a\.jpg and photos/a\.png would both become out/a\.webp"):
            self.targets(folder, ["photos"], "out", "webp")
        assert len(self.targets(folder, ["photos"], "out")) == 5, "each in its own format is no clash"

    @pytest.mark.parametrize(
        ("inputs", "output", "words"),
        [
            (["photos"], None, "Where should the result go"),
            (["photos"], "-", "standard output"),
            (["photos"], "photos/a.jpg", "is a file"),
        ],
    )
    def test_places_that_cannot_be_are_refused(
        self, folder: Path, inputs: list[str], output: str | None, words: str
    ) -> None:
        with pytest.raises((InvalidParameters, OutputError), match=words):
            self.targets(folder, inputs, output)

    def test_a_name_that_says_no_format_or_another_is_refused(self, folder: Path) -> None:
        with pytest.raises(OutputError, match="which format"):
            self.targets(folder, ["photos/a.jpg"], "out.xyz", single=True)
        with pytest.raises(InvalidParameters, match="asks for png, but jpeg"):
            self.targets(folder, ["photos/a.jpg"], "out.png", "jpeg", single=True)
