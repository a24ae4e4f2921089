"""Pipelines and their written forms: text, JSON, and back."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from darkroom.errors import Cancelled, InvalidParameters, LimitExceeded, UnknownOperation
from darkroom.image import Image
from darkroom.operation import Context, Operation, _registry
from darkroom.pipeline import Pipeline, as_text, parse, parse_fields
from darkroom.report import Report
from darkroom.settings import Settings


class Sample(Operation, name="sample"):
    """One field of every kind that a text has to be read into."""

    scale: Literal[2, 3, 4] = Field(2, description="A choice of numbers.")
    ratio: float = Field(1.0, ge=0, le=100, description="A number.")
    label: str = Field("", description="Any text.")
    on: bool = Field(False, description="A switch.")
    place: tuple[int, int] | None = Field(None, description="A pair.")
    names: list[str] = Field(default_factory=list, description="Several texts.")
    width: int | None = Field(None, ge=1, le=10_000, description="A number, or none.")

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        return (width * self.scale, height * self.scale)

    def apply(self, image: Image, context: Context) -> Image:
        context.progress(0.5)
        context.note(label=self.label)
        return image


@pytest.fixture(autouse=True, scope="module")
def sample_is_known():
    """Only while this module is tested: other tests look at every operation there is."""
    _registry["sample"] = Sample
    yield
    del _registry["sample"]


_registry.pop("sample", None)


class TestTextForm:
    @pytest.mark.parametrize(
        ("text", "fields"),
        [
            ("sample", {}),
            ("sample:", {}),
            ("sample:scale=3", {"scale": 3}),
            ("sample:ratio=0.5,on=true", {"ratio": 0.5, "on": True}),
            ("sample:on=yes", {"on": True}),
            ("sample:label=123", {"label": "123"}),
            ("sample:label=true", {"label": "true"}),
            ("sample:label=#ffcc00", {"label": "#ffcc00"}),
            ("sample:label=a,b,c", {"label": "a,b,c"}),
            ("sample:label=a=b", {"label": "a=b"}),
            ('sample:label="a,ratio=2",ratio=3', {"label": "a,ratio=2", "ratio": 3.0}),
            ("sample:place=10,20,scale=4", {"place": (10, 20), "scale": 4}),
            ("sample:place=[10,20]", {"place": (10, 20)}),
            ("sample:names=a,b", {"names": ["a", "b"]}),
            ('sample:names=["a,scale=3"],scale=4', {"names": ["a,scale=3"], "scale": 4}),
            ("sample:width=null", {"width": None}),
            ("sample:label=C:\\pictures\\a.png", {"label": "C:\\pictures\\a.png"}),
        ],
    )
    def test_is_read(self, text: str, fields: dict[str, Any]) -> None:
        assert parse(text) == Sample(**fields)

    def test_takes_dashes_for_underscores(self) -> None:
        _registry["two_words"] = Sample
        try:
            assert parse("two-words:scale=3") == Sample(scale=3)
        finally:
            del _registry["two_words"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("sampel", "Did you mean sample?"),
            ("sample:scale=7", "2, 3 or 4"),
            ("sample:scal=2", "no parameter 'scal'"),
            ("sample:ratio=200", "less than or equal to 100, not '200'"),
            ("sample:width=wide", "width"),
            ("sample:scale", "not key=value"),
            ("sample:scale=2,scale=3", "given twice"),
            ("sample:place=1,2,3", "place"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, text: str, words: str) -> None:
        with pytest.raises(InvalidParameters) as raised:
            parse(text)
        assert words in str(raised.value)

    def test_names_the_field_at_fault(self) -> None:
        with pytest.raises(InvalidParameters) as raised:
            parse("sample:ratio=1,scale=9")
        assert raised.value.field == "scale"

    @given(
        st.builds(
            Sample,
            scale=st.sampled_from([2, 3, 4]),
            ratio=st.floats(0, 100),
            label=st.text(),
            on=st.booleans(),
            place=st.none() | st.tuples(st.integers(), st.integers()),
            names=st.lists(st.text()),
            width=st.none() | st.integers(1, 10_000),
        )
    )
    def test_that_is_written_is_read_back(self, operation: Sample) -> None:
        assert parse(as_text(operation)) == operation

    @given(st.text())
    def test_of_any_kind_is_read_or_refused(self, rest: str) -> None:
        with contextlib.suppress(InvalidParameters):
            assert isinstance(parse(f"sample:{rest}"), Sample)

    @given(st.text(), st.text())
    def test_keeps_text_fields_as_they_are_typed(self, first: str, second: str) -> None:
        read = parse_fields("sample", {"label": first})
        assert isinstance(read, Sample)
        # What reads as a JSON string is one: that is how a value with ",key=" in it is quoted.
        if not first.strip().startswith('"'):
            assert read.label == first


class TestJsonForm:
    def test_is_read_back_with_every_default_resolved(self) -> None:
        import json

        pipeline = Pipeline(["sample:scale=3", {"type": "sample", "label": "b"}, Sample()])
        written = pipeline.to_json()
        assert written[0] == {
            "type": "sample", "scale": 3, "ratio": 1.0, "label": "", "on": False, "place": None, "names": [],
            "width": None,
        }  # fmt: skip
        assert Pipeline.from_json(json.dumps(written)).operations == pipeline.operations

    @pytest.mark.parametrize("text", ["{", "3", '{"type": "sample"}', "[3]", '[{"scale": 2}]'])
    def test_that_is_wrong_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidParameters):
            Pipeline.from_json(text)

    def test_names_an_operation_that_is_not_there(self) -> None:
        with pytest.raises(UnknownOperation, match="nothing"):
            Pipeline([{"type": "nothing"}])


def test_one_operation_needs_no_list() -> None:
    assert Pipeline("sample").operations == Pipeline([Sample()]).operations == Pipeline({"type": "sample"}).operations


def test_text_of_a_pipeline_is_what_one_types() -> None:
    assert Pipeline(["sample:scale=3,label=x", "sample"]).to_text() == "sample:scale=3,label=x sample"


class TestRunning:
    def run(self, pipeline: Pipeline, settings: Settings, **keywords: Any) -> tuple[Image, Report]:
        import numpy as np

        report = Report()
        image = pipeline.run(
            Image.from_array(np.zeros((4, 6, 3), np.uint8)),
            settings=settings,
            models=None,  # type: ignore[arg-type] - no operation here asks for a model
            open_image=lambda _: pytest.fail("nothing else is opened"),
            report=report,
            **keywords,
        )
        return image, report

    def test_reports_every_step_and_progress_over_all(self, settings: Settings) -> None:
        seen: list[float] = []
        _, report = self.run(
            Pipeline(["sample:label=a", "sample:label=b"]), settings, on_progress=lambda done, _: seen.append(done)
        )
        assert [step.changed for step in report.steps] == [{"label": "a"}, {"label": "b"}]
        assert report.steps[0].parameters["scale"] == 2
        assert seen == [0.0, 0.25, 0.5, 0.5, 0.75, 1.0]

    def test_stops_when_cancelled(self, settings: Settings) -> None:
        with pytest.raises(Cancelled):
            self.run(Pipeline(["sample"]), settings, is_cancelled=lambda: True)

    def test_says_which_step_failed(self, settings: Settings) -> None:
        small = settings.with_changes({"limits.output_pixels": 100})
        with pytest.raises(LimitExceeded, match="24 x 16") as raised:
            self.run(Pipeline(["sample", "sample:scale=4"]), small)
        assert raised.value.step == 1

    def test_refuses_a_result_that_would_be_too_large(self, settings: Settings) -> None:
        small = settings.with_changes({"limits.output_pixels": 95})
        with pytest.raises(LimitExceeded, match="12 x 8"):
            self.run(Pipeline(["sample"]), small)
        self.run(Pipeline(["sample"]), small.with_changes({"limits.output_pixels": 96}))
