"""``darkroom worker``: what it refuses. What it does is in tests/jobs/test_celery.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_a_queue_that_is_none(darkroom: Run) -> None:
    code, _, said = darkroom("worker", "--queue", "fast")
    assert code == 64
    assert "light, heavy" in said


def test_what_it_may_not_contact(darkroom: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_OFFLINE", "true")
    monkeypatch.setenv("DARKROOM_JOBS__BROKER_URL", "redis://192.168.7.7")
    code, _, said = darkroom("worker")
    assert code == 69
    assert "192.168.7.7 was not contacted (broker)" in said
    monkeypatch.setenv("DARKROOM_DATABASE__URL", "postgresql+psycopg://me:word@192.168.7.8/jobs")
    code, _, said = darkroom("worker")
    assert code == 69
    assert "192.168.7.8 was not contacted (database)" in said
    assert "word" not in said
