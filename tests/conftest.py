"""What every test may use: the real pictures and weights beside the checkout, and a settings tree of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from darkroom.settings import Settings

SHARED = Path(os.environ.get("DARKROOM_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pictures and weights; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"the real test data is not here ({SHARED}); DARKROOM_TEST_DATA names another place")
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
    for name in [name for name in os.environ if name.startswith("DARKROOM_") and name != "DARKROOM_TEST_DATA"]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings() -> Settings:
    """The defaults, with folders of the test's own."""
    return Settings()
