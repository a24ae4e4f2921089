"""Signatures of messages to webhooks, as Standard Webhooks (https://www.standardwebhooks.com) has them, version 1.

Symmetric ones: HMAC-SHA256 over ``id.timestamp.body``. While one secret takes another's place a message carries a
signature by each.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from darkroom.errors import ConfigurationError, SignatureInvalid

PREFIX = "whsec_"
SCHEME = "v1"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a secret."""


def new_secret() -> str:
    """A random secret: ``whsec_`` and base64 of 32 bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_secrets(given: Sequence[str]) -> None:
    """Raise ConfigurationError where there is no secret, or one is not ``whsec_`` and base64 of 24 to 64 bytes."""
    if not given:
        raise ConfigurationError("There is no secret for webhooks.", field="webhooks.secrets")
    for secret in given:
        _key(secret)


def sign(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature`` of a message: one signature by each secret, the first secret's first.

    Args:
        secrets: ``whsec_`` and base64 of 24 to 64 bytes, each.
        id: the message's own, without a full stop; the header ``webhook-id``.
        timestamp: of this attempt to send it, in whole seconds since 1970; the header ``webhook-timestamp``.
        body: as it is sent, byte for byte.

    Raises:
        ConfigurationError: a secret is not one.
    """
    return " ".join(f"{SCHEME},{_signature(secret, id, str(timestamp), body)}" for secret in secrets)


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    tolerance_seconds: float = 300,
    *,
    moment: datetime | None = None,
) -> None:
    """Make sure that a message comes from who holds one of the secrets, is unchanged and not sent again by others.

    Within the tolerance a message may still be sent again by whoever has seen it: keep its ``webhook-id`` as long, and
    do nothing for one that is known.

    Args:
        secrets: of which one is to have signed it.
        headers: of the request; their names in any case.
        body: as it came, byte for byte: not parsed and written again.
        tolerance_seconds: how far its time may be from this one's.
        moment: the time now, by default the clock's.

    Raises:
        SignatureInvalid: it is not to be trusted.
        ConfigurationError: a secret is not one.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, timestamp, sent = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id and timestamp and sent):
        raise SignatureInvalid("The message lacks a header of webhook-id, webhook-timestamp and webhook-signature.")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        raise SignatureInvalid("The message's webhook-timestamp is no whole number of seconds.")
    seconds = moment.timestamp() if moment is not None else time.time()
    if abs(seconds - int(timestamp)) > tolerance_seconds:
        raise SignatureInvalid("The message's time is too far from this machine's.", cure="Set the clock.")
    parts = [part.partition(",") for part in sent.split(" ")]
    signatures = [signature.encode() for scheme, _, signature in parts if scheme == SCHEME]
    for secret in secrets:
        expected = _signature(secret, id, timestamp, body).encode()
        if any([hmac.compare_digest(expected, signature) for signature in signatures]):
            return
    raise SignatureInvalid("No signature of the message is by one of these secrets.", cure="Compare the secrets.")


def _signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    signed = hmac.new(_key(secret), f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return base64.b64encode(signed.digest()).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        # The secret itself is not said.
        raise ConfigurationError(
            "A secret for webhooks is not whsec_ and base64 of 24 to 64 bytes.",
            cure="Make one: echo whsec_$(openssl rand -base64 32)",
            field="webhooks.secrets",
        )
    return key
