"""``darkroom faces``: everybody's best faces out of pictures and videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from darkroom.cli import options
from darkroom.cli.inputs import STDIO, Found, find
from darkroom.cli.main import describe
from darkroom.cli.process import INPUTS_HELP
from darkroom.cli.progress import Display, size
from darkroom.errors import DarkroomError, InvalidParameters

if TYPE_CHECKING:
    from darkroom.face_collection import FaceCollection
    from darkroom.operation import Context
    from darkroom.settings import Settings

app = typer.Typer()
_OUTPUT, _FACES, _RUN = "Output", "Faces", "Run"


@app.command()
def faces(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help=INPUTS_HELP + " Videos too.", show_default=False)
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the faces go.", rich_help_panel=_OUTPUT)
    ],
    restoration: Annotated[
        bool | None,
        typer.Option(
            "--face-restoration/--no-face-restoration",
            help="Restore the faces; on unless faces.restoration_enabled says otherwise.",
            show_default=False,
            rich_help_panel=_FACES,
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            "--face-restoration-strength",
            min=0.0,
            max=1.0,
            help="How much of the restored face is taken; 0.8 unless faces.restoration_strength says otherwise.",
            rich_help_panel=_FACES,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model to restore with; see restore_faces.", rich_help_panel=_FACES)
    ] = None,
    resize: Annotated[
        int,
        typer.Option(
            min=0,
            max=2048,
            help="Side of each face in pixels; restored ones have 512 at least.",
            rich_help_panel=_FACES,
        ),
    ] = 0,
    most: Annotated[
        int, typer.Option("--max-per-person", min=1, max=100, help="Faces kept of each person.", rich_help_panel=_FACES)
    ] = 5,
    least: Annotated[
        int,
        typer.Option(
            "--least-size", min=12, max=2048, help="Smaller faces are left out, in pixels.", rich_help_panel=_FACES
        ),
    ] = 24,
    every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Look at every Nth frame of a video; about six in a second by default.",
            rich_help_panel=_FACES,
        ),
    ] = None,
    format: Annotated[
        Literal["png", "jpeg"], typer.Option(help="Format of the faces.", rich_help_panel=_OUTPUT)
    ] = "png",
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Lossy quality of JPEG files.", rich_help_panel=_OUTPUT)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier collection there.", rich_help_panel=_OUTPUT)
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look in the subfolders of folders too.", rich_help_panel=_RUN)
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Turn every fallback into an error.", rich_help_panel=_RUN)
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Allow no connection at all.", rich_help_panel=_RUN)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the index on standard output.", rich_help_panel=_RUN)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=_RUN)] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="Lay a value over any setting.", rich_help_panel=_RUN),
    ] = None,
) -> None:
    """Collect everybody's best faces from pictures and videos.

    Faces are followed from frame to frame, people who come back are put together, and of each the sharpest, largest,
    most open and most frontal are kept, restored, and written with a contact sheet and an index, faces.json. One bad
    file does not stop the rest: the exit code is then 1.
    """
    from darkroom.face_collection import INDEX, Choice, FaceCollection

    settings = options.load_settings({"strict": strict, "offline": offline}, assignments or [])
    folder = Path(output).expanduser()
    if folder.is_file() or output == STDIO:
        raise InvalidParameters(f"-o {output} is no folder.", cure="Name a folder for the faces.", field="output")
    if (folder / INDEX).exists() and not overwrite:
        raise InvalidParameters(
            f"{folder / INDEX} is there already.", cure="Choose another folder, or --overwrite to replace it."
        )
    choice = Choice(
        restore=settings.faces.restoration_enabled if restoration is None else restoration,
        strength=settings.faces.restoration_strength if strength is None else strength,
        model=model,
        resize=resize,
        most=most,
        every=every,
        least=least,
        format=format,
        quality=quality,
    )
    failed = 0
    with Display(quiet=quiet) as display:
        collection = FaceCollection(_context(settings, display), choice)
        failed = _gather(collection, inputs, recursive, folder, settings, display)
        index = collection.write(folder, lambda part, doing: display.advance("faces", part, doing), overwrite=overwrite)
        display.finish("faces")
        _tell(index, folder, display)
    if as_json:
        print(json.dumps(index))
    if failed:
        raise typer.Exit(1)


def _context(settings: Settings, display: Display) -> Context:
    from darkroom.operation import Context
    from darkroom.report import StepReport
    from darkroom.services import build_services

    services = build_services(settings)
    return Context(
        settings=settings,
        models=services.models,
        step=StepReport(operation="faces"),
        open_image=services.open_image,
        on_progress=lambda part, doing: display.advance("faces", part, doing),
    )


def _gather(
    collection: FaceCollection, inputs: list[str], recursive: bool, folder: Path, settings: Settings, display: Display
) -> int:
    """Take every input in; gives how many could not be read."""
    from darkroom.jobs.worker import WorkerPool
    from darkroom.video import SUFFIXES, is_video

    found = find(inputs, recursive=recursive, skip=folder, also=SUFFIXES)
    display.expect(len(found))
    failed = 0
    with WorkerPool(settings) as pool:
        for one in found:
            name = one.path.name if one.path else one.label
            try:
                if one.path is not None and is_video(one.path):
                    count = collection.add_video(
                        one.path,
                        lambda part, doing, name=name: display.advance(name, part, doing),  # pyright: ignore
                    )
                    display.say(f"{name}: {count} {'person' if count == 1 else 'people'}")
                else:
                    count = collection.add_picture(name, _decoded(one, pool))
                    display.say(f"{name}: {count} {'face' if count == 1 else 'faces'}")
            except DarkroomError as error:
                failed += 1
                collection.add_failure(name, error)
                display.alert(describe(error, name))
            display.finish(name)
    return failed


def _decoded(one: Found, pool: Any) -> Any:
    """A picture's pixels, uint8. A worker decodes the file: only what it made is decoded here."""
    import sys

    import darkroom
    from darkroom.face_finder import seen
    from darkroom.image import Encoding
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request

    source = one.path or sys.stdin.buffer.read(pool.settings.limits.input_bytes + 1)
    request = Request(source, Pipeline([]), Encoding(format="png", effort=1, metadata="none"), name=one.label)
    return seen(darkroom.open(pool.submit(request).result().data), sys.maxsize)[0]


def _tell(index: dict[str, Any], folder: Path, display: Display) -> None:
    people = index["people"]
    files = [file for person in people for file in person["files"]]
    restored = sum(file["restored"] for file in files)
    if not people:
        display.say("no face was found")
    for person in people:
        best = person["files"][0]
        display.say(
            f"  person {person['person']}: seen {person['sightings']} times, {len(person['files'])} kept, "
            f"best {best['file']} ({best['quality']['total']:.2f})"
        )
    total = size(sum(file["bytes"] for file in files))
    display.say(f"{len(people)} people, {len(files)} faces ({restored} restored), {total}, in {folder}")
    for warning in index["warnings"]:
        display.say(f"  note: {warning}")
