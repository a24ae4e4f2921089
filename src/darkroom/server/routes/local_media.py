"""``/local-media``: process a file at once, and look after models; what a desktop app needs and nothing more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import TypeAdapter, ValidationError

from darkroom.errors import FileMissing, InvalidParameters
from darkroom.jobs.results import named
from darkroom.models.store import Store
from darkroom.report import Report
from darkroom.server import files, schemas
from darkroom.server.dependencies import WORKING, Keeper, Reader, TheStudio, Writer, owner_of, problems, unless_gone
from darkroom.server.downloads import Download
from darkroom.server.making import Finished
from darkroom.server.multipart import UPLOAD_BYTES, Multipart, Part
from darkroom.server.problems import explained
from darkroom.server.studio import Studio

router = APIRouter(prefix="/local-media", tags=["local media"])

REPORT_HEADER = "Darkroom-Report"
REPORT_BYTES = 6000
"""Longest report that is sent in a header; a longer one is only linked."""
PING_SECONDS = 15.0

ModelName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Name of the model.")]
_operations = TypeAdapter(schemas.Operations)
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The picture."},
                        "operations": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": "JSON: a list of operations, each an object with `type` or a text such as "
                            "upscale:scale=2; or an object as the body of /api/v1/images/{id}/process.",
                        },
                    },
                },
                "example": {"operations": '[{"type": "resize", "width": 800}]'},
            }
        },
    }
}
RECEIPT = {
    REPORT_HEADER: "The receipt, as JSON, where it is short enough.",
    "Link": "Where the whole receipt is.",
    "Darkroom-Cache": "hit or miss.",
}
"""Headers that :func:`tell` adds, for the documentation."""


@router.post(
    "/process",
    responses={**files.documented(200, headers=RECEIPT), **problems(*WORKING)},
    response_class=Response,
    openapi_extra=_FORM,
    max_body_size=UPLOAD_BYTES,
)
async def process(request: Request, studio: TheStudio, who: Writer) -> Response:
    """Process a picture and wait for the result; the picture itself is not kept.

    At most `limits.sync_concurrency` are worked on at once; then the answer is 429.
    """
    work: schemas.Work | None = None
    finished: Finished | None = None
    name = ""
    settings = studio.settings
    form = Multipart(request, settings.server.upload_bytes)
    async for part in form.parts():
        if part.name == "operations":
            work = await _asked(part, work)
        elif part.name != "file" or finished is not None:
            raise _not_wanted(part)
        else:
            studio.bench.refuse_where_full()
            async with studio.intake.received(
                part.chunks(),
                name=part.filename or "picture",
                declared_type=part.content_type,
                most=settings.server.upload_bytes,
            ) as (accepted, whole, _):
                async for rest in form.parts():
                    if rest.name != "operations":
                        raise _not_wanted(rest)
                    work = await _asked(rest, work)
                if work is None:
                    raise InvalidParameters(
                        "The form has no operations.",
                        cure='For example operations=[{"type": "resize", "width": 800}].',
                        field="operations",
                    )
                order = await studio.ordered(work, owner_of(who))
                name = accepted.name
                making = studio.making.make(whole.path, whole.digest, order, name=name, place=studio.bench.seat())
                finished = await unless_gone(request, making)
    if finished is None:
        raise InvalidParameters("The form has no file.", cure="Send the picture as the field file.", field="file")
    answer = await files.answer(
        request,
        studio.storage,
        digest=finished.digest,
        size=finished.bytes,
        format=finished.format,
        name=files.named(name, finished.format),
    )
    tell(answer, finished)
    return answer


def tell(answer: Response, finished: Finished) -> None:
    """Put the receipt into the headers of an answer: whole where it is short enough, and by a link."""
    report = json.dumps(finished.report, separators=(",", ":"))
    if len(report) <= REPORT_BYTES:
        answer.headers[REPORT_HEADER] = report
    # A receipt is kept without a name: several may share it.
    name = quote((finished.report["input"] or {}).get("name") or "", safe="")
    where = f"/local-media/reports/{finished.key}" + (f"?name={name}" if name else "")
    answer.headers["Link"] = f'<{where}>; rel="describedby"; type="application/json"'
    answer.headers["Darkroom-Cache"] = "hit" if finished.cached else "miss"


@router.get("/reports/{key}", responses=problems(404))
async def report(
    key: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    studio: TheStudio,
    who: Reader,
    name: Annotated[str | None, Query(max_length=255, description="What the receipt is to call the picture.")] = None,
) -> Report:
    """The receipt of a result, for as long as it is kept."""
    row = await studio.results.find(key)
    if row is None:
        raise FileMissing("The receipt is not kept any more.", cure="Process the picture again.")
    return Report.model_validate(named(row.report, name))


@router.get("/models/status", responses=problems())
async def models_status(studio: TheStudio, who: Reader) -> schemas.ModelsStatus:
    """Every model: what it is for, its licence, and whether it is here."""
    return await asyncio.to_thread(status, studio)


@router.post("/models/download/{name}", status_code=202, responses=problems(404))
async def download(name: ModelName, studio: TheStudio, who: Keeper) -> schemas.ModelDownload:
    """Begin to download a model; its progress comes as events. One that is here already is not fetched again."""
    return downloaded(studio.downloads.start(name))


@router.post("/models/download/{name}/cancel", responses=problems(404))
async def cancel_download(name: ModelName, studio: TheStudio, who: Keeper) -> schemas.ModelDownload:
    """Stop a download; what has come is kept, and the next one goes on from there."""
    known = studio.downloads.cancel(name)
    return downloaded(known or Download(name, "missing"))


@router.get("/models/events", response_class=EventSourceResponse, responses=problems())
async def model_events(studio: TheStudio, who: Reader) -> AsyncIterator[ServerSentEvent]:
    """Each download as it is now and whenever it changes, as server-sent events named `model`, each a ModelDownload."""
    async with studio.downloads.listen() as queue:
        for known in studio.downloads.all():
            yield ServerSentEvent(event="model", data=downloaded(known))
        async for item in studio.events(queue, PING_SECONDS):
            if item is None:
                yield ServerSentEvent(comment="still here")
            else:
                yield ServerSentEvent(event="model", data=downloaded(item))


def downloaded(download: Download) -> schemas.ModelDownload:
    """A download as the API shows it."""
    return schemas.ModelDownload(
        name=download.name,
        state=download.state,
        progress=download.progress,
        doing=download.doing,
        problem=schemas.Fault(**download.error.to_dict()) if download.error is not None else None,
    )


def status(studio: Studio) -> schemas.ModelsStatus:
    """All models. Looks at the disk."""
    store: Store = studio.models
    found: list[schemas.ModelInfo] = []
    for entry in store.entries():
        here = store.path(entry)
        last = studio.downloads.of(entry.name)
        told = downloaded(last) if last is not None else None
        state: schemas.ModelState = "here" if here is not None else "missing"
        if here is None and told is not None and told.state in ("downloading", "failed"):
            state = told.state
        sizes = [file.bytes for file in entry.files]
        found.append(
            schemas.ModelInfo(
                name=entry.name,
                task=entry.task,
                summary=entry.summary,
                scale=entry.scale,
                licence=entry.licence,
                licence_note=entry.licence_note,
                commercial=entry.commercial,
                source=entry.source,
                bytes=sum(size for size in sizes if size) or None,
                state=state,
                progress=told.progress if told is not None and state == "downloading" else float(state == "here"),
                problem=told.problem if told is not None and state == "failed" else None,
                own=store.is_own(entry),
                removable=here is not None and here.parent == store.folder,
            )
        )
    settings = studio.settings
    return schemas.ModelsStatus(
        folder=str(store.folder),
        auto_download=settings.models.auto_download,
        offline=settings.offline,
        models=found,
    )


async def _asked(part: Part, before: schemas.Work | None) -> schemas.Work:
    """What a field `operations` says. Raises InvalidParameters, also where there was one before."""
    if before is not None:
        raise _not_wanted(part)
    return _work(await part.text())


def _not_wanted(part: Part) -> InvalidParameters:
    name = part.name[:50]
    if part.name in ("file", "operations"):
        return InvalidParameters(f"The form has more than one field {name}.", cure="Send one.", field=name)
    return InvalidParameters(f"There is no field {name!r} in this form.", cure="Send file and operations.", field=name)


def _work(text: str) -> schemas.Work:
    """The field `operations` of a form: a list of them, or a whole Work. Raises InvalidParameters."""
    try:
        written: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidParameters(f"operations is not JSON: {error}.", field="operations") from error
    try:
        if isinstance(written, dict):
            return schemas.Work.model_validate(written)
        return schemas.Work(operations=_operations.validate_python(written))
    except ValidationError as error:
        raise explained(error.errors()) from error
