"""The tables: pictures with their versions, jobs, batches, messages, results, keys, secrets, leases, claims.

Times are UTC, identifiers are random.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Moment(TypeDecorator[datetime]):
    """A time in UTC: SQLite keeps no time zone, so that it is put back when it is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database: a time without a zone is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the database have a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def identifier() -> str:
    """A new random one, 32 hexadecimal digits."""
    return uuid.uuid4().hex


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The root of all tables."""


class ImageRow(Base):
    """A picture that was given: its newest version is what is worked on."""

    __tablename__ = "images"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    name: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    owner: Mapped[str] = mapped_column(String(32), default="", index=True)
    store_id: Mapped[str] = mapped_column(String(200), default="", index=True)
    product_id: Mapped[str] = mapped_column(String(200), default="", index=True)
    deleted: Mapped[datetime | None] = mapped_column(Moment, default=None)


class VersionRow(Base):
    """One state of a picture: number 0 is what was given, each result is one more."""

    __tablename__ = "versions"
    __table_args__ = (Index("one_number", "image_id", "number", "name", unique=True),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(64), default="")
    """Empty for the picture itself, else what an operation called a picture that it made beside it."""
    digest: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(8))
    width: Mapped[int]
    height: Mapped[int]
    frames: Mapped[int] = mapped_column(default=1)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    job_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    about: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """What a decoder said of it, once somebody has asked."""


class BatchRow(Base):
    """Several jobs that belong together."""

    __tablename__ = "batches"
    __table_args__ = (Index("one_batch_key", "owner", "idempotency_key", unique=True),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    created: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    owner: Mapped[str] = mapped_column(String(32), default="", index=True)
    webhook_url: Mapped[str | None] = mapped_column(Text, default=None)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), default=None)
    fingerprint: Mapped[str | None] = mapped_column(String(64), default=None)
    """SHA-256 of the request that the key stands for."""


class JobRow(Base):
    """One picture's work, and how far it is: the table is the truth, whoever carries it out."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("waiting", "state", "lane", "priority", "created"),
        Index("one_key", "owner", "idempotency_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    lane: Mapped[str] = mapped_column(String(8), default="light")
    priority: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str] = mapped_column(String(32), default="")
    image_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    batch_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    source: Mapped[str] = mapped_column(String(64), default="", index=True)
    """Digest of what is worked on; empty until the picture is fetched and scanned that ``source_url`` names."""
    source_url: Mapped[str | None] = mapped_column(Text, default=None)
    pictures: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Second pictures that the operations name, such as a mask: what they call each, and its digest."""
    name: Mapped[str] = mapped_column(String(255), default="")
    operations: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    encoding: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    progress: Mapped[float] = mapped_column(default=0.0)
    doing: Mapped[str] = mapped_column(String(200), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    deaths: Mapped[int] = mapped_column(default=0)
    """How many workers it has killed."""
    holder: Mapped[str | None] = mapped_column(String(64), default=None)
    held_until: Mapped[datetime | None] = mapped_column(Moment, default=None, index=True)
    not_before: Mapped[datetime | None] = mapped_column(Moment, default=None)
    cancel: Mapped[bool] = mapped_column(default=False)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    result: Mapped[str | None] = mapped_column(String(64), default=None, index=True)
    """Digest of what came of it."""
    webhook_url: Mapped[str | None] = mapped_column(Text, default=None)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), default=None)
    fingerprint: Mapped[str | None] = mapped_column(String(64), default=None)
    """SHA-256 of the request that the key stands for."""
    created: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    started: Mapped[datetime | None] = mapped_column(Moment, default=None)
    finished: Mapped[datetime | None] = mapped_column(Moment, default=None, index=True)
    changed: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now, index=True)


class DeliveryRow(Base):
    """A message to a webhook, and how far it is: written in the transaction that it tells of."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("unsent", "state", "not_before"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    """Also the message's own identifier, by which a receiver knows one that comes twice."""
    owner: Mapped[str] = mapped_column(String(32), default="", index=True)
    event: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255), default="")
    """Of the address, so that a host that is slow is left alone while others are served."""
    body: Mapped[str] = mapped_column(Text)
    job_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    batch_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[int | None] = mapped_column(default=None)
    """HTTP status of the last answer."""
    error: Mapped[str | None] = mapped_column(Text, default=None)
    not_before: Mapped[datetime] = mapped_column(Moment, default=now)
    created: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    finished: Mapped[datetime | None] = mapped_column(Moment, default=None)


class ResultRow(Base):
    """What came of operations on a picture, kept so that the same request is a lookup."""

    __tablename__ = "results"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 over the picture's digest, the operations in canonical form, the encoding and the models' digests."""
    source: Mapped[str] = mapped_column(String(64), index=True)
    """The picture's digest."""
    digest: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(8))
    width: Mapped[int]
    height: Mapped[int]
    frames: Mapped[int] = mapped_column(default=1)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Without the picture's name, which is whose it was that came first."""
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    used: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


class SecretRow(Base):
    """A secret that the service made for itself and that all its servers share: what addresses are signed with."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(Moment, default=now)


class LeaseRow(Base):
    """Work that only one of several servers does at a time. The rows are there from the first on."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(32), default=None)
    until: Mapped[datetime] = mapped_column(Moment, default=now)
    done: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When it was last done to its end."""
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    """When these tables were made."""


class ClaimRow(Base):
    """A file that is about to be named in a row, or about to be deleted because none names it: never both at once."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    doomed: Mapped[bool] = mapped_column(default=False)
    """Whether it is being deleted."""
    created: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


class KeyRow(Base):
    """An API key: its hash, never the key itself."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=identifier)
    name: Mapped[str] = mapped_column(String(200))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    shown: Mapped[str] = mapped_column(String(16), default="")
    """Its first characters, by which a person tells it from others."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    expires: Mapped[datetime | None] = mapped_column(Moment, default=None)
    revoked: Mapped[datetime | None] = mapped_column(Moment, default=None)
    used: Mapped[datetime | None] = mapped_column(Moment, default=None)
