r"""Addresses of pictures with operations in them, which only who has a key can write.

``/i/SIGNATURE/OPERATIONS/NAME``: for example ``/i/.../resize:width=300;adjust:contrast=1.1~quality=80/ID.webp``.

- OPERATIONS are operations in their text form with ``;`` between them, ``recipe:NAME`` in the first place, or ``-``
  for none; after them, each with a ``~`` before it, ``expires=`` (Unix seconds), ``version=`` (number of the picture's
  version), ``quality=`` (1 to 100) and ``download=`` (what a browser is to call the file). Within values ``;``, ``~``
  and ``/`` are written as JSON strings write them: ``prompt="a\u003bb"``.
- NAME is the picture's id, with the suffix of a format, ``.auto`` for the best that the client takes, or none for the
  picture's own.
- SIGNATURE is base64url of the first 192 bits of HMAC-SHA256 over ``OPERATIONS/NAME``, percent-decoded, so that
  however a browser or a cache encodes an address, it is the same one.

Any operation may be signed, also one that uses the cloud where the settings allow that: whoever has a key is trusted.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from darkroom.codecs.encoding import WRITTEN
from darkroom.codecs.sniffing import format_of
from darkroom.database.secrets import kept_secret
from darkroom.errors import InvalidParameters, NotAcceptable, SignatureInvalid
from darkroom.image import Encoding, Format
from darkroom.operation import Operation
from darkroom.pipeline import Pipeline, as_text, parse
from darkroom.recipe import find_recipe

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.settings import Settings

AUTO = "auto"
"""The suffix that leaves the format to what the client accepts."""
NONE = "-"
"""Stands for no operations."""
LONGEST = 8000
"""Characters of a path; caches and browsers take about as many."""
SIGNATURE_BYTES = 24
MODERN: tuple[Format, ...] = ("avif", "webp")
"""Formats that only a client gets that names them, the smallest first."""
PLAIN: tuple[Format, ...] = ("jpeg", "png")
"""Formats that every client shows."""
ACCEPT_LENGTH = 2000
"""Characters of an Accept header that are read."""

ESCAPED = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in ";~/"})
"""What stands between parts of an address, as it is written within values."""
_NAME = re.compile(r"(?P<id>[0-9a-f]{32})(?:\.(?P<extension>[a-z0-9]{1,8}))?", re.ASCII)
_RECIPE = re.compile(r"recipe:([a-z0-9][a-z0-9_-]*)", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_DOWNLOAD = re.compile(r"[^\x00-\x1f\x7f~/\\\ud800-\udfff]{1,200}")
_OPTIONS = ("expires", "version", "quality", "download")
_WEIGHT = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says. Nothing in it has been looked up."""

    image_id: str
    """32 hexadecimal digits."""
    operations: Pipeline | None = None
    recipe: str | None = None
    """Name of a recipe, whose operations come first."""
    extension: str | None = None
    """Suffix of a format that is written, without its dot; ``auto`` by Accept; None is the picture's own format."""
    expires: int | None = None
    """Unix seconds from which on it is good no more."""
    version: int | None = None
    """Number of the picture's version; None is the newest."""
    quality: int | None = None
    """Lossy quality, 1 to 100."""
    download: str | None = None
    """What a browser is to call the file."""

    def work(self, settings: Settings) -> tuple[Pipeline, Encoding]:
        """All operations, those of the recipe first, and how to write the result, as far as the address says.

        With the extension ``auto`` the format is that of the recipe, or open: see :func:`negotiate`. Raises
        UnknownRecipe, InvalidParameters.
        """
        operations = self.operations.operations if self.operations is not None else ()
        own = None if self.extension in (None, AUTO) else _format(self.extension or "")
        encoding = Encoding(format=own, quality=self.quality)
        if self.recipe is None:
            return Pipeline(operations), encoding
        recipe = find_recipe(self.recipe, settings)
        return Pipeline([*recipe.pipeline.operations, *operations]), encoding.over(recipe.encoding())


def url_keys(settings: Settings, database: Database) -> list[str]:
    """The keys that addresses are signed with: the first signs, all are accepted.

    Where the settings name none, one that is made once and kept beside the database. Raises DatabaseFailed.
    """
    named = [key.get_secret_value() for key in settings.server.url_keys]
    return named or [kept_secret(database, "url-key", lambda: secrets.token_urlsafe(32))]


def path_of(address: Address, keys: Sequence[str]) -> str:
    """The signed path, percent-encoded; the first of ``keys`` signs.

    Raises InvalidParameters for what cannot be written, and where it would be longer than :data:`LONGEST`.
    """
    operations, name = _written(address)
    # What could not be read back is not signed.
    _parsed(operations, name)
    signature = _signature(f"{operations}/{name}", keys[0])
    path = f"/i/{signature}/{quote(operations, safe=';:,=~')}/{name}"
    if len(path) > LONGEST:
        raise InvalidParameters(
            f"The address would have {len(path)} characters; {LONGEST} are the most.",
            cure="Keep the operations as a recipe, and name that.",
            field="operations",
        )
    return path


def read(signature: str, operations: str, name: str, keys: Sequence[str], now: float) -> Address:
    """What an address says.

    Args:
        signature: its first part.
        operations: its second part, percent-decoded once.
        name: its last part, percent-decoded once.
        keys: that sign addresses.
        now: Unix seconds.

    Raises:
        SignatureInvalid: it was not signed with one of the keys, or its time is over.
        InvalidParameters: it was signed, but says nothing that can be done; also UnknownOperation.
    """
    signed = f"{operations}/{name}"
    given = signature.encode("utf-8", "surrogatepass")
    if not any([hmac.compare_digest(given, _signature(signed, key).encode()) for key in keys]):
        raise SignatureInvalid(
            "The address of the picture is not signed, or was changed after it was.",
            cure="Ask whoever gave it to you for a new one.",
        )
    address = _parsed(operations, name)
    if address.expires is not None and now >= address.expires:
        raise SignatureInvalid(
            "The time of this address is over.", cure="Ask whoever gave it to you for a new one.", field="expires"
        )
    return address


def negotiate(accept: str | None, extension: str) -> list[Format]:
    """The formats to answer in, the best first; where the result has alpha, pass over those that cannot (jpeg).

    For ``auto`` AVIF and WebP are taken only where the client names them, as ``*/*`` is said by clients that cannot
    show them; then JPEG, and PNG, which stands in for it where there is alpha. Weights count: what has the weight 0 is
    left out, and a lower one comes later.

    Args:
        accept: the Accept header, None where there is none.
        extension: of the address, without its dot.

    Raises:
        NotAcceptable: the client refuses them all.
        InvalidParameters: there is no such format.
    """
    if extension != AUTO:
        return [_format(extension)]
    weights = _weights((accept or "")[:ACCEPT_LENGTH])
    named: dict[Format, float] = {
        format: weights[f"image/{format}"] for format in (*MODERN, "jpeg") if weights.get(f"image/{format}", 0.0) > 0
    }
    # sorted keeps equal weights in order: avif, webp, jpeg.
    found = sorted(named, key=lambda format: -named[format])
    for format in PLAIN:
        weight = next((weights[part] for part in (f"image/{format}", "image/*", "*/*") if part in weights), 1.0)
        if format not in found and weight > 0:
            found.append(format)
    if not found:
        raise NotAcceptable(
            "The client takes none of the formats that could be made.",
            cure="Accept image/avif, image/webp, image/jpeg or image/png.",
            field="Accept",
        )
    return found


def _signature(signed: str, key: str) -> str:
    digest = hmac.digest(key.encode(), signed.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode()


def _written(address: Address) -> tuple[str, str]:
    """Operations and name as they are signed."""
    operations = address.operations.operations if address.operations is not None else ()
    parts = [f"recipe:{address.recipe}"] if address.recipe is not None else []
    text = ";".join([*parts, *(_operation_text(operation) for operation in operations)]) or NONE
    for option in _OPTIONS:
        value = getattr(address, option)
        text += f"~{option}={value}" if value is not None else ""
    return text, address.image_id if address.extension is None else f"{address.image_id}.{address.extension}"


def _operation_text(operation: Operation) -> str:
    """The text form of an operation, with nothing in it that stands between parts of an address."""
    text = as_text(operation)
    if not set(map(ord, text)) & set(ESCAPED):
        return text
    given = operation.model_dump(mode="json", exclude={"type"}, exclude_defaults=True)
    parts = ",".join(f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in given.items())
    # In JSON they stand in strings alone.
    return f"{operation.name}:{parts}".translate(ESCAPED)


def _parsed(operations: str, name: str) -> Address:
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidParameters(
            f"{name[:80]!r} is no name of a picture.", cure="Its id, a dot, and a format or auto.", field="name"
        )
    extension = found["extension"]
    if extension not in (None, AUTO):
        _format(extension)
    text, *written = operations.split("~")
    options = _options(written)
    parts = [] if text == NONE else text.split(";")
    recipe = _RECIPE.fullmatch(parts[0]) if parts else None
    rest = parts[1:] if recipe is not None else parts
    return Address(
        image_id=found["id"],
        operations=Pipeline([parse(part) for part in rest]) if rest else None,
        recipe=recipe[1] if recipe is not None else None,
        extension=extension,
        **options,
    )


def _options(written: Sequence[str]) -> dict[str, Any]:
    """What stands after the operations, by name."""
    found: dict[str, Any] = {}
    for part in written:
        option, _, text = part.partition("=")
        if option not in _OPTIONS or option in found:
            raise InvalidParameters(
                f"~{option[:40]} is given twice." if option in found else f"There is no ~{option[:40]}.",
                cure=f"Known: {', '.join(f'~{known}=' for known in _OPTIONS)}.",
                field=option[:40],
            )
        if option == "download":
            right = _DOWNLOAD.fullmatch(text) is not None
            found[option] = text
        else:
            right = _NUMBER.fullmatch(text) is not None
            found[option] = int(text) if right else 0
        if not right or (option == "quality" and not 1 <= found[option] <= 100):
            raise InvalidParameters(
                f"~{option} cannot be {text[:80]!r}.",
                cure="A file's name without / \\ ~." if option == "download" else "A whole number; quality 1 to 100.",
                field=option,
            )
    return found


def _format(extension: str) -> Format:
    """The format of a suffix without its dot. Raises InvalidParameters where it is not written."""
    found = format_of(f"x.{extension}")
    if found is None or found not in WRITTEN:
        raise InvalidParameters(
            f"Pictures are not written as {extension[:20]!r}.", cure=f"Known: {', '.join(WRITTEN)}.", field="extension"
        )
    return found


def _weights(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header (RFC 9110) in lower case and their weights, the lowest of equal ones.

    A range whose weight is none is left out.
    """
    found: dict[str, float] = {}
    for part in _split(accept, ","):
        media, *parameters = (piece.strip().lower() for piece in _split(part, ";"))
        weight = 1.0
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            if name.strip() == "q":
                weight = min(float(text), 1.0) if _WEIGHT.fullmatch(text := text.strip()) else -1.0
                break
        if weight >= 0:
            found[media] = min(weight, found.get(media, 1.0))
    return found


def _split(text: str, at: str) -> list[str]:
    """Parts of a header between separators that do not stand in quotes."""
    parts, start, quoted, escaped = [], 0, False, False
    for index, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == at and not quoted:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
