"""The benchmarks run, and what they measure with is what they say it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import common  # noqa: E402

from darkroom.models import onnx_format  # noqa: E402
from darkroom.models.architectures.translate import translate  # noqa: E402
from darkroom.vision.checks import mask_fault, picture_fault  # noqa: E402
from tests.conftest import NEVER_IN_CI  # noqa: E402


def run(data: bytes, batch: Any, folder: Path) -> Any:
    from darkroom.engines.engine import Graph, Plan
    from darkroom.engines.openvino import OpenVino

    engine = OpenVino()
    device = next(device for device in engine.devices() if device.kind == "cpu")
    return engine.compile(Graph("net", "net" * 8, "onnx", lambda: data), Plan(device, "fp32", folder)).run(batch)


@pytest.mark.parametrize(("folds", "scale"), [(1, 4), (2, 2)])
def test_random_networks_show_the_picture(folds: int, scale: int, tmp_path: Path) -> None:
    found = translate(common.rrdbnet(2, folds), "net")
    assert (found.traits.scale, found.traits.multiple) == (scale, folds)
    batch = np.ascontiguousarray(common.picture(64, 48).transpose(2, 0, 1)[None], np.float32) / 255
    result = run(found.onnx, batch, tmp_path)
    assert picture_fault(batch, result) is None
    assert np.std(result - batch.repeat(scale, 2).repeat(scale, 3)) > 0.01


def test_the_official_sizes_are_the_official_ones() -> None:
    assert sum(tensor.size for tensor in common.rrdbnet().values()) == 16_697_987
    assert sum(tensor.size for tensor in common.srvgg(32).values()) == 1_213_296


def test_u2net_is_as_large_as_the_real_one_and_finds_what_is_bright(tmp_path: Path) -> None:
    data = common.u2net()
    assert 170e6 < len(data) < 180e6
    assert onnx_format.summarise(data).shape == (1, 3, 320, 320)
    pixels = common.picture(320, 320)
    batch = (pixels.astype(np.float32) / 255 - 0.45) / 0.225
    mask = run(data, np.ascontiguousarray(batch.transpose(2, 0, 1)[None]), tmp_path)[0, 0]
    assert mask_fault(mask) is None
    assert mask[160, 160] > 0.9
    assert mask[5, 5] < 0.1


def test_operations_are_counted_from_the_weights() -> None:
    """One convolution of 3 to 4 channels: 108 multiplications for each pixel."""
    assert common.multiplications({"body.0.weight": np.zeros((4, 3, 3, 3))}) == 108
    assert common.multiplications({"conv_hr.weight": np.zeros((4, 3, 3, 3))}, folds=2) == 108 * 4


SCRIPTS = {
    "networks": ("networks", "profile"),
    "whole": ("whole",),
    "codecs": ("codecs",),
    "growth": ("growth",),
    "throughput": ("throughput",),
    "cut_out": ("cut_out",),
    "artifacts": ("artifacts",),
    "inpainting": ("inpainting",),
    "watermark": ("watermark", "watermark_finding"),
    "scenes": ("scenes",),
    "matting": ("matting",),
    "service": ("service", "service_sizing", "service_lanes", "service_memory"),
}
"""Those that need nothing but this machine, with the tables that they write."""


def tried(script: str, tables: tuple[str, ...], folder: Path, *arguments: str) -> None:
    """A trial ends well and writes tables that the documentation can show, and touches none of those that count."""
    before = {path: path.read_bytes() for path in common.RESULTS.iterdir()}
    command = [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), "--quick", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: path.read_bytes() for path in common.RESULTS.iterdir()} == before
    for table in tables:
        result = json.loads((folder / "darkroom-quick" / f"{table}.json").read_text())
        assert list(result["rows"][0]) == result["columns"]
        assert all(set(row) <= set(result["columns"]) for row in result["rows"])
        assert all(value >= 0 for row in result["rows"] for value in row.values() if isinstance(value, int | float))
        assert f"benchmarks/{script}.py" in result["command"]
        assert "cores" in result["machine"]
        assert all(column in done.stdout for column in result["columns"])
    for drawn in (folder / "darkroom-quick").glob("*.svg"):
        assert ElementTree.parse(drawn).getroot().tag.endswith("svg")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_run(script: str, tmp_path: Path) -> None:
    tried(script, SCRIPTS[script], tmp_path)


def test_faces_runs(shared: Path, tmp_path: Path) -> None:
    tried("faces", ("faces",), tmp_path, "--data", str(shared))


def test_fidelity_runs(shared: Path, tmp_path: Path) -> None:
    weights = ("--weights", str(shared / "models" / "upscale"))
    tried("fidelity", ("fidelity",), tmp_path, "--pairs", str(shared / "images" / "sr_hr"), *weights)


def test_rembg_runs(tmp_path: Path) -> None:
    python = os.environ.get("REMBG_PYTHON")
    if python is None:
        pytest.skip(f"{NEVER_IN_CI}REMBG_PYTHON names no environment with rembg, which is none of ours")
    tried("rembg", ("rembg",), tmp_path, "--rembg", python)


def test_the_service_against_thumbor_runs(tmp_path: Path) -> None:
    python = os.environ.get("THUMBOR_PYTHON")
    if python is None:
        pytest.skip(f"{NEVER_IN_CI}THUMBOR_PYTHON names no environment with thumbor, which is none of ours")
    tried("service", ("thumbor",), tmp_path, "--only", "thumbor", "--thumbor", python)


def test_every_script_is_tried() -> None:
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"common"}
    assert scripts == {*SCRIPTS, "faces", "fidelity", "rembg"}
