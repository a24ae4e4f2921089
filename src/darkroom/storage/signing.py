"""Links to S3 that carry their signature: AWS Signature Version 4 in the query, as Amazon documents it.

Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from darkroom.errors import InvalidParameters

WEEK = 604_800
"""Seconds that a link may live at most."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What requests are signed with."""

    access: str
    secret: str
    region: str


def presign(
    keys: Keys, method: str, url: str, seconds: int, query: Mapping[str, str] | None = None, at: datetime | None = None
) -> str:
    """The address with ``query`` and a signature that holds for so many seconds from ``at`` (now) on.

    Raises InvalidParameters for a time that is not within 1 second and a week.
    """
    if not 1 <= seconds <= WEEK:
        raise InvalidParameters(f"A link cannot live for {seconds} seconds.", cure=f"1 to {WEEK}.", field="seconds")
    at = (at or datetime.now(UTC)).astimezone(UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    scope = f"{day}/{keys.region}/s3/aws4_request"
    parts = urlsplit(url)
    whole = {
        **(query or {}),
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{keys.access}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    listed = "&".join(sorted(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in whole.items()))
    path = quote(parts.path or "/", safe="/~")
    request = "\n".join((method, path, listed, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"))
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{parts.scheme}://{parts.netloc}{path}?{listed}&X-Amz-Signature={signature}"


def disposition(name: str, *, download: bool = True) -> str:
    """A Content-Disposition that names a file (RFC 6266), whatever is in the name.

    ``download`` has a browser save it rather than show it.
    """
    name = "".join(letter for letter in name if letter.isprintable() and letter not in '/\\"')[:200] or "file"
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    kind = "attachment" if download else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
