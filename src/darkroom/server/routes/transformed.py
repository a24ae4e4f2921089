"""``/i/{signature}/{operations}/{name}``: pictures transformed as they are asked for, by signed addresses."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from darkroom.image import Format
from darkroom.server import files, signing
from darkroom.server.dependencies import WORKING, TheStudio, problems
from darkroom.server.work import ordered

router = APIRouter(tags=["transformed"])

WITHOUT_ALPHA: tuple[Format, ...] = ("jpeg",)


@router.get(
    "/i/{signature}/{operations}/{name}",
    response_class=Response,
    responses={
        **files.documented(200, 206, 304, headers={"Vary": "Accept, where it decides the format."}),
        **problems(406, 416, *WORKING),
    },
)
@router.head("/i/{signature}/{operations}/{name}", include_in_schema=False)
async def transformed(
    signature: Annotated[str, Path(max_length=100)],
    operations: Annotated[str, Path(max_length=8000)],
    name: Annotated[str, Path(max_length=100)],
    request: Request,
    studio: TheStudio,
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    """A stored picture with operations in it, made once and kept. Needs no key: the address is signed."""
    address = signing.read(signature, operations, name, studio.url_keys, time.time())
    pipeline, encoding = await asyncio.to_thread(address.work, studio.settings)
    version = await asyncio.to_thread(studio.pictures.version, address.image_id, None, address.version)
    order = await asyncio.to_thread(ordered, pipeline, encoding, studio.pictures, None)
    if address.extension == "auto":
        order = await studio.negotiated(version, order, signing.negotiate(accept, "auto"))
    finished = await studio.making.make(
        version.digest, version.digest, order, name=name, place=studio.bench.turn(order.pipeline)
    )
    answer = await files.answer(
        request,
        studio.storage,
        digest=finished.digest,
        size=finished.bytes,
        format=finished.format,
        name=address.download or files.named(name, finished.format),
        download=address.download is not None,
        cache=_cache(address),
    )
    if address.extension == "auto":
        answer.headers["Vary"] = "Accept"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _cache(address: signing.Address) -> str:
    """How long others may keep the answer: a version never changes, the newest one may."""
    most = 31_536_000 if address.version is not None else 3600
    if address.expires is not None:
        most = max(0, min(most, int(address.expires - time.time())))
    return f"public, max-age={most}" + (", immutable" if address.version is not None else "")
