"""Cloudinary's contract, spoken by a server of this machine: signatures, waiting, limits, errors, and the deletion."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from darkroom.egress import Egress
from darkroom.errors import ProviderFailed
from darkroom.image import Image
from darkroom.operation import build
from darkroom.pipeline import Pipeline
from darkroom.processing import Request as Work
from darkroom.processing import process
from darkroom.providers.cloudinary import Cloudinary, transformation
from darkroom.services import build_services
from darkroom.settings import Settings
from tests.conftest import NEVER_IN_CI

SECRET = "a secret"


class Account:
    """A Cloudinary of one account: keeps uploads, checks signatures, transforms by painting, may be slow or busy."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.kept: dict[str, bytes] = {}
        self.statuses: list[int] = []
        """What uploads are answered with first."""
        self.pending = 0
        """How many times a transformation is not done yet."""
        self.fails: str | None = None
        self.keeps = False
        """Whether deletions fail."""
        self.transformations: list[str] = []
        server.expect_request("/v1_1/shop/image/upload", method="POST").respond_with_handler(self.upload)
        server.expect_request("/v1_1/shop/image/destroy", method="POST").respond_with_handler(self.destroy)
        server.expect_request(re.compile("/shop/image/authenticated/.*")).respond_with_handler(self.deliver)

    def settings(self, **changes: Any) -> Settings:
        url = self.server.url_for("").rstrip("/")
        return Settings().with_changes(
            {
                "providers.local_first": False,
                "providers.consent": True,
                "providers.cloudinary.cloud_name": "shop",
                "providers.cloudinary.api_key": "key",
                "providers.cloudinary.api_secret": SECRET,
                "providers.cloudinary.api_url": url,
                "providers.cloudinary.delivery_url": url,
                **changes,
            }
        )

    def _signed(self, request: Request) -> bool:
        fields = {name: value for name, value in request.form.items() if name not in ("api_key", "signature", "file")}
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        return request.form["signature"] == hashlib.sha1((text + SECRET).encode()).hexdigest()

    def upload(self, request: Request) -> Response:
        if self.statuses:
            status = self.statuses.pop(0)
            return Response('{"error": {"message": "slow down"}}', status, {"Retry-After": "0"})
        if not self._signed(request):
            return Response('{"error": {"message": "Invalid Signature"}}', 401)
        assert request.form["type"] == "authenticated"
        self.kept[request.form["public_id"]] = request.files["file"].read()
        return Response('{"version": 17}', 200)

    def destroy(self, request: Request) -> Response:
        if not self._signed(request):
            return Response('{"error": {"message": "Invalid Signature"}}', 401)
        if self.keeps:
            return Response('{"error": {"message": "not today"}}', 400)
        found = self.kept.pop(request.form["public_id"], None)
        return Response('{"result": "%s"}' % ("ok" if found else "not found"), 200)

    def deliver(self, request: Request) -> Response:
        _, _, _, _, signature, wanted, version, file = request.path.split("/")
        text = f"{wanted}/{file}{SECRET}"
        expected = base64.urlsafe_b64encode(hashlib.sha1(text.encode()).digest())[:8].decode()
        if signature != f"s--{expected}--" or version != "v17":
            return Response("", 401, {"X-Cld-Error": "Invalid signature"})
        if self.fails:
            return Response("", 400, {"X-Cld-Error": self.fails})
        if self.pending:
            self.pending -= 1
            return Response("", 423, {"Retry-After": "0"})
        self.transformations.append(wanted)
        with Pillow.open(io.BytesIO(self.kept[file.removesuffix(".png")])) as opened:
            painted = Pillow.new("RGBA", opened.size, (0, 255, 0, 128))
        data = io.BytesIO()
        painted.save(data, "PNG")
        return Response(data.getvalue(), 200, content_type="image/png")


@pytest.fixture
def account(httpserver: HTTPServer) -> Account:
    return Account(httpserver)


def picture() -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))


def run(settings: Settings, step: Any = "remove_background") -> Any:
    return process(Work(picture(), Pipeline([step])), build_services(settings))


def test_uploads_fetches_and_deletes(account: Account) -> None:
    account.pending = 2
    settings = account.settings()
    result = run(settings)
    assert account.transformations == ["e_background_removal"]
    assert account.kept == {}, "the copy is gone"
    assert result.image.to_array()[5, 5].tolist() == [0, 255, 0, 128]
    step = result.report.steps[0]
    assert (step.provider, step.method, result.report.processing_mode) == ("cloudinary", "cloudinary", "cloud")
    found = list(Egress(settings).ledger.entries())
    assert [(entry.purpose, entry.status) for entry in found] == [
        ("cloud", 200),
        ("cloud", 423),
        ("cloud", 423),
        ("cloud", 200),
        ("cloud", 200),
    ]
    assert found[0].sent > step.changed["bytes_sent"]
    assert found[3].received == step.changed["bytes_received"]
    assert SECRET not in repr(settings)


def test_what_goes_out_has_no_metadata(account: Account) -> None:
    account.fails = "stop here"
    account.keeps = True
    run(account.settings())
    (data,) = account.kept.values()
    with Pillow.open(io.BytesIO(data)) as opened:
        assert dict(opened.getexif()) == {}
        assert set(opened.info) <= {"srgb", "gamma", "dpi", "icc_profile"}


def test_waits_where_it_comes_too_often(account: Account) -> None:
    account.statuses = [429, 420, 503]
    assert run(account.settings()).report.steps[0].provider == "cloudinary"


def test_a_wrong_secret_is_told_in_their_words(account: Account) -> None:
    only: dict[str, Any] = {"providers.chain": {"remove_background": ["cloudinary"]}}
    with pytest.raises(ProviderFailed, match="401: Invalid Signature"):
        run(account.settings(**{**only, "providers.cloudinary.api_secret": "another"}))


def test_an_error_of_the_transformation_is_told_and_the_copy_deleted(account: Account) -> None:
    account.fails = "Resource is invalid"
    report = run(account.settings()).report
    assert report.steps[0].provider == "local"
    assert "Resource is invalid" in report.steps[0].fallbacks[0].reason
    assert account.kept == {}


def test_slow_ones_are_given_up_and_the_copy_deleted(account: Account) -> None:
    account.pending = 10_000
    settings = account.settings(
        **{
            "providers.cloudinary.wait_seconds": 0.2,
            "providers.chain": {"remove_background": ["cloudinary"]},
        }
    )
    with pytest.raises(ProviderFailed, match="not done after"):
        run(settings)
    assert account.kept == {}


def test_a_copy_that_stays_is_told(account: Account) -> None:
    account.keeps = True
    report = run(account.settings()).report
    assert report.steps[0].provider == "cloudinary"
    assert any("could not be deleted" in warning for warning in report.all_warnings())


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"type": "remove_background"}, "e_background_removal"),
        ({"type": "remove_background", "only_mask": True}, None),
        ({"type": "upscale", "scale": 4}, "e_upscale"),
        ({"type": "upscale", "scale": 2}, None),
        ({"type": "smart_crop", "width": 30, "height": 20, "gravity": "face"}, "c_fill,g_face,h_20,w_30"),
        ({"type": "smart_crop", "aspect": "16:9"}, "ar_1.778,c_crop,g_auto"),
        ({"type": "smart_crop", "width": 30, "height": 20, "gravity": "0.5,0.3"}, None),
        ({"type": "enhance"}, "e_enhance"),
        ({"type": "restore_faces"}, "e_gen_restore"),
        ({"type": "resize", "width": 3}, None),
    ],
)
def test_transformations(step: dict[str, Any], expected: str | None) -> None:
    name = step.pop("type")
    assert transformation(build(name, step)) == expected


def test_a_real_account_keeps_the_contract() -> None:
    """For those who have an account: CLOUDINARY_URL=cloudinary://key:secret@name."""
    url = os.environ.get("CLOUDINARY_URL", "")
    if not url:
        pytest.skip(f"{NEVER_IN_CI}CLOUDINARY_URL names no account")
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    settings = Settings().with_changes(
        {
            "providers.local_first": False,
            "providers.consent": True,
            "providers.cloudinary.cloud_name": parts.hostname,
            "providers.cloudinary.api_key": parts.username,
            "providers.cloudinary.api_secret": parts.password,
        }
    )
    assert Cloudinary(settings).missing() is None
    result = run(settings, {"type": "smart_crop", "width": 20, "height": 20, "gravity": "auto"})
    assert result.report.steps[0].provider == "cloudinary"
    assert result.image.size == (20, 20)
    assert result.report.all_warnings() == []
