"""How many workers a batch has, and that they are worth keeping."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import picture
from tests.engines.conftest import blur_network

from darkroom.image import Encoding
from darkroom.jobs.share import share
from darkroom.jobs.worker import WorkerPool
from darkroom.models.adding import add_model
from darkroom.models.store import Store
from darkroom.pipeline import Pipeline
from darkroom.processing import Request
from darkroom.settings import Settings

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("cores", "pictures", "network", "memory", "wanted"),
    [
        (8, 100, False, 16 * GB, 4),
        (2, 100, False, 16 * GB, 2),
        (8, 100, False, GB, 2),
        (8, 3, False, 16 * GB, 3),
        (8, 100, True, 16 * GB, 2),
        (1, 100, True, 16 * GB, 1),
        (8, 1, True, 16 * GB, 1),
        (8, 100, True, 2 * GB, 1),
        (8, 100, True, GB // 2, 1),
        (8, 0, True, 16 * GB, 1),
        (8, None, True, 16 * GB, 2),
    ],
)
def test_by_cores_pictures_work_and_memory(
    cores: int, pictures: int | None, network: bool, memory: int, wanted: int
) -> None:
    assert share(cores, pictures, network=network, memory=memory) == wanted


def test_what_is_asked_for_goes_before_all_but_the_number_of_pictures() -> None:
    assert share(2, 100, network=True, memory=GB, asked=6) == 6
    assert share(2, 3, network=True, memory=GB, asked=6) == 3


def test_a_worker_keeps_its_network_for_the_next_picture(settings: Settings, tmp_path: Path) -> None:
    """With its compiled form gone from the disk, loading it again would put it back there."""
    file = blur_network(tmp_path / "blur.onnx")
    add_model(Store.from_settings(settings), file, name="blur", task="upscale", licence="MIT", scale=2)
    request = Request(picture(), Pipeline(["upscale:model=blur,method=model"]), Encoding(format="png"), name="a.png")

    def compiled() -> list[Path]:
        return list(settings.engine.cache.rglob("*.blob"))

    with WorkerPool(settings) as pool:
        pool.submit(request).result(60)
        assert compiled()
        for path in compiled():
            path.unlink()
        pool.submit(request).result(60)
        assert compiled() == []
    with WorkerPool(settings) as pool:
        pool.submit(request).result(60)
        assert compiled(), "a new worker loads it: the test above can fail"
