"""The conventions of the house, guarded: what every operation must have, and what import may cost."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import darkroom
from darkroom.operation import Operation, registry

ROOT = Path(__file__).resolve().parents[1]
OPERATIONS = list(registry().values())


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.name)
class TestEveryOperation:
    def test_is_the_file_of_its_name(self, kind: type[Operation]) -> None:
        assert kind.__module__ == f"darkroom.operations.{kind.name}"

    def test_describes_itself_and_every_field(self, kind: type[Operation]) -> None:
        assert kind.summary().endswith(".")
        for name, field in kind.model_fields.items():
            assert name == "type" or field.description, f"{name} has no description"

    def test_bounds_every_number(self, kind: type[Operation]) -> None:
        def numbers(schema: dict) -> list[dict]:
            options = schema.get("anyOf", [schema])
            return [
                option for option in options if option.get("type") in ("integer", "number") and "enum" not in option
            ]

        for name, schema in kind.model_json_schema()["properties"].items():
            for number in numbers(schema):
                assert {"minimum", "exclusiveMinimum"} & set(number), f"{name} has no lower bound"
                assert {"maximum", "exclusiveMaximum"} & set(number), f"{name} has no upper bound"

    def test_has_its_test_and_its_page(self, kind: type[Operation]) -> None:
        assert (ROOT / "tests" / "operations" / f"test_{kind.name}.py").is_file()
        page = ROOT / "docs" / "operations" / f"{kind.name}.md"
        assert f"<!-- generated: parameters {kind.name} -->" in page.read_text()

    def test_says_in_its_schema_whether_it_can_do_with_nothing_said(self, kind: type[Operation]) -> None:
        """Forms go by the schema, and ask for no preview of what is not complete."""
        try:
            kind.model_validate({})
            complete = True
        except ValidationError:
            complete = False
        ways = kind.model_json_schema().get("x-needs", [])
        assert complete == (not ways or any("required" not in way for way in ways))

    def test_refuses_what_it_does_not_know(self, kind: type[Operation]) -> None:
        assert kind.model_config.get("extra") == "forbid"
        assert kind.model_config.get("frozen") is True


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_darkroom_loads_nothing_heavy() -> None:
    loaded = set(run("import darkroom, sys; print(*sys.modules)").split())
    heavy = {"numpy", "pyvips", "cv2", "openvino", "onnx", "PIL", "pydantic", "typer", "httpx2"}
    assert not loaded & heavy


def test_registering_operations_loads_no_engine_and_no_array_library() -> None:
    loaded = set(run("from darkroom.operation import registry; registry(); import sys; print(*sys.modules)").split())
    assert not loaded & {"numpy", "pyvips", "cv2", "openvino", "onnx", "onnxruntime", "PIL", "torch", "httpx2"}


def test_every_public_name_is_there() -> None:
    for name in dir(darkroom):
        assert getattr(darkroom, name) is not None
    with pytest.raises(AttributeError):
        _ = darkroom.nothing  # type: ignore[attr-defined]


def test_every_operation_class_is_public() -> None:
    for kind in OPERATIONS:
        assert getattr(darkroom, kind.__name__) is kind


def test_version_is_that_of_the_project() -> None:
    written = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert written is not None
    assert darkroom.__version__ == written[1]
