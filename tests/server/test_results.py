"""Kept results: found by all that decides what they look like, and by nothing else. Two seconds."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from darkroom import measurements
from darkroom.database.connection import Database
from darkroom.database.schema import ResultRow, now
from darkroom.image import Encoding, Image
from darkroom.jobs.store import Made
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import Store, write_user_entries
from darkroom.operation import Context, Operation
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.report import AttachmentReport, Fallback, ModelUse, Report, StepReport
from darkroom.server import results
from darkroom.server.results import Results, key_of, models_of, repeatable
from darkroom.services import build_services
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage

SOURCE = "a" * 64
SMALL = Pipeline(["resize:width=300"])


def key(
    source: str = SOURCE,
    pipeline: Pipeline = SMALL,
    encoding: Encoding | None = None,
    pictures: dict[str, str] | None = None,
    models: dict[str, str] | None = None,
    **changes: Any,
) -> str:
    settings = Settings().with_changes({name.replace("__", "."): value for name, value in changes.items()})
    return key_of(source, pipeline, encoding or Encoding(), pictures or {}, models=models or {}, settings=settings)


class TestKey:
    def test_of_the_same_request_is_the_same_however_it_is_written(self) -> None:
        written = [
            Pipeline([{"type": "resize", "width": 300}]),
            Pipeline.from_json('[{"type": "resize", "width": 300.0, "height": null}]'),
            Pipeline(["resize:width=300"]),
        ]
        assert {key(pipeline=pipeline) for pipeline in written} == {key()}
        assert key(encoding=Encoding(metadata="private")) == key(), "what the settings say by themselves"
        assert key(pictures={"a": "1", "b": "2"}) == key(pictures={"b": "2", "a": "1"})
        assert len(key()) == 64

    def test_of_another_request_is_another(self) -> None:
        others = [
            key(source="b" * 64),
            key(pipeline=Pipeline(["resize:width=301"])),
            key(pipeline=Pipeline(["resize:width=300", "rotate:angle=90"])),
            key(pipeline=Pipeline(["rotate:angle=90", "resize:width=300"])),
            key(encoding=Encoding(format="webp")),
            key(encoding=Encoding(quality=80)),
            key(pictures={"mask": "c" * 64}),
            key(pictures={"mask": "d" * 64}),
            key(models={"net": "e" * 64}),
            key(models={"net": "f" * 64}),
            key(output__quality=70),
            key(output__metadata="none"),
            key(engine__device="cpu"),
            key(engine__precision="fp32"),
            key(engine__quality="best"),
            key(engine__engine="onnxruntime"),
            key(providers__local_first=False),
            key(providers__consent=True),
            key(providers__chain={"upscale": ["local"]}),
            key(providers__cloudinary__cloud_name="a", providers__cloudinary__api_key="b",
                providers__cloudinary__api_secret="c"),
            key(faces__restoration_strength=0.5),
            key(offline=True),
            key(strict=True),
        ]  # fmt: skip
        assert len({key(), *others}) == len(others) + 1

    def test_of_another_version_is_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = key()
        monkeypatch.setattr(results, "version", lambda: "99.0")
        assert key() != before

    def test_does_not_depend_on_what_changes_no_pixel(self) -> None:
        assert key(server__port=1, jobs__light=3, limits__frames=3, engine__threads=1) == key()

    def test_of_measurements_only_where_they_choose(self, tmp_path: Path) -> None:
        def both() -> tuple[str, str]:
            return key(engine__cache=tmp_path), key(engine__cache=tmp_path, engine__quality="fast")

        usual, fast = both()
        measured = measurements.Measurements(machine="a", version="1", measured="today")
        measurements.save(Settings().with_changes({"engine.cache": tmp_path}).engine, measured)
        assert both()[0] == usual
        assert both()[1] != fast

    @given(st.integers(1, 5000), st.integers(1, 5000))
    def test_are_equal_where_the_operations_are(self, one: int, other: int) -> None:
        first, second = (Pipeline([{"type": "resize", "width": width}]) for width in (one, other))
        assert (key(pipeline=first) == key(pipeline=second)) == (one == other)


def know(*names: str, task: Any = "matte") -> None:
    """Models in the user's catalogue that are here, as files of these names."""
    folder = Settings().models.folder
    folder.mkdir(parents=True, exist_ok=True)
    write_user_entries(
        [
            ModelEntry(name=name, task=task, files=(ModelFile(name=f"{name}.onnx"),), licence="MIT", commercial=True)
            for name in names
        ]
    )
    for name in names:
        (folder / f"{name}.onnx").write_bytes(name.encode())


class TestModels:
    def test_are_those_that_the_operations_might_use(self) -> None:
        store = Store.from_settings(Settings())
        know("first", "second")
        cut_out = Pipeline(["remove_background"])
        assert set(models_of(cut_out, store)) == {"first", "second"}
        assert all(len(digest) == 64 for digest in models_of(cut_out, store).values())
        assert models_of(Pipeline(["resize:width=1", "upscale"]), store) == {}

    def test_that_find_faces_count_for_who_looks_for_them(self) -> None:
        know("eyes", task="face_detection")
        store = Store.from_settings(Settings())
        for name in ("extract_faces", "restore_faces", "smart_crop:width=1,height=1"):
            assert set(models_of(Pipeline([name]), store)) == {"eyes"}

    def test_that_come_or_go_change_the_key(self) -> None:
        store, cut_out = Store.from_settings(Settings()), Pipeline(["remove_background"])
        seen = {key(pipeline=cut_out, models=models_of(cut_out, store))}
        for names in (["first"], ["first", "second"]):
            know(*names)
            seen.add(key(pipeline=cut_out, models=models_of(cut_out, store)))
        assert len(seen) == 3

    def test_whose_licence_is_refused_do_not_count(self) -> None:
        know("first")
        (entry,) = (entry for entry in Store.from_settings(Settings()).entries() if entry.name == "first")
        write_user_entries([entry.model_copy(update={"commercial": False})])
        chosen = Settings().with_changes({"models.commercial_only": True})
        assert models_of(Pipeline(["remove_background"]), Store.from_settings(chosen)) == {}


class Dice(Operation, name="results_dice"):
    """Draw lots."""

    def apply(self, image: Image, context: Context) -> Image:
        return image


def report(**step: Any) -> Report:
    return Report(steps=[StepReport(operation="upscale", **step)])


class TestRepeatable:
    def test_the_operations_of_darkroom(self) -> None:
        assert repeatable(SMALL, Settings())
        assert repeatable(SMALL, Settings(), report())
        assert repeatable(Pipeline(["generate_background"]), Settings()), "its chance comes from its seed"

    def test_not_what_others_brought(self) -> None:
        assert not repeatable(Pipeline([Dice()]), Settings())

    def test_not_what_is_chosen_by_the_time_that_is_left(self) -> None:
        assert not repeatable(SMALL, Settings().with_changes({"engine.within": 10}))

    def test_not_what_the_cloud_made(self) -> None:
        assert not repeatable(SMALL, Settings(), report(cloud=True, provider="cloudinary"))

    def test_not_what_was_done_otherwise_by_accident(self) -> None:
        away = Fallback(wanted="the provider cloudinary", used="local", reason="it did not answer")
        assert not repeatable(SMALL, Settings(), report(fallbacks=[away]))
        assert repeatable(SMALL, Settings(), report(fallbacks=[away.model_copy(update={"lasting": True})]))

    def test_not_what_has_more_than_one_file(self) -> None:
        made = report()
        made.attachments.append(AttachmentReport(name="face-1", width=1, height=1))
        assert not repeatable(SMALL, Settings(), made)

    def test_not_what_a_model_made_that_is_not_in_the_key(self) -> None:
        use = ModelUse(name="net", digest="a" * 64, digest_source="", licence="MIT", commercial=True)
        made = report(models=[use])
        assert repeatable(SMALL, Settings(), made, {"net": "a" * 64, "other": "b" * 64})
        assert not repeatable(SMALL, Settings(), made, {"net": "b" * 64})
        assert not repeatable(SMALL, Settings(), made)

    def test_a_model_that_is_not_here_is_no_accident(self) -> None:
        image = Image.from_array(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))
        for name in ("remove_background", "upscale", "fix_artifacts", "smart_crop:width=20,height=20,gravity=face"):
            pipeline = Pipeline([name])
            done = process(Request(image, pipeline), build_services(Settings()))
            assert repeatable(pipeline, Settings(), done.report), name


# --- keeping ---------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of the tests' own; gives its address."""
    found = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(found).resolve().parent
    # Short, since the path of its socket may have no more than 107 bytes; and its own user's, since root may not.
    folder = tmp_path_factory.mktemp("pg")
    yield from serve_postgres(programs, folder)


def serve_postgres(programs: Path, folder: Path) -> Iterator[str]:
    yield ""
