"""What every test may use: the real pictures and weights beside the checkout, and a settings tree of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from darkroom.settings import Settings

if TYPE_CHECKING:
    from tests.servers import Clamd, Postgres, Redis

NEVER_IN_CI = "not in CI: "
"""A skip whose reason starts so is one that a machine cannot help: other hardware, another system, private data."""

SHARED = Path(os.environ.get("DARKROOM_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pictures and weights; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{NEVER_IN_CI}the real test data is not here ({SHARED}); DARKROOM_TEST_DATA names another place")
    return SHARED


@pytest.fixture(scope="session")
def pictures(shared: Path) -> Path:
    """The folder of real pictures."""
    return shared / "images"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the configuration, models and caches of whoever runs it."""
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / f"xdg-{name.lower()}"))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "u2net"))
    for name in [name for name in os.environ if re.match("DARKROOM_(?!TEST_)", name)]:
        monkeypatch.delenv(name)
    # The servers that tests start are on this machine, which is refused otherwise.
    monkeypatch.setenv("DARKROOM_EGRESS__PRIVATE_HOSTS", '["127.0.0.1"]')


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Where the servers of pytest-httpserver listen: by number, as everything of the own network is named here."""
    return ("127.0.0.1", 0)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL, for as long as the tests run; each test makes a database of its own in it."""
    from tests.servers import Postgres, running

    with running(Postgres) as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A real Redis, for as long as the tests run, which keeps nothing on disk."""
    from tests.servers import Redis, running

    with running(Redis) as server:
        yield server


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """A real clamd, for as long as the tests run."""
    from tests.servers import Clamd, running

    with running(Clamd) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/database/darkroom.sqlite3"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def settings() -> Settings:
    """The defaults, with folders of the test's own."""
    return Settings()


_skips = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skips] = []
    config.pluginmanager.register(_Skips(config.stash[_skips]))


class _Skips:
    """Notes what is skipped, and why. Where several processes run the tests, theirs are reported to the first."""

    def __init__(self, noted: list[str]) -> None:
        self._noted = noted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
            self._noted.append(f"{report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped although it could have run is a failure."""
    if os.environ.get("CI") and session.exitstatus == 0 and _forgotten(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    skips = config.stash[_skips]
    if skips:
        terminalreporter.section("skipped, and why")
        for line in skips:
            terminalreporter.line(line)
    if os.environ.get("CI") and _forgotten(config):
        terminalreporter.line("CI must not skip these; see .ci/run", red=True)


def _forgotten(config: pytest.Config) -> list[str]:
    return [line for line in config.stash[_skips] if NEVER_IN_CI not in line]
