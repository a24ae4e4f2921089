"""What has been made already: ``.darkroom.jsonl`` in an output folder, one line for every result.

A line says which input (path, size, time of change) became which file (name, size) by which work (a digest of the
operations with every parameter, of how the result is written, and of the files that parameters name). It is added
*before* the result is moved to its place, so that a batch that is killed at any instant is taken up where it stopped:
a line whose file is not there, or not of that size, counts for nothing. Later lines win over earlier ones.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.codecs import write_atomically
from darkroom.errors import OutputError

if TYPE_CHECKING:
    from darkroom.processing import Request
    from darkroom.settings import Settings

NAME = ".darkroom.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One result: paths are relative to the folder of the record."""

    input: str
    input_bytes: int
    input_changed: int
    output: str
    output_bytes: int
    work: str


class Record:
    """The record of one output folder. Several processes may add to it at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._by_input: dict[str, Entry] = {}
        self._lines = 0
        if self._path.exists():
            self._load()

    def _load(self) -> None:
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            self._lines += 1
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue  # a line cut short when the machine stopped
            self._by_input[entry.input] = entry

    def made(self, source: Path, work: str) -> Path | None:
        """The result of this work on the file as it is now, if it is there and whole."""
        entry = self._by_input.get(self._relative(source))
        if entry is None or entry.work != work:
            return None
        output = self._folder / entry.output
        try:
            now, made = source.stat(), output.stat()
        except OSError:
            return None
        unchanged = (now.st_size, now.st_mtime_ns) == (entry.input_bytes, entry.input_changed)
        return output if unchanged and made.st_size == entry.output_bytes else None

    def is_own(self, source: Path, output: Path) -> bool:
        """True if ``output`` was made from ``source``, by whatever work: then it may be made anew."""
        entry = self._by_input.get(self._relative(source))
        return entry is not None and entry.output == self._relative(output)

    def add(self, source: Path, state: os.stat_result, output: Path, size: int, work: str) -> None:
        """Note a result that is about to be put in its place; ``state`` is the input's from before the work."""
        entry = Entry(
            input=self._relative(source),
            input_bytes=state.st_size,
            input_changed=state.st_mtime_ns,
            output=self._relative(output),
            output_bytes=size,
            work=work,
        )
        self._by_input[entry.input] = entry
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(line)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror}.", cure="Make room there.") from error
        self._lines += 1

    def tidy(self) -> None:
        """Rewrite the record without lines that later ones replace, once they are the greater part of it."""
        if self._lines > 1000 and self._lines > 2 * len(self._by_input):
            lines = [json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in self._by_input.values()]
            write_atomically(self._path, "".join(lines).encode())
            self._lines = len(lines)

    def _relative(self, path: Path) -> str:
        return os.path.relpath(os.path.realpath(path), os.path.realpath(self._folder))


def digest_of_work(request: Request, settings: Settings) -> str:
    """What decides the result besides the input: operations, encoding, and the state of files that they name."""
    operations = request.pipeline.to_json()
    encoding = {name: getattr(request.encoding, name) for name in request.encoding.__slots__}
    work: dict[str, Any] = {
        "operations": operations,
        "encoding": encoding,
        "output": settings.output.model_dump(mode="json"),
        "svg_size": request.svg_size,
        "files": [_state(value) for operation in operations for value in operation.values() if isinstance(value, str)],
    }
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:32]


def _state(reference: str) -> tuple[int, int] | None:
    """Size and time of change, where a text parameter names a file."""
    try:
        state = os.stat(os.path.expanduser(reference))
    except (OSError, ValueError):
        return None
    return (state.st_size, state.st_mtime_ns)
