"""``/i/{signature}/{operations}/{name}``: pictures transformed as they are asked for, by signed addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from darkroom.codecs.encoding import WITHOUT_ALPHA
from darkroom.image import Encoding, Format
from darkroom.server import files, signing
from darkroom.server.dependencies import WORKING, TheStudio, problems
from darkroom.server.work import ordered

router = APIRouter(tags=["transformed"])


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
    if address.extension == signing.AUTO:
        chosen = _negotiated(signing.negotiate(accept, signing.AUTO))
        order = replace(order, encoding=order.encoding.over(chosen))
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
    if address.extension == signing.AUTO:
        answer.headers["Vary"] = "Accept"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _negotiated(formats: Sequence[Format]) -> Encoding:
    """Writes the best of these formats that loses no alpha; what comes after one that never does is not looked at."""
    wanted: list[Format] = []
    for format in formats:
        wanted.append(format)
        if format not in WITHOUT_ALPHA:
            break
    # One that is named has the results of addresses that name it, too.
    return Encoding(formats=tuple(wanted)) if wanted[0] in WITHOUT_ALPHA else Encoding(format=wanted[0])


def _cache(address: signing.Address) -> str:
    """How long others may keep the answer: a version never changes, the newest one may."""
    most = 31_536_000 if address.version is not None else 3600
    if address.expires is not None:
        most = max(0, min(most, int(address.expires - time.time())))
    return f"public, max-age={most}" + (", immutable" if address.version is not None else "")
