"""What is OpenVINO's alone: where its threads may run."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import NEVER_IN_CI
from tests.engines.conftest import blur_network

from darkroom.engines.engine import Graph, Plan
from darkroom.engines.openvino import OpenVino


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason=f"{NEVER_IN_CI}it takes Linux and two cores to see where threads run",
)
def test_a_network_with_some_threads_is_bound_to_no_core(tmp_path: Path) -> None:
    """Else workers with a thread each would all compute on the first core. Compiled first, then from the cache."""
    engine, file, everywhere = OpenVino(), blur_network(tmp_path / "blur.onnx"), os.sched_getaffinity(0)
    device = next(device for device in engine.devices() if device.kind == "cpu")
    graph = Graph("blur", "0" * 64, "onnx", file.read_bytes)
    batch = np.zeros((1, 3, 512, 512), np.float32)
    for _ in range(2):
        compiled = engine.compile(graph, Plan(device, "fp32", tmp_path / "cache", 1, (1, 3, 512, 512)))
        seen: set[frozenset[int]] = set()
        caller, done = threading.get_native_id(), threading.Event()

        def look(seen: set[frozenset[int]] = seen, caller: int = caller, done: threading.Event = done) -> None:
            while not done.is_set():
                seen.add(frozenset(os.sched_getaffinity(caller)))

        watcher = threading.Thread(target=look)
        watcher.start()
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            compiled.run(batch)
        done.set()
        watcher.join()
        assert seen == {frozenset(everywhere)}
