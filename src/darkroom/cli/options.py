"""The options that ``process`` and every operation's command have in common, each defined once.

Where an option lays a value over a setting, its help text is the setting's own description.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from darkroom.errors import InvalidParameters

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from darkroom.image import Encoding, Format
    from darkroom.settings import Settings

OUTPUT, ENGINE, RUN = "Output", "Engine", "Run"

LogJson = Annotated[bool, typer.Option("--log-json", help="Write the log as JSON also in a terminal.")]
"""Of the commands that go on until they are told to end."""


@dataclass(frozen=True, slots=True)
class Common:
    """Values of the common options, as typed; None where an option was not given."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER|-",
            help="Where the result goes: a file, a folder, - for standard output, or a pattern such as "
            "'out/{stem}-{index}.webp', which knows {folder}, {stem}, {index} and {ext}.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Format of the result where no file name says it: jpeg, png, webp, avif, tiff, gif, bmp, svg.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Do again what is done already, and replace files that Darkroom did not make, the input included.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Run this recipe first; see `darkroom recipes`.", rich_help_panel=RUN),
    ] = None
    svg_size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Draw an SVG to fit into this many pixels.", rich_help_panel=RUN),
    ] = None
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look in the subfolders of folders too.", rich_help_panel=RUN)
    ] = False
    watch: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep working on what appears in this folder, until Ctrl-C.",
            rich_help_panel=RUN,
        ),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            max=256,
            metavar="N",
            help="How many pictures at a time. By default two where a network may run, which takes every core itself, "
            "else up to four.",
            rich_help_panel=RUN,
        ),
    ] = None
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the report as JSON on standard output, one line per picture; on standard error with -o -.",
            rich_help_panel=RUN,
        ),
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=RUN)] = False
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="SETTING=VALUE",
            help="Lay a value over any setting, such as limits.pixels=1000000; see docs/settings.md.",
            rich_help_panel=RUN,
        ),
    ] = field(default_factory=list[str])


FLAGS = {
    "quality": ("output.quality", OUTPUT),
    "metadata": ("output.metadata", OUTPUT),
    "device": ("engine.device", ENGINE),
    "require": ("engine.require", ENGINE),
    "precision": ("engine.precision", ENGINE),
    "engine": ("engine.engine", ENGINE),
    "within": ("engine.within", ENGINE),
    "offline": ("offline", ENGINE),
    "consent": ("providers.consent", ENGINE),
    "commercial_only": ("models.commercial_only", ENGINE),
    "strict": ("strict", RUN),
    "timeout": ("limits.job_seconds", RUN),
}
"""Options that lay a value over one setting; ``--quality`` with a word means engine.quality."""


QUALITIES = ("fast", "balanced", "best")


def parameters() -> list[inspect.Parameter]:
    """The common options as parameters of a command's function."""
    hints = get_type_hints(Common, include_extras=True)
    made = [_parameter(option.name, hints[option.name], _default(option)) for option in fields(Common)]
    return made + [_flag(name, path, panel) for name, (path, panel) in FLAGS.items()]


def _default(option: Any) -> Any:
    return option.default_factory() if callable(option.default_factory) else option.default


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flag(name: str, path: str, panel: str) -> inspect.Parameter:
    from pydantic import TypeAdapter

    from darkroom.cli.operations import allowed

    setting = _setting(path)
    flag = "--" + name.replace("_", "-")
    if setting.annotation is bool:
        option = typer.Option(flag, help=setting.description, rich_help_panel=panel)
        return _parameter(name, Annotated[bool, option], False)
    kind: Any = Annotated[setting.annotation, setting]
    schema = TypeAdapter(kind).json_schema()
    values, text = allowed(schema, schema), setting.description or ""
    if name == "quality":
        values, text = "|".join([values, *QUALITIES]), f"{text} {_setting('engine.quality').description}"
    option = typer.Option(flag, metavar=values, help=text, rich_help_panel=panel)
    return _parameter(name, Annotated[str | None, option], None)


def _setting(path: str) -> FieldInfo:
    from darkroom.settings import Settings

    *groups, leaf = path.split(".")
    tree: Any = Settings
    for group in groups:
        tree = tree.model_fields[group].annotation
    return tree.model_fields[leaf]


def load_settings(flags: dict[str, Any], assignments: list[str]) -> Settings:
    """The settings in force under the flags and ``--set`` of this command line. Raises ConfigurationError."""
    from darkroom.settings import load_settings as load

    changes: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidParameters(f"--set {assignment}: write SETTING=VALUE.", cure="For example limits.frames=100.")
        changes[path.strip()] = _lists_and_tables(value)
    for name, value in flags.items():
        if value not in (None, False):
            changes["engine.quality" if name == "quality" and value in QUALITIES else FLAGS[name][0]] = value
    return load(changes)


def _lists_and_tables(value: str) -> Any:
    """What a setting that holds several is given, as JSON; anything else as it is."""
    if not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidParameters(f"{value} is not JSON: {error}.", cure="Quote it for the shell.") from error


def encoding_wanted(common: Common, flags: dict[str, Any], settings: Settings) -> Encoding:
    """What the flags of this command line say about how to write the result; the rest is left open."""
    from darkroom.image import Encoding

    return Encoding(
        format=_format(common.format),
        quality=settings.output.quality if flags.get("quality") not in (None, *QUALITIES) else None,
        metadata=settings.output.metadata if flags.get("metadata") is not None else None,
    )


def _format(name: str | None) -> Format | None:
    from darkroom.codecs import format_of
    from darkroom.codecs.sniffing import formats
    from darkroom.operation import suggest

    if name is None:
        return None
    found = format_of("name." + name.lower().removeprefix("."))
    if found is None:
        known: list[str] = list(formats())
        raise InvalidParameters(f"There is no format named {name!r}.", cure=suggest(name, known), field="format")
    return found


def svg_size(text: str | None) -> tuple[int, int] | None:
    """``800x600`` as (800, 600). Raises InvalidParameters."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise InvalidParameters(
            f"--svg-size {text!r} is not WIDTHxHEIGHT.", cure="For example 800x600.", field="svg_size"
        )
    return int(width), int(height)
