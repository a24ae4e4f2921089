"""Darkroom, the private media studio: cut out, enlarge and crop pictures on your own machine.

::

    import darkroom

    result = darkroom.process("shoe.jpg", ["remove_background", "resize:width=1080"], output="shoe.png")
    print(result.report.steps[0].method)
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkroom import errors as errors
    from darkroom.agent import EditingAgent as EditingAgent
    from darkroom.agent import EditRequest as EditRequest
    from darkroom.agent import EditResult as EditResult
    from darkroom.errors import DarkroomError as DarkroomError
    from darkroom.image import Animation as Animation
    from darkroom.image import Encoding as Encoding
    from darkroom.image import Image as Image
    from darkroom.library import open as open
    from darkroom.library import process as process
    from darkroom.library import process_async as process_async
    from darkroom.library import save as save
    from darkroom.operation import Operation as Operation
    from darkroom.pipeline import Pipeline as Pipeline
    from darkroom.report import Report as Report
    from darkroom.settings import Settings as Settings

_PUBLIC = {
    "Animation": "darkroom.image",
    "DarkroomError": "darkroom.errors",
    "EditRequest": "darkroom.agent",
    "EditResult": "darkroom.agent",
    "EditingAgent": "darkroom.agent",
    "Encoding": "darkroom.image",
    "Image": "darkroom.image",
    "Operation": "darkroom.operation",
    "Pipeline": "darkroom.pipeline",
    "Report": "darkroom.report",
    "Settings": "darkroom.settings",
    "open": "darkroom.library",
    "process": "darkroom.library",
    "process_async": "darkroom.library",
    "save": "darkroom.library",
}


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that ``import darkroom`` costs nothing."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _operations():
        return getattr(importlib.import_module(f"darkroom.operations.{_operations()[name]}"), name)
    if name in ("errors", "operations"):
        return importlib.import_module(f"darkroom.{name}")
    if name == "__version__":
        return importlib.import_module("darkroom.version").version()
    raise AttributeError(f"module 'darkroom' has no attribute {name!r}")


def _operations() -> dict[str, str]:
    """Every operation's class by the module that it is in: a file in ``operations/`` is enough to be public."""
    folder = os.path.join(os.path.dirname(__file__), "operations")
    names = [name[:-3] for name in os.listdir(folder) if name.endswith(".py") and not name.startswith("_")]
    return {name.title().replace("_", ""): name for name in names}


def __dir__() -> list[str]:
    return sorted([*_PUBLIC, *_operations(), "errors", "operations", "__version__"])
