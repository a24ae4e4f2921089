"""Files in a bucket of any service that speaks S3, through obstore; every operation is in the ledger.

Content is spooled to a local file first, since its digest, and so its name, is known only at the end. Small files then
go in one request that succeeds only where there is no such file yet, large ones in parts that become a file when the
last of them is there. Reading asks for one piece after the other, so that a slow reader keeps no connection open.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree

from darkroom.errors import ConfigurationError, NetworkError, StorageFailed
from darkroom.storage.signing import Keys, disposition, presign
from darkroom.storage.spool import Spooled, clean_folder, in_thread, spooled
from darkroom.storage.storage import Stored, digest_in, key_of, missing, span

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Config, S3Credential, S3Store

    from darkroom.egress import Counted, Egress
    from darkroom.settings import S3Settings

PIECE = 8 << 20
"""Bytes that are asked for at once."""
CONCURRENT_PARTS = 4
MOST_PARTS = 10_000
"""That S3 allows in one file."""
CHECKS = "check"
"""Folder of what :meth:`S3Storage.check` writes."""
LISTING_SECONDS = 60
_STATUS = re.compile(r"status code: (\d{3})|Server returned (?:non-2xx )?(?:status code: )?(\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_KEYS_REFUSED = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken"}


class S3Storage:
    """A bucket, reached by the settings' keys alone: those of the environment or of a cloud's machine are not used."""

    def __init__(self, settings: S3Settings, spool: Path, egress: Egress) -> None:
        for field in ("bucket", "access_key", "secret_key"):
            value = getattr(settings, field)
            if not (value if isinstance(value, str) else value.get_secret_value()):
                raise ConfigurationError(
                    f"storage.s3.{field} is not set.", cure="Set it, or set storage.kind to local.", field="storage.s3"
                )
        self._settings = settings
        self._spool = spool
        self._egress = egress
        self._keys = Keys(
            settings.access_key.get_secret_value(), settings.secret_key.get_secret_value(), settings.region
        )
        self._conditional = True
        self._opened: S3Store | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "s3"

    async def put(self, chunks: AsyncIterator[bytes], *, most: int | None) -> Stored:
        """See :class:`Storage`."""
        async with spooled(self._spool, chunks, most) as whole:
            return await self.keep(whole)

    async def keep(self, whole: Spooled) -> Stored:
        """See :class:`Storage`. What is there already is not sent."""
        key = self._key(whole.digest)
        async with self._accounted("PUT", key, f"a file, {whole.size} bytes") as counted:
            already = await self._head(key)
            if already is None or already["size"] != whole.size:
                counted.sent = whole.size
                try:
                    await self._send(key, whole, replace=already is not None)
                except Exception:
                    # It may be there all the same: only the answer was lost.
                    already = await self._head(key)
                    if already is None or already["size"] != whole.size:
                        raise
                else:
                    already = await self._head(key)
            counted.status = 200
        if already is None or already["size"] != whole.size:
            raise StorageFailed(f"{self._where} does not have what was sent to it.", cure="Store it again.")
        return Stored(whole.digest, whole.size, already["last_modified"])

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        """See :class:`Storage`."""
        found = await self.stat(digest)
        if found is None:
            raise missing(digest)
        return self._read(self._key(digest), *span(found.size, start, length))

    async def _read(self, key: str, first: int, end: int) -> AsyncGenerator[bytes]:
        import obstore

        if first >= end:
            return
        async with self._accounted("GET", key, "nothing but the name") as counted:
            while first < end:
                piece = await obstore.get_range_async(self._store(), key, start=first, end=min(first + PIECE, end))
                block = bytes(piece)
                if len(block) != min(PIECE, end - first):
                    raise StorageFailed(f"{self._where} gave less of a file than it has.", cure="Try again.")
                first += len(block)
                counted.received += len(block)
                counted.status = 206
                yield block

    async def stat(self, digest: str) -> Stored | None:
        """See :class:`Storage`."""
        key = self._key(digest)
        async with self._accounted("HEAD", key, "nothing but the name") as counted:
            found = await self._head(key)
            counted.status = 200 if found else 404
        return Stored(digest, found["size"], found["last_modified"]) if found else None

    async def delete(self, digest: str) -> bool:
        """See :class:`Storage`."""
        import obstore

        key = self._key(digest)
        async with self._accounted("DELETE", key, "nothing but the name") as counted:
            there = await self._head(key) is not None
            if there:
                with contextlib.suppress(FileNotFoundError):
                    await obstore.delete_async(self._store(), key)
            counted.status = 204 if there else 404
        return there

    async def list(self) -> AsyncGenerator[Stored]:
        """See :class:`Storage`. What is not named as this storage names files is left out."""
        import obstore

        start = len(self._key_under(""))
        async with self._accounted("LIST", "", "nothing but the beginning of names") as counted:
            async for batch in obstore.list(self._store(), self._settings.prefix or None):
                counted.status = 200
                for found in batch:
                    digest = digest_in(found["path"][start:])
                    if digest is not None:
                        yield Stored(digest, found["size"], found["last_modified"])

    async def url(self, digest: str, seconds: int, *, name: str, content_type: str) -> str | None:
        """See :class:`Storage`. Contacts nobody."""
        query = {"response-content-disposition": disposition(name), "response-content-type": content_type}
        return presign(self._keys, "GET", f"{self._settings.link_url}/{self._key(digest)}", seconds, query)

    async def check(self) -> float:
        """See :class:`Storage`."""
        import obstore

        began = time.perf_counter()
        key, written = self._key_under(f"{CHECKS}/{secrets.token_hex(8)}"), secrets.token_bytes(32)
        async with self._accounted("PUT", key, f"a check, {len(written)} bytes") as counted:
            store = self._store()
            counted.sent = len(written)
            await obstore.put_async(store, key, written, use_multipart=False)
            try:
                read = bytes(await (await obstore.get_async(store, key)).bytes_async())
                counted.received = len(read)
            finally:
                await obstore.delete_async(store, key)
            counted.status = 200
        if read != written:
            raise StorageFailed(f"{self._where} does not give back what was written.", cure="Check the service.")
        return time.perf_counter() - began

    async def clean(self, older_than_seconds: float) -> int:
        """See :class:`Storage`. Spooled files here; in the bucket uploads that were not completed, and checks."""
        import obstore

        gone = await in_thread(clean_folder, self._spool, older_than_seconds)
        before = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        checks = self._key_under(CHECKS)
        async with self._accounted("LIST", checks, "nothing but the beginning of names") as counted:
            async for batch in obstore.list(self._store(), checks):
                old = [found["path"] for found in batch if found["last_modified"] <= before]
                if old:
                    await obstore.delete_async(self._store(), old)
                gone += len(old)
            counted.status = 200
        try:
            return gone + await in_thread(self._abort_uploads, before)
        except NetworkError:
            raise
        except (OSError, ValueError, ElementTree.ParseError) as error:
            raise StorageFailed(f"{self._where} does not say which uploads were cut off: {error}.") from error

    def _abort_uploads(self, before: datetime) -> int:
        """Abort uploads in parts that were begun before, by requests of our own: obstore has none for this."""
        gone, after = 0, dict[str, str]()
        while True:
            tree = ElementTree.fromstring(self._ask("GET", "", {"uploads": "", "prefix": self._key_under(""), **after}))
            for upload in tree.iterfind("{*}Upload"):
                key, number = upload.findtext("{*}Key", ""), upload.findtext("{*}UploadId", "")
                begun = datetime.fromisoformat(upload.findtext("{*}Initiated", ""))
                if digest_in(key[len(self._key_under("")) :]) and begun <= before:
                    self._ask("DELETE", key, {"uploadId": number})
                    gone += 1
            if tree.findtext("{*}IsTruncated", "false") != "true":
                return gone
            after = {
                "key-marker": tree.findtext("{*}NextKeyMarker", ""),
                "upload-id-marker": tree.findtext("{*}NextUploadIdMarker", ""),
            }

    def _ask(self, method: str, key: str, query: dict[str, str]) -> bytes:
        """A signed request through the one door. Raises StorageFailed, NetworkError."""
        url = f"{self._settings.url}/{quote(key)}" if key else self._bucket_url
        answer = self._egress.request(
            method, presign(self._keys, method, url, LISTING_SECONDS, query), "storage", what="nothing but names"
        )
        if answer.status not in (200, 204, 404):
            raise self._failed(f"status code: {answer.status} {answer.content.decode(errors='replace')}")
        return answer.content

    @property
    def _bucket_url(self) -> str:
        return self._settings.url if self._settings.path_style else f"{self._settings.url}/"

    @property
    def _where(self) -> str:
        return f"The bucket {self._settings.bucket} at {self._settings.url.split('://', 1)[1].split('/')[0]}"

    def _key(self, digest: str) -> str:
        return self._key_under(key_of(digest))

    def _key_under(self, key: str) -> str:
        return f"{self._settings.prefix}/{key}" if self._settings.prefix else key

    async def _head(self, key: str) -> ObjectMeta | None:
        import obstore

        try:
            return await obstore.head_async(self._store(), key)
        except FileNotFoundError:
            return None

    async def _send(self, key: str, whole: Spooled, *, replace: bool) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        if whole.size > self._settings.multipart_bytes:
            part = max(self._settings.multipart_bytes, -(-whole.size // MOST_PARTS))
            await obstore.put_async(
                self._store(), key, whole.path, use_multipart=True, chunk_size=part, max_concurrency=CONCURRENT_PARTS
            )
            return
        content = await in_thread(whole.path.read_bytes)
        if self._conditional and not replace:
            try:
                await obstore.put_async(self._store(), key, content, mode="create")
                return
            except AlreadyExistsError:
                return
            except BaseError as error:
                if _status(str(error)) != 501:
                    raise
                # Not every service knows conditions; what is stored is the same in any case.
        await obstore.put_async(self._store(), key, content, use_multipart=False)
        self._conditional = self._conditional and replace

    @contextlib.asynccontextmanager
    async def _accounted(self, method: str, key: str, what: str) -> AsyncGenerator[Counted]:
        """One operation: permitted, in the ledger before and after, its errors in our words."""
        from obstore.exceptions import BaseError

        account = self._egress.account(f"{self._settings.url}/{quote(key)}", "storage", method=method, what=what)
        counted = await in_thread(account.__enter__)
        try:
            yield counted
        except BaseException as error:
            known = error
            if isinstance(error, BaseError | FileNotFoundError | OSError | ValueError):
                counted.status = _status(str(error))
                known = self._failed(str(error))
            await in_thread(account.__exit__, type(known), known, known.__traceback__)
            if known is error:
                raise
            raise known from error
        else:
            await in_thread(account.__exit__, None, None, None)

    def _failed(self, said: str) -> StorageFailed:
        """An error of the service's in ours; ``said`` holds status and S3's own code."""
        status, found = _status(said), _CODE.search(said)
        code = found[1] if found else ""
        shown = f"{status} {code}".strip()
        if code == "NoSuchBucket" or status == 404:
            return StorageFailed(
                f"{self._where} is not there ({shown}).", cure="Make it, or correct storage.s3.bucket and endpoint."
            )
        if code == "RequestTimeTooSkewed":
            return StorageFailed(f"{self._where} refuses this machine's time ({shown}).", cure="Set the clock.")
        if status in (401, 403):
            why = "refuses the keys" if code in _KEYS_REFUSED else "does not allow this with these keys"
            return StorageFailed(
                f"{self._where} {why} ({shown}).",
                cure="Check storage.s3.access_key and secret_key, the region, and what the keys are allowed to do.",
            )
        if status == 501 and self._settings.server_side_encryption:
            return StorageFailed(
                f"{self._where} cannot do this ({shown}).",
                cure="Where it does not encrypt, unset storage.s3.server_side_encryption.",
            )
        if status:
            return StorageFailed(f"{self._where} answered {shown}.", cure="Try again; else look into the service.")
        reason = " ".join(said.split("Debug source:", 1)[0].split())[:300].rstrip(".")
        return StorageFailed(f"{self._where} cannot be used: {reason}.", cure="Check storage.s3.endpoint.")

    def _store(self) -> S3Store:
        """The connection pool; made when it is first wanted. What is in AWS_* variables changes nothing of it."""
        if self._opened is None:
            from obstore.store import S3Store

            chosen = self._settings
            keys = self._keys

            def credentials() -> S3Credential:
                return {"access_key_id": keys.access, "secret_access_key": keys.secret, "expires_at": None}

            endpoint = chosen.url.removesuffix(f"/{chosen.bucket}") if chosen.path_style else chosen.url
            seconds = timedelta(seconds=chosen.timeout_seconds)
            config: S3Config = {
                "endpoint": endpoint,
                "aws_endpoint_url_s3": endpoint,
                "region": chosen.region,
                "virtual_hosted_style_request": not chosen.path_style,
                "conditional_put": "etag",
                "disable_bulk_delete": True,
                "skip_signature": False,
                "unsigned_payload": False,
                "s3_express": False,
            }
            if chosen.server_side_encryption:
                config["server_side_encryption"] = chosen.server_side_encryption
            if chosen.kms_key:
                config["sse_kms_key_id"] = chosen.kms_key
            self._opened = S3Store(
                chosen.bucket,
                config=config,
                client_options={
                    "allow_http": endpoint.startswith("http:"),
                    "timeout": seconds,
                    "connect_timeout": min(seconds, timedelta(seconds=15)),
                    "user_agent": "darkroom",
                },
                retry_config={
                    "max_retries": chosen.retries,
                    "retry_timeout": timedelta(seconds=chosen.retry_seconds),
                    "backoff": {
                        "init_backoff": timedelta(milliseconds=100),
                        "max_backoff": timedelta(seconds=10),
                        "base": 2,
                    },
                },
                credential_provider=credentials,
            )
        return self._opened


def _status(said: str) -> int:
    """The status in an error's text, 0 where there was no answer."""
    found = _STATUS.search(said)
    return int(found[1] or found[2]) if found else 0
