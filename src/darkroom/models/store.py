"""What models are here, and how they come here: downloads that are resumed, verified, and whole or not there at all.

Beside every file of the store lies a record, ``FILE.json``: where it came from, when, its digest and who says so. A
file that is still on its way is ``FILE.partial``; it gets its name only once its digest was found right.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.egress import Egress, shown
from darkroom.errors import (
    DownloadFailed,
    DownloadInterrupted,
    LicenceRefused,
    ModelCorrupt,
    ModelMissing,
    OutputError,
    UnknownModel,
)
from darkroom.models.catalogue import (
    ModelEntry,
    ModelFile,
    builtin_entries,
    names_of,
    user_entries,
    user_file,
)
from darkroom.operation import Progress, suggest

if TYPE_CHECKING:
    from darkroom.settings import ModelSettings, Settings

PINNED = "pinned: nobody publishes one, so the first file that came is what later ones are held to"
ATTEMPTS = 5
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that is here: its entry, its weights file, that file's sha256 and who says that it is right."""

    entry: ModelEntry
    path: Path
    digest: str
    digest_source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What hashing a model again found: ``problem`` is empty where it is as it should be."""

    name: str
    path: Path
    problem: str


class Store:
    """The catalogue, and the files that are here. Safe to use from several threads and processes."""

    def __init__(self, settings: ModelSettings, egress: Egress) -> None:
        self._settings = settings
        self._egress = egress

    @classmethod
    def from_settings(cls, settings: Settings) -> Store:
        """The store of these settings. Touches no file."""
        return cls(settings.models, Egress(settings))

    @property
    def folder(self) -> Path:
        """Where files are kept."""
        return self._settings.folder

    def entries(self) -> list[ModelEntry]:
        """The built-in catalogue, then the user's own. Raises ConfigurationError for a wrong models.toml."""
        return [*builtin_entries(), *user_entries()]

    def is_own(self, entry: ModelEntry) -> bool:
        """Whether an entry is the user's, not the built-in catalogue's."""
        return entry not in builtin_entries()

    def entry(self, name: str) -> ModelEntry:
        """The entry of that name or alias, in any case. Raises UnknownModel, naming the nearest."""
        for entry in self.entries():
            if name.lower() in names_of(entry):
                return entry
        raise UnknownModel(
            f"There is no model named {name!r}.", cure=suggest(name, [entry.name for entry in self.entries()])
        )

    def path(self, entry: ModelEntry) -> Path | None:
        """The weights file if all files of the model are here, in the store or in rembg's folder; else None."""
        places = [self.place(file) for file in entry.files]
        return places[0] if all(places) else None

    def ready(self, name: str) -> bool:
        """True if the model can be used now: its files are here and its licence is wanted."""
        entry = self.entry(name)
        return self._allowed(entry) and self.path(entry) is not None

    def ensure(self, name: str, on_progress: Progress | None = None) -> StoredModel:
        """The model, downloaded first if ``models.auto_download`` allows.

        Raises UnknownModel, LicenceRefused, ModelMissing, ModelCorrupt, NetworkError.
        """
        entry = self.entry(name)
        self._check_licence(entry)
        path = self.path(entry)
        if path is None:
            if not self._settings.auto_download:
                raise ModelMissing(
                    f"The model {entry.name} is not on this machine.",
                    cure=f"Get it with: darkroom models pull {entry.name}",
                )
            return self.pull(name, on_progress)
        digest, source = self.digest_of(path, entry.files[0])
        return StoredModel(entry, path, digest, source)

    def pull(self, name: str, on_progress: Progress | None = None) -> StoredModel:
        """Download what is missing of a model. Two processes that pull one model download it once.

        ``on_progress`` is called with a fraction, 0.0 to 1.0, and what is being done. Raises as :meth:`ensure`.
        """
        entry = self.entry(name)
        self._check_licence(entry)
        for index, file in enumerate(entry.files):

            def advance(fraction: float, doing: str, index: int = index) -> None:
                if on_progress is not None:
                    on_progress((index + fraction) / len(entry.files), doing)

            if self.place(file) is None:
                with self._lock(file):
                    if self.place(file) is None:
                        self._fetch(entry, file, advance)
            advance(1.0, f"{file.name} is here")
        path = self.path(entry)
        assert path is not None
        digest, source = self.digest_of(path, entry.files[0])
        return StoredModel(entry, path, digest, source)

    def remove(self, name: str) -> list[Path]:
        """Delete a model's files from the store, and its entry if it is the user's own; gives what went.

        With the record goes the pin: the next file that comes is pinned anew.
        """
        entry = self.entry(name)
        gone: list[Path] = []
        for file in entry.files:
            path, partial = self.folder / file.name, self._partial(file)
            with self._lock(file):
                for part in (path, _record_path(path), partial, _tag_path(partial)):
                    if part.exists():
                        part.unlink()
                        gone.append(part)
        if entry in user_entries():
            write_user_entries([other for other in user_entries() if other.name != entry.name])
            gone.append(user_file())
        return gone

    def verify(self, names: Iterable[str] | None = None) -> list[Verdict]:
        """Hash the files of these models, or of all that are here, again."""
        entries = [self.entry(name) for name in names] if names is not None else self.entries()
        verdicts: list[Verdict] = []
        for entry in entries:
            for file in entry.files:
                path = self.place(file)
                if path is None:
                    if names is not None:
                        verdicts.append(Verdict(entry.name, self.folder / file.name, "it is not here"))
                    continue
                verdicts.append(Verdict(entry.name, path, self._problem(path, file)))
        return verdicts

    def install(self, source: Path, entry: ModelEntry, file: ModelFile, origin: str) -> None:
        """Copy a file in after checking it; whole or not at all. Raises ModelCorrupt, OutputError."""
        with self._lock(file), _saying_what_failed(self.folder):
            partial = self._partial(file)
            shutil.copyfile(source, partial)
            self._finish(entry, file, partial, *digests_of(partial), origin)

    def place(self, file: ModelFile) -> Path | None:
        """Where a file is, in the store or in rembg's folder; None where it is not here."""
        places = [self.folder / file.name]
        places += [self._settings.u2net_folder / name for name in (file.name, *file.also_named)]
        return next((place for place in places if place.is_file()), None)

    def _partial(self, file: ModelFile) -> Path:
        return self.folder / f"{file.name}.partial"

    def _allowed(self, entry: ModelEntry) -> bool:
        return entry.commercial is True or not self._settings.commercial_only

    def _check_licence(self, entry: ModelEntry) -> None:
        if not self._allowed(entry):
            raise LicenceRefused(
                f"The licence of {entry.name} ({entry.licence}) is not known to allow commercial use.",
                cure="Choose another model, or turn models.commercial_only off.",
            )

    @contextlib.contextmanager
    def _lock(self, file: ModelFile) -> Generator[None]:
        from filelock import FileLock

        lock = FileLock(self.folder / f".{file.name}.lock")
        with _saying_what_failed(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def digest_of(self, path: Path, file: ModelFile) -> tuple[str, str]:
        """The sha256 of a file that is here and who says so: from its record, or worked out once and recorded.

        Raises ModelCorrupt if it is not the file that the catalogue means.
        """
        record = _read_record(self.folder / file.name)
        stat = path.stat()
        same = record is not None and (record.get("bytes"), record.get("changed")) == (stat.st_size, stat.st_mtime_ns)
        if record and same and _agrees(record, file):
            return record["sha256"], record["digest_source"]
        sha256, md5, size = digests_of(path)
        if record and record["sha256"] != sha256 and path.parent == self.folder:
            raise ModelCorrupt(
                f"{path.name} has changed since it came here.",
                cure="Delete it with `darkroom models rm` and pull it again.",
            )
        source = judge(file, sha256, md5, path.name)
        self._record(file, path, (sha256, md5, size), source, str(path.parent))
        return sha256, source

    def _problem(self, path: Path, file: ModelFile) -> str:
        sha256, md5, _ = digests_of(path)
        record = _read_record(self.folder / file.name)
        if record and record["sha256"] != sha256:
            return "it has changed since it came here"
        try:
            judge(file, sha256, md5, path.name)
        except ModelCorrupt as error:
            return error.message
        return ""

    def _record(self, file: ModelFile, path: Path, digests: tuple[str, str, int], source: str, origin: str) -> None:
        sha256, md5, size = digests
        content = {
            "sha256": sha256,
            "md5": md5,
            "digest_source": source,
            "origin": origin,
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "bytes": size,
            "changed": path.stat().st_mtime_ns,
        }
        target = _record_path(self.folder / file.name)
        # A record that cannot be written costs a hash at the next use, and nothing else.
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(f".{os.getpid()}.tmp")
            part.write_text(json.dumps(content, indent=2))
            part.replace(target)

    def _finish(
        self, entry: ModelEntry, file: ModelFile, partial: Path, sha256: str, md5: str, size: int, origin: str
    ) -> None:
        """Give a file that is whole and right its name; delete one that is not."""
        try:
            if file.bytes is not None and size != file.bytes:
                raise ModelCorrupt(
                    f"{file.name} of {entry.name} has {size} bytes instead of {file.bytes}.",
                    cure=f"It was deleted. Try again, from another place: it came from {origin}.",
                )
            source = judge(file, sha256, md5, file.name)
            pinned = _read_record(self.folder / file.name)
            if source == PINNED and pinned is not None and pinned["sha256"] != sha256:
                raise ModelCorrupt(
                    f"{file.name} of {entry.name} is not the file that was pinned: {sha256}, not {pinned['sha256']}.",
                    cure=f"If its authors changed it, forget the old one: darkroom models rm {entry.name}",
                )
        except ModelCorrupt:
            partial.unlink(missing_ok=True)
            raise
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        path = self.folder / file.name
        partial.replace(path)
        self._record(file, path, (sha256, md5, size), source, origin)

    def _fetch(self, entry: ModelEntry, file: ModelFile, on_progress: Progress) -> None:
        """Get one file into the store, from the mirror if there is one. To be called under its lock."""
        mirror = self._settings.mirror
        if mirror is not None and "://" not in mirror:
            source = Path(mirror).expanduser() / file.name
            if not source.is_file():
                raise DownloadFailed(
                    f"The mirror {mirror} has no {file.name}.", cure="Put it there, or unset the mirror."
                )
            with _saying_what_failed(self.folder):
                _tag_path(self._partial(file)).unlink(missing_ok=True)
                shutil.copyfile(source, self._partial(file))
            self._finish(entry, file, self._partial(file), *digests_of(self._partial(file)), str(source))
            return
        url = f"{mirror.rstrip('/')}/{file.name}" if mirror is not None else file.url
        if url is None:
            raise ModelMissing(
                f"{file.name} of {entry.name} is not here, and its entry says no address.",
                cure=f"Add it again: darkroom models add FILE --name {entry.name}",
            )
        self._download(entry, file, url, on_progress)

    def _download(self, entry: ModelEntry, file: ModelFile, url: str, on_progress: Progress) -> None:
        """With a few attempts where a failure may pass; each goes on where the last one stopped."""
        import stamina

        # Its default is to log every retry to standard output, which belongs to pictures and JSON.
        stamina.instrumentation.set_on_retry_hooks([])
        with _saying_what_failed(self.folder):
            for attempt in stamina.retry_context(
                on=DownloadInterrupted, attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=10
            ):
                with attempt:
                    self._transfer(file, url, on_progress)
            partial = self._partial(file)
            _tag_path(partial).unlink(missing_ok=True)
            self._finish(entry, file, partial, *digests_of(partial), shown(url))

    def _transfer(self, file: ModelFile, url: str, on_progress: Progress) -> None:
        """One request: the rest of the file if the server still has the one that was begun, else all of it."""
        partial, tag = self._partial(file), _tag_path(self._partial(file))
        have = partial.stat().st_size if partial.exists() and tag.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text()}
        with self._egress.stream(url, "model", headers) as answer:
            if answer.status == 416:
                if answer.headers.get("content-range", "") == f"bytes */{have}":
                    return  # It was whole already: the process ended before it could say so.
                partial.unlink(missing_ok=True)
                raise DownloadInterrupted(f"{shown(url)} no longer has the file that was begun.")
            if answer.status in (408, 425, 429) or answer.status >= 500:
                _wait_as_asked(answer.headers.get("retry-after"))
                raise DownloadInterrupted(f"{shown(url)} answered {answer.status}.", cure="Try again later.")
            if answer.status not in (200, 206):
                raise DownloadFailed(
                    f"{shown(url)} answered {answer.status}.", cure="Check the address, or set models.mirror."
                )
            if answer.status == 206 and not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
                tag.unlink(missing_ok=True)
                raise DownloadInterrupted(f"{shown(url)} sent another part of the file than was asked for.")
            if answer.status == 200:
                have = 0
            length = answer.headers.get("content-length", "")
            total = have + int(length) if length.isdigit() else file.bytes
            mark = answer.headers.get("etag") or answer.headers.get("last-modified") or ""
            with partial.open("ab" if have else "wb") as written:
                # Only now: the tag must never name another version than the bytes beside it.
                if mark and not mark.startswith("W/"):
                    tag.write_text(mark)
                else:
                    tag.unlink(missing_ok=True)
                for chunk in answer.chunks:
                    written.write(chunk)
                    have += len(chunk)
                    if file.bytes is not None and have > file.bytes:
                        break
                    on_progress(min(have / total, 1.0) if total else 0.0, f"download {file.name}")
            if total is not None and have < total:
                raise DownloadInterrupted(
                    f"{shown(url)} ended after {have} of {total} bytes.",
                    cure="Try again: the download goes on where it stopped.",
                )


def write_user_entries(entries: Iterable[ModelEntry]) -> None:
    """Write the user's own catalogue, whole or not at all."""
    import tomli_w

    tree = {"model": [entry.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for entry in entries]}
    path = user_file()
    with _saying_what_failed(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".tmp")
        part.write_text(tomli_w.dumps(tree), encoding="utf-8")
        part.replace(path)


def judge(file: ModelFile, sha256: str, md5: str, name: str) -> str:
    """Who says that this digest is right. Raises ModelCorrupt if it is wrong."""
    wrong = (file.sha256 is not None and file.sha256 != sha256) or (file.md5 is not None and file.md5 != md5)
    if wrong:
        wanted = file.sha256 or file.md5
        raise ModelCorrupt(
            f"{name} is not the file that it should be: its digest is {sha256 if file.sha256 else md5}, not {wanted}.",
            cure="It was not used. Get it again, from its authors or another mirror.",
        )
    if file.sha256 is not None or file.md5 is not None:
        return file.digest_source or "the catalogue entry, which does not say where it has it from"
    return PINNED


def _agrees(record: dict[str, Any], file: ModelFile) -> bool:
    """Whether the digests that were written down are those that the catalogue asks for."""
    return file.sha256 in (None, record["sha256"]) and file.md5 in (None, record.get("md5"))


def digests_of(path: Path) -> tuple[str, str, int]:
    """(sha256, md5, bytes) of a file. md5 only serves to compare with what authors publish."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            md5.update(block)
            size += len(block)
    return sha256.hexdigest(), md5.hexdigest(), size


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _tag_path(partial: Path) -> Path:
    """Holds what the server calls the version of the file that was begun."""
    return partial.with_name(f"{partial.name}.tag")


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record: Any = json.loads(_record_path(path).read_text())
        return record if isinstance(record["sha256"], str) and isinstance(record["digest_source"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _wait_as_asked(retry_after: str | None) -> None:
    if retry_after is not None and retry_after.isdigit():
        time.sleep(min(int(retry_after), 30))


@contextlib.contextmanager
def _saying_what_failed(folder: Path) -> Generator[None]:
    """A full disk or a folder without permission, in words."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}.",
            cure="Make room or give permission, or set models.folder to another place.",
        ) from error
