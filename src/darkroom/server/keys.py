"""API keys: who asks, and what they may. Only a key's SHA-256 is kept: whoever reads the database has no key.

A key is ``dk_`` and 43 characters, which are 256 random bits, so that its hash needs no salt and no stretching.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast, get_args

from sqlalchemy import ColumnElement, or_, select, update

from darkroom.database.schema import KeyRow, now
from darkroom.errors import DatabaseFailed, InvalidParameters, KeyNotFound

if TYPE_CHECKING:
    from darkroom.database.connection import Database

Scope = Literal["read", "write", "models", "admin"]
SCOPES: dict[Scope, str] = {
    "read": "Look at and download the key's own pictures and jobs.",
    "write": "Upload, process and delete pictures.",
    "models": "Download, import and remove models.",
    "admin": "Everything: what belongs to other keys, the settings, and what left the machine.",
}
"""What a key may be allowed, and what that means."""

PREFIX = "dk_"
SHOWN = 7
"""How many characters of a key are kept, so that a person tells it from others."""
NAME_LENGTH = 200
CACHE_SECONDS = 5.0
"""How long a key that was found good is taken for good: a revoked one is refused after that at the latest."""
CACHED = 4096
"""Keys that are remembered at most."""
USED_SECONDS = 60.0
"""How exact the time is at which a key was last used."""
_KEY = re.compile(r"dk_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks: ``id`` is the key's, and the owner of all that is made with it."""

    id: str
    name: str
    scopes: frozenset[str]

    def allows(self, scope: Scope) -> bool:
        """Whether it may do what needs this scope; ``admin`` may everything."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL = Principal("", "this machine", frozenset(SCOPES))
"""Who asks where the service has no keys and listens on this machine alone."""


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    until: float
    """By the monotonic clock."""


class KeyStore:
    """API keys, by a database. Every method raises DatabaseFailed where it is not well. Safe for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def create(self, name: str, scopes: Iterable[str], expires: datetime | None = None) -> tuple[str, KeyRow]:
        """Make a key; gives its text, which is nowhere else, and its row.

        Args:
            name: what people call it, 1 to 200 characters.
            scopes: one or more of :data:`SCOPES`.
            expires: until when it is good, in the future, with a time zone; None is for ever.

        Raises:
            InvalidParameters: one of them is not allowed; ``field`` says which.
        """
        name = name.strip()
        if not 1 <= len(name) <= NAME_LENGTH:
            raise InvalidParameters(
                f"The name of a key has {len(name)} characters.", cure=f"Give it 1 to {NAME_LENGTH}.", field="name"
            )
        wanted = set(scopes)
        unknown = wanted - set(get_args(Scope))
        if unknown or not wanted:
            raise InvalidParameters(
                f"There is no scope {', '.join(sorted(unknown))}." if unknown else "A key needs a scope.",
                cure=f"Known: {', '.join(SCOPES)}.",
                field="scopes",
            )
        if expires is not None and (expires.tzinfo is None or expires <= now()):
            raise InvalidParameters(
                f"A key cannot end at {expires.isoformat()}.",
                cure="Give a time in the future, with its time zone.",
                field="expires",
            )
        text = PREFIX + secrets.token_urlsafe(32)
        row = KeyRow(
            name=name,
            hash=_hash(text),
            shown=text[:SHOWN],
            scopes=[scope for scope in SCOPES if scope in wanted],
            expires=expires,
        )
        with self._database.session() as session:
            session.add(row)
        return text, row

    def verify(self, text: str) -> Principal | None:
        """Whose key this is; None where it is none, was revoked, or its time is over.

        Keys are looked up by their hash, so the time it takes tells nothing of them. A key that was found good within
        :data:`CACHE_SECONDS` costs no look into the database.
        """
        if not _KEY.fullmatch(text):
            return None
        hashed, moment = _hash(text), time.monotonic()
        with self._lock:
            known = self._known.get(hashed)
        if known is not None and moment < known.until:
            return known.principal
        with self._database.session(reading=True) as session:
            row = session.scalar(select(KeyRow).where(KeyRow.hash == hashed, _good()))
        if row is None:
            self._forget(hashed)
            return None
        left = CACHE_SECONDS if row.expires is None else min((row.expires - now()).total_seconds(), CACHE_SECONDS)
        principal = Principal(row.id, row.name, frozenset(row.scopes))
        self._remember(hashed, _Known(principal, moment + left))
        self._note_use(row)
        return principal

    def revoke(self, name: str) -> KeyRow:
        """Refuse a key from now on; other servers follow within :data:`CACHE_SECONDS`.

        ``name`` is its id, the characters that are shown of it, or the whole key. One that was revoked before stays as
        it is. Raises KeyNotFound; InvalidParameters where several keys begin so.
        """
        with self._database.session() as session:
            found = session.scalars(
                select(KeyRow)
                .where(or_(KeyRow.id == name, KeyRow.hash == _hash(name), KeyRow.shown == name))
                .with_for_update()
            ).all()
            good = [row for row in found if row.revoked is None] or list(found)
            if not good:
                raise KeyNotFound(f"There is no key {name[:SHOWN]!r}.", cure="`darkroom keys list` shows all.")
            if len(good) > 1:
                raise InvalidParameters(
                    f"{len(good)} keys begin with {name}.", cure=f"Name one: {', '.join(row.id for row in good)}."
                )
            (row,) = good
            row.revoked = row.revoked or now()
        self._forget(row.hash)
        return row

    def listed(self) -> list[KeyRow]:
        """All keys, the newest first, also those that are good no more."""
        with self._database.session(reading=True) as session:
            return list(session.scalars(select(KeyRow).order_by(KeyRow.created.desc(), KeyRow.id)))

    def any(self) -> bool:
        """Whether there is a key that is good now."""
        with self._database.session(reading=True) as session:
            return session.scalar(select(KeyRow.id).where(_good()).limit(1)) is not None

    def _note_use(self, row: KeyRow) -> None:
        moment = now()
        before = moment - timedelta(seconds=USED_SECONDS)
        if row.used is not None and row.used > before:
            return
        # That nobody could write it down is no reason to refuse a key that is good.
        with suppress(DatabaseFailed), self._database.session() as session:
            unwritten = or_(KeyRow.used.is_(None), KeyRow.used <= before)
            session.execute(update(KeyRow).where(KeyRow.id == row.id, unwritten).values(used=moment))

    def _remember(self, hashed: str, known: _Known) -> None:
        with self._lock:
            self._known.pop(hashed, None)
            self._known[hashed] = known
            while len(self._known) > CACHED:
                del self._known[next(iter(self._known))]

    def _forget(self, hashed: str) -> None:
        with self._lock:
            self._known.pop(hashed, None)


def _good() -> ColumnElement[bool]:
    """That a key was not revoked, and that its time is not over."""
    return cast("ColumnElement[bool]", KeyRow.revoked.is_(None) & or_(KeyRow.expires.is_(None), KeyRow.expires > now()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
