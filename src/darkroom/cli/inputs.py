"""Which pictures are meant, and where each result goes."""

from __future__ import annotations

import glob
import os
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.codecs import extension, format_of
from darkroom.codecs.sniffing import formats
from darkroom.errors import InputNotFound, InvalidParameters, OutputError, UnknownOperation
from darkroom.image import Format
from darkroom.operation import suggest

STDIO = "-"
_NOT_READ = frozenset({".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".tga", ".sgi", ".exr"})
"""Suffixes of pictures that are not read: picked up from folders all the same, to be refused with the reason."""


@dataclass(frozen=True, slots=True)
class Found:
    """A picture to work on. ``inside`` is its path below the folder it was found in; ``path`` None is stdin."""

    path: Path | None
    inside: Path

    @property
    def label(self) -> str:
        """What to call it."""
        return "standard input" if self.path is None else str(self.path)


@dataclass(frozen=True, slots=True)
class Item:
    """A picture and the place of its result.

    ``target`` lacks its suffix where that waits for the result's format (``open_suffix``); None is stdout. ``folder``
    is the output folder that keeps a record of what was made; None for a single named file.
    """

    source: Found
    target: Path | None
    open_suffix: bool = False
    folder: Path | None = None

    def path(self, made_format: Format) -> Path | None:
        """Where a result of this format goes."""
        if self.target is None or not self.open_suffix:
            return self.target
        return self.target.with_name(self.target.name + extension(made_format))


def split_arguments(arguments: Sequence[str], operations: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tell inputs from operations: ``(inputs, operations)``, each in the order given.

    An argument whose part before the first colon is an operation's name is that operation. Where a file of that very
    name is here too, it could be either, and is refused. Raises InvalidParameters, UnknownOperation.
    """
    names = set(operations)
    inputs: list[str] = []
    wanted: list[str] = []
    for argument in arguments:
        head, colon, _ = argument.partition(":")
        if head.replace("-", "_") not in names:
            _refuse_misspelt(argument, names)
            inputs.append(argument)
        elif not colon and os.path.lexists(argument):
            raise InvalidParameters(
                f"{argument!r} is an operation, and also a file here.",
                cure=f"Write ./{argument} for the file, or {argument}: for the operation.",
            )
        else:
            wanted.append(argument.removesuffix(":"))
    return inputs, wanted


def _refuse_misspelt(argument: str, names: set[str]) -> None:
    """Raises UnknownOperation for what reads like an operation and is no file: ``upscal``, ``resise:width=3``."""
    like_operation = re.fullmatch(r"[A-Za-z_-]+(:[a-z_]+=.*)?", argument, re.DOTALL)
    if like_operation and argument != STDIO and not os.path.lexists(argument):
        head = argument.partition(":")[0]
        raise UnknownOperation(
            f"{argument!r} is neither an operation nor a file here.", cure=suggest(head, sorted(names))
        )


def find(
    inputs: Sequence[str], *, recursive: bool, skip: Path | None = None, also: frozenset[str] = frozenset()
) -> list[Found]:
    """Every picture that the inputs name: files, folders, patterns, and ``-``; each once.

    Files named in full are taken whatever their suffix; from folders and patterns come the files whose suffix is a
    picture's, or in ``also``. Nothing below ``skip``, the output folder, is taken from a folder. Raises InputNotFound.
    """
    found: dict[str, Found] = {}
    for text in inputs:
        for one in _find_one(text, recursive=recursive, skip=skip, also=also):
            found.setdefault(STDIO if one.path is None else os.path.realpath(one.path), one)
    return list(found.values())


def _find_one(text: str, *, recursive: bool, skip: Path | None, also: frozenset[str]) -> list[Found]:
    path = Path(text).expanduser()
    if text == STDIO:
        return [Found(None, Path("stdin"))]
    if path.is_dir():
        inside = list(pictures_in(path, recursive=recursive, skip=skip, also=also))
        if not inside:
            more = "" if recursive else " itself; --recursive looks in its subfolders"
            raise InputNotFound(f"There is no picture in the folder {text}{more}.", cure="Name another folder.")
        return inside
    if path.exists():
        return [Found(path, Path(path.name))]
    if glob.has_magic(text):
        base = _fixed_part(path)
        names = sorted(glob.glob(str(path), recursive=True))
        matches = [
            Found(Path(name), Path(name).relative_to(base)) for name in names if _is_picture_file(Path(name), also)
        ]
        if not matches:
            raise InputNotFound(f"No picture matches {text}.", cure="Check the pattern and the folder you are in.")
        return matches
    raise InputNotFound(f"There is no file {text}.", cure="Check the name and the folder you are in.")


def _fixed_part(pattern: Path) -> Path:
    """The leading folders of a pattern that have no wildcard."""
    base = Path(pattern.anchor)
    for part in pattern.parts[1 if pattern.anchor else 0 : -1]:
        if glob.has_magic(part):
            break
        base /= part
    return base


def _is_picture_file(path: Path, also: frozenset[str]) -> bool:
    return (format_of(path) is not None or path.suffix.lower() in _NOT_READ | also) and path.is_file()


def pictures_in(
    folder: Path, *, recursive: bool, skip: Path | None = None, also: frozenset[str] = frozenset()
) -> Iterator[Found]:
    """The pictures of a folder by name, in order, without hidden files and what lies below ``skip``."""
    skipped = skip.resolve() if skip is not None else None
    for where, folders, names in os.walk(folder, followlinks=False):
        here = Path(where)
        folders[:] = sorted(
            name for name in folders if recursive and not name.startswith(".") and (here / name).resolve() != skipped
        )
        for name in sorted(names):
            path = here / name
            if not name.startswith(".") and _is_picture_file(path, also):
                yield Found(path, path.relative_to(folder))


def plan(found: Sequence[Found], output: str | None, wanted_format: Format | None, *, single: bool) -> list[Item]:
    """Where each result goes.

    ``single`` says that one picture was named, not a folder or pattern: only then may ``output`` be a file. Raises
    InvalidParameters where two pictures would get the same place, OutputError where the place cannot be.
    """
    if output is None:
        if single and found and found[0].path is None:
            output = STDIO
        else:
            raise InvalidParameters("Where should the result go?", cure="Say it with -o FILE or -o FOLDER.")
    if output == STDIO:
        if len(found) != 1:
            raise InvalidParameters(
                f"{len(found)} pictures cannot all go to standard output.", cure="Give a folder: -o FOLDER."
            )
        return [Item(found[0], None)]
    if "{" in output:
        items = [_by_pattern(one, output, index) for index, one in enumerate(found, 1)]
    elif single and not output.endswith(("/", os.sep)) and not Path(output).expanduser().is_dir():
        items = [Item(found[0], Path(output).expanduser())]
    else:
        folder = Path(output).expanduser()
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{output} is a file, and there are several pictures.", cure="Give a folder: -o FOLDER.")
        items = [_into_folder(one, folder, wanted_format) for one in found]
    _refuse_wrong_suffixes(items, wanted_format)
    _refuse_clashes(items)
    return items


def _into_folder(one: Found, folder: Path, wanted_format: Format | None) -> Item:
    target = folder / one.inside.with_suffix("" if one.path is not None else one.inside.suffix)
    if wanted_format is not None:
        return Item(one, target.with_name(target.name + extension(wanted_format)), folder=folder)
    return Item(one, target, open_suffix=True, folder=folder)


def _by_pattern(one: Found, pattern: str, index: int) -> Item:
    """Fill ``{folder}``, ``{stem}`` and ``{index}`` in; ``{ext}``, at the end only, waits for the result."""
    open_suffix = pattern.endswith(".{ext}")
    text = pattern.removesuffix(".{ext}")
    known = {"folder": str(one.inside.parent), "stem": one.inside.stem, "index": f"{index:04d}"}
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
        unknown = sorted(set(fields) - set(known))
        filled = "" if unknown else text.format(**known)
    except ValueError as error:
        raise InvalidParameters(f"The pattern {pattern!r} cannot be read: {error}.", field="output") from error
    if unknown:
        raise InvalidParameters(
            f"The pattern {pattern!r} has {{{unknown[0]}}}, which says nothing here.",
            cure="Known: {folder}, {stem}, {index}, and .{ext} at the end.",
            field="output",
        )
    fixed = Path(pattern[: pattern.index("{")] + "x").expanduser().parent
    return Item(one, Path(filled).expanduser(), open_suffix=open_suffix, folder=fixed)


def _refuse_wrong_suffixes(items: Sequence[Item], wanted_format: Format | None) -> None:
    """Raises where a file name asks for no format, or for another one than the operations or --format do."""
    for item in items:
        if item.target is None or item.open_suffix:
            continue
        named = format_of(item.target)
        if named is None:
            raise OutputError(
                f"The name {item.target.name} does not say which format to write.",
                cure=f"End it in one of: {', '.join(extension(known) for known in formats())}.",
            )
        if wanted_format is not None and named != wanted_format:
            raise InvalidParameters(
                f"The name {item.target.name} asks for {named}, but {wanted_format} is to be written.",
                cure=f"Name it {item.target.stem}{extension(wanted_format)}, or leave the other out.",
                field="output",
            )


def _refuse_clashes(items: Sequence[Item]) -> None:
    taken: dict[str, Found] = {}
    for item in items:
        if item.target is None:
            continue
        # With the suffix still open the result most often has the input's own format.
        guess = item.target.name + item.source.inside.suffix if item.open_suffix else item.target.name
        key = os.path.join(os.path.realpath(item.target.parent), guess)
        other = taken.setdefault(key, item.source)
        if other is not item.source:
            raise InvalidParameters(
                f"{other.label} and {item.source.label} would both become {item.target}.",
                cure="Name the results apart with a pattern: -o 'FOLDER/{stem}-{index}.{ext}'.",
                field="output",
            )
