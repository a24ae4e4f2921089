"""``/api/v1/images``: stored pictures, their versions, and work on them."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response

from darkroom.database.schema import VersionRow
from darkroom.errors import DarkroomError, InvalidParameters, LimitExceeded
from darkroom.image import Encoding
from darkroom.inspection import Inspection
from darkroom.operations.resize import Resize
from darkroom.pipeline import Pipeline
from darkroom.safety.validation import MEDIA_TYPES, safe_name
from darkroom.server import files, schemas, signing, views
from darkroom.server.dependencies import (
    BODY,
    WORKING,
    Reader,
    TheStudio,
    Writer,
    after_of,
    cursor_of,
    owner_of,
    problems,
    unless_gone,
)
from darkroom.server.multipart import UPLOAD_BYTES, Multipart
from darkroom.server.problems import problem_of
from darkroom.server.routes.local_media import RECEIPT, tell
from darkroom.server.studio import Studio
from darkroom.server.submitting import submit, submit_batch
from darkroom.server.work import Order, ordered
from darkroom.storage.storage import fetch

log = logging.getLogger("darkroom.server")
router = APIRouter(prefix="/images", tags=["images"])

LARGEST_THUMBNAIL = 2048
_THUMBNAIL_QUALITY = 78

ImageId = Annotated[str, Path(pattern=schemas.ID, description="Of the picture.")]
Number = Annotated[
    int | None, Query(ge=0, le=schemas.LARGEST_NUMBER, description="Which version; empty is the newest.")
]
Group = Annotated[str | None, Query(pattern=f"{schemas.GROUP}|^$", description="Only those of it.")]
Name = Annotated[
    str, Query(pattern="^([a-z0-9][a-z0-9_-]{0,63})?$", description="Of a picture that was made beside that version.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request gives the same job; with another request, 409.",
    ),
]
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The pictures, each as a field of this name.",
                        },
                        "store_id": {"type": "string", "description": "Shop they belong to; before the files."},
                        "product_id": {"type": "string", "description": "Product they show; before the files."},
                    },
                },
                "encoding": {"file": {"contentType": ", ".join(names[0] for names in MEDIA_TYPES.values())}},
            }
        },
    }
}


@router.post(
    "/upload",
    status_code=201,
    responses={207: {"description": "Some were taken.", "model": schemas.Uploaded}, **problems(413, 415, 504)},
    openapi_extra=_UPLOAD,
    max_body_size=UPLOAD_BYTES,
)
async def upload(request: Request, response: Response, studio: TheStudio, who: Writer) -> schemas.Uploaded:
    """Store 1 to `server.upload_files` pictures. One that is refused costs the others nothing.

    201 where all were taken; 207 where some were, whatever became of the rest; where none was, the first one's error.
    """
    server = studio.settings.server
    groups = {"store_id": "", "product_id": ""}
    taken: list[schemas.Picture] = []
    failed: list[tuple[str, DarkroomError]] = []
    form = Multipart(request, server.upload_files * server.upload_bytes)
    last = ""
    try:
        async for part in form.parts():
            last = safe_name(part.filename or part.name)
            if part.name in groups:
                if groups[part.name]:
                    raise InvalidParameters(f"The form has more than one field {part.name}.", field=part.name)
                groups[part.name] = _group(part.name, await part.text())
                continue
            if part.filename is None:
                raise InvalidParameters(f"There is no field {part.name[:50]!r} in this form.", field=part.name[:50])
            try:
                if len(taken) + len(failed) >= server.upload_files:
                    raise LimitExceeded(
                        f"More than {server.upload_files} files were sent at once.", cure="Send this one by itself."
                    )
                found = await studio.intake.take(
                    part.chunks(), name=part.filename, declared_type=part.content_type, most=server.upload_bytes
                )
                known = await asyncio.to_thread(studio.pictures.add, found, owner=who.id, **groups)
            except DarkroomError as error:
                if form.broken:
                    raise
                failed.append((last, error))
            else:
                taken.append(views.picture(known, studio.settings, found.warnings))
    except DarkroomError as error:
        # The form cannot be read on. What is stored already is told of all the same.
        if not taken:
            raise
        failed.append((last, error))
    if not taken:
        if failed:
            raise failed[0][1]
        raise InvalidParameters("The form has no file.", cure="Send each picture as a field file.", field="file")
    if failed:
        response.status_code = 207
    request_id: str = request.state.id
    errors: list[schemas.FailedFile] = []
    for name, error in failed:
        if error.private:
            log.warning("%s", error)
        problem = problem_of(error, request_id, whole=not studio.needs_key)
        errors.append(schemas.FailedFile(name=name, problem=problem))
    return schemas.Uploaded(images=taken, errors=errors)


@router.post("/fetch", status_code=201, responses=problems(413, 415, 502, 504, 507))
async def fetch_one(body: schemas.FetchRequest, request: Request, studio: TheStudio, who: Writer) -> schemas.Picture:
    """Store the picture at an address. It is fetched through the one door to the network, and written down."""
    taken = await unless_gone(request, studio.intake.fetch(str(body.url), job=request.state.id))
    known = await asyncio.to_thread(
        studio.pictures.add, taken, owner=who.id, store_id=body.store_id, product_id=body.product_id
    )
    return views.picture(known, studio.settings, taken.warnings)


@router.get("", responses=problems())
async def listed(
    studio: TheStudio,
    who: Reader,
    store_id: Group = None,
    product_id: Group = None,
    after: Annotated[str | None, Query(max_length=300, description="What `next` of the page before says.")] = None,
    most: Annotated[int, Query(ge=1, le=500, description="Pictures of a page.")] = 50,
) -> schemas.Page[schemas.Picture]:
    """Stored pictures, the newest first."""
    found = await asyncio.to_thread(
        studio.pictures.listed,
        owner_of(who),
        store_id=store_id,
        product_id=product_id,
        after=after_of(after),
        most=most,
    )
    last = found[-1].row if len(found) == most else None
    return schemas.Page(
        items=[views.picture(known, studio.settings) for known in found],
        next=cursor_of(last.created, last.id) if last is not None else None,
    )


@router.post("/process", status_code=202, responses=problems(404, 409, *BODY))
async def process_any(
    body: schemas.ProcessRequest, studio: TheStudio, who: Writer, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Have a picture worked on, one that is stored or one at an address: gives a job."""
    return views.job(await submit(studio, who, body, body, idempotency_key), studio.settings)


@router.post(
    "/process/sync", responses={**files.documented(200, headers=RECEIPT), **problems(*WORKING)}, response_class=Response
)
async def process_sync(body: schemas.ProcessRequest, request: Request, studio: TheStudio, who: Writer) -> Response:
    """Have a picture worked on and wait for the result, which is no new version of it."""
    order = await studio.ordered(body, owner_of(who))
    if body.url is not None:
        studio.bench.refuse_where_full()
        taken = await unless_gone(request, studio.intake.fetch(str(body.url), job=request.state.id))
        digest, name = taken.digest, taken.name
    else:
        assert body.image_id is not None
        version = await asyncio.to_thread(studio.pictures.version, body.image_id, owner_of(who), body.version)
        known = await asyncio.to_thread(studio.pictures.get, body.image_id, owner_of(who))
        digest, name = version.digest, known.row.name
    work = studio.making.make(digest, digest, order, name=name, place=studio.bench.seat())
    finished = await unless_gone(request, work)
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


@router.post("/batch", status_code=202, responses=problems(404, 409, *BODY))
async def batch(
    body: schemas.BatchRequest, studio: TheStudio, who: Writer, idempotency_key: IdempotencyKey = None
) -> schemas.Batch:
    """Have several pictures worked on in the same way: all are accepted, or none."""
    row = await submit_batch(studio, who, body, idempotency_key)
    return await asyncio.to_thread(studio.batch, row)


@router.get("/{image_id}", responses=problems(404))
async def one(image_id: ImageId, studio: TheStudio, who: Reader) -> schemas.Picture:
    """A stored picture."""
    known = await asyncio.to_thread(studio.pictures.get, image_id, owner_of(who))
    return views.picture(known, studio.settings)


@router.get("/{image_id}/info", responses=problems(*WORKING))
async def info(
    image_id: ImageId,
    studio: TheStudio,
    who: Reader,
    version: Number = None,
    faces: Annotated[bool, Query(description="Look for faces too.")] = False,
) -> schemas.PictureInfo:
    """All that is known of a picture: size, format, EXIF, colours, faces where they are asked for, versions."""
    pictures, settings = studio.pictures, studio.settings
    row = await asyncio.to_thread(pictures.version, image_id, owner_of(who), version)
    about = row.about
    if about is None or (faces and about["faces"] is None):
        known = await asyncio.to_thread(pictures.get, image_id, owner_of(who))
        about = await _looked_at(studio, row, known.row.name, faces)
        await asyncio.to_thread(pictures.describe, row.id, about)
    known = await asyncio.to_thread(pictures.get, image_id, owner_of(who))
    versions = await asyncio.to_thread(pictures.versions, image_id)
    return schemas.PictureInfo(
        **dict(views.picture(known, settings)),
        picture=about["picture"],
        exif=about["exif"],
        colour=about["colour"],
        faces=about["faces"] if faces else None,
        all_versions=[views.version(one, settings) for one in versions],
    )


@router.get(
    "/{image_id}/download",
    responses={**files.documented(200, 206, 304, 307), **problems(404, 416)},
    response_class=Response,
)
@router.head("/{image_id}/download", include_in_schema=False)
async def download(
    image_id: ImageId,
    request: Request,
    studio: TheStudio,
    who: Reader,
    version: Number = None,
    name: Name = "",
) -> Response:
    """The file of a picture: as it was stored, whole or in part."""
    row = await asyncio.to_thread(studio.pictures.version, image_id, owner_of(who), version, name)
    known = await asyncio.to_thread(studio.pictures.get, image_id, owner_of(who))
    return await _file(request, studio, row, known.row.name)


@router.get(
    "/{image_id}/thumbnail",
    responses={**files.documented(200, 206, 304), **problems(416, *WORKING)},
    response_class=Response,
)
async def thumbnail(
    image_id: ImageId,
    request: Request,
    studio: TheStudio,
    who: Reader,
    version: Number = None,
    name: Name = "",
    size: Annotated[int, Query(ge=16, le=LARGEST_THUMBNAIL, description="Longer side, in pixels.")] = 320,
) -> Response:
    """A small WebP of a picture; kept, so that the next one who asks need not wait."""
    row = await asyncio.to_thread(studio.pictures.version, image_id, owner_of(who), version, name)
    encoding = Encoding(format="webp", quality=_THUMBNAIL_QUALITY, metadata="none")
    order = Order(Pipeline([Resize(width=size, height=size)]), encoding, {})
    finished = await studio.making.make(
        row.digest, row.digest, order, name=image_id, place=studio.bench.turn(order.pipeline)
    )
    return await files.answer(
        request,
        studio.storage,
        digest=finished.digest,
        size=finished.bytes,
        format=finished.format,
        name=f"{image_id}.webp",
        cache="private, max-age=31536000, immutable" if version is not None else "private, no-cache",
    )


@router.delete("/{image_id}", status_code=204, responses=problems(404))
async def delete(image_id: ImageId, studio: TheStudio, who: Writer) -> None:
    """Delete a picture with all its versions. Jobs that work on it are cancelled."""
    await asyncio.to_thread(studio.pictures.delete, image_id, owner_of(who))
    await asyncio.to_thread(studio.jobs.cancel_all, image_id=image_id)


@router.post("/{image_id}/process", status_code=202, responses=problems(404, 409, *BODY))
async def process_one(
    image_id: ImageId,
    body: schemas.Work,
    studio: TheStudio,
    who: Writer,
    version: Number = None,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:
    """Have a stored picture worked on: gives a job, whose result is a new version of it."""
    source = schemas.Source(image_id=image_id, version=version)
    return views.job(await submit(studio, who, source, body, idempotency_key), studio.settings)


@router.post("/{image_id}/link", responses=problems(404, *BODY))
async def link(
    image_id: ImageId, body: schemas.LinkRequest, request: Request, studio: TheStudio, who: Reader
) -> schemas.Link:
    """A signed address of the picture with operations in it, for pages that anybody may see."""
    known = await asyncio.to_thread(studio.pictures.get, image_id, owner_of(who))
    await asyncio.to_thread(ordered, Pipeline(body.operations), Encoding(), studio.pictures, owner_of(who))
    expires = datetime.now(UTC) + timedelta(seconds=body.seconds) if body.seconds is not None else None
    path = signing.path_of(
        signing.Address(
            image_id=known.row.id,
            operations=Pipeline(body.operations) if body.operations else None,
            extension=body.extension,
            expires=int(expires.timestamp()) if expires is not None else None,
            version=body.version,
            quality=body.quality,
        ),
        studio.url_keys,
    )
    server = studio.settings.server
    base = server.cdn_url or server.public_url or str(request.base_url)
    return schemas.Link(url=base.rstrip("/") + path, expires=expires)


async def _file(request: Request, studio: Studio, row: VersionRow, name: str) -> Response:
    format: Any = row.format
    return await files.answer(
        request,
        studio.storage,
        digest=row.digest,
        size=row.bytes,
        format=format,
        name=files.named(f"{name.rpartition('.')[0] or name}{'.' + row.name if row.name else ''}", format),
        settings=studio.settings,
    )


async def _looked_at(studio: Studio, row: VersionRow, name: str, faces: bool) -> dict[str, Any]:
    """What a decoder says of a version, in a worker."""
    bench = studio.bench
    with tempfile.TemporaryDirectory(prefix="darkroom-request-") as folder:
        inspection = Inspection(FilePath(folder) / "picture", name=name, faces=faces)
        async with bench.turn(inspection.pipeline):
            await fetch(studio.storage, row.digest, FilePath(folder) / "picture")
            outcome = await bench.run(inspection)
    assert outcome.data is not None
    found: dict[str, Any] = json.loads(outcome.data)
    return found


def _group(field: str, text: str) -> str:
    import re

    text = text.strip()
    if text and not re.fullmatch(schemas.GROUP, text, re.ASCII):
        raise InvalidParameters(
            f"{field} is not allowed: up to 200 letters, digits and . _ : @ / - and blanks.", field=field
        )
    return text
