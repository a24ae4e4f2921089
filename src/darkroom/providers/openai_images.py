"""An images endpoint as OpenAI's, which draws the scene behind a product: its own, or a local server's.

By the documented ``/images/generations`` (JSON) and ``/images/edits`` (multipart). Unless the settings say that the
picture may go too, only the prompt leaves this machine: the scene is drawn there and the product placed in it here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from darkroom.egress import Answer, Egress, form
from darkroom.errors import ProviderFailed
from darkroom.image import Encoding
from darkroom.operations.generate_background import GenerateBackground
from darkroom.operations.resize import scale

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.operation import Context, Operation
    from darkroom.settings import Settings

SHAPES = {"1024x1024": 1.0, "1536x1024": 1.5, "1024x1536": 2 / 3}
"""Sizes that the endpoint draws, by width over height."""


class OpenAIImages:
    """Draws backgrounds."""

    name = "openai_images"
    cloud = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoint = settings.providers.openai_images

    def handles(self, operation: Operation) -> bool:
        """Scenes; white and transparent need nobody."""
        return isinstance(operation, GenerateBackground) and operation.style not in ("white", "transparent")

    def missing(self) -> str | None:
        """The key, for OpenAI's own."""
        return None if self._endpoint.ready else "set providers.openai_images.api_key, or api_url to your own server."

    async def process(self, image: Image, operation: Operation, context: Context) -> Image:
        """Have the scene drawn, and place the subject in it here; or have the whole picture edited.

        Raises ProviderFailed, NetworkError.
        """
        if not isinstance(operation, GenerateBackground):
            raise ProviderFailed(f"An images endpoint does not do {operation.name}.")
        width, height = operation.frame(image)
        prompt = operation.described()
        if self._endpoint.send_picture:
            drawn = await self._edited(operation.cut_out(image, context), prompt, (width, height), context)
            context.method("openai_images")
            context.note(prompt=prompt, sent="the prompt and the subject")
            return image.with_frames(_covering(drawn, width, height).frames)
        drawn = await self._drawn(prompt, (width, height), context)
        result = operation.placed_in(image, _covering(drawn, width, height), context)
        context.method("openai_images")
        context.note(prompt=prompt, sent="the prompt")
        return result

    async def _drawn(self, prompt: str, size: tuple[int, int], context: Context) -> Image:
        context.progress(0.1, "ask for a scene")
        body = {"model": self._endpoint.model, "prompt": prompt, "n": 1, "size": self._size(size)}
        return await self._asked(
            "generations", json.dumps(body).encode(), "application/json", f"a prompt: {prompt}", context
        )

    async def _edited(self, subject: Image, prompt: str, size: tuple[int, int], context: Context) -> Image:
        from darkroom import codecs

        context.progress(0.1, "ask for a scene")
        data = codecs.encode(subject.first_frame(), Encoding(format="png", metadata="none"), warnings=[]).data
        fields = {"model": self._endpoint.model, "prompt": prompt, "n": "1", "size": self._size(size)}
        content, kind = form(fields, {"image": ("subject.png", data, "image/png")})
        return await self._asked(
            "edits", content, kind, f"the subject, {len(data)} bytes, and a prompt: {prompt}", context
        )

    async def _asked(self, action: str, content: bytes, kind: str, what: str, context: Context) -> Image:
        from darkroom import codecs

        headers = {"Content-Type": kind}
        key = self._endpoint.api_key.get_secret_value()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        answer = await asyncio.to_thread(
            Egress(self._settings, job=context.step.operation).request,
            "POST",
            f"{self._endpoint.api_url.rstrip('/')}/images/{action}",
            "cloud",
            headers=headers,
            content=content,
            what=what,
            seconds=self._endpoint.wait_seconds,
        )
        context.progress(0.6, "place the subject")
        return codecs.decode(_picture(answer), limits=self._settings.limits, name="the answer of the images endpoint")

    def _size(self, size: tuple[int, int]) -> str:
        if self._endpoint.size != "auto":
            return self._endpoint.size
        shape = size[0] / size[1]
        return min(SHAPES, key=lambda name: abs(SHAPES[name] / shape - 1))


def _picture(answer: Answer) -> bytes:
    """The picture in an answer. Raises ProviderFailed, in the endpoint's own words where it has any."""
    try:
        said: Any = json.loads(answer.content)
    except ValueError as error:
        raise ProviderFailed(f"The images endpoint answered {answer.status}, and not in JSON.") from error
    if answer.status != 200:
        reason = said.get("error", {}) if isinstance(said, dict) else {}
        message = reason.get("message") if isinstance(reason, dict) else reason
        cure = "Check providers.openai_images.api_key." if answer.status == 401 else None
        raise ProviderFailed(
            f"The images endpoint answered {answer.status}: {message or 'no reason given'}.", cure=cure
        )
    try:
        return base64.b64decode(said["data"][0]["b64_json"], validate=True)
    except (KeyError, IndexError, TypeError, binascii.Error) as error:
        raise ProviderFailed("The images endpoint's answer holds no picture.") from error


def _covering(picture: Image, width: int, height: int) -> Image:
    """The picture scaled and cut to fill exactly that size."""
    factor = max(width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * factor)), max(height, round(picture.height * factor)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scale(picture.first_frame(), *size).map(lambda frame: frame.crop(left, top, width, height))
