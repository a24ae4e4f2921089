"""A model of the user's own: read for what it is, refused for what it must not be, ready to run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from darkroom.errors import DarkroomError, InputNotFound, InvalidParameters, UnsafeWeights
from darkroom.models.adding import DIGEST_SOURCE, add_model
from darkroom.models.catalogue import user_entries
from darkroom.models.store import Store
from darkroom.settings import Settings


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store.from_settings(settings)


@pytest.mark.parametrize("name", ["realesr-animevideov3.pth", "compact-lite-x4.pth"])
def test_weights_say_what_they_are(name: str, shared: Path, store: Store) -> None:
    entry = add_model(store, shared / "models/upscale" / name, name="mine", task="upscale", licence="MIT")
    assert (entry.architecture, entry.scale) == ("srvgg", 4)
    assert store.ensure("mine").digest_source == DIGEST_SOURCE
    assert user_entries() == (entry,)


def test_a_matte_network_keeps_its_preprocessing(shared: Path, store: Store) -> None:
    how = {"size": (256, 256), "output": "probability"}
    file = shared / "models/portrait/prisma_nchw.onnx"
    add_model(store, file, name="mine", task="matte", licence="MIT", preprocessing=how)
    kept = store.entry("mine").preprocessing
    assert kept is not None
    assert (kept.size, kept.output) == ((256, 256), "probability")


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path: Path, store: Store) -> None:
    witness = tmp_path / "ran"

    class Bad:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.system, (f"touch {witness}",))

    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"weight": Bad()}, protocol=2))
    with pytest.raises(UnsafeWeights):
        add_model(store, tmp_path / "bad.pth", name="bad", task="upscale", licence="MIT")
    assert not witness.exists()
    assert user_entries() == ()


@pytest.mark.parametrize(
    ("file", "changes", "kind"),
    [
        ("models/upscale/realesr-animevideov3.pth", {"scale": 2}, InvalidParameters),
        ("models/upscale/realesr-animevideov3.pth", {"name": "u2net"}, InvalidParameters),
        ("models/faces/yunet_n_640_640.onnx", {"scale": None}, InvalidParameters),
        ("models/upscale/realesr-animevideov3.pth", {"name": "bad name"}, InvalidParameters),
        ("models/faces/yunet_n_640_640.onnx", {"name": "BiRefNet-portrait-epoch_150", "scale": 2}, InvalidParameters),
        ("models/portrait/SINet.onnx", {"task": "matte", "preprocessing": {"size": (0, 0)}}, InvalidParameters),
        ("models/portrait/SINet.onnx", {"task": "matte", "preprocessing": {"std": (0, 0, 0)}}, InvalidParameters),
        ("PROVENANCE.md", {}, InvalidParameters),
        ("models/none.pth", {}, InputNotFound),
    ],
)
def test_what_cannot_be_is_refused(
    file: str, changes: dict[str, object], kind: type[DarkroomError], shared: Path, store: Store
) -> None:
    given = {"name": "mine", "task": "upscale", "licence": "MIT"} | changes
    with pytest.raises(kind):
        add_model(store, shared / file, **given)  # type: ignore[arg-type]
    assert user_entries() == ()
