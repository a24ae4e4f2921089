"""How the tests of this folder run one operation: with real settings and services, and the receipt in hand."""

from __future__ import annotations

from typing import Any

from darkroom.image import Image
from darkroom.operation import Context, Models, Operation
from darkroom.report import StepReport
from darkroom.settings import Settings


def run(
    operation: Operation, image: Image, *, models: Models | None = None, settings: Settings | None = None, **more: Any
) -> tuple[Image, StepReport]:
    """Apply ``operation`` to ``image``; gives the result and its part of the report."""
    step = StepReport(operation=operation.name, parameters=operation.parameters())
    settings = settings or Settings()
    if models is None and operation.tasks:
        from darkroom.services import build_services

        models = build_services(settings).models
    context = Context(settings=settings, models=models, step=step, open_image=more.pop("open_image", None), **more)
    return operation.apply(image, context), step
