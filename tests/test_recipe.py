"""Recipes: the built-in ones, the user's own, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom.errors import DarkroomError, InvalidParameters, UnknownOperation, UnknownRecipe
from darkroom.recipe import builtin_recipes, find_recipe, read_recipe, recipes
from darkroom.settings import Settings

GOOD = """
description: Enlarged twice.
operations:
  - upscale:scale=2
output: {format: webp, quality: 70}
"""


@pytest.fixture
def own(settings: Settings) -> Path:
    """The user's own folder of recipes."""
    settings.recipes.mkdir(parents=True)
    return settings.recipes


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_built_in_ones_are_here_and_right() -> None:
    found = {recipe.name: recipe for recipe in builtin_recipes()}
    assert set(found) == {"product-white", "marketplace-square", "avatar", "anime-x4", "web-small"}
    for recipe in found.values():
        assert recipe.path.stem == recipe.name
        assert recipe.description.endswith(".")
        assert recipe.pipeline.operations
        assert recipe.builtin


def test_one_of_the_users_is_found_by_name_and_by_path(settings: Settings, own: Path, tmp_path: Path) -> None:
    written(own, "twice.yaml", GOOD)
    elsewhere = written(tmp_path, "other.yml", GOOD)
    for name in ("twice", str(elsewhere)):
        recipe = find_recipe(name, settings)
        assert recipe.pipeline.to_text() == "upscale"
        assert (recipe.encoding().format, recipe.encoding().quality) == ("webp", 70)
        assert not recipe.builtin
    assert "twice" in recipes(settings)


def test_they_are_offered_by_their_place_and_ones_own_first(settings: Settings, own: Path) -> None:
    written(own, "zoom.yaml", GOOD)
    written(own, "between.yaml", "place: 15\n" + GOOD)
    offered = list(recipes(settings))
    assert offered[:4] == ["zoom", "product-white", "between", "marketplace-square"]
    assert offered[-1] == "anime-x4", "what is for drawings alone comes last"


def test_the_name_in_the_file_wins_over_its_file_name(settings: Settings, own: Path) -> None:
    written(own, "a.yaml", "name: enlarged\n" + GOOD)
    assert find_recipe("enlarged", settings).path.name == "a.yaml"
    with pytest.raises(UnknownRecipe):
        find_recipe("a", settings)


def test_the_users_own_takes_the_place_of_a_built_in_one(settings: Settings, own: Path) -> None:
    written(own, "web-small.yaml", GOOD)
    assert find_recipe("web-small", settings).description == "Enlarged twice."
    assert recipes(settings)["web-small"].path.parent == own


def test_a_broken_one_does_not_keep_another_from_running(settings: Settings, own: Path) -> None:
    written(own, "broken.yaml", "operations: [nothing]")
    written(own, "twice.yaml", GOOD)
    assert find_recipe("twice", settings).pipeline.operations
    assert find_recipe("web-small", settings).builtin
    with pytest.raises(UnknownRecipe) as raised:
        find_recipe("twise", settings)
    assert "Did you mean twice?" in str(raised.value)
    wrong: list[DarkroomError] = []
    assert "twice" in recipes(settings, wrong)
    assert [str(own / "broken.yaml") in error.message for error in wrong] == [True]


def test_a_name_that_is_not_there_is_told_with_the_nearest(settings: Settings) -> None:
    with pytest.raises(UnknownRecipe) as raised:
        find_recipe("product-whit", settings)
    assert "Did you mean product-white?" in str(raised.value)
    assert str(settings.recipes) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("operations: [", "not YAML"),
        ("- upscale", "must be a mapping"),
        ("description: nothing to do", "operations: Field required"),
        ("operations: []", "operations"),
        ("operations: [upscale]\nsteps: 3", "steps: is not a known name"),
        ("operations: [upscale]\noutput: {quality: 200}", "output.quality"),
        ("operations: [upscale]\nname: Not A Name", "name"),
        ("operations: [upscale, 3]", "step 2: 3 is not an operation"),
        ("operations: [{scale: 2}]", "step 1: An operation needs a type"),
        ("operations: [upscale, {type: upscale, scale: 9}]", "step 2: upscale: scale: Input should be 2, 3 or 4"),
        ("operations: ['upscale:scal=2']", "step 1: upscale has no parameter 'scal'"),
        ("operations: [{1: 2}]", "every key must be text"),
        ("operations: [!!python/object/apply:os.getcwd []]", "not YAML"),
    ],
)
def test_a_wrong_one_is_told_with_file_step_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, "wrong.yaml", text)
    with pytest.raises(InvalidParameters) as raised:
        read_recipe(path)
    assert str(path) in raised.value.message
    assert words in raised.value.message


def test_an_operation_that_is_not_there_keeps_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownOperation) as raised:
        read_recipe(written(tmp_path, "wrong.yaml", "operations: [upscael]"))
    assert "Did you mean upscale?" in str(raised.value)
