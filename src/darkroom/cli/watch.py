"""``--watch FOLDER``: work on what is in a folder and on what appears in it, until told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from darkroom.cli.inputs import Found, pictures_in
from darkroom.errors import InputNotFound

POLL_SECONDS = 0.5
_PARTIAL = (".part", ".partial", ".tmp", ".crdownload", ".download", "~")

State = tuple[int, int]
"""Size and time of change."""


def arrivals(
    folder: Path, *, recursive: bool, skip: Path | None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[list[Found]]:
    """Each time round, the pictures that are new or changed and have stopped growing; often an empty list.

    A file counts as whole when two looks, ``POLL_SECONDS`` apart, find the same size and time of change. It is looked
    at by polling, which works on every file system, network shares included. Ends never. Raises InputNotFound.
    """
    if not folder.is_dir():
        raise InputNotFound(f"There is no folder {folder} to watch.", cure="Make it, or name another.")
    seen: dict[Path, State] = {}
    given: dict[Path, State] = {}
    while True:
        now = {found: state for found in _candidates(folder, recursive, skip) if (state := _state(found)) is not None}
        ready = [found for found, state in now.items() if seen.get(_path(found)) == state != given.get(_path(found))]
        seen = {_path(found): state for found, state in now.items()}
        given = {path: state for path, state in given.items() if path in seen}
        given.update({_path(found): now[found] for found in ready})
        yield ready
        sleep(POLL_SECONDS)


def _candidates(folder: Path, recursive: bool, skip: Path | None) -> Iterator[Found]:
    for found in pictures_in(folder, recursive=recursive, skip=skip):
        if not _path(found).name.endswith(_PARTIAL):
            yield found


def _path(found: Found) -> Path:
    assert found.path is not None
    return found.path


def _state(found: Found) -> State | None:
    try:
        state = os.stat(_path(found))
    except OSError:
        return None
    return (state.st_size, state.st_mtime_ns)
