"""The pictures in the database: who owns which, their versions, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_

from darkroom.database.schema import ImageRow, JobRow, VersionRow, now
from darkroom.errors import FileMissing, ImageNotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database
    from darkroom.intake import Taken


@dataclass(frozen=True, slots=True)
class Known:
    """A picture with its newest version, None where it is still being fetched, and how many versions it has."""

    row: ImageRow
    newest: VersionRow | None
    versions: int


class Pictures:
    """Pictures, by a database. ``owner`` is whose they must be, None for anybody's. All raise DatabaseFailed.

    A picture that is named by an address is there as soon as its job is. Where that could not fetch it the picture is
    not listed, and who asks for it is told why; done again, the job brings it back.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, taken: Taken, *, owner: str, store_id: str, product_id: str) -> Known:
        """A picture whose file was taken in."""
        with self._database.session() as session:
            row = ImageRow(name=taken.name, owner=owner, store_id=store_id, product_id=product_id)
            session.add(row)
            session.flush()
            version = VersionRow(
                image_id=row.id,
                number=0,
                digest=taken.digest,
                bytes=taken.bytes,
                format=taken.format,
                width=taken.width or 0,
                height=taken.height or 0,
                frames=taken.frames or 1,
            )
            session.add(version)
            return Known(row, version, 1)

    def get(self, image_id: str, owner: str | None) -> Known:
        """One picture. Raises ImageNotFound, also where it is somebody else's; FileMissing where it was not fetched."""
        with self._database.session(reading=True) as session:
            known = _known(session, [_own(session, image_id, owner)])[0]
            if known.newest is None:
                job = _fetching(session, image_id)
                if job is None or job.finished is not None:
                    raise _not_fetched(known.row, job)
            return known

    def listed(
        self,
        owner: str | None,
        *,
        store_id: str | None = None,
        product_id: str | None = None,
        after: tuple[datetime, str] | None = None,
        most: int = 50,
    ) -> list[Known]:
        """Pictures, the newest first, from behind a time and id on."""
        here = exists().where(VersionRow.image_id == ImageRow.id)
        coming = exists().where(JobRow.image_id == ImageRow.id, JobRow.finished.is_(None))
        wanted: list[ColumnElement[bool]] = [ImageRow.deleted.is_(None), or_(here, coming)]
        if owner is not None:
            wanted.append(ImageRow.owner == owner)
        if store_id is not None:
            wanted.append(ImageRow.store_id == store_id)
        if product_id is not None:
            wanted.append(ImageRow.product_id == product_id)
        if after is not None:
            wanted.append(tuple_(ImageRow.created, ImageRow.id) < after)
        with self._database.session(reading=True) as session:
            order = select(ImageRow).where(and_(*wanted)).order_by(ImageRow.created.desc(), ImageRow.id.desc())
            return _known(session, session.scalars(order.limit(most)).all())

    def among(self, ids: Iterable[str]) -> list[str]:
        """Those of these pictures that are still there."""
        with self._database.session(reading=True) as session:
            order = select(ImageRow.id).where(ImageRow.id.in_(ids), ImageRow.deleted.is_(None))
            return list(session.scalars(order.order_by(ImageRow.created, ImageRow.id)))

    def versions(self, image_id: str) -> list[VersionRow]:
        """All versions of a picture, the newest first, the picture itself before what was made beside it."""
        with self._database.session(reading=True) as session:
            return list(
                session.scalars(
                    select(VersionRow)
                    .where(VersionRow.image_id == image_id)
                    .order_by(VersionRow.number.desc(), VersionRow.name)
                )
            )

    def version(self, image_id: str, owner: str | None, number: int | None, name: str = "") -> VersionRow:
        """One version, the newest where ``number`` is None. Raises ImageNotFound, FileMissing."""
        with self._database.session(reading=True) as session:
            image = _own(session, image_id, owner)
            wanted = [VersionRow.image_id == image_id, VersionRow.name == name]
            if number is not None:
                wanted.append(VersionRow.number == number)
            row = session.scalar(select(VersionRow).where(*wanted).order_by(VersionRow.number.desc()).limit(1))
            if row is not None:
                return row
            if _known(session, [image])[0].newest is None:
                job = _fetching(session, image_id)
                if job is None or job.finished is not None:
                    raise _not_fetched(image, job)
                raise FileMissing(f"{image.name} is not here yet.", cure="It is still being fetched; look at its job.")
        which = " ".join(part for part in (f"version {number}" if number is not None else "", name) if part)
        raise FileMissing(f"{image.name} has no {which or 'version'}.", cure="Its info lists all versions.")

    def made_by(self, job_id: str) -> VersionRow | None:
        """The version that a job made; None where there is none, or its picture was deleted."""
        made = select(VersionRow).join(ImageRow, ImageRow.id == VersionRow.image_id)
        with self._database.session(reading=True) as session:
            return session.scalar(
                made.where(VersionRow.job_id == job_id, VersionRow.name == "", ImageRow.deleted.is_(None)).limit(1)
            )

    def describe(self, version_id: str, about: dict[str, Any]) -> None:
        """Keep what a decoder said of a version."""
        picture = about["picture"]
        with self._database.session() as session:
            row = session.get(VersionRow, version_id)
            if row is not None:
                row.about = about
                row.width, row.height, row.frames = picture["width"], picture["height"], picture["frames"]

    def delete(self, image_id: str, owner: str | None) -> None:
        """Delete a picture with all its versions; the files go with the next housekeeping. Raises ImageNotFound."""
        with self._database.session() as session:
            _own(session, image_id, owner).deleted = now()


def _known(session: Session, rows: Sequence[ImageRow]) -> list[Known]:
    """Pictures with their newest versions, by two questions however many they are."""
    ids = [row.id for row in rows]
    own = and_(VersionRow.image_id.in_(ids), VersionRow.name == "")
    last = (
        select(VersionRow.image_id, func.max(VersionRow.number).label("number"), func.count().label("count"))
        .where(own)
        .group_by(VersionRow.image_id)
        .subquery()
    )
    found = session.execute(
        select(VersionRow, last.c.count)
        .join(last, and_(VersionRow.image_id == last.c.image_id, VersionRow.number == last.c.number))
        .where(VersionRow.name == "")
    )
    newest = {version.image_id: (version, count) for version, count in found}
    return [Known(row, *newest.get(row.id, (None, 0))) for row in rows]


def _fetching(session: Session, image_id: str) -> JobRow | None:
    """The job that fetches a picture, or was to; None once it is forgotten."""
    return session.scalar(select(JobRow).where(JobRow.image_id == image_id).order_by(JobRow.created).limit(1))


def _not_fetched(image: ImageRow, job: JobRow | None) -> FileMissing:
    if job is None:
        return FileMissing(f"{image.name} could not be fetched.", cure="Have it fetched again.")
    why = f"Its job was {job.state}." if job.error is None or job.state == "cancelled" else job.error["message"]
    return FileMissing(f"{image.name} could not be fetched. {why}", cure=f"Start the job {job.id} again.")


def _own(session: Session, image_id: str, owner: str | None) -> ImageRow:
    """A picture that somebody may see. Raises ImageNotFound."""
    row = session.get(ImageRow, image_id)
    if row is None or row.deleted is not None or (owner is not None and row.owner != owner):
        raise ImageNotFound(f"There is no picture {image_id}.", cure="It was deleted, or belongs to another key.")
    return row
