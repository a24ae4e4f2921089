"""The API against its own description: whatever is sent, the answer is one that the OpenAPI document knows.

Schemathesis makes requests from the document, right ones and wrong ones, the same in every run. About 25 seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from darkroom.server import schemas
from darkroom.server.app import create_app
from darkroom.settings import Settings
from tests.server.conftest import SAMPLES, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 20
"""Requests to each route, right ones and as many wrong ones."""
DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
ROUTES = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
ENDLESS = [route for route in ROUTES if route[1].endswith("/events")]
"""Server-sent events: their answers do not end, and tests/server/test_jobs.py reads them."""


class Api:
    """A service that contacts nobody, with a picture, a job, a batch and a message in it; and its description."""

    def __init__(self, service: Service) -> None:
        self.service = service
        # Made-up keys would be refused after some, and then all else with them.
        config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
        self.schema: Any = schemathesis.openapi.from_dict(service.client.get("/openapi.json").json(), config=config)
        (picture,) = service.upload(SAMPLES / "logo.png")
        body = {"images": [{"image_id": picture["id"]}], "work": {"operations": ["resize:width=9"]}}
        hook = {"webhook_url": "http://127.0.0.1:1/hook"}
        batch = service.client.post("/api/v1/images/batch", json={**body, **hook}).json()
        (job,) = service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]
        service.wait(job["id"])
        made = service.client.post(
            "/api/v1/images/process/sync", json={"image_id": picture["id"], "operations": ["resize:width=8"]}
        )
        listed = service.client.get("/api/v1/webhooks/deliveries").json()["items"]
        link = service.client.post(f"/api/v1/images/{picture['id']}/link", json={"extension": "webp"}).json()["url"]
        self.real = {
            "image_id": picture["id"],
            "job_id": job["id"],
            "batch_id": batch["id"],
            "delivery_id": listed[0]["id"],
            "key": made.headers["link"].partition("reports/")[2][:64],
            **dict(zip(("signature", "operations", "name"), link.split("/")[4:], strict=True)),
        }

    def cases(self, method: str, path: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
        """Requests to a route."""
        return self.schema[path][method].as_strategy(generation_mode=mode)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    service = Service(tmp_path_factory.mktemp("api"), DARKROOM_OFFLINE="true", DARKROOM_LIMITS__SYNC_CONCURRENCY="8")
    yield Api(service)
    service.end()
    assert '"level": "error"' not in service.log.read_text(), "nothing was unexpected"


def with_real(case: Any, real: dict[str, str]) -> None:
    """Put what is really there in place of what was made up, else every answer would be 404."""
    for name in case.path_parameters or {}:
        if name in real and not case.path.startswith("/api/v1/models"):
            case.path_parameters[name] = real[name]
    if case.query:
        case.query.pop("version", None)
        case.query.pop("name", None)
    sources = [case.body, *case.body.get("images", [])] if isinstance(case.body, dict) else []
    for source in sources:
        if isinstance(source, dict) and {"image_id", "url"} & set(source):
            source.pop("url", None)
            source.pop("version", None)
            source["image_id"] = real["image_id"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route not in ENDLESS])
def test_every_answer_is_documented(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    @given(st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(data: st.DataObject) -> None:
        case = data.draw(api.cases(method, path, mode))
        if mode is GenerationMode.POSITIVE and method != "DELETE" and data.draw(st.booleans()):
            with_real(case, api.real)
        case.call_and_validate(base_url=api.service.url, checks=CHECKS, timeout=60)

    try:
        ask()
    except Exception as error:
        # Where there is nothing that can be wrong, nothing wrong can be made.
        if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
            raise


def test_every_error_has_its_schema_and_every_field_its_words() -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and (path, status) != ("/ready", "503"):
                    assert answer["content"] == {"application/problem+json": {"schema": problem}}, (path, status)
                elif answer.get("content"):
                    assert all("schema" in one or "itemSchema" in one for one in answer["content"].values()), path
            for parameter in operation.get("parameters", []):
                assert parameter["schema"], (path, parameter["name"])
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"], "errors are ours everywhere"


def test_every_body_has_examples_that_are_right() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None:
                kind = getattr(schemas, body["schema"]["$ref"].rpartition("/")[2])
                examples = kind.model_json_schema().get("examples", [])
                assert examples, path
                for example in examples:
                    kind.model_validate(example)


def test_the_document_is_the_same_whatever_is_set(api: Api) -> None:
    assert json.dumps(api.service.client.get("/openapi.json").json()) == json.dumps(DOCUMENT)
