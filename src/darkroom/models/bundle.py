"""Models as one checksummed file, for machines without a network.

A bundle is a tar: ``manifest.json`` with the catalogue entries, ``SHA256SUMS`` as ``sha256sum -c`` reads it, and the
files. Nothing of it is installed before all of it was checked.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from darkroom.errors import InputNotFound, ModelCorrupt, ModelMissing, OutputError
from darkroom.models.catalogue import ModelEntry, ModelFile, clash, user_entries
from darkroom.models.store import Store, digests_of, judge, write_user_entries
from darkroom.settings import explain

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MOST_MANIFEST = 10_000_000
BLOCK = 1 << 20


def export_models(store: Store, names: Iterable[str], target: Path) -> list[ModelEntry]:
    """Write these models, which must be here, into one file; whole or not at all.

    Raises UnknownModel, ModelMissing, ModelCorrupt, OutputError.
    """
    entries = [store.entry(name) for name in names]
    found: list[tuple[ModelFile, Path, str]] = []
    for entry in entries:
        for file in entry.files:
            path = store.place(file)
            if path is None:
                raise ModelMissing(
                    f"The model {entry.name} is not on this machine.",
                    cure=f"Get it with: darkroom models pull {entry.name}",
                )
            found.append((file, path, store.digest_of(path, file)[0]))
    manifest = {"darkroom": 1, "models": [entry.model_dump(mode="json") for entry in entries]}
    sums = "".join(f"{digest}  {file.name}\n" for file, _, digest in found)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with tarfile.open(partial, "w") as bundle:
            _put(bundle, MANIFEST, json.dumps(manifest, indent=2).encode())
            _put(bundle, SUMS, sums.encode())
            for file, path, _ in found:
                bundle.add(path, arcname=file.name, recursive=False, filter=_plain)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}.", cure="Make room, or choose another place."
        ) from error
    return entries


def import_models(store: Store, path: Path) -> list[ModelEntry]:
    """Install the models of a bundle, or a single file that the catalogue knows by its digest.

    Raises InputNotFound, ModelCorrupt, OutputError; then nothing was installed.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no file {path}.", cure="Correct the path.")
    if tarfile.is_tarfile(path):
        return _import_bundle(store, path)
    sha256, md5, _ = digests_of(path)
    for entry in store.entries():
        for file in entry.files:
            if sha256 == file.sha256 or (file.md5 is not None and md5 == file.md5):
                store.install(path, entry, file, path.name)
                return [entry]
    raise ModelCorrupt(
        f"{path.name} is neither a bundle nor a file of a known model: its sha256 is {sha256}.",
        cure="For a model of your own: darkroom models add FILE --name NAME --task TASK --licence LICENCE",
    )


def _import_bundle(store: Store, path: Path) -> list[ModelEntry]:
    try:
        with tempfile.TemporaryDirectory(prefix=".import-", dir=_made(store.folder)) as folder:
            entries, new = _unpack(store, path, Path(folder))
            for entry in entries:
                for file in entry.files:
                    store.install(Path(folder) / file.name, entry, file, path.name)
            if new:
                write_user_entries([*user_entries(), *new])
            return entries
    except (tarfile.TarError, EOFError) as error:
        raise _broken(path, str(error)) from error
    except OSError as error:
        raise OutputError(
            f"{path.name} cannot be unpacked into {store.folder}: {error.strerror or error}.",
            cure="Make room or give permission.",
        ) from error


def _unpack(store: Store, path: Path, folder: Path) -> tuple[list[ModelEntry], list[ModelEntry]]:
    """The files of a bundle in ``folder``, every one checked against SHA256SUMS and the catalogue.

    Gives the entries, those of the catalogue here where it has them, and which of them are new.
    """
    with tarfile.open(path, "r:") as bundle:
        members = {member.name: member for member in bundle.getmembers()}
        entries, new = _resolved(store, _manifest(path, _text(path, bundle, members, MANIFEST)))
        lines = _text(path, bundle, members, SUMS).splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for entry in entries:
            for file in entry.files:
                member = members.get(file.name)
                # Names were checked to be plain by ModelFile; links and devices are not files.
                if member is None or not member.isfile() or member.issparse():
                    raise _broken(path, f"{file.name} is not in it")
                source, digest = bundle.extractfile(member), hashlib.sha256()
                assert source is not None
                with (folder / file.name).open("wb") as target:
                    while block := source.read(BLOCK):
                        digest.update(block)
                        target.write(block)
                if digest.hexdigest() != sums.get(file.name):
                    raise _broken(path, f"{file.name} has another digest than {SUMS} says")
                sha256, md5, size = digests_of(folder / file.name)
                judge(file, sha256, md5, file.name)
                if file.bytes not in (None, size):
                    raise _broken(path, f"{file.name} has {size} bytes instead of {file.bytes}")
    return entries, new


def _text(path: Path, bundle: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> str:
    member = members.get(name)
    if member is None or not member.isfile() or member.size > MOST_MANIFEST:
        raise _broken(path, f"{name} is not in it")
    source = bundle.extractfile(member)
    assert source is not None
    return source.read().decode(errors="replace")


def _manifest(path: Path, text: str) -> list[ModelEntry]:
    try:
        content: Any = json.loads(text)
        return [ModelEntry.model_validate(entry) for entry in content["models"]]
    except ValidationError as error:
        raise _broken(path, f"its manifest is wrong: {explain(error)}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, "its manifest cannot be read") from error


def _resolved(store: Store, entries: list[ModelEntry]) -> tuple[list[ModelEntry], list[ModelEntry]]:
    """The entries to install, those known here by the entry here, and which of them are new.

    Raises ModelCorrupt where one shares a name or a file with another model, or is known here with other files.
    """
    here = {entry.name: entry for entry in store.entries()}
    known, resolved, new = list(here.values()), list[ModelEntry](), list[ModelEntry]()
    for entry in entries:
        own = here.get(entry.name)
        if own is not None:
            if [(f.name, f.sha256, f.md5) for f in own.files] != [(f.name, f.sha256, f.md5) for f in entry.files]:
                raise ModelCorrupt(
                    f"The bundle's {entry.name} is not the model that is known here by that name.",
                    cure="Remove or rename the one here, or export the bundle again with the same version of Darkroom.",
                )
            resolved.append(own)
            continue
        taken = clash(entry, known)
        if taken is not None:
            raise ModelCorrupt(
                f"The bundle's {entry.name} has a name or file, {taken!r}, that another model has already.",
                cure="Nothing was installed. Rename the model where the bundle is made, and export it again.",
            )
        known.append(entry)
        resolved.append(entry)
        new.append(entry)
    return resolved, new


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _put(bundle: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    bundle.addfile(info, io.BytesIO(data))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the names of whoever packed it."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _broken(path: Path, reason: str) -> ModelCorrupt:
    return ModelCorrupt(f"{path.name} is not a whole bundle: {reason}.", cure="Nothing was installed. Export it again.")
