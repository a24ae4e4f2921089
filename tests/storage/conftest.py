"""Storages of every kind, on a real folder and a real S3 server that is started once."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.settings import Settings
from darkroom.storage import build
from darkroom.storage.storage import Storage
from tests.conftest import NEVER_IN_CI
from tests.storage.s3_server import S3Server, serving

BUCKET = "darkroom-tests"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """OpenStack Swift with its s3api; it is installed with the extra ``dev`` on Linux."""
    if importlib.util.find_spec("swift") is None:
        pytest.skip(f"{NEVER_IN_CI}OpenStack Swift, the S3 server of these tests, is installed on Linux only")
    with serving(tmp_path_factory.mktemp("swift")) as server:
        server.make_bucket(BUCKET)
        yield server


def s3_settings(server: S3Server, folder: Path, kind: str = "s3", **changes: Any) -> Settings:
    """Settings for the server, with a prefix of the test's own so that tests do not see each other's files."""
    return Settings().with_changes(
        {
            "storage.kind": kind,
            "storage.folder": folder / "files",
            "storage.spool": folder / "spool",
            "storage.s3.endpoint": server.endpoint,
            "storage.s3.bucket": BUCKET,
            "storage.s3.prefix": f"tests/{uuid.uuid4().hex}",
            "storage.s3.access_key": server.access_key,
            "storage.s3.secret_key": server.secret_key,
            **{f"storage.s3.{name}": value for name, value in changes.items()},
        }
    )


@pytest.fixture(params=["local", "s3", "both"])
def storage_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of each kind."""
    if request.param == "local":
        return Settings().with_changes({"storage.folder": tmp_path / "files"})
    return s3_settings(request.getfixturevalue("s3_server"), tmp_path, request.param)


@pytest.fixture
def storage(storage_settings: Settings) -> Storage:
    """A storage of each kind, empty."""
    return build(storage_settings)
