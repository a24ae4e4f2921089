"""The receipt: JSON there and back, and one list of all that a person should know."""

from __future__ import annotations

from darkroom.report import Fallback, PictureReport, Report, StepReport, peak_memory


def test_survives_json() -> None:
    report = Report(
        input=PictureReport(name="a.jpg", format="jpeg", width=4, height=3),
        steps=[StepReport(operation="upscale", parameters={"scale": 2}, seconds=1.5)],
        output=PictureReport(format="png", width=8, height=6, bits=16, alpha=True),
    )
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_every_warning_and_fallback_in_order() -> None:
    step = StepReport(operation="upscale", warnings=["Slow."])
    step.fallbacks.append(Fallback(wanted="gpu", used="cpu", reason="there is none"))
    report = Report(warnings=["The profile was broken."], steps=[step])
    assert report.all_warnings() == [
        "The profile was broken.",
        "upscale: Slow.",
        "upscale: wanted gpu, used cpu: there is none",
    ]


def test_peak_memory_is_in_bytes() -> None:
    before = peak_memory()
    assert before is not None
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"\1" * len(ballast[::4096])
    after = peak_memory()
    assert after is not None
    assert after >= max(before, 300_000_000)
