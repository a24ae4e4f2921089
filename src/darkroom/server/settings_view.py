"""The settings that a page may show and change, and the file in which changes outlive a restart.

Changes are written to :func:`darkroom.settings.changed_file`, which is laid between the settings file and the
environment: the file that a person wrote stays as it is, and what the environment sets cannot be changed here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from darkroom.errors import InvalidParameters, OutputError
from darkroom.settings import Settings, changed_file, explain, load_settings, read_changed

CHANGEABLE = (
    "providers.local_first",
    "providers.cloud_fallback",
    "providers.consent",
    "models.auto_download",
    "offline",
    "egress.model",
    "egress.source",
    "egress.cloud",
    "egress.webhook",
    "output.metadata",
    "engine.device",
    "engine.precision",
    "engine.quality",
    "strict",
)
"""The settings that may be changed, by dotted path.

Of the purposes of connections those that come up while the service runs; what it stands on is chosen when it starts.
"""
FALLBACK = "providers.cloud_fallback"
LOCK_SECONDS = 10.0
"""How long one writer of the file waits for another."""


LockKind = Literal["environment", "not_local_first", "no_cloud_key"]


class Lock(NamedTuple):
    """Why a setting cannot be changed: for programs, and as a sentence."""

    kind: LockKind
    reason: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as a page shows it; all values are JSON-ready."""

    value: Any
    default: Any
    description: str
    schema: dict[str, Any]
    """JSON schema of what is allowed: ``type``, and ``enum`` where there is a choice."""
    lock: Lock | None
    """Why it cannot be changed; None where it can."""


def read(settings: Settings) -> dict[str, Shown]:
    """Every changeable setting by its dotted path, as it is in ``settings``."""
    tree = settings.model_dump(mode="json", include=_included())
    found: dict[str, Shown] = {}
    for path in CHANGEABLE:
        field = _field(path)
        value: Any = tree
        for name in path.split("."):
            value = value[name]
        schema = _adapter(field).json_schema()
        found[path] = Shown(
            value=value,
            default=field.get_default(call_default_factory=True),
            description=field.description or "",
            schema={name: part for name, part in schema.items() if name not in ("default", "description", "title")},
            lock=_by_environment(path) or (_no_fallback(settings) if path == FALLBACK and not value else None),
        )
    return found


@contextlib.contextmanager
def changing(changes: Mapping[str, Any]) -> Generator[Settings]:
    """Write changes down at the end of the block, so that they outlive a restart; nothing where the block raises.

    Gives the settings that will be in force with them, without the flags of a command line. All changes are written or
    none, and nobody else changes any meanwhile.

    Args:
        changes: new values by dotted path; None takes a change back, so that the settings file counts again.

    Raises:
        InvalidParameters: one of them is not changeable, locked, or not allowed; ``field`` is its path.
        OutputError: the file cannot be written.
        ConfigurationError: the settings are wrong already.
    """
    import tomli_w

    from darkroom.codecs import write_atomically

    for path, value in changes.items():
        _check(path, value)
    file = changed_file()
    with _sole_writer(file):
        tree = read_changed()
        for path, value in changes.items():
            _lay(tree, path, value)
        after = load_settings(changed=tree)
        if changes.get(FALLBACK) and (lock := _no_fallback(after)) is not None:
            raise InvalidParameters(f"{FALLBACK} cannot be turned on. {lock.reason}", field=FALLBACK)
        yield after
        with _saying_why(file):
            write_atomically(file, tomli_w.dumps(tree).encode())


def value_at(settings: Settings, path: str) -> Any:
    """The value of a setting, by its dotted path."""
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


@contextlib.contextmanager
def _sole_writer(file: Path) -> Generator[None]:
    from filelock import FileLock

    lock = FileLock(file.with_suffix(".lock"), timeout=LOCK_SECONDS)
    with _saying_why(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _saying_why(file: Path) -> Generator[None]:
    """Raises OutputError for what keeps the file from being written."""
    from filelock import Timeout

    try:
        yield
    except (OSError, Timeout) as error:
        raise OutputError(
            f"The change cannot be kept: {file} cannot be written ({error}).",
            cure="Make its folder writable, or set it in the settings file or the environment.",
        ) from error


def _check(path: str, value: Any) -> None:
    """Raises InvalidParameters for what cannot be changed by itself."""
    if path not in CHANGEABLE:
        raise InvalidParameters(
            f"The setting {path[:80]} cannot be changed here.",
            cure=f"Those that can: {', '.join(CHANGEABLE)}; docs/settings.md says how to set others.",
            field=path[:80],
        )
    lock = _by_environment(path)
    if lock is not None:
        raise InvalidParameters(f"{path} cannot be changed. {lock.reason}", cure="Change it there.", field=path)
    if value is None:
        return
    try:
        # Strictly: what JSON says is true or false, and not what might be meant by a text.
        _adapter(_field(path)).validate_python(value, strict=True)
    except ValidationError as error:
        raise InvalidParameters(f"{path}: {explain(error)}.", cure="See docs/settings.md.", field=path) from error


def _by_environment(path: str) -> Lock | None:
    """Why the environment does not let a setting be changed; None where it does."""
    given = {name.upper(): value for name, value in os.environ.items()}
    *groups, leaf = path.split(".")
    name = "__".join(["DARKROOM", *path.split(".")]).upper().replace("DARKROOM__", "DARKROOM_", 1)
    if name in given:
        return _set_by(name)
    for group in groups:
        name = f"DARKROOM_{group}".upper()
        # A group may be given whole, as JSON.
        with contextlib.suppress(ValueError, TypeError):
            if leaf in json.loads(given.get(name, "{}")):
                return _set_by(name)
    return None


def _set_by(name: str) -> Lock:
    return Lock("environment", f"It is set by {name} in the environment of the service.")


def _no_fallback(settings: Settings) -> Lock | None:
    """Why there can be no fallback to the cloud; None where there can."""
    providers = settings.providers
    if not providers.local_first:
        return Lock(
            "not_local_first",
            "This machine is not asked first, so there is nothing to fall back from: turn local_first on.",
        )
    if not (providers.cloudinary.ready or providers.openai_images.ready):
        return Lock("no_cloud_key", "No key of a cloud service is set: see docs/privacy.md.")
    return None


def _lay(tree: dict[str, Any], path: str, value: Any) -> None:
    """Put a value into a tree of settings, or take it out where it is None."""
    *groups, leaf = path.split(".")
    node = tree
    for group in groups:
        node = node.setdefault(group, {})
    if value is not None:
        node[leaf] = value
        return
    node.pop(leaf, None)
    for group in groups:
        if not tree[group]:
            del tree[group]


def _field(path: str) -> FieldInfo:
    """The field of a setting."""
    kind: Any = Settings
    *groups, leaf = path.split(".")
    for group in groups:
        kind = kind.model_fields[group].annotation
    assert issubclass(kind, BaseModel)
    return kind.model_fields[leaf]


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    """What validates a value of a field by itself."""
    return TypeAdapter(field.rebuild_annotation())


def _included() -> dict[str, Any]:
    """The groups and leaves that are shown, as pydantic's ``include`` takes them."""
    found: dict[str, Any] = {}
    for path in CHANGEABLE:
        group, _, leaf = path.partition(".")
        if leaf:
            found.setdefault(group, set()).add(leaf)
        else:
            found[group] = True
    return found
