"""What a picture takes is foreseen: what would not fit is refused with the numbers, what fits stays below them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from darkroom.canvas import IN_MEMORY
from darkroom.errors import LimitExceeded
from darkroom.image import Image
from darkroom.operation import Extent
from darkroom.operations.upscale import Upscale
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import build_services
from darkroom.settings import Settings, machine_memory

PROGRAM = """
import json, sys
import cv2
import numpy as np
from darkroom.image import Image
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import build_services

operation, side, bands = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pixels = np.full((side, side, bands), (235, 232, 230, 0)[:bands], np.uint8)
cv2.circle(pixels, (side // 2, side // 2), side // 3, (200, 60, 40, 255)[:bands], -1)
image = Image.from_array(pixels)
del pixels
written = json.loads(operation) if operation.startswith("{") else operation
report = process(Request(image, Pipeline([written])), build_services()).report
print(json.dumps([report.memory_estimate, report.peak_memory]))
"""


@pytest.mark.parametrize(
    ("operation", "side", "bands"),
    [
        ("upscale:scale=2,method=builtin", 2400, 3),
        ("upscale:scale=4,method=builtin", 1400, 4),
        ("remove_background:method=grabcut", 2400, 3),
        ("replace_background:color=white,method=grabcut", 2400, 3),
        ("smart_crop:width=400,height=400", 4000, 3),
        ("rotate:angle=17", 3000, 4),
        ("resize:width=5000", 2000, 3),
        ("adjust:brightness=0.2", 3000, 3),
        ("generate_background:style=marble_desk,perspective=angle", 1500, 4),
        ("generate_background:style=studio,method=grabcut", 1800, 3),
        ("enhance:scale=2,method=builtin", 1200, 3),
        ("fix_artifacts", 1800, 3),
        ('{"type": "inpaint", "boxes": [[200, 200, 300, 300]]}', 1500, 3),
    ],
)
def test_the_estimate_holds(operation: str, side: int, bands: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, operation, str(side), str(bands)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    estimate, peak = json.loads(done.stdout)
    assert peak <= estimate
    assert estimate <= 6 * peak


def test_what_does_not_fit_is_refused_before_it_starts(settings: Settings) -> None:
    tight = settings.with_changes({"limits.memory": 400_000_000})
    image = Image.from_array(np.zeros((3000, 3000, 3), np.uint8))
    with pytest.raises(LimitExceeded, match=r"remove_background.* on 3000 x 3000 pixels needs up to \d+ MB.* is 400"):
        process(Request(image, Pipeline(["remove_background"])), build_services(tight))
    assert process(Request(image, Pipeline(["resize:width=300"])), build_services(tight)).image.width == 300


def test_the_worst_step_counts(settings: Settings) -> None:
    services = build_services(settings)
    picture = Extent(1000, 1000)
    light = Pipeline(["resize:width=100"]).memory(picture, services.models)
    heavy = Pipeline(["resize:width=4000,enlarge=true", "remove_background"]).memory(picture, services.models)
    assert light < Pipeline(["remove_background"]).memory(picture, services.models) < heavy


def test_enlarged_pictures_do_not_count_whole(settings: Settings) -> None:
    """A result that is beyond what is kept in memory leaves by strips."""
    models = build_services(settings).models
    narrow, long = Extent(500, 2000), Extent(500, 20_000)
    operation = Upscale(scale=4, method="builtin")
    more = operation.working_memory(long, models) - operation.working_memory(narrow, models)
    assert operation.result(long).bytes - operation.result(narrow).bytes > 4 * IN_MEMORY
    assert more < 2 * IN_MEMORY


def test_a_container_is_a_machine(tmp_path: Path) -> None:
    assert 10**8 < machine_memory() < 10**14
    assert Settings().limits.most_memory() == machine_memory() * 3 // 4
