"""The doctor tries things out: what it says is what happened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from darkroom.cli.doctor import examine
from darkroom.settings import Settings, load_settings

Darkroom = Callable[..., tuple[int, str, str]]


def test_a_whole_machine_is_healthy() -> None:
    # A process of its own: in this one others may have loaded spandrel, with a stand-in for what it needs.
    done = subprocess.run(
        [sys.executable, "-m", "darkroom", "doctor", "--json"], capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout)
    findings = {(finding["part"], finding["name"]): finding for finding in said["findings"]}
    broken = [finding["name"] for finding in said["findings"] if finding["status"] == "broken"]
    # spandrel needs torchvision, which has no build for the CPU's PyTorch: that is broken, and the doctor says so.
    allowed = ["pytorch"] if find_spec("torch") and not find_spec("torchvision") else []
    assert broken == allowed
    assert (done.returncode, done.stderr, said["healthy"]) == (bool(broken), "", not broken)
    engines = {name: finding for (part, name), finding in findings.items() if part == "Engines"}
    exact = next(finding for name, finding in engines.items() if name.startswith("openvino") and "fp32" in name)
    assert "operations a second" in exact["detail"]
    for name, finding in engines.items():
        if "bf16" in name:
            decibels = float(finding["detail"].split(" dB from fp32")[0].rsplit(" ", 1)[1])
            assert 35 < decibels < 100, "bf16 is near fp32 but not the same: it really ran"
    for wanted in ("jpeg", "png", "webp", "avif", "tiff", "gif", "bmp"):
        assert wanted in findings["Formats", "written and read back"]["detail"]
    assert findings["Faces", "Haar cascade"]["status"] == "ok"
    assert "ms a job" in findings["Worker", "worker process"]["detail"]


def test_what_is_missing_comes_with_the_command_that_mends_it(darkroom: Darkroom) -> None:
    _, out, _ = darkroom("doctor", "--json")
    for finding in json.loads(out)["findings"]:
        assert finding["status"] == "ok" or finding["cure"]


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, darkroom: Darkroom
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DARKROOM_MODELS__FOLDER", str(tmp_path / "file" / "models"))
    code, out, _ = darkroom("doctor")
    assert code == 1
    (line,) = [line for line in out.splitlines() if "folder of models" in line]
    assert "BROKEN" in line
    assert out.rstrip().endswith("Something is broken; see above.")


def test_wrong_settings_are_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENGINE__DEVICE", "tpu")
    *_, last = examine()
    assert (last.part, last.status) == ("Settings", "broken")
    assert "engine.device" in last.detail


def test_it_says_what_may_leave_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from darkroom.cli.doctor import _privacy  # pyright: ignore[reportPrivateUsage]

    def told(**changes: object) -> dict[str, str]:
        settings = Settings().with_changes({name.replace("__", "."): value for name, value in changes.items()})
        return {finding.name: f"{finding.status}: {finding.detail}" for finding in _privacy(settings)}

    usual = told()
    assert usual["connections"] == "ok: when asked for"
    assert "not set up" in usual["cloudinary"]
    account = {f"providers__cloudinary__{name}": "x" for name in ("cloud_name", "api_key", "api_secret")}
    assert "without consent: never asked, and no setting asks it" in told(**account)["cloudinary"]
    willing = told(**account, providers__consent=True, providers__cloud_fallback=True)
    assert willing["cloudinary"].endswith("with consent")
    assert told(offline=True)["connections"] == "ok: none: offline"
    assert "cloud" in told(egress__cloud=False)["connections"]
    (tmp_path / "file").touch()
    assert told(egress__ledger=tmp_path / "file" / "ledger")["ledger"].startswith("broken")


def service() -> dict[str, tuple[str, str]]:
    """What the doctor says of the service: status and detail of each part."""
    from darkroom.cli.doctor import _service  # pyright: ignore[reportPrivateUsage]

    return {finding.name: (finding.status, finding.detail) for finding in _service(load_settings())}


def test_what_the_service_would_stand_on_is_not_made_by_looking(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = service()
    assert {status for status, _ in found.values()} == {"ok"}
    assert "made when the service is started" in found["database"][1]
    assert "carries jobs out" in found["queue"][1]
    assert not settings.storage.folder.exists()
    monkeypatch.setenv("DARKROOM_SERVER__HOST", "0.0.0.0")
    assert service()["keys"][0] == "missing"


def test_what_the_service_stands_on_is_tried(darkroom: Darkroom, settings: Settings) -> None:
    darkroom("keys", "create", "me")
    settings.storage.folder.mkdir(parents=True)
    found = service()
    assert found["database"][0] == found["storage"][0] == "ok"
    assert found["database"][1].startswith("sqlite, ")
    assert found["storage"][1].startswith("local, ")


def test_what_the_service_stands_on_and_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("DATABASE__URL", "postgresql+psycopg://me:word@127.0.0.1:1/jobs"),
        ("JOBS__BROKER_URL", "redis://127.0.0.1:1/0"),
        ("SCANNING__ENABLED", "true"),
        ("SCANNING__ADDRESS", "127.0.0.1:1"),
        ("STORAGE__KIND", "s3"),
        ("STORAGE__S3__ENDPOINT", "http://127.0.0.1:1"),
        ("STORAGE__S3__BUCKET", "pictures"),
        ("STORAGE__S3__ACCESS_KEY", "a"),
        ("STORAGE__S3__SECRET_KEY", "b"),
        ("STORAGE__S3__RETRIES", "0"),
    ):
        monkeypatch.setenv(f"DARKROOM_{name}", value)
    found = service()
    assert {name: status for name, (status, _) in found.items() if name != "traces"} == dict.fromkeys(
        ("database", "storage", "queue", "scanner"), "broken"
    )
    assert not any("word" in detail for _, detail in found.values())
    monkeypatch.setenv("DARKROOM_OFFLINE", "true")
    monkeypatch.setenv("DARKROOM_JOBS__BROKER_URL", "redis://192.168.7.7/0")
    assert "offline" in service()["queue"][1]
