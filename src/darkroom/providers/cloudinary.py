"""Cloudinary: uploaded, transformed there, fetched, and the copy there deleted again.

By its documented upload API (signed requests: SHA-1 of the sorted parameters and the secret) and transformation URLs.
Copies are of the type authenticated: nobody fetches them without a signature.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from darkroom.egress import Answer, Egress, form
from darkroom.errors import NetworkError, ProviderFailed
from darkroom.image import Encoding
from darkroom.operations.enhance import Enhance
from darkroom.operations.remove_background import RemoveBackground
from darkroom.operations.restore_faces import RestoreFaces
from darkroom.operations.smart_crop import SmartCrop
from darkroom.operations.upscale import Upscale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from darkroom.image import Image
    from darkroom.operation import Context, Operation
    from darkroom.settings import Settings

TRIES = 5
"""Of a request that was refused for coming too often."""
PENDING, TOO_OFTEN = 423, (420, 429)
"""Statuses: the transformation is still being made; too many requests."""
LONGEST_WAIT = 20.0
GRAVITY = {"face": "face", "auto": "auto", "center": "center", "attention": "auto:subject"}


class Cloudinary:
    """Removes backgrounds, enlarges, crops, enhances and restores faces at Cloudinary."""

    name = "cloudinary"
    cloud = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._account = settings.providers.cloudinary

    def handles(self, operation: Operation) -> bool:
        """Those that a transformation says."""
        return transformation(operation) is not None

    def missing(self) -> str | None:
        """The account."""
        if self._account.ready:
            return None
        return "set providers.cloudinary.cloud_name, api_key and api_secret."

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        """Upload, fetch the transformed picture, delete the copy; a copy that stays is warned of.

        Raises ProviderFailed, NetworkError.
        """
        from darkroom import codecs

        wanted = transformation(operation)
        if wanted is None:
            raise ProviderFailed(f"Cloudinary does not do {operation.name} with these parameters.")
        if image.is_animated:
            raise ProviderFailed("Only still pictures are sent to Cloudinary.")
        data = codecs.encode(image, Encoding(format="png", metadata="none"), warnings=[]).data
        egress = Egress(self._settings, job=context.step.operation)
        name = f"darkroom-{uuid.uuid4().hex}"
        context.progress(0.1, "send to Cloudinary")
        try:
            # From here on a copy may be there, also where the answer was lost.
            answer = await self._upload(egress, name, data)
            context.progress(0.4, "wait for Cloudinary")
            result = await self._fetch(egress, context, name, str(answer.get("version", 1)), wanted)
        finally:
            await self._delete(egress, context, name)
        context.method("cloudinary")
        context.note(cloudinary=wanted, bytes_sent=len(data), bytes_received=len(result))
        made = codecs.decode(result, limits=self._settings.limits, name="the answer of Cloudinary")
        return image.with_frames(made.frames) if made.bits == image.bits else made

    async def _upload(self, egress: Egress, name: str, data: bytes) -> dict[str, Any]:
        fields = self.signed({"public_id": name, "type": "authenticated"})
        content, kind = form(fields, {"file": ("picture.png", data, "image/png")})
        answer = await self._request(egress, "upload", content, kind, f"a picture, {len(data)} bytes")
        return _said(answer)

    async def _delete(self, egress: Egress, context: Context, name: str) -> None:
        """Delete the copy; tell where that fails, whatever else has happened."""
        fields = self.signed({"public_id": name, "type": "authenticated", "invalidate": "true"})
        content, kind = form(fields, {})
        try:
            answer = await self._request(egress, "destroy", content, kind, "the request to delete the copy")
            result = _said(answer).get("result")
        except NetworkError as error:
            result = error.message
        if result not in ("ok", "not found"):
            context.warn(f"The copy {name} could not be deleted at Cloudinary ({result}): delete it there by hand.")

    async def _request(self, egress: Egress, action: str, content: bytes, kind: str, what: str) -> Answer:
        """A signed request, again after a pause where there were too many. Raises ProviderFailed."""
        url = f"{self._account.api_url}/v1_1/{quote(self._account.cloud_name)}/image/{action}"
        attempt = 0
        while True:
            answer = await asyncio.to_thread(
                egress.request, "POST", url, "cloud", headers={"Content-Type": kind}, content=content, what=what
            )
            if answer.status == 200:
                return answer
            attempt += 1
            if attempt == TRIES or (answer.status not in TOO_OFTEN and answer.status < 500):
                raise _failed(answer)
            await asyncio.sleep(_pause(answer, attempt - 1))

    async def _fetch(self, egress: Egress, context: Context, name: str, version: str, wanted: str) -> bytes:
        """The transformed picture, as soon as it is made. Raises ProviderFailed."""
        url = self.delivery_url(name, version, wanted)
        until = time.monotonic() + self._account.wait_seconds
        attempt = 0
        while True:
            context.check_cancelled()
            answer = await asyncio.to_thread(
                egress.request,
                "GET",
                url,
                "cloud",
                what="nothing but the address",
                most=self._settings.limits.input_bytes,
            )
            if answer.status == 200:
                return answer.content
            if answer.status != PENDING and answer.status not in TOO_OFTEN and answer.status < 500:
                raise _failed(answer)
            pause = _pause(answer, attempt)
            if time.monotonic() + pause > until:
                raise ProviderFailed(
                    f"Cloudinary was not done after {self._account.wait_seconds:.0f} s (status {answer.status}).",
                    cure="Try again, or raise providers.cloudinary.wait_seconds.",
                )
            await asyncio.sleep(pause)
            attempt += 1

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields with time, key and signature, as Cloudinary's upload API documents it."""
        whole = {**fields, "timestamp": str(int(time.time()))}
        text = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        digest = hashlib.sha1((text + self._account.api_secret.get_secret_value()).encode()).hexdigest()
        return {**whole, "api_key": self._account.api_key.get_secret_value(), "signature": digest}

    def delivery_url(self, name: str, version: str, wanted: str) -> str:
        """The signed address of a transformed picture."""
        text = f"{wanted}/{name}.png{self._account.api_secret.get_secret_value()}"
        signature = base64.urlsafe_b64encode(hashlib.sha1(text.encode()).digest())[:8].decode()
        place = f"{self._account.delivery_url}/{quote(self._account.cloud_name)}/image/authenticated"
        return f"{place}/s--{signature}--/{wanted}/v{version}/{name}.png"


def transformation(operation: Operation) -> str | None:
    """What an operation is called in a transformation URL; None where there is nothing of the kind."""
    if isinstance(operation, RemoveBackground):
        return None if operation.only_mask or operation.pictures() else "e_background_removal"
    if isinstance(operation, Upscale):
        return "e_upscale" if operation.scale == 4 else None
    if isinstance(operation, SmartCrop):
        gravity = GRAVITY.get(operation.gravity)
        if gravity is None:
            return None
        if operation.aspect is not None:
            # A proportion alone scales nothing: c_crop takes the largest part of that shape.
            across, down = (float(part) for part in re.split("[:/x]", operation.aspect))
            return f"ar_{across / down:.4g},c_crop,g_{gravity}"
        return f"c_fill,g_{gravity},h_{operation.height},w_{operation.width}"
    if isinstance(operation, Enhance):
        return "e_enhance" if operation.scale == 1 else None
    if isinstance(operation, RestoreFaces):
        return "e_gen_restore"
    return None


def _said(answer: Answer) -> dict[str, Any]:
    try:
        found: Any = json.loads(answer.content)
    except ValueError as error:
        raise ProviderFailed("Cloudinary's answer is not JSON.") from error
    if not isinstance(found, dict):
        raise ProviderFailed("Cloudinary's answer is not what its documentation says.")
    return found


def _failed(answer: Answer) -> ProviderFailed:
    """An error in Cloudinary's own words."""
    reason = answer.headers.get("x-cld-error", "")
    if not reason:
        try:
            reason = str(json.loads(answer.content)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            reason = "no reason given"
    cure = {
        401: "Check providers.cloudinary.api_key and api_secret.",
        403: "Check what the account is allowed to do.",
        420: "The account's limit is reached; try again later.",
        429: "The account's limit is reached; try again later.",
    }.get(answer.status)
    return ProviderFailed(f"Cloudinary answered {answer.status}: {reason}.", cure=cure)


def _pause(answer: Answer, attempt: int) -> float:
    """Seconds to wait: what is asked for, else twice as long each time."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdigit() else 0.5 * 2**attempt, LONGEST_WAIT)
