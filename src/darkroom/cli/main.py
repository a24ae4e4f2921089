"""``darkroom``: finds the command, runs it, and turns every way of ending into a line and an exit code.

Only the command that was asked for is imported, so that ``darkroom --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Annotated, Any

import typer

from darkroom.errors import DarkroomError, InvalidParameters

COMMANDS = {
    "serve": ("darkroom.cli.serve", "Serve the page and the HTTP API on this machine."),
    "process": ("darkroom.cli.process", "Run operations on pictures, one after the other."),
    "operations": ("darkroom.cli.operations", "List the operations, or show one with its parameters."),
    "faces": ("darkroom.cli.faces", "Collect everybody's best faces from pictures and videos."),
    "recipes": ("darkroom.cli.recipes", "List the recipes, or show one."),
    "models": ("darkroom.cli.models", "List, fetch, check and move models."),
    "bench": ("darkroom.cli.bench", "Measure this machine, and choose models by it."),
    "keys": ("darkroom.cli.keys", "Make, list and revoke API keys of the service."),
    "worker": ("darkroom.cli.worker", "Carry out the jobs of the service, on this machine too."),
    "clean": ("darkroom.cli.clean", "Delete what the service keeps too long, and files that nothing names."),
    "egress": ("darkroom.cli.egress", "Show what left this machine: when, to whom, why, how much."),
    "doctor": ("darkroom.cli.doctor", "Show what is here, what each device can do, and what is missing."),
}
"""Every command with the module that has it as ``app``, and its line in the help."""

OVERVIEW = """Cut out, enlarge, crop and clean up pictures on your own machine.

Every operation is a command of its own; [bold]process[/bold] runs several, one after the other:

    darkroom remove_background shoe.jpg -o shoe.png
    darkroom process photos/ -o out/ remove_background resize:width=1080
"""


debugging: ContextVar[bool] = ContextVar("debugging", default=False)
"""Whether this command line has ``--debug``."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends the work as Ctrl-C does."""


def main() -> None:
    """The entry point of the ``darkroom`` command."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry one command line out; gives the exit code.

    0 when all is done, 1 when some pictures of several failed, 130 after Ctrl-C, else the error's own exit code.
    """
    debugging.set("--debug" in arguments)
    arguments = arguments or ["--help"]
    usage_error: Any = typer.BadParameter.__base__
    try:
        with _sigterm_as_interrupt():
            app = build_app(arguments)
            _replace(app, _Carried)
            code = _parse_and_call(app, arguments)
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Exit as ended:
        return ended.exit_code
    except usage_error as error:
        hint = _command_in(arguments)
        cure = f"See: darkroom {hint} --help" if hint else "See: darkroom --help"
        return _fail(InvalidParameters(error.format_message(), cure=cure))
    except DarkroomError as error:
        return _fail(error)
    except _Ended as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("darkroom: stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        unexpected = DarkroomError(
            f"Something unexpected happened: {type(error).__name__}: {error}.",
            cure="This is a fault of Darkroom; --debug shows where.",
        )
        unexpected.__cause__ = error
        return _fail(unexpected)


def check(arguments: Sequence[str]) -> None:
    """Read a command line as :func:`run` would, the operations and recipe in it too, and do nothing.

    Holds the examples in the documentation to the program. Raises InvalidParameters for what would not be taken.
    """
    app = build_app(arguments)
    _replace(app, _Read)
    usage_error: Any = typer.BadParameter.__base__
    try:
        _parse_and_call(app, arguments)
    except usage_error as error:
        raise InvalidParameters(error.format_message()) from error


def _parse_and_call(app: typer.Typer, arguments: Sequence[str]) -> Any:
    typed = [argument for argument in arguments if argument != "--debug"]
    return app(args=typed, prog_name="darkroom", standalone_mode=False)


def _replace(app: typer.Typer, stand_in: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put a stand-in before what every command does; its signature stays."""
    for command in app.registered_commands:
        assert command.callback is not None
        command.callback = functools.update_wrapper(stand_in(command.callback), command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _replace(group.typer_instance, stand_in)


class _Ended(Exception):
    """The work was stopped from outside; what there was to say is said."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class _Carried:
    """Carries a command out, and says itself how it was stopped: Typer would end the program in its own ways."""

    def __init__(self, command: Callable[..., Any]) -> None:
        self._command = command

    def __call__(self, **values: Any) -> Any:
        try:
            result = self._command(**values)
            sys.stdout.flush()
        except KeyboardInterrupt as stopped:
            print("darkroom: stopped", file=sys.stderr)
            number = signal.SIGTERM if isinstance(stopped, Terminated) else signal.SIGINT
            raise _Ended(128 + number) from stopped
        except BrokenPipeError as error:
            raise _Ended(_reader_gone()) from error
        return result


class _Read:
    """Only reads what a command is given, by the command's own ``check`` where it has one."""

    def __init__(self, command: Callable[..., Any]) -> None:
        self._check: Callable[..., None] = getattr(command, "check", _read_nothing)

    def __call__(self, **values: Any) -> None:
        self._check(**values)


def _reader_gone() -> int:
    """Whoever read our output has seen enough. Python would complain once more when it closes standard output."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _read_nothing(**_: Any) -> None:
    """For a command whose parameters are checked by its options alone."""


def _fail(error: DarkroomError) -> int:
    print(describe(error), file=sys.stderr)
    return error.exit_code


def describe(error: DarkroomError, subject: str | None = None) -> str:
    """An error as one line for a person: program, subject, code, what happened, what to do about it.

    With ``--debug`` the traceback stands before it.
    """
    before = "".join(traceback.format_exception(error)) if debugging.get() else ""
    where = f"darkroom: {subject}: " if subject else "darkroom: "
    return before + where + f"{error.code}: {' '.join(str(error).split())}"


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The program, with the command that ``arguments`` ask for, or with a line about every command."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=OVERVIEW, invoke_without_command=True)(_root)
    wanted = _command_in(_words_to_complete() or arguments)
    if wanted in COMMANDS:
        _add(app, wanted)
    elif wanted and wanted.replace("-", "_") in _summaries():
        from darkroom.cli.process import operation_command

        operation_command(app, wanted.replace("-", "_"), as_typed=wanted)
    else:
        for name, (_, line) in COMMANDS.items():
            app.command(name, help=line, rich_help_panel="Commands")(_never)
        for name, line in _summaries().items():
            app.command(name, help=line, rich_help_panel="Operations")(_never)
    return app


def _add(app: typer.Typer, name: str) -> None:
    module, line = COMMANDS[name]
    sub: typer.Typer = importlib.import_module(module).app
    if sub.registered_callback is None and len(sub.registered_commands) == 1:
        (command,) = sub.registered_commands
        assert command.callback is not None
        app.command(name, short_help=line, context_settings=command.context_settings)(command.callback)
    else:
        # A copy, because what its commands do is replaced.
        own = copy.copy(sub)
        own.registered_commands = [copy.copy(command) for command in sub.registered_commands]
        app.add_typer(own, name=name, help=line)


def _summaries() -> dict[str, str]:
    from darkroom.cli.operations import summaries

    return summaries()


def _command_in(arguments: Sequence[str]) -> str | None:
    return next((argument for argument in arguments if not argument.startswith("-")), None)


def _words_to_complete() -> list[str]:
    """The words typed so far, when it is the shell that asks, to complete them."""
    if "_DARKROOM_COMPLETE" not in os.environ:
        return []
    return (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")).split()[1:]


def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error; stands anywhere.")] = False,
) -> None:
    del debug
    if version:
        from darkroom.version import version as installed

        print(f"darkroom {installed()}")
        raise typer.Exit


def _never() -> None:
    raise AssertionError("a command that is only there for its line in the help")


@contextlib.contextmanager
def _sigterm_as_interrupt():
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: signals are someone else's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
