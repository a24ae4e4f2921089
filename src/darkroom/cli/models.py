"""``darkroom models``: what exists, what is here, and how models come and go."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from darkroom.errors import InvalidParameters, ModelMissing

if TYPE_CHECKING:
    from darkroom.models.catalogue import ModelEntry
    from darkroom.models.store import Store
    from darkroom.operation import Progress

app = typer.Typer(no_args_is_help=True)
Names = Annotated[list[str], typer.Argument(help="Names of models; see `darkroom models list`.")]
COMMERCIAL = {True: "yes", False: "no", None: "not stated"}


def _store(**changes: Any) -> Store:
    from darkroom.models.store import Store
    from darkroom.settings import load_settings

    return Store.from_settings(load_settings({path.replace("__", "."): value for path, value in changes.items()}))


@app.command("list")
def list_(
    task: Annotated[str | None, typer.Option(help="Only models for this: matte, upscale, face_detection.")] = None,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Only models whose licence allows commercial use.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List every known model: what it is for, its size, whether it is here, its licence."""
    store = _store()
    found = [
        entry
        for entry in store.entries()
        if (task is None or entry.task == task) and (entry.commercial is True or not commercial_only)
    ]
    if as_json:
        print(json.dumps([_as_dict(store, entry) for entry in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from darkroom.cli.progress import size

    table = Table(box=None, pad_edge=False)
    for head in ("model", "for", "size", "here", "licence", "commercial use"):
        table.add_column(head, no_wrap=head == "model", overflow="fold")
    for entry in found:
        total = sum(file.bytes or 0 for file in entry.files)
        table.add_row(
            entry.name,
            entry.task.replace("_", " "),
            size(total) if total else "",
            _where(store, entry),
            entry.licence,
            COMMERCIAL[entry.commercial],
        )
    Console(file=sys.stdout, highlight=False).print(table)


def _where(store: Store, entry: ModelEntry) -> str:
    path = store.path(entry)
    if path is None:
        return "no"
    return "yes" if path.parent == store.folder else f"in {path.parent}"


def _as_dict(store: Store, entry: ModelEntry) -> dict[str, Any]:
    path = store.path(entry)
    return {**entry.model_dump(mode="json"), "here": path is not None, "path": str(path) if path else None}


@app.command()
def pull(
    names: Names,
    mirror: Annotated[str | None, typer.Option(help="A URL or folder instead of the models' own addresses.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Make no connection: only from a mirror folder.")] = False,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Refuse a licence that does not allow commercial use.")
    ] = False,
) -> None:
    """Download models, verified; a download that broke off goes on where it stopped."""
    store = _store(models__mirror=mirror, offline=offline or None, models__commercial_only=commercial_only or None)
    entries = [store.entry(name) for name in names]
    for entry in entries:
        with _Bar(entry.name) as bar:
            stored = store.pull(entry.name, bar.advance)
        print(f"{entry.name}: {stored.path}")
        print(f"  sha256 {stored.digest}\n  {stored.digest_source}\n  licence {entry.licence}", end="")
        print(f"; commercial use: {COMMERCIAL[entry.commercial]}")


class _Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bars: Any = None
        self._task: Any = None

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
            self._task = self._bars.add_task(self._name, total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    @property
    def advance(self) -> Progress:
        """To be called with a fraction and what is being done."""

        def told(fraction: float, doing: str) -> None:
            if self._bars is not None:
                self._bars.update(self._task, completed=fraction, description=doing)

        return told


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models; all that are here without.")] = None,
) -> None:
    """Hash model files again and compare; exit code 1 if one is not as it should be."""
    verdicts = _store().verify(names or None)
    for verdict in verdicts:
        print(f"{verdict.name}: {verdict.problem or 'as it should be'} ({verdict.path})")
    if not verdicts:
        print("No model is here.")
    if any(verdict.problem for verdict in verdicts):
        raise typer.Exit(1)


@app.command("export")
def export_(
    names: Names,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, such as models.tar.")],
) -> None:
    """Pack models that are here into one checksummed file, for machines without a network."""
    from darkroom.models.bundle import export_models

    entries = export_models(_store(), names, output)
    print(f"{output}: {', '.join(entry.name for entry in entries)}")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Bundles, or single files that the catalogue knows.")],
) -> None:
    """Install models from bundles or files, after checking all of each."""
    from darkroom.models.bundle import import_models

    store = _store()
    for file in files:
        for entry in import_models(store, file):
            print(f"{entry.name}: {store.path(entry)}")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A .pth, .safetensors or .onnx file; no code in it is run.")],
    name: Annotated[str, typer.Option(help="What to call it.")],
    task: Annotated[
        Literal["matte", "upscale", "face_detection", "face_restoration", "inpainting", "deblocking"],
        typer.Option(help="What it does."),
    ],
    licence: Annotated[str, typer.Option(help="Licence of the weights, by SPDX name where there is one.")],
    scale: Annotated[
        int | None, typer.Option(min=1, max=8, help="How much larger its output is; read from weights files.")
    ] = None,
    commercial: Annotated[
        bool | None, typer.Option("--commercial/--no-commercial", help="Whether commercial use is allowed.")
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Matte: input size.")] = None,
    mean: Annotated[str | None, typer.Option(metavar="R,G,B", help="Matte: subtracted after scaling.")] = None,
    std: Annotated[str | None, typer.Option(metavar="R,G,B", help="Matte: divided by after that.")] = None,
    input_scale: Annotated[
        Literal["max", "unit", "byte"] | None, typer.Option(help="Matte: what input values are divided by.")
    ] = None,
    order: Annotated[Literal["rgb", "bgr"] | None, typer.Option(help="Matte: channel order.")] = None,
    output: Annotated[
        Literal["minmax", "sigmoid", "probability", "softmax"] | None,
        typer.Option(help="Matte: what output values are."),
    ] = None,
    channel: Annotated[int | None, typer.Option(min=0, help="Matte: which output channel is the subject.")] = None,
) -> None:
    """Add a model of your own: it is copied into the store and written into models.toml."""
    from darkroom.models.adding import add_model

    given = {
        "size": _numbers("size", size, "x", 2, int),
        "mean": _numbers("mean", mean, ",", 3, float),
        "std": _numbers("std", std, ",", 3, float),
        "scale": input_scale,
        "order": order,
        "output": output,
        "channel": channel,
    }
    store = _store()
    entry = add_model(
        store,
        file,
        name=name,
        task=task,
        licence=licence,
        scale=scale,
        commercial=commercial,
        preprocessing={field: value for field, value in given.items() if value is not None},
    )
    print(f"{entry.name}: {entry.architecture}, {store.path(entry)}")


def _numbers(field: str, text: str | None, between: str, count: int, kind: type) -> tuple[Any, ...] | None:
    if text is None:
        return None
    try:
        values = tuple(kind(part) for part in text.lower().split(between))
    except ValueError:
        values = ()
    if len(values) != count:
        raise InvalidParameters(
            f"{text!r} is not a {field}.", cure=f"Write {count} numbers with {between!r} between them.", field=field
        )
    return values


@app.command()
def rm(names: Names) -> None:
    """Delete models from the store; a model of your own from models.toml too."""
    store = _store()
    for name in names:
        gone = store.remove(name)
        if not gone:
            raise ModelMissing(f"{name} is not in the store.", cure="`darkroom models list` shows where it is.")
        for path in gone:
            print(f"{name}: removed {path}")
