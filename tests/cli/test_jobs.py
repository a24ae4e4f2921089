"""How many pictures are worked on at a time where nobody says it."""

from __future__ import annotations

import os

import pytest

from darkroom.cli.process import usual_jobs
from darkroom.pipeline import Pipeline

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("operation", "memory", "cores", "wanted"),
    [
        ("resize:width=100", 16 * GB, 8, 4),
        ("resize:width=100", 1 * GB, 2, 2),
        ("upscale", 16 * GB, 8, 2),
        ("upscale", 16 * GB, 1, 1),
        ("upscale", 2 * GB, 8, 1),
        ("upscale", GB // 2, 8, 1),
    ],
)
def test_by_work_memory_and_cores(
    operation: str, memory: int, cores: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert usual_jobs(Pipeline([operation]), memory) == wanted
