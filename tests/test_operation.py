"""What an operation is, how it is found and built, and what its context does."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Cancelled, FallbackRefused, InvalidParameters, UnknownOperation
from darkroom.operation import Context, Operation, build, find_operation, registry
from darkroom.pipeline import Pipeline
from darkroom.report import ModelUse, StepReport
from darkroom.settings import Settings


def context(**changes: Any) -> Context:
    given: dict[str, Any] = {"settings": Settings(), "models": None, "step": StepReport(operation="test")}
    return Context(**(given | {"open_image": lambda name: None} | changes))


class TestRegistry:
    def test_holds_every_file_of_the_folder(self) -> None:
        from pathlib import Path

        from darkroom import operations

        files = {p.stem for p in Path(operations.__path__[0]).glob("*.py")} - {"__init__"}
        assert set(registry()) == files

    def test_a_second_operation_of_one_name_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="two operations are named resize"):

            class Other(Operation, name="resize"):  # pyright: ignore[reportUnusedClass]
                """Clash."""

                def apply(self, image: Any, context: Context) -> Any:
                    return image

    def test_importing_an_operation_again_is_not_a_clash(self) -> None:
        importlib.reload(importlib.import_module("darkroom.operations.resize"))

    def test_an_unknown_name_gets_the_nearest_and_the_list(self) -> None:
        with pytest.raises(UnknownOperation, match=r"Did you mean upscale\? Known: .*smart_crop"):
            find_operation("upscal")


class TestBuild:
    def test_reads_text_values_as_the_field_wants_them(self) -> None:
        built = build("resize", {"width": "40"})
        assert built.parameters()["width"] == 40

    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({"width": "wide"}, "width"),
            ({"width": 0}, "width"),
            ({"height": -3}, "height"),
            ({"nothing": 1}, "nothing"),
        ],
    )
    def test_an_error_names_field_and_what_is_allowed(self, parameters: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidParameters) as caught:
            build("resize", parameters)
        assert caught.value.field == field
        assert field in str(caught.value)
        assert caught.value.cure

    def test_an_operation_is_frozen_and_knows_its_type(self) -> None:
        built = build("resize", {"width": 40})
        assert built.model_dump()["type"] == "resize"
        with pytest.raises(ValueError, match="frozen"):
            built.width = 3  # type: ignore[attr-defined]


class TestContext:
    def test_progress_is_clipped_and_named(self) -> None:
        seen: list[tuple[float, str]] = []
        here = context(on_progress=lambda part, doing: seen.append((part, doing)))
        here.progress(0.5)
        here.progress(1.7, "tile 3 of 3")
        assert seen == [(0.5, "test"), (1.0, "tile 3 of 3")]

    def test_progress_is_where_cancellation_is_heard(self) -> None:
        with pytest.raises(Cancelled):
            context(is_cancelled=lambda: True).progress(0.1)

    def test_a_fallback_is_in_the_report_once(self) -> None:
        here = context()
        for _ in range(2):
            here.fallback("gpu", "cpu", "there is none")
        assert [f.used for f in here.step.fallbacks] == ["cpu"]

    def test_strict_turns_a_fallback_into_an_error(self) -> None:
        with pytest.raises(FallbackRefused, match="there is none") as caught:
            context(settings=Settings(strict=True)).fallback("gpu", "cpu", "there is none")
        assert "cpu" in (caught.value.cure or "")

    def test_models_and_findings_are_noted(self) -> None:
        here = context()
        use = ModelUse(name="m", digest="0" * 64, digest_source="a page", licence="MIT", commercial=True)
        here.used_model(use, engine="openvino", device="cpu", precision="bf16")
        here.used_model(use, engine="openvino", device="cpu", precision="bf16")
        here.note(faces=2)
        here.method("model")
        here.warn("Once.")
        here.warn("Once.")
        assert here.step.models == [use]
        assert (here.step.engine, here.step.precision, here.step.method) == ("openvino", "bf16", "model")
        assert here.step.changed == {"faces": 2}
        assert here.step.warnings == ["Once."]


def test_a_package_brings_an_operation_by_an_entry_point(tmp_path: Path) -> None:
    """An installed distribution with an entry point is enough; one that does not load costs nothing else."""
    (tmp_path / "negate.py").write_text(
        "from darkroom.operation import Operation\n"
        "class Negate(Operation, name='negate'):\n"
        "    'Turn light into dark.'\n"
        "    def apply(self, image, context):\n"
        "        return image.map(lambda frame: frame.invert())\n"
    )
    about = tmp_path / "negate-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: negate\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[darkroom.operations]\nnegate = negate:Negate\nbroken = nothing:here\n")
    program = (
        "import numpy as np, darkroom\n"
        "image = darkroom.Image.from_array(np.zeros((4, 4, 3), np.uint8))\n"
        "print(darkroom.process(image, 'negate').image.to_array().min())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.strip() == "255", done.stderr
    assert "broken" in done.stderr


def test_second_pictures_are_known_by_their_type() -> None:
    pipeline = Pipeline(
        [
            {"type": "inpaint", "mask": "a"},
            {"type": "remove_watermark", "like": ["b", "c"], "mask": "d"},
            {"type": "replace_background", "background": "image", "image": "e"},
            {"type": "resize", "width": 4},
        ]
    )
    assert [operation.pictures() for operation in pipeline.operations] == [["a"], ["d", "b", "c"], ["e"], []]


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("adjust:grayscale=true", False),
        ("convert:format=png", False),
        ("crop:left=40", True),
        ("crop:left=20,top=15,width=40,height=30", True),
        ("crop:left=0", False),
        ("resize:width=40", False),
        ("resize:width=40,height=40,mode=stretch", False),
        ("resize:width=40,height=40,mode=fill", True),
        ("resize:width=80,height=80,mode=pad", True),
        ("rotate", False),
        ("rotate:angle=180", True),
        ("rotate:flip=horizontal", True),
        ("smart_crop:aspect=1:1,gravity=center", True),
    ],
)
def test_the_report_says_whether_the_picture_still_lies_where_it_lay(written: str, moved: bool) -> None:
    """Laid over the picture it was made of, a result that was not moved fits; one that was moved does not."""
    import numpy as np

    import darkroom
    from darkroom.image import Image

    down, across = np.mgrid[0:60, 0:80]
    slope = np.repeat((across * 2 + down).astype(np.uint8)[..., None], 3, axis=-1)
    done = darkroom.process(Image.from_array(slope), written)
    (step,) = done.report.steps
    assert (step.width, step.height) == done.image.size
    made = done.image.to_array()[..., :3].mean(axis=-1)
    rows = ((np.arange(made.shape[0]) + 0.5) * 60 / made.shape[0]).astype(int)
    columns = ((np.arange(made.shape[1]) + 0.5) * 80 / made.shape[1]).astype(int)
    laid = slope.mean(axis=-1)[rows][:, columns]
    fits = np.corrcoef(made.ravel(), laid.ravel())[0, 1] > 0.99 and abs(made - laid).mean() < 8
    assert (step.moved, not fits) == (moved, moved)
