"""A real S3 server of the test's own: OpenStack Swift with its s3api, one copy of everything, in a folder."""

from __future__ import annotations

import getpass
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.signing import Keys, presign

ACCESS_KEY = "test:tester"
SECRET_KEY = "testing"
"""The account that tempauth knows; nothing but tests uses it."""
REGION = "us-east-1"
KINDS = ("account", "container", "object")
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that is running: its address, and what signs requests to it."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.ask("PUT", f"/{name}")

    def ask(self, method: str, path: str, query: dict[str, str] | None = None) -> bytes:
        """Send a signed request, and give the answer's body."""
        keys = Keys(self.access_key, self.secret_key, self.region)
        url = presign(keys, method, f"{self.endpoint}{path}", 60, query)
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return answer.read()


@contextmanager
def serving(folder: Path) -> Iterator[S3Server]:
    """Start the four processes that keep everything in ``folder``, and stop them at the end."""
    ports = dict(zip((*KINDS, "proxy"), _free_ports(4), strict=True))
    _configure(folder, ports)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for kind in (*KINDS, "proxy"):
            with (folder / f"{kind}.log").open("wb") as log:
                command = [str(_script(f"swift-{kind}-server")), str(folder / f"{kind}.conf"), "-v"]
                started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
        _wait(folder, started, list(ports.values()))
        yield S3Server(f"http://127.0.0.1:{ports['proxy']}")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(folder: Path, started: list[subprocess.Popen[bytes]], ports: list[int]) -> None:
    until = time.monotonic() + START_SECONDS
    for process, port in zip(started, ports, strict=True):
        while True:
            if process.poll() is not None or time.monotonic() > until:
                logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
                raise RuntimeError(f"The S3 server does not start:\n{logs}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)


def _configure(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = tests\nswift_hash_path_suffix = tests\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    common = f"""
[DEFAULT]
bind_ip = 127.0.0.1
user = {getpass.getuser()}
swift_dir = {folder}
devices = {folder / "devices"}
mount_check = false
workers = 0
log_level = WARNING
log_statsd_host =
fallocate_reserve = 0
disable_fallocate = true
"""
    for kind in KINDS:
        (folder / f"{kind}.conf").write_text(
            f"{common}bind_port = {ports[kind]}\n"
            f"[pipeline:main]\npipeline = {kind}-server\n"
            f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        )
        builder = [str(_script("swift-ring-builder")), str(folder / f"{kind}.builder")]
        for order in (
            ["create", "4", "1", "0"],
            ["add", f"r1z1-127.0.0.1:{ports[kind]}/d1", "1"],
            ["rebalance"],
        ):
            # A ring of one device is warned of with status 1.
            subprocess.run([*builder, *order], check=False, capture_output=True)
    # s3api has versioned_writes and slo below it, in this order.
    filters = ("catch_errors", "gatekeeper", "listing_formats", "s3api", "tempauth", "copy", "slo", "versioned_writes")
    filters += ("symlink",)
    (folder / "proxy.conf").write_text(
        f"{common}bind_port = {ports['proxy']}\n"
        f"[pipeline:main]\npipeline = {' '.join(filters)} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n{_options(name)}" for name in filters)
    )


def _options(name: str) -> str:
    return {
        "s3api": f"location = {REGION}\ns3_acl = false\nmin_segment_size = 5242880\n",
        "tempauth": f"user_test_tester = {SECRET_KEY} .admin\n",
        "versioned_writes": "allow_versioned_writes = true\nallow_object_versioning = true\n",
    }.get(name, "")


def _script(name: str) -> Path:
    return Path(sys.executable).parent / name


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]
    finally:
        for found in sockets:
            found.close()
