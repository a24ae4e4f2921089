"""Whatever the service offers has an Italian text on the page; English ones are the service's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import DarkroomError
from darkroom.operation import Operation, registry
from darkroom.recipe import builtin_recipes
from darkroom.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
ESBUILD = ROOT / "node_modules/.bin/esbuild"
OPERATIONS = list(registry().values())

Texts = dict[str, Any]


@pytest.fixture(scope="module")
def italian() -> Texts:
    """The texts of the page, as its sources have them; those that are made of numbers and names are left out."""
    if shutil.which("node") is None or not ESBUILD.exists():
        pytest.skip("Node and its packages are not here; make page fetches them")
    source = ROOT / "web/src/lib/i18n/it.ts"
    code = subprocess.run(
        [ESBUILD, source, "--bundle", "--format=cjs", "--log-level=error"], capture_output=True, text=True, check=True
    ).stdout
    say = "process.stdout.write(JSON.stringify(module.exports.it))"
    return json.loads(subprocess.run(["node"], input=code + say, capture_output=True, text=True, check=True).stdout)


def parts(rules: dict[str, Any]) -> list[dict[str, Any]]:
    return rules.get("anyOf", [rules])


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.name)
class TestEveryOperation:
    def test_has_a_name_and_a_summary(self, italian: Texts, kind: type[Operation]) -> None:
        assert set(italian["operations"][kind.name]) == {"name", "summary"}

    def test_has_a_name_and_a_help_for_every_field(self, italian: Texts, kind: type[Operation]) -> None:
        fields = {name for name in kind.model_fields if name != "type"}
        assert fields - set(italian["fields"]) == set()
        assert set(italian["help"][kind.name]) == fields, "no more, no less"

    def test_has_a_word_for_every_choice(self, italian: Texts, kind: type[Operation]) -> None:
        for rules in kind.model_json_schema()["properties"].values():
            for value in (value for part in parts(rules) for value in part.get("enum", ())):
                assert same_everywhere(value) or value in italian["choices"], value


def same_everywhere(value: Any) -> bool:
    """Numbers, names with one in them, and formats of files are written alike in every language."""
    formats = {"jpeg", "png", "webp", "avif", "tiff", "gif", "bmp", "svg"}
    return not isinstance(value, str) or any(letter.isdigit() for letter in value) or value in formats


def test_every_recipe(italian: Texts) -> None:
    assert set(italian["recipes"]) == {recipe.name for recipe in builtin_recipes()}


def test_every_error(italian: Texts) -> None:
    def below(kind: type[DarkroomError]) -> list[type[DarkroomError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    codes = {kind.code for kind in below(DarkroomError) if kind.__module__ == DarkroomError.__module__}
    assert codes - set(italian["errors"]) == set()
    # Those of the page itself, of its client, and of addresses that lead nowhere.
    assert set(italian["errors"]) - codes == {"page", "not_understood", "not_found", "method_not_allowed"}


def test_every_setting_that_the_page_may_change(italian: Texts) -> None:
    from darkroom.server.settings_view import CHANGEABLE

    assert set(italian["settings"]["names"]) == set(CHANGEABLE)


def test_every_model(italian: Texts) -> None:
    from darkroom.models.store import Store

    entries = Store.from_settings(Settings()).entries()
    assert set(italian["models"]["summaries"]) == {entry.name for entry in entries}
    assert {entry.task for entry in entries} <= set(italian["models"]["tasks"])


def test_every_purpose_and_end_of_a_connection(italian: Texts) -> None:
    from typing import get_args

    from darkroom.egress import Purpose

    assert set(italian["privacy"]["purposes"]) == set(get_args(Purpose))
    assert set(italian["privacy"]["outcomes"]) == {"started", "done", "refused", "failed"}


def test_every_group_of_the_api(italian: Texts) -> None:
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    tags = {call["tags"][0] for path in document["paths"].values() for call in path.values()}
    assert set(italian["docs"]["tags"]) == tags
