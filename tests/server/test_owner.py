"""Settings that are changed while the service runs: kept or refused whole, at nobody's cost. About a minute."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.models.serving import Mirror
from tests.server.conftest import SAMPLES, Service, own_model

PORTRAIT = SAMPLES / "portrait.jpg"
ELSEWHERE = "192.0.2.1"
"""An address of another machine, at which nobody listens (RFC 5737)."""
SLOW = '["resize:width=160", "upscale:method=builtin,scale=4", "upscale:method=builtin,scale=4"]'
"""Work of some seconds."""


def change(service: Service, **changes: Any) -> httpx.Response:
    named = {path.replace("__", "."): value for path, value in changes.items()}
    return service.client.patch("/api/v1/settings", json={"changes": named})


def value(service: Service, path: str) -> Any:
    return service.client.get("/api/v1/settings").json()["settings"][path]["value"]


def process(service: Service, operations: str) -> httpx.Response:
    with httpx.Client(base_url=service.url, timeout=60) as client, PORTRAIT.open("rb") as file:
        return client.post("/local-media/process", files={"file": file}, data={"operations": operations})


@contextmanager
def somebody_waiting(service: Service) -> Generator[Future[httpx.Response]]:
    """Somebody waits for a result, and a worker is at it."""
    process(service, '["resize:width=9"]')
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(process, service, SLOW)
        time.sleep(0.7)
        assert not answer.done()
        yield answer


def test_settings_and_ledger_are_the_administrators(start: Callable[..., Service]) -> None:
    others = ("read", "write", "models")
    service = start(keys=[[word for scope in others for word in ("--scope", scope)], ["--scope", "admin"]])
    tenant, admin = ({"X-API-Key": key} for key in service.keys)
    consent = {"changes": {"providers.consent": True}}
    for refused in (
        service.client.patch("/api/v1/settings", json=consent, headers=tenant),
        service.client.get("/api/v1/egress", headers=tenant),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert "scope admin" in refused.json()["detail"]
    assert not value(service, "providers.consent")
    assert service.client.patch("/api/v1/settings", json=consent, headers=admin).status_code == 200
    assert service.client.get("/api/v1/egress", headers=admin).status_code == 200
    # Who sits at the machine may do all, with or without keys in the database.
    assert change(service, providers__consent=False).status_code == 200
    assert service.client.get("/api/v1/egress").status_code == 200


class TestAChangeThatCannotBe:
    @pytest.mark.parametrize(
        ("path", "environment"),
        [
            ("jobs.broker_url", {"DARKROOM_JOBS__BROKER_URL": f"redis://{ELSEWHERE}:6379/0"}),
            (
                "storage.kind",
                {
                    "DARKROOM_STORAGE__KIND": "both",
                    "DARKROOM_STORAGE__S3__ENDPOINT": f"http://{ELSEWHERE}:9000",
                    "DARKROOM_STORAGE__S3__BUCKET": "pictures",
                    "DARKROOM_STORAGE__S3__ACCESS_KEY": "key",
                    "DARKROOM_STORAGE__S3__SECRET_KEY": "secret",
                },
            ),
        ],
    )
    def test_offline_on_what_is_elsewhere_is_refused_and_all_goes_on(
        self, start: Callable[..., Service], path: str, environment: dict[str, str]
    ) -> None:
        service = start(**environment)
        for _ in range(2):
            refused = change(service, offline=True, strict=True)
            assert (refused.status_code, refused.json()["code"]) == (409, "settings_conflict")
            assert (refused.json()["field"], path in refused.json()["detail"]) == ("offline", True)
            assert not value(service, "offline")
            assert not value(service, "strict"), "all changes or none"
            assert process(service, '["resize:width=9"]').status_code in (200, 503)
            assert change(service, engine__quality="fast").status_code == 200
            service.restart()
            assert value(service, "engine.quality") == "fast"

    def test_what_cannot_be_kept_changes_nothing(self, start: Callable[..., Service]) -> None:
        service = start()
        in_the_way = service.folder / "config" / "darkroom" / "changed.toml"
        in_the_way.mkdir(parents=True)
        refused = change(service, strict=True)
        assert (refused.status_code, refused.json()["code"]) == (422, "output")
        assert not value(service, "strict")
        (picture,) = service.upload(PORTRAIT)
        work = {"operations": ["resize:width=9"]}
        job = service.client.post(f"/api/v1/images/{picture['id']}/process", json=work).json()["id"]
        assert service.wait(job)["state"] == "completed", "who carries jobs out is still at it"
        in_the_way.rmdir()
        assert change(service, strict=True).status_code == 200


@pytest.mark.parametrize(
    ("environment", "code", "status"),
    [
        ({"DARKROOM_OFFLINE": "true", "DARKROOM_JOBS__BROKER_URL": f"redis://{ELSEWHERE}/0"}, "settings_conflict", 78),
        (
            {"DARKROOM_EGRESS__BROKER": "false", "DARKROOM_JOBS__BROKER_URL": f"redis://{ELSEWHERE}/0"},
            "egress_refused",
            69,
        ),
        ({"DARKROOM_WEBHOOKS__SECRETS": '["secret"]'}, "configuration", 78),
        ({"DARKROOM_SERVER__TELEMETRY": "http://8.8.8.8:4318"}, "address_refused", 69),
    ],
)
def test_what_keeps_it_from_starting_is_an_error_of_the_command(
    start: Callable[..., Service], environment: dict[str, str], code: str, status: int
) -> None:
    service = start()
    service.end()
    done = subprocess.run(
        [sys.executable, "-m", "darkroom", "serve"],
        env=service.environment | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert f"darkroom: {code}: " in done.stderr
    assert "Traceback" not in done.stderr


class TestAChangeWhileOthersWait:
    def test_what_they_wait_for_is_finished(self, start: Callable[..., Service]) -> None:
        service = start()
        with somebody_waiting(service) as answer:
            assert change(service, strict=True).status_code == 200
            assert not answer.done(), "it was over before the change"
            assert process(service, '["resize:width=8"]').status_code == 200, "others are not kept waiting"
            assert answer.result().status_code == 200

    def test_but_stopped_where_another_word_is_said_on_what_may_leave(self, start: Callable[..., Service]) -> None:
        service = start()
        with somebody_waiting(service) as answer:
            assert change(service, offline=True).status_code == 200
            stopped = answer.result()
            assert (stopped.status_code, stopped.json()["code"]) == (503, "restarting")
            assert int(stopped.headers["retry-after"]) >= 1
        assert process(service, '["resize:width=8"]').status_code == 200

    def test_downloads_go_on_unless_they_may_not(self, start: Callable[..., Service], tmp_path: Path) -> None:
        data = b"weights" * 100_000
        own_model(tmp_path / "service-0", data)

        def state() -> str:
            models = service.client.get("/local-media/models/status").json()["models"]
            return next(model["state"] for model in models if model["name"] == "own-matte")

        with Mirror().serving() as mirror:
            mirror.files["own.onnx"], mirror.slow = data, 0.4
            service = start(DARKROOM_MODELS__MIRROR=mirror.url)
            begun = service.client.post("/local-media/models/download/own-matte")
            assert begun.json()["state"] == "downloading"
            assert change(service, strict=True).status_code == 200
            assert state() == "downloading"
            assert change(service, offline=True).status_code == 200
            assert state() == "missing"
            assert change(service, offline=False).status_code == 200
            mirror.slow = 0.0
            service.client.post("/local-media/models/download/own-matte")
            until = time.monotonic() + 20
            while state() != "here":
                assert time.monotonic() < until
                time.sleep(0.1)

    def test_what_was_counted_of_a_key_stays_counted(self, start: Callable[..., Service]) -> None:
        service = start(DARKROOM_SERVER__REQUESTS_PER_MINUTE="3", keys=[["--scope", "admin"]])
        headers = {"X-API-Key": service.keys[0]}
        statuses: list[int] = []
        for _ in range(4):
            statuses.append(service.client.get("/api/v1/images", headers=headers).status_code)
            assert change(service, strict=len(statuses) % 2 == 0).status_code == 200
        assert statuses == [200, 200, 200, 429]

    def test_several_changes_at_once_are_all_kept(self, start: Callable[..., Service]) -> None:
        service = start()
        changes: list[dict[str, Any]] = [{"strict": True}, {"engine__device": "cpu"}, {"output__metadata": "none"}]
        threads = [threading.Thread(target=change, args=(service,), kwargs=one) for one in changes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [value(service, path) for path in ("strict", "engine.device", "output.metadata")] == [
            True,
            "cpu",
            "none",
        ]
        assert process(service, '["resize:width=9"]').status_code == 200
