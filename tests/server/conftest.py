"""A service in a process of its own, as `darkroom serve` starts it, and whoever talks to it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
START_SECONDS = 30.0
JOB_SECONDS = 60.0


class Service:
    """`darkroom serve` in folders of its own; ``log`` is what it writes.

    ``keys`` are made before it is started, each with the options of `darkroom keys create` that are given for it.
    """

    def __init__(self, folder: Path, *, keys: Sequence[Sequence[str]] = (), **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")},
            **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE")},
            "U2NET_HOME": str(folder / "u2net"),
            "DARKROOM_EGRESS__PRIVATE_HOSTS": '["127.0.0.1"]',
            "DARKROOM_SERVER__PORT": "0",
            **environment,
        }
        self.keys = [self.make_key(*options) for options in keys]
        self.process = self._begin()
        self.url = self._address()
        self.client = httpx.Client(base_url=self.url, timeout=60.0)

    def run(self, *arguments: str) -> str:
        """What a command of `darkroom` prints, in the service's folders."""
        return subprocess.run(
            [sys.executable, "-m", "darkroom", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def make_key(self, *options: str) -> str:
        """A new API key."""
        return json.loads(self.run("keys", "create", "test", "--json", *options))["key"]

    def _begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "darkroom", "serve"], env=self.environment, stderr=log, stdout=log
            )

    def _address(self) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"Darkroom is at (http://\S+?)/ ", self.log.read_text())
            if found is not None:
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"the service did not start:\n{self.log.read_text()}")

    def restart(self, number: int = signal.SIGTERM) -> None:
        """End it, and start it again on another port."""
        self.end(number)
        self.process = self._begin()
        self.url = self._address()
        self.client = httpx.Client(base_url=self.url, timeout=60.0)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it, and give its exit status."""
        self.client.close()
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def upload(self, *paths: Path, **fields: str) -> list[dict[str, Any]]:
        """Store pictures."""
        files = [("file", (path.name, path.read_bytes())) for path in paths]
        answer = self.client.post("/api/v1/images/upload", data=fields, files=files)
        assert answer.status_code == 201, answer.text
        return answer.json()["images"]

    def wait(self, job: str, *states: str) -> dict[str, Any]:
        """The job once it is in one of these states, by default ended."""
        wanted = states or ("completed", "failed", "cancelled", "quarantined")
        until = time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            found = self.client.get(f"/api/v1/jobs/{job}").json()
            if found["state"] in wanted:
                return found
            time.sleep(0.05)
        raise AssertionError(f"the job stays {found['state']}: {found}")


def own_model(service_folder: Path, data: bytes) -> None:
    """Name a model of the owner's, ``own-matte``: one file, ``own.onnx``, of this data. Before the service starts."""
    config = service_folder / "config" / "darkroom"
    config.mkdir(parents=True)
    (config / "models.toml").write_text(
        f"""
        [[model]]
        name = "own-matte"
        task = "matte"
        licence = "MIT"
        [[model.files]]
        name = "own.onnx"
        url = "https://models.example/own.onnx"
        bytes = {len(data)}
        sha256 = "{hashlib.sha256(data).hexdigest()}"
        digest_source = "the test"
        """
    )


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that need nothing special of it."""
    made = Service(tmp_path_factory.mktemp("service"))
    yield made
    assert made.end() == 128 + signal.SIGTERM


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services of the test's own, with environment variables."""
    begun: list[Service] = []

    def begin(**options: Any) -> Service:
        begun.append(Service(tmp_path / f"service-{len(begun)}", **options))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.end()


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


@pytest.fixture
def portrait(service: Service) -> dict[str, Any]:
    """A stored picture of a person, 512 x 600."""
    return service.upload(SAMPLES / "portrait.jpg")[0]
