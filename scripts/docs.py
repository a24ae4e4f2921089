"""Write the generated parts of README.md and docs/ from the code, or check with ``--check`` that they match it.

A part stands between ``<!-- generated: NAME ARGUMENT -->`` and ``<!-- end -->``; the functions of ``PARTS`` make them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- generated: ([a-z-]+)(?: ([A-Za-z0-9_.-]+))? -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def allowed(schema: dict[str, Any]) -> str:
    """What a JSON schema's property allows, in words."""
    if "anyOf" in schema:
        return " or ".join(allowed(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}.get(
        schema.get("type", ""), {"null": "nothing", "array": "list"}.get(schema.get("type", ""), "value")
    )
    low, high = (
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
    )
    bounds = {
        (True, True): f" {low:g} to {high:g}" if low is not None and high is not None else "",
        (True, False): f" from {'above ' if 'exclusiveMinimum' in schema else ''}{low:g}" if low is not None else "",
        (False, True): f" up to {high:g}" if high is not None else "",
        (False, False): "",
    }[(low is not None, high is not None)]
    return kind + bounds


def parameters(name: str) -> str:
    """An operation's parameters."""
    from darkroom.operation import find_operation

    schema = find_operation(name).model_json_schema()
    definitions = schema.get("$defs", {})
    rows: list[list[str]] = []
    for field, described in schema["properties"].items():
        if field == "type":
            continue
        shown = definitions.get(described.get("$ref", "").rsplit("/", 1)[-1], described) | described
        required = field in schema.get("required", ())
        default = "*required*" if required else f"`{json.dumps(shown.get('default'))}`".replace("`null`", "")
        rows.append([f"`{field}`", allowed(shown), default, shown.get("description", "")])
    return table(["parameter", "allowed", "default", "what it does"], rows)


def operations(_: str) -> str:
    """Every operation, linked to its page."""
    from darkroom.operation import registry

    prefix = "docs/operations/"
    return table(
        ["operation", "what it does"],
        [[f"[`{name}`]({prefix}{name}.md)", kind.summary()] for name, kind in registry().items()],
    )


def models(_: str) -> str:
    """The built-in catalogue."""
    from darkroom.models.store import Store
    from darkroom.settings import Settings

    def commercial(allowed: bool | None) -> str:
        return {True: "yes", False: "no", None: "not stated"}[allowed]

    rows = [
        [f"`{e.name}`", e.task.replace("_", " "), e.summary, e.licence, commercial(e.commercial)]
        for e in Store.from_settings(Settings()).entries()
    ]
    return table(["model", "for", "what it is", "licence", "commercial use"], rows)


def recipes(_: str) -> str:
    """The built-in recipes."""
    from darkroom.recipe import builtin_recipes

    rows: list[list[str]] = []
    for recipe in builtin_recipes():
        rows.append([f"`{recipe.name}`", recipe.description])
    return table(["recipe", "what it makes"], rows)


def errors(_: str) -> str:
    """Every error class."""
    from darkroom.errors import DarkroomError

    def below(kind: type[DarkroomError]) -> list[type[DarkroomError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    rows = [
        [
            f"`{kind.code}`",
            f"`{kind.__name__}`",
            str(kind.exit_code),
            str(kind.http_status),
            kind.title(),
        ]
        for kind in below(DarkroomError)
    ]
    return table(["code", "class", "exit code", "HTTP status", "what happened"], rows)


def settings(_: str) -> str:
    """Every setting with its environment variable."""
    from pydantic import BaseModel

    from darkroom.settings import Settings

    rows: list[list[str]] = []

    def walk(kind: type[BaseModel], path: tuple[str, ...]) -> None:
        schema = kind.model_json_schema()["properties"]
        for name, field in kind.model_fields.items():
            here = (*path, name)
            group = field.annotation
            if isinstance(group, type) and issubclass(group, BaseModel):
                walk(group, here)
                continue
            default = (
                "*a folder of your own*"
                if field.default_factory
                else f"`{json.dumps(field.default, default=lambda _: '')}`"
            )
            rows.append(
                [
                    f"`{'.'.join(here)}`",
                    f"`DARKROOM_{'__'.join(here).upper()}`",
                    allowed(schema[name]),
                    default.replace("`null`", ""),
                    field.description or "",
                ]
            )

    walk(Settings, ())
    return table(["setting", "environment", "allowed", "default", "what it does"], rows)


def figures(name: str) -> str:
    """The table that a benchmark wrote into its JSON result."""
    result = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())
    rows = [[str(row.get(column, "")) for column in result["columns"]] for row in result["rows"]]
    return table(result["columns"], rows) + f"\n{result['machine']}. Repeat it: `{result['command']}`.\n"


def routes(_: str) -> str:
    """Every route of the service, from its OpenAPI document."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    rows: list[list[str]] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            words = operation["description"].split("\n\n")[0].replace("\n", " ")
            rows.append([f"`{method.upper()} {path}`", words])
    return table(["route", "what it does"], rows)


def gallery(_: str) -> str:
    """Before and after of every operation, with what scripts/gallery.py says of each."""
    import importlib.util

    path = ROOT / "scripts" / "gallery.py"
    found = importlib.util.spec_from_file_location("gallery", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return "\n".join(
        f"## {name}\n\n{sheet.__doc__}\n\n[![{name}: before and after]({name}.jpg)](../operations/{name}.md)\n"
        for name, sheet in module.SHEETS.items()
    )


PARTS: dict[str, Callable[[str], str]] = {
    "parameters": parameters,
    "operations": operations,
    "models": models,
    "recipes": recipes,
    "errors": errors,
    "settings": settings,
    "figures": figures,
    "gallery": gallery,
    "routes": routes,
}


def pages() -> list[Path]:
    """Every page that may hold generated parts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def render(text: str) -> str:
    """The page with every generated part written anew."""

    def fill(match: re.Match[str]) -> str:
        body = PARTS[match[2]](match[3] or "")
        return f"{match[1]}{body}{match[4]}"

    return BLOCK.sub(fill, text)


def main() -> int:
    """Write, or with ``--check`` name the pages that differ."""
    stale: list[Path] = []
    for page in pages():
        old = page.read_text()
        new = render(old)
        if new != old:
            stale.append(page)
            if "--check" not in sys.argv:
                page.write_text(new)
    for page in stale:
        what = "differs from the code: run make docs" if "--check" in sys.argv else "written"
        print(f"{page.relative_to(ROOT)}: {what}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
