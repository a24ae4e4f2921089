"""``darkroom recipes``: the recipes that are here, and what each does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkroom.cli.main import describe
from darkroom.errors import DarkroomError

if TYPE_CHECKING:
    from darkroom.recipe import Recipe

app = typer.Typer()


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this one with its operations; a path works too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the recipes, built in and your own, or show one."""
    from darkroom.recipe import find_recipe
    from darkroom.recipe import recipes as all_recipes
    from darkroom.settings import load_settings

    settings = load_settings()
    if name is not None:
        recipe = find_recipe(name, settings)
        if as_json:
            print(json.dumps(_as_dict(recipe), indent=2))
        else:
            _show(recipe)
        return
    wrong: list[DarkroomError] = []
    found = all_recipes(settings, wrong)
    for error in wrong:
        print(describe(error), file=sys.stderr)
    if as_json:
        print(json.dumps([_as_dict(recipe) for recipe in found.values()], indent=2))
    else:
        _list(found.values(), settings.recipes)
    if wrong:
        raise typer.Exit(1)


def _list(found: Iterable[Recipe], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for recipe in found:
        table.add_row(recipe.name, recipe.description + ("" if recipe.builtin else f" ({recipe.path})"))
    console = Console(file=sys.stdout, highlight=False)
    console.print(table)
    console.print(f"\nYour own: YAML files in {folder}", style="dim", soft_wrap=True)


def _show(recipe: Recipe) -> None:
    from darkroom.pipeline import as_text

    print(f"{recipe.name}: {recipe.description}\n")
    for operation in recipe.pipeline.operations:
        print(f"  {as_text(operation)}")
    output = recipe.output.model_dump(exclude_none=True)
    if output:
        print(f"  written as: {', '.join(f'{key} {value}' for key, value in output.items())}")
    print(f"\n{recipe.path}")


def _as_dict(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "description": recipe.description,
        "operations": recipe.pipeline.to_json(),
        "output": recipe.output.model_dump(exclude_none=True),
        "builtin": recipe.builtin,
    }
