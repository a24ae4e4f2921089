"""The image and the compose file say what the program takes. What containers run is run here without them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
import yaml
from pydantic import BaseModel

from darkroom.cli.main import check
from darkroom.settings import ServerSettings, Settings, load_settings
from tests.servers import Postgres, Redis, free_port

ROOT = Path(__file__).resolve().parents[1]
OURS = ("darkroom", "worker-light", "worker-heavy")
SECONDS = 60.0


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def example() -> dict[str, str]:
    """The variables of .env.example, what is left empty filled in."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    found = dict(line.split("=", 1) for line in lines)
    return {name: value or ("secret" if "PASSWORD" in name or "KEY" in name else "") for name, value in found.items()}


def filled(text: str, values: dict[str, str]) -> str:
    """As Compose puts variables in: ``${NAME}``, ``${NAME:-default}``, ``${NAME:?what is wrong}``."""

    def value(match: re.Match[str]) -> str:
        name, how, other = match[1], match[2], match[3]
        found = values.get(name, "")
        if found or how is None:
            return found
        assert how == ":-", f"{name} is needed: {other}"
        return other

    return re.sub(r"\$\{([A-Z0-9_]+)(?:(:-|:\?)([^}]*))?\}", value, text).replace("$$", "$")


def environment(service: str, values: dict[str, str] | None = None) -> dict[str, str]:
    """What a container is given."""
    given = compose()["services"][service].get("environment", {})
    return {name: filled(str(value), values or example()) for name, value in given.items()}


def instructions(stage: int) -> list[list[str]]:
    """The instructions of one stage of the Dockerfile, -1 for the last, each as its words."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages: list[list[list[str]]] = []
    for line in lines:
        if line.startswith("FROM "):
            stages.append([])
        stages[-1].append(line.split())
    return stages[stage]


def test_variables_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every DARKROOM_ variable names one, and all together are allowed."""
    for service in OURS:
        given = environment(service)
        for name, value in given.items():
            node: Any = Settings
            for part in name.removeprefix("DARKROOM_").lower().split("__"):
                assert part in node.model_fields, f"{service}: {name}"
                kind = node.model_fields[part].annotation
                node = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
            monkeypatch.setenv(name, value)
        settings = load_settings()
        assert settings.scanning.place == ("clamav", 3310)
        assert settings.storage.s3.url == "http://storage:8333/darkroom"


def test_addresses_lead_to_services_that_are_there() -> None:
    services = compose()["services"]
    given = environment("darkroom")
    for name in ("DATABASE__URL", "JOBS__BROKER_URL", "STORAGE__S3__ENDPOINT"):
        assert urlsplit(given[f"DARKROOM_{name}"]).hostname in services
    for name in OURS:
        assert set(services[name]["depends_on"]) <= set(services)
        assert all(services[other]["healthcheck"]["test"] for other in services[name]["depends_on"])


def test_every_variable_of_compose_is_in_the_example() -> None:
    named = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "compose.yaml").read_text()))
    assert named == set(example())


@pytest.mark.parametrize("service", OURS)
def test_commands_are_ones_that_the_program_takes(service: str) -> None:
    check(compose()["services"][service]["command"])


def test_commands_in_comments_are_too() -> None:
    (words,) = re.findall(r"run --rm darkroom (.+?)  ", (ROOT / "compose.yaml").read_text())
    check(words.split())


def test_containers_are_held_in() -> None:
    services = compose()["services"]
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"\d", tag), f"{name} has no pinned version"
        assert service["restart"] == "unless-stopped"
        assert service["mem_limit"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "healthcheck" in service or name == "darkroom", "the image has one"
        # Signatures are unpacked beside the program.
        assert service.get("read_only") or name == "clamav"
    assert [name for name, service in services.items() if "ports" in service] == ["darkroom"]
    assert services["darkroom"]["ports"] == ["${DARKROOM_BIND:-127.0.0.1}:${DARKROOM_PORT:-8765}:8765"]
    assert compose()["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "storage"):
        assert services[name]["networks"] == ["inside"]


def test_volumes_are_declared_and_are_those_of_the_image() -> None:
    content = compose()
    used = {volume.split(":")[0] for service in content["services"].values() for volume in service.get("volumes", [])}
    assert used == set(content["volumes"])
    (volumes,) = [json.loads(" ".join(words[1:])) for words in instructions(-1) if words[0] == "VOLUME"]
    assert {volume.split(":")[1] for volume in content["services"]["darkroom"]["volumes"]} == set(volumes)


def test_the_image_is_made_in_stages_and_runs_as_nobody() -> None:
    last = instructions(-1)
    kinds = [words[0] for words in last]
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(stages) == 3
    assert all(re.search(r":\d", image) for image, _ in stages), "images have a version"
    (user,) = [words[1] for words in last if words[0] == "USER"]
    assert user.partition(":")[0].isdigit()
    assert user != "0"
    assert kinds.index("USER") > max(index for index, kind in enumerate(kinds) if kind in ("RUN", "COPY"))
    assert {"HEALTHCHECK", "EXPOSE", "VOLUME", "STOPSIGNAL"} <= set(kinds)
    assert not any(word.startswith(("apt", "curl", "pip")) for words in last for word in words)


def test_what_is_copied_is_there_and_not_kept_out() -> None:
    listed = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in listed if line.startswith("!")}
    for stage in (0, 1):
        for words in instructions(stage):
            if words[0] == "COPY" and not words[1].startswith("--from"):
                for source in words[1:-1]:
                    assert (ROOT / source).exists()
                    assert source.split("/")[0] in let_in


def test_the_image_starts_what_the_program_has() -> None:
    words = {line[0]: json.loads(" ".join(line[1:])) for line in instructions(-1) if line[0] in ("ENTRYPOINT", "CMD")}
    assert words["ENTRYPOINT"] == ["darkroom"]
    check(words["CMD"])
    assert words["CMD"] == compose()["services"]["darkroom"]["command"]


@pytest.fixture
def stack(postgres: Postgres, redis: Redis, tmp_path: Path) -> dict[str, str]:
    """The variables of the containers with servers of this machine in place of PostgreSQL's and Redis's containers.

    Files are in a folder, as there is no bucket, and nobody searches them.
    """
    given = environment("darkroom")
    given["DARKROOM_DATABASE__URL"] = postgres.new_database()
    given["DARKROOM_JOBS__BROKER_URL"] = f"redis://127.0.0.1:{redis.port}/0"
    given |= {"DARKROOM_STORAGE__KIND": "local", "DARKROOM_SCANNING__ENABLED": "false"}
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}
    return {**os.environ, **folders, **given}


def darkroom(*words: str, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as written:
        return subprocess.Popen(
            [sys.executable, "-m", "darkroom", *words], env=environment, stdout=written, stderr=written
        )


def test_the_commands_of_the_containers_do_a_job_together(stack: dict[str, str], tmp_path: Path) -> None:
    services, port = compose()["services"], free_port()
    stack["DARKROOM_SERVER__PORT"] = str(port)
    made = subprocess.run(
        [sys.executable, "-m", "darkroom", "keys", "create", "me", "--scope", "admin", "--json"],
        env=stack, capture_output=True, text=True, check=True,
    )  # fmt: skip
    key = json.loads(made.stdout)["key"]
    running = [darkroom(*services[name]["command"], environment=stack, log=tmp_path / name) for name in OURS]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, timeout=30) as client:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                try:
                    if client.get("/ready").json()["ready"]:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            subprocess.run([sys.executable, "-c", healthcheck()], env=stack, check=True)
            assert client.get("/api/v1/images", headers={"X-API-Key": ""}).status_code == 401
            sample = (ROOT / "samples" / "mug.jpg").read_bytes()
            (image,) = client.post("/api/v1/images/upload", files={"file": ("a.jpg", sample)}).json()["images"]
            # One for each kind of worker.
            for operation in ("resize:width=64", "remove_background:method=grabcut"):
                url = f"/api/v1/images/{image['id']}/process"
                job = client.post(url, json={"operations": ["resize:width=200", operation]}).json()["id"]
                while (found := client.get(f"/api/v1/jobs/{job}").json())["state"] in ("pending", "processing"):
                    assert time.monotonic() < until
                    time.sleep(0.1)
                assert found["state"] == "completed", found
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        statuses = [process.wait(30) for process in running]
    assert statuses == [128 + signal.SIGTERM, 0, 0]
    assert all("Traceback" not in (tmp_path / name).read_text() for name in OURS)


def test_a_container_is_asked_where_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own port, or that which the environment gives it."""
    asked: list[str] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: asked.append(url))
    exec(healthcheck())
    monkeypatch.setenv("DARKROOM_SERVER__PORT", "9000")
    exec(healthcheck())
    assert asked == [f"http://127.0.0.1:{port}/health" for port in (ServerSettings().port, 9000)]
    assert load_settings().server.port == 9000


def healthcheck() -> str:
    """The program that asks a container how it is."""
    (words,) = [words for words in instructions(-1) if words[0] == "HEALTHCHECK"]
    return json.loads(" ".join(words[words.index("CMD") + 1 :]))[2]


def test_without_a_key_the_container_does_not_start(stack: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = darkroom(*compose()["services"]["darkroom"]["command"], environment=stack, log=log)
    assert process.wait(SECONDS) == 78
    assert "darkroom keys create" in log.read_text()
