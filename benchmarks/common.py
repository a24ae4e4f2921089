"""What the benchmarks share: networks of the official sizes, whole processes measured, tables, files and plots.

The weights are random, written here: speed and memory do not depend on what the numbers are. They are arranged so that
the result stays the picture (with some detail added) or a mask of what is bright, since Darkroom refuses any other.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PLOTS = ROOT / "docs" / "images" / "benchmarks"
State = dict[str, Any]


# Networks


def rrdbnet(blocks: int = 23, folds: int = 1, *, features: int = 64, growth: int = 32, seed: int = 0) -> State:
    """Real-ESRGAN's network, x4 for ``folds`` 1 and x2 for 2: the picture itself with a little detail added."""
    numbers = np.random.default_rng(seed)
    state: State = {}
    copies = min(8, features // 6)

    def add(name: str, out: int, seen: int, gain: float = 1.0) -> None:
        spread = gain / (6 * seen**0.5)
        state[f"{name}.weight"] = (spread * numbers.standard_normal((out, seen, 3, 3))).astype(np.float32)
        state[f"{name}.bias"] = np.zeros(out, np.float32)

    def carry(name: str, pairs: list[tuple[int, int, float]]) -> None:
        """Let the channels that carry colours through hold nothing else."""
        weight = state[f"{name}.weight"]
        weight[: 3 * copies] = 0
        for out, seen, gain in pairs:
            weight[out, seen, 1, 1] = gain

    add("conv_first", features, 3 * folds**2)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                out = features if conv == 5 else growth
                add(f"body.{block}.rdb{dense}.conv{conv}", out, features + (conv - 1) * growth)
        # A block gives back a fifth of what it was given on top of it; training undoes that, and so must we.
        last = state[f"body.{block}.rdb3.conv5.weight"]
        for channel in range(features):
            last[channel, channel, 1, 1] -= 5.0
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        add(name, features, features)
    add("conv_last", 3, features, 0.25)
    square = folds**2
    first = [(3 * c + o, o * square + k, 2.0 / square) for c in range(copies) for o in range(3) for k in range(square)]
    carry("conv_first", first)
    carry("conv_body", [])
    for name in ("conv_up1", "conv_up2", "conv_hr"):
        carry(name, [(channel, channel, 1.0) for channel in range(3 * copies)])
    last = state["conv_last.weight"]
    last[:, : 3 * copies] = 0
    for copy in range(copies):
        for channel in range(3):
            last[channel, 3 * copy + channel, 1, 1] = 1 / copies / 2.0
    return state


def srvgg(convolutions: int = 32, scale: int = 4, *, features: int = 64, seed: int = 0) -> State:
    """Real-ESRGAN's compact network: adds a little to the picture enlarged by repetition."""
    numbers = np.random.default_rng(seed)
    state: State = {}
    for index in range(convolutions + 2):
        seen = 3 if index == 0 else features
        out = 3 * scale**2 if index == convolutions + 1 else features
        gain = 0.05 if index == convolutions + 1 else 1.0
        weight = gain * numbers.standard_normal((out, seen, 3, 3)) / (3 * seen**0.5)
        state[f"body.{2 * index}.weight"] = weight.astype(np.float32)
        state[f"body.{2 * index}.bias"] = np.zeros(out, np.float32)
        if index <= convolutions:
            state[f"body.{2 * index + 1}.weight"] = np.full(features, 0.2, np.float32)
    return state


def u2net(side: int = 320, seed: int = 0) -> bytes:
    """U2-Net of the full size (44 million weights) as ONNX, ``1 x 3 x 320 x 320``: its mask is what is bright.

    Layers as in Qin et al., U2-Net (arXiv 2005.09007), the normalisation folded into the convolutions.
    """
    from darkroom.models import onnx_format
    from darkroom.models.architectures.graph import IR_VERSION, OPSET, Builder

    numbers = np.random.default_rng(seed)
    build = Builder("u2net")

    def convolve(value: str, seen: int, out: int, dilation: int = 1) -> str:
        weight = (numbers.standard_normal((out, seen, 3, 3)) * (2 / (9 * seen)) ** 0.5).astype(np.float32)
        made = build.node(
            "Conv",
            value,
            build.constant(weight),
            build.constant(np.zeros(out, np.float32)),
            kernel_shape=[3, 3],
            pads=[dilation] * 4,
            dilations=[dilation, dilation],
        )
        return build.node("Relu", made)

    def pool(value: str) -> str:
        return build.node("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)

    def grow(value: str, to: int) -> str:
        channels = build.node("Shape", value, start=0, end=2)
        whole = build.node("Concat", channels, build.constant(np.array([to, to], np.int64)), axis=0)
        return build.node("Resize", value, "", "", whole, mode="linear", coordinate_transformation_mode="half_pixel")

    def joined(*values: str) -> str:
        return build.node("Concat", *values, axis=1)

    def rsu(value: str, seen: int, middle: int, out: int, height: int, size: int) -> str:
        first = convolve(value, seen, out)
        levels, sizes = [convolve(first, out, middle)], [size]
        for _ in range(height - 2):
            sizes.append(-(-sizes[-1] // 2))
            levels.append(convolve(pool(levels[-1]), middle, middle))
        up = convolve(levels[-1], middle, middle, 2)
        for number in range(height - 2, -1, -1):
            if sizes[number] != (sizes[number + 1] if number < height - 2 else sizes[number]):
                up = grow(up, sizes[number])
            up = convolve(joined(up, levels[number]), 2 * middle, out if number == 0 else middle)
        return build.node("Add", up, first)

    def rsu4f(value: str, seen: int, middle: int, out: int) -> str:
        first = convolve(value, seen, out)
        one = convolve(first, out, middle)
        two = convolve(one, middle, middle, 2)
        three = convolve(two, middle, middle, 4)
        up = convolve(three, middle, middle, 8)
        up = convolve(joined(up, three), 2 * middle, middle, 4)
        up = convolve(joined(up, two), 2 * middle, middle, 2)
        return build.node("Add", convolve(joined(up, one), 2 * middle, out), first)

    sizes = [side]
    for _ in range(5):
        sizes.append(-(-sizes[-1] // 2))
    one = rsu("input", 3, 32, 64, 7, sizes[0])
    two = rsu(pool(one), 64, 32, 128, 6, sizes[1])
    three = rsu(pool(two), 128, 64, 256, 5, sizes[2])
    four = rsu(pool(three), 256, 128, 512, 4, sizes[3])
    five = rsu4f(pool(four), 512, 256, 512)
    six = rsu4f(pool(five), 512, 256, 512)
    five_up = rsu4f(joined(grow(six, sizes[4]), five), 1024, 256, 512)
    four_up = rsu(joined(grow(five_up, sizes[3]), four), 1024, 128, 256, 4, sizes[3])
    three_up = rsu(joined(grow(four_up, sizes[2]), three), 512, 64, 128, 5, sizes[2])
    two_up = rsu(joined(grow(three_up, sizes[1]), two), 256, 32, 64, 6, sizes[1])
    one_up = rsu(joined(grow(two_up, sizes[0]), one), 128, 16, 64, 7, sizes[0])
    sides = [(one_up, 64), (two_up, 64), (three_up, 128), (four_up, 256), (five_up, 512), (six, 512)]
    maps: list[str] = []
    for number, (value, seen) in enumerate(sides):
        weight = (numbers.standard_normal((1, seen, 3, 3)) * 1e-6).astype(np.float32)
        made = build.convolve(value, weight, None)
        maps.append(made if number == 0 else grow(made, side))
    mixed = build.convolve(joined(*maps), np.full((1, 6, 1, 1), 1 / 6, np.float32), None)
    # What is bright after the usual normalisation is the subject: the sum of the channels, smoothed.
    light = build.convolve("input", np.full((1, 3, 5, 5), 12 / 75, np.float32), np.array([-11], np.float32))
    result = build.node("Sigmoid", build.node("Add", light, mixed))
    shape = (1, 3, side, side)
    return onnx_format.model(
        "u2net",
        [*build.nodes, onnx_format.node("Identity", [result], "output", {})],
        build.initializers,
        ("input", shape),
        ("output", (1, 1, side, side)),
        opset=OPSET,
        ir_version=IR_VERSION,
    )


def multiplications(state: State, folds: int = 1) -> float:
    """Multiplications for each input pixel of an RRDBNet or SRVGGNetCompact: what its convolutions weigh, by size."""
    total = 0.0
    for name, tensor in state.items():
        if tensor.ndim == 4:
            larger = {"conv_up1": 4, "conv_up2": 16, "conv_hr": 16, "conv_last": 16}.get(name.partition(".")[0], 1)
            total += float(tensor.size) * larger
    return total / folds**2


# A Darkroom of their own


@dataclass
class House:
    """A folder with models, settings and cache, and the environment in which ``darkroom`` uses nothing else."""

    folder: Path
    entries: list[str] = field(default_factory=list[str])

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a process."""
        own = {
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "DARKROOM_MODELS__FOLDER": str(self.folder / "models"),
            "DARKROOM_ENGINE__DEVICE": "cpu",
            "U2NET_HOME": str(self.folder / "none"),
        }
        return {**os.environ, **own}

    def add(self, name: str, content: State | bytes, *, task: str, scale: int = 1) -> Path:
        """Put a network where the store finds it."""
        from safetensors.numpy import save_file

        (self.folder / "models").mkdir(parents=True, exist_ok=True)
        architecture = "onnx" if isinstance(content, bytes) else "srvgg" if "body.0.weight" in content else "rrdbnet"
        suffix = "onnx" if isinstance(content, bytes) else "safetensors"
        path = self.folder / "models" / f"{name}.{suffix}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save_file(content, path)
        lines = [
            "[[model]]",
            f'name = "{name}"',
            f'task = "{task}"',
            f'architecture = "{architecture}"',
            f"scale = {scale}",
            'licence = "none"',
            "[[model.files]]",
            f'name = "{path.name}"',
        ]
        if task == "matte":
            lines += ["[model.preprocessing]", "size = [320, 320]", 'scale = "max"', 'output = "minmax"']
        self.entries.append("\n".join(lines) + "\n")
        catalogue = self.folder / "config" / "darkroom" / "models.toml"
        catalogue.parent.mkdir(parents=True, exist_ok=True)
        catalogue.write_text("\n".join(self.entries))
        return path

    def darkroom(self, *arguments: str) -> Run:
        """Run the command line as a process of its own."""
        program = "import sys; from darkroom.cli.main import main; sys.exit(main())"
        return measured([sys.executable, "-c", program, *arguments], environment=self.environment)


@contextlib.contextmanager
def house() -> Generator[House]:
    """A house that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as name:
        yield House(Path(name))


# Measuring


@dataclass(frozen=True)
class Run:
    """A process that ended: seconds from start to end, peak memory in bytes of it and its children together."""

    seconds: float
    memory: int
    output: str


def measured(command: Sequence[str], *, environment: dict[str, str] | None = None, text: str | None = None) -> Run:
    """Run a process to its end; its memory, children included, is looked at fifty times a second."""
    import psutil

    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(process.pid)
            while not done.wait(0.02):
                total = 0
                for one in (root, *root.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        total += one.memory_info().rss
                peak = max(peak, total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate(text)
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:6]))} ended with {process.returncode}:\n{output}")
    return Run(seconds, peak, output)


def best(run: Callable[[], Run], times: int = 2) -> Run:
    """The quickest of several runs, with the largest memory of them."""
    runs = [run() for _ in range(times)]
    quickest = min(runs, key=lambda one: one.seconds)
    return Run(quickest.seconds, max(one.memory for one in runs), quickest.output)


def taken(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def side_by_side(works: dict[str, Callable[[], Any]], rounds: int = 3) -> dict[str, float]:
    """Least seconds of each of several ways to do the same, taken in turns so that noise meets them all."""
    for work in works.values():
        work()
    times = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(taken(work))
    return {name: min(found) for name, found in times.items()}


def picture(width: int, height: int, seed: int = 1) -> Any:
    """A soft random picture with a bright subject in its middle, ``height x width x 3`` uint8, RGB."""
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 110, (max(height // 20, 2), max(width // 20, 2), 3), np.uint8)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    centre, axes = (width // 2, height // 2), (width // 5, height // 3)
    cv2.ellipse(pixels, centre, axes, 15, 0, 360, (236, 224, 205), -1, cv2.LINE_AA)
    fine = np.random.default_rng(seed + 1).normal(0, 6, (height, width, 1)).astype(np.float32)
    return np.clip(pixels + fine, 0, 255).astype(np.uint8)


def write_picture(path: Path, width: int, height: int) -> Path:
    """The same as a file."""
    import cv2

    cv2.imwrite(str(path), cv2.cvtColor(picture(width, height), cv2.COLOR_RGB2BGR))
    return path


def psnr(one: Any, other: Any) -> float:
    """Decibels between two pictures, 0.0 to 1.0."""
    error = np.mean((np.clip(one, 0, 1).astype(np.float64) - np.clip(other, 0, 1)) ** 2)
    return float(10 * np.log10(1 / max(error, 1e-12)))


# Telling


def destination(usual: Path) -> Path:
    """Where results go: those of a trial (``--quick``) beside none that count."""
    folder = Path(tempfile.gettempdir()) / "darkroom-quick" if "--quick" in sys.argv else usual
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine() -> str:
    """This machine in a few words."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = " ".join(line.partition(":")[2].split())
                break
    features = ""
    with contextlib.suppress(OSError):
        if "amx_bf16" in Path("/proc/cpuinfo").read_text():
            features = " with AMX"
    return f"{name}{features}, {len(os.sched_getaffinity(0))} cores"


def tell(name: str, rows: list[dict[str, Any]], command: str, **more: Any) -> None:
    """Print the rows as a table and write them where the documentation finds them."""
    columns = list(rows[0])
    cells = [[str(column) for column in columns], *[[str(row.get(column, "")) for column in columns] for row in rows]]
    widths = [max(len(line[number]) for line in cells) for number in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    content = {"columns": columns, "rows": rows, "machine": machine(), "command": command, **more}
    (destination(RESULTS) / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def plot(name: str, title: str, width: float = 8.0, height: float = 4.0) -> Generator[Any]:
    """Axes to draw on; saved as SVG that is readable on light and dark pages."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "darkroom", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(width, height), facecolor="white")
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    yield axes
    figure.tight_layout()
    figure.savefig(destination(PLOTS) / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def bars(name: str, title: str, values: dict[str, float], unit: str, *, ours: str = "Darkroom") -> None:
    """Horizontal bars, ours in another colour."""
    with plot(name, title, height=1.2 + 0.38 * len(values)) as axes:
        labels = list(values)
        colours = ["#c2410c" if label.startswith(ours) else "#94a3b8" for label in labels]
        drawn = axes.barh(labels, list(values.values()), color=colours)
        axes.bar_label(drawn, fmt=lambda value: f"{value:.3g} {unit}", padding=4, fontsize=9)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.margins(x=0.15)
