"""Bundles: whole or refused, and nothing installed before all was checked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from darkroom.errors import DarkroomError, InputNotFound, ModelCorrupt, ModelMissing
from darkroom.models.adding import add_model
from darkroom.models.bundle import export_models, import_models
from darkroom.models.catalogue import user_entries, user_file
from darkroom.models.store import Store
from darkroom.settings import Settings


@pytest.fixture
def here(shared: Path) -> Store:
    """A store with one real model of the user's own."""
    store = Store.from_settings(Settings())
    add_model(store, shared / "models/upscale/realesr-animevideov3.pth", name="mine", task="upscale", licence="MIT")
    return store


@pytest.fixture
def elsewhere(here: Store, tmp_path: Path) -> Callable[[], Store]:
    """The same machine after a move: an empty store and no catalogue of the user's own."""

    def moved() -> Store:
        user_file().unlink(missing_ok=True)
        return Store.from_settings(Settings().with_changes({"models.folder": str(tmp_path / "elsewhere")}))

    return moved


def rewritten(bundle: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with tarfile.open(bundle) as old:
        parts = {member.name: old.extractfile(member).read() for member in old}  # type: ignore[union-attr]
    change(parts)
    with tarfile.open(bundle, "w") as new:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))


def test_there_and_back(here: Store, elsewhere: Callable[[], Store], tmp_path: Path) -> None:
    bundle = tmp_path / "models.tar"
    digest = here.ensure("mine").digest
    export_models(here, ["mine"], bundle)
    assert [path.name for path in tmp_path.glob("*.partial")] == []
    store = elsewhere()
    assert [entry.name for entry in import_models(store, bundle)] == ["mine"]
    assert store.ensure("mine").digest == digest
    assert [entry.name for entry in user_entries()] == ["mine"]


def test_sums_are_those_of_sha256sum(here: Store, tmp_path: Path) -> None:
    import shutil
    import subprocess

    export_models(here, ["mine"], tmp_path / "models.tar")
    with tarfile.open(tmp_path / "models.tar") as bundle:
        bundle.extractall(tmp_path / "out", filter="data")
    program = shutil.which("sha256sum") or shutil.which("gsha256sum")
    assert program is not None
    subprocess.run([program, "-c", "SHA256SUMS"], cwd=tmp_path / "out", check=True, capture_output=True)


def tamper(parts: dict[str, bytes]) -> None:
    parts["mine.pth"] = parts["mine.pth"][:-1] + b"?"


def drop(parts: dict[str, bytes]) -> None:
    del parts["mine.pth"]


def escape(parts: dict[str, bytes]) -> None:
    manifest = json.loads(parts["manifest.json"])
    manifest["models"][0]["files"][0]["name"] = "../../escaped.pth"
    parts["manifest.json"] = json.dumps(manifest).encode()
    parts["../../escaped.pth"] = parts["mine.pth"]


def unreadable(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = b"{"


def false_name(parts: dict[str, bytes]) -> None:
    """The bundle claims that its file is the built-in u2net."""
    manifest = json.loads(parts["manifest.json"])
    manifest["models"][0]["name"] = "u2net"
    parts["manifest.json"] = json.dumps(manifest).encode()


def renamed(name: str, **changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts["manifest.json"])
        manifest["models"][0] |= {"name": name} | changes
        parts["manifest.json"] = json.dumps(manifest).encode()

    return change


def file_of_another(parts: dict[str, bytes]) -> None:
    """A model of its own name whose file would lie where the built-in u2net's does."""
    manifest = json.loads(parts["manifest.json"])
    manifest["models"][0]["files"][0]["name"] = "u2net.onnx"
    parts["manifest.json"] = json.dumps(manifest).encode()
    parts["SHA256SUMS"] = parts["SHA256SUMS"].replace(b"mine.pth", b"u2net.onnx")
    parts["u2net.onnx"] = parts.pop("mine.pth")


def second_is_bad(parts: dict[str, bytes]) -> None:
    """A good model first, then one whose file is not what its entry says."""
    manifest = json.loads(parts["manifest.json"])
    other = json.loads(json.dumps(manifest["models"][0]))
    other["name"], other["files"][0]["name"] = "other", "other.pth"
    manifest["models"].append(other)
    parts["manifest.json"] = json.dumps(manifest).encode()
    parts["other.pth"] = b"not those weights"
    parts["SHA256SUMS"] += hashlib.sha256(b"not those weights").hexdigest().encode() + b"  other.pth\n"


@pytest.mark.parametrize(
    "change",
    [
        tamper,
        drop,
        escape,
        unreadable,
        false_name,
        file_of_another,
        second_is_bad,
        renamed("U2NET"),
        renamed("other", aliases=["u2net"]),
    ],
)
def test_a_bundle_that_is_wrong_installs_nothing(
    change: Callable[[dict[str, bytes]], None], here: Store, elsewhere: Callable[[], Store], tmp_path: Path
) -> None:
    bundle = tmp_path / "models.tar"
    export_models(here, ["mine"], bundle)
    rewritten(bundle, change)
    store = elsewhere()
    with pytest.raises(ModelCorrupt):
        import_models(store, bundle)
    assert not store.folder.exists() or list(store.folder.iterdir()) == []
    assert user_entries() == ()
    assert not list(tmp_path.rglob("escaped.pth"))


def test_a_link_instead_of_a_file_is_refused(here: Store, elsewhere: Callable[[], Store], tmp_path: Path) -> None:
    bundle = tmp_path / "models.tar"
    export_models(here, ["mine"], bundle)
    rewritten(bundle, drop)
    with tarfile.open(bundle, "a") as more:
        link = tarfile.TarInfo("mine.pth")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        more.addfile(link)
    with pytest.raises(ModelCorrupt, match=r"mine\.pth is not in it"):
        import_models(elsewhere(), bundle)


def test_a_truncated_bundle_is_refused(here: Store, elsewhere: Callable[[], Store], tmp_path: Path) -> None:
    bundle = tmp_path / "models.tar"
    export_models(here, ["mine"], bundle)
    os.truncate(bundle, bundle.stat().st_size // 2)
    store = elsewhere()
    with pytest.raises(DarkroomError):
        import_models(store, bundle)
    assert not store.folder.exists() or list(store.folder.iterdir()) == []


def test_any_other_file_is_refused_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "thing.bin").write_bytes(b"thing")
    with pytest.raises(ModelCorrupt, match="its sha256 is"):
        import_models(Store.from_settings(Settings()), tmp_path / "thing.bin")
    with pytest.raises(InputNotFound):
        import_models(Store.from_settings(Settings()), tmp_path / "none.tar")


def test_exporting_what_is_not_here_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="u2net"):
        export_models(Store.from_settings(Settings()), ["u2net"], tmp_path / "models.tar")
    assert not (tmp_path / "models.tar").exists()
