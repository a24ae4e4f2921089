"""Kept results: found by all that decides what they look like, and by nothing else. Four seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from darkroom import measurements
from darkroom.database.connection import Database
from darkroom.database.schema import ResultRow, now
from darkroom.image import Encoding, Image
from darkroom.jobs import results
from darkroom.jobs.results import Results, key_of, models_of, named, repeatable
from darkroom.jobs.store import Made
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import Store, write_user_entries
from darkroom.operation import Context, Operation, _registry
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.report import AttachmentReport, Fallback, ModelUse, PictureReport, Report, StepReport
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


_registry.pop("results_dice")  # known to this test only


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

MADE = Made("", "", 3, "png", 4, 5, 1)


async def whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def stored(storage: LocalStorage, data: bytes = b"one") -> Made:
    return replace(MADE, digest=(await storage.put(whole(data), most=None)).digest)


@pytest.mark.anyio
class TestKeeping:
    async def test_a_result_is_found_again(self, database: Database, storage: LocalStorage) -> None:
        kept = Results(database, storage)
        assert await kept.find("a" * 64) is None
        made = await stored(storage)
        await kept.keep("a" * 64, SOURCE, made, report(method="model"))
        row = await kept.find("a" * 64)
        assert row is not None
        assert (row.digest, row.bytes, row.format, row.width, row.height, row.frames) == (
            made.digest,
            3,
            "png",
            4,
            5,
            1,
        )
        assert Report.model_validate(row.report).steps[0].method == "model"
        assert await kept.find("b" * 64) is None

    async def test_its_receipt_does_not_say_who_came_first(self, database: Database, storage: LocalStorage) -> None:
        kept, theirs = Results(database, storage), report()
        theirs.input = PictureReport(name="their secret.png", width=4, height=5)
        await kept.keep("a" * 64, SOURCE, await stored(storage), theirs)
        row = await kept.find("a" * 64)
        assert row is not None
        assert "secret" not in str(row.report)
        mine = Report.model_validate(named(row.report, "mine.png"))
        assert mine.input is not None
        assert (mine.input.name, mine.input.width, mine.steps) == ("mine.png", 4, theirs.steps)

    async def test_one_whose_file_is_gone_is_not(self, database: Database, storage: LocalStorage) -> None:
        kept = Results(database, storage)
        made = await stored(storage)
        await kept.keep("a" * 64, SOURCE, made, report())
        await storage.delete(made.digest)
        assert await kept.find("a" * 64) is None
        await kept.keep("a" * 64, SOURCE, await stored(storage, b"two"), report())
        assert await kept.find("a" * 64)

    async def test_kept_again_the_last_counts(self, database: Database, storage: LocalStorage) -> None:
        kept = Results(database, storage)
        for data in (b"one", b"two"):
            made = await stored(storage, data)
            await kept.keep("a" * 64, SOURCE, made, report())
        row = await kept.find("a" * 64)
        assert row is not None
        assert row.digest == made.digest

    async def test_its_use_is_written_down_once_an_hour(self, database: Database, storage: LocalStorage) -> None:
        kept = Results(database, storage)
        await kept.keep("a" * 64, SOURCE, await stored(storage), report())

        def used() -> Any:
            with database.session(reading=True) as session:
                return session.get_one(ResultRow, "a" * 64).used

        first = used()
        assert await kept.find("a" * 64)
        assert used() == first
        with database.session() as session:
            session.get_one(ResultRow, "a" * 64).used = now() - timedelta(minutes=61)
        assert await kept.find("a" * 64)
        assert used() >= first

    async def test_several_servers_may_keep_the_same_at_once(self, database: Database, storage: LocalStorage) -> None:
        made = await stored(storage)
        others = [Results(database, storage) for _ in range(8)]
        await asyncio.gather(*(other.keep("a" * 64, SOURCE, made, report()) for other in others))
        assert await others[0].find("a" * 64)
        with database.session(reading=True) as session:
            assert session.scalar(select(func.count()).select_from(ResultRow)) == 1
