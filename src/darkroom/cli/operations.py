"""``darkroom operations``: what there is to do, with every parameter."""

from __future__ import annotations

import ast
import json
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def operations(
    name: Annotated[str | None, typer.Argument(help="Show this one with its parameters.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON schemas instead of text.")] = False,
) -> None:
    """List the operations, or show one with its parameters."""
    from darkroom.operation import find_operation, registry

    if name is not None:
        kind = find_operation(name.replace("-", "_"))
        if as_json:
            print(json.dumps(kind.model_json_schema(), indent=2))
        else:
            _show(kind.name, kind.summary(), kind.model_json_schema())
    elif as_json:
        print(json.dumps({known: kind.model_json_schema() for known, kind in registry().items()}, indent=2))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for known, line in summaries().items():
            table.add_row(known, line)
        console = Console(file=sys.stdout)
        console.print(table)
        console.print("\nParameters of one: darkroom operations NAME", style="dim")


def _show(name: str, summary: str, schema: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("parameter", "default", "allowed", "what it is"):
        table.add_column(heading, overflow="fold")
    for field, rules in parameters(schema).items():
        default = json.dumps(rules["default"]) if "default" in rules else "required"
        table.add_row(field, default, allowed(rules, schema), rules.get("description", ""))
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"[bold]{name}[/bold]: {summary}\n")
    console.print(table)


def parameters(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of an operation's JSON schema, without its tag."""
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    return {name: rules for name, rules in fields.items() if name != "type"}


def allowed(rules: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a field takes, in words: ``2|3|4``, ``1 to 100``, ``text``; alternatives are joined by ``|``."""
    if "$ref" in rules:
        return allowed(schema["$defs"][rules["$ref"].rpartition("/")[2]], schema)
    if "enum" in rules:
        return "|".join(_plain(value) for value in rules["enum"])
    if "const" in rules:
        return _plain(rules["const"])
    for key in ("anyOf", "oneOf"):
        if key in rules:
            parts = [allowed(part, schema) for part in rules[key] if part.get("type") != "null"]
            return "|".join(dict.fromkeys(parts))
    kind = rules.get("type")
    if kind == "boolean":
        return "true|false"
    if kind in ("integer", "number"):
        return _range(rules, "whole number" if kind == "integer" else "number")
    if kind == "array":
        return _list(rules, schema)
    return "text"


def _range(rules: dict[str, Any], kind: str) -> str:
    low, above = rules.get("minimum"), rules.get("exclusiveMinimum")
    high, below = rules.get("maximum"), rules.get("exclusiveMaximum")
    start = f"{low}" if low is not None else f"above {above}" if above is not None else None
    end = f"{high}" if high is not None else f"below {below}" if below is not None else None
    if start is not None and end is not None:
        return f"{start} to {end}"
    if start is not None:
        return start if above is not None else f"{start} or more"
    if end is not None:
        return end if below is not None else f"up to {end}"
    return kind


def _list(rules: dict[str, Any], schema: dict[str, Any]) -> str:
    if "prefixItems" in rules:
        parts = [allowed(part, schema) for part in rules["prefixItems"]]
        return f"{len(parts)} {parts[0]}s" if len(parts) > 2 and set(parts) == {"number"} else ",".join(parts)
    return f"list of {allowed(rules.get('items', {}), schema)}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@cache
def summaries() -> dict[str, str]:
    """Every operation's name and the first line of its docstring, in alphabetical order.

    They are read out of the source, because importing the operations would take longer than the whole help may.
    """
    found: dict[str, str] = {}
    folder = Path(__file__).resolve().parent.parent / "operations"
    for path in folder.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    line = (ast.get_docstring(node) or "").strip().partition("\n")[0]
                    found[str(keyword.value.value)] = line
    return dict(sorted(found.items()))
