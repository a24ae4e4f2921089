"""``darkroom process`` and the command of each operation: one way of working, two ways of saying what to do."""

from __future__ import annotations

import glob
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkroom.cli import options
from darkroom.cli.inputs import STDIO, find, plan, split_arguments
from darkroom.cli.operations import allowed, parameters, summaries
from darkroom.cli.options import Common
from darkroom.errors import InvalidParameters

if TYPE_CHECKING:
    from darkroom.cli.batch import Batch, Tally
    from darkroom.image import Format
    from darkroom.operation import Operation
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request
    from darkroom.recipe import Recipe
    from darkroom.settings import Settings

app = typer.Typer()

INPUTS_HELP = "Files, folders, quoted patterns such as 'photos/*.jpg', or - for standard input."
ARGUMENTS_HELP = INPUTS_HELP + " And operations, in order: NAME or NAME:key=value,key=value. See `darkroom operations`."
PROCESS_HELP = """Run operations on pictures, one after the other.

    darkroom process shoe.jpg -o shop.jpg remove_background replace_background resize:width=1600
    darkroom process photos/ -o out/ --recipe product-white

In a folder, what is done already is skipped, and one bad file does not stop the rest: the exit code is then 1.
"""
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
WIDEST_METAVAR = 20


@dataclass(frozen=True, slots=True)
class Order:
    """A command line that was read: what to do, with which settings; not yet to what."""

    inputs: list[str]
    common: Common
    flags: dict[str, Any]
    settings: Settings
    recipe: Recipe | None
    operations: list[Operation]

    @property
    def pipeline(self) -> Pipeline:
        """The recipe's operations, then the others."""
        from darkroom.pipeline import Pipeline

        first = self.recipe.pipeline.operations if self.recipe is not None else ()
        return Pipeline([*first, *self.operations])

    def template(self) -> Request:
        """The request, without a source."""
        from darkroom.processing import Request

        encoding = options.encoding_wanted(self.common, self.flags, self.settings)
        if self.recipe is not None:
            encoding = encoding.over(self.recipe.encoding())
        return Request(
            source=b"", pipeline=self.pipeline, encoding=encoding, svg_size=options.svg_size(self.common.svg_size)
        )


def _command(**values: Any) -> None:
    """``darkroom process``."""
    _carry_out(_read_process(values))


def _check(**values: Any) -> None:
    _read_process(values)


def _read_process(values: dict[str, Any]) -> Order:
    from darkroom.pipeline import parse

    inputs, written = split_arguments(values.pop("arguments"), summaries())
    common, flags, settings, recipe = _read_common(values)
    if not written and recipe is None and common.format is None and common.output is None:
        raise InvalidParameters("What should be done?", cure="Name an operation, or a recipe with --recipe.")
    return Order(inputs, common, flags, settings, recipe, [parse(text) for text in written])


def _read_common(values: dict[str, Any]) -> tuple[Common, dict[str, Any], Settings, Recipe | None]:
    common = Common(**{option.name: values[option.name] for option in fields(Common) if option.name in values})
    flags = {name: value for name, value in values.items() if name in options.FLAGS}
    settings = options.load_settings(flags, common.settings)
    recipe = None
    if common.recipe is not None:
        from darkroom.recipe import find_recipe

        recipe = find_recipe(common.recipe, settings)
    return common, flags, settings, recipe


def _sign(function: Any, first: inspect.Parameter, own: Sequence[inspect.Parameter]) -> None:
    """Give a function the parameters that its command has: ``own`` options take the place of common ones."""
    names = {option.name for option in own}
    common = [option for option in options.parameters() if option.name not in names]
    function.__signature__ = inspect.Signature([first, *own, *common])


_sign(
    _command,
    inspect.Parameter(
        "arguments",
        POSITIONAL,
        default=[],
        annotation=Annotated[
            list[str], typer.Argument(metavar="INPUT|OPERATION", help=ARGUMENTS_HELP, show_default=False)
        ],
    ),
    [],
)
_command.check = _check  # pyright: ignore[reportFunctionMemberAccess]
app.command("process", help=PROCESS_HELP)(_command)


def operation_command(program: typer.Typer, name: str, *, as_typed: str) -> None:
    """Add the command of one operation to the program, with an option for every field of its schema."""
    from darkroom.operation import find_operation
    from darkroom.pipeline import parse_fields

    kind = find_operation(name)
    schema = kind.model_json_schema()
    own = [_option(field, rules, schema) for field, rules in parameters(schema).items()]
    prefixed = {_parameter_name(field): field for field in parameters(schema)}

    def read(values: dict[str, Any]) -> Order:
        inputs: list[str] = values.pop("inputs")
        given = {field: values.pop(parameter) for parameter, field in prefixed.items()}
        texts = {field: _text(value) for field, value in given.items() if value is not None}
        operation = parse_fields(name, texts)
        common, flags, settings, recipe = _read_common(values)
        return Order(inputs, common, flags, settings, recipe, [operation])

    def command(**values: Any) -> None:
        _carry_out(read(values))

    def check(**values: Any) -> None:
        read(values)

    argument = typer.Argument(metavar="INPUT", help=INPUTS_HELP, show_default=False)
    _sign(
        command,
        inspect.Parameter("inputs", POSITIONAL, default=[], annotation=Annotated[list[str], argument]),
        own,
    )
    command.check = check  # pyright: ignore[reportFunctionMemberAccess]
    program.command(
        # The program's own group does not normalise, so the name is the one that was typed.
        as_typed,
        help=inspect.cleandoc(kind.__doc__ or ""),
        # --only_mask is taken like --only-mask.
        context_settings={"token_normalize_func": _dashed},
    )(command)


def _dashed(token: str) -> str:
    """Take ``--only_mask`` for ``--only-mask``."""
    return token.replace("_", "-")


def _parameter_name(field: str) -> str:
    """The name of an option's parameter: the field's own, unless it means the work as a whole."""
    return f"own_{field}" if field in {option.name for option in fields(Common)} - {"format"} else field


def _option(field: str, rules: dict[str, Any], schema: dict[str, Any]) -> inspect.Parameter:
    """A field as an option: its description is the help, its rules the metavar, its default is shown."""
    flag = "--" + field.replace("_", "-")
    parts = [rules.get("description", "")]
    values = allowed(rules, schema)
    if len(values) > WIDEST_METAVAR:
        # The help would make room for it by cutting off the names of options.
        parts.append(f"[{values.replace('|', ', ')}]")
        values = "CHOICE"
    if rules.get("default") is not None:
        default = rules["default"]
        parts.append(f"[default: {_text(default) if not isinstance(default, bool) else 'on' if default else 'off'}]")
    text = " ".join(parts).replace("[", "\\[")
    kind: Any = str
    if "boolean" in (rules.get("type"), *(choice.get("type") for choice in rules.get("anyOf", ()))):
        names = flag if rules.get("default") is False else f"{flag}/--no-{flag[2:]}"
        kind, option = bool, typer.Option(names, help=text, rich_help_panel="Operation")
    else:
        option = typer.Option(flag, metavar=values, help=text, rich_help_panel="Operation")
    return inspect.Parameter(
        _parameter_name(field),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value)


def _carry_out(order: Order) -> None:
    """Do what was ordered and end with its exit code."""
    from darkroom.cli.batch import Batch
    from darkroom.cli.progress import Display
    from darkroom.jobs.worker import WorkerPool

    common = order.common
    template = order.template()
    single = common.watch is None and _is_single(order.inputs)
    with Display(quiet=common.quiet or (common.as_json and common.output == STDIO)) as display:

        def batch(pool: WorkerPool, workers: int) -> Batch:
            return Batch(
                pool,
                template,
                display,
                workers=workers,
                overwrite=common.overwrite,
                as_json=common.as_json,
                steps=single,
            )

        if common.watch is not None:
            workers = _workers(order, None)
            with WorkerPool(order.settings, workers=workers) as pool:
                tally = _watch(order, template, batch(pool, workers), display)
        else:
            wanted = planned_format(template)
            found = find(order.inputs, recursive=common.recursive, skip=_output_folder(common.output))
            items = plan(found, common.output, wanted, single=single)
            workers = _workers(order, len(items))
            display.expect(len(items))
            with WorkerPool(order.settings, workers=workers) as pool:
                work = batch(pool, workers)
                work.run(items)
            tally = work.tally
            if not single:
                display.say(str(tally))
    if tally.error is not None:
        raise typer.Exit(tally.exit_code(single=single))


def _watch(order: Order, template: Request, batch: Batch, display: Any) -> Tally:
    from darkroom.cli.watch import arrivals

    common = order.common
    folder = Path(common.watch or "").expanduser()
    if order.inputs:
        raise InvalidParameters(f"--watch is given and also an input, {order.inputs[0]}.", cure="Give one of them.")
    if common.output is None or common.output == STDIO:
        raise InvalidParameters("Watching a folder needs a folder for the results.", cure="Say it with -o FOLDER.")
    skip = _output_folder(common.output)
    if skip is not None and os.path.realpath(skip) == os.path.realpath(folder):
        raise InvalidParameters(
            f"The results would go into {folder}, which is watched, and be worked on again.",
            cure="Choose another folder for them.",
        )
    display.say(f"watching {folder}; Ctrl-C ends it")
    wanted = planned_format(template)
    try:
        for found in arrivals(folder, recursive=common.recursive, skip=skip):
            for one in found:
                batch.run(plan([one], common.output, wanted, single=False))
    except KeyboardInterrupt:
        display.say(f"stopped watching: {batch.tally}")
    return batch.tally


def planned_format(template: Request) -> Format | None:
    """The format that the result will have, where operations or options say; None where its input decides."""
    for operation in reversed(template.pipeline.operations):
        wanted = getattr(operation, "format", None)
        if wanted is not None:
            return wanted
    return template.encoding.format


def _workers(order: Order, pictures: int | None) -> int:
    """How many pictures at a time: what ``--jobs`` says, else what suits machine and work."""
    from darkroom.jobs.share import share

    return share(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        pictures,
        network=any(operation.tasks for operation in order.pipeline.operations),
        memory=order.settings.limits.most_memory(),
        asked=order.common.jobs,
    )


def _is_single(inputs: Sequence[str]) -> bool:
    """True if one picture is named, and not a folder or a pattern. Raises InvalidParameters if there is no input."""
    if not inputs:
        raise InvalidParameters("There is no input.", cure=f"Name {INPUTS_HELP[0].lower()}{INPUTS_HELP[1:]}")
    (first, *more) = inputs
    path = Path(first).expanduser()
    return not more and not path.is_dir() and (path.exists() or not glob.has_magic(first))


def _output_folder(output: str | None) -> Path | None:
    if output is None or output == STDIO:
        return None
    fixed = Path(output[: output.index("{")] + "x").parent if "{" in output else Path(output)
    return fixed.expanduser()
