"""Where the service keeps files: by what is in them, in a folder, in a bucket, or in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage


def build(settings: Settings) -> Storage:
    """The storage that these settings name. Contacts nobody and makes no file.

    Raises ConfigurationError where a bucket is wanted and something of it is not set.
    """
    from darkroom.storage.local import LocalStorage

    chosen = settings.storage
    if chosen.kind == "local":
        return LocalStorage(chosen.folder)
    from darkroom.egress import Egress
    from darkroom.storage.s3 import S3Storage

    bucket = S3Storage(chosen.s3, chosen.spool, Egress(settings))
    if chosen.kind == "s3":
        return bucket
    from darkroom.storage.both import BothStorage

    return BothStorage(LocalStorage(chosen.folder), bucket, chosen.spool)
