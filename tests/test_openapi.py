"""The committed OpenAPI document, from which clients are made, is the application's. A second."""

from __future__ import annotations

from pathlib import Path

from scripts import openapi

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def test_the_document_matches_the_application() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.text(), (
        "run scripts/openapi.py > docs/openapi.json, then npm run generate -w clients/typescript"
    )


def test_the_codes_of_errors_are_in_it() -> None:
    codes = openapi.document()["x-error-codes"]
    assert codes == sorted(set(codes))
    assert {"image_not_found", "too_many_requests", "cancelled"} <= set(codes)
