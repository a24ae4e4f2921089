"""The editing agent: what it understands, that it does it here first, and what it gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import darkroom
from darkroom.agent import PHRASES, understood
from darkroom.errors import InvalidParameters
from darkroom.settings import Settings

MUG = Path(__file__).resolve().parents[1] / "samples" / "mug.jpg"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("remove the background", "remove_background"),
        ("Cut out the product, please", "remove_background"),
        ("put it on a white background", "replace_background"),
        ("replace the background with a #e8e6e2 background", "replace_background:color=#e8e6e2"),
        ("place it on a marble desk", "generate_background:style=marble_desk"),
        ("put it in the garden", "generate_background:style=outdoor"),
        ("upscale 4x", "upscale:scale=4"),
        ("enlarge by 3 times", "upscale:scale=3"),
        ("enlarge", "upscale:scale=2"),
        ("crop to the face", "smart_crop:width=512,height=512,gravity=face"),
        ("crop to a square of 600 px", "smart_crop:width=600,height=600"),
        ("restore faces", "restore_faces"),
        ("remove the watermark", "remove_watermark"),
        ("fix jpeg artifacts", "fix_artifacts"),
        ("brighten the picture", "enhance:low_light=0.5"),
        ("enhance", "enhance"),
        ("resize to 600 x 400", "resize:width=600,height=400"),
        ("rotate by -90 degrees", "rotate:angle=-90"),
        ("make thumbnails", "sizes"),
    ],
)
def test_phrases(said: str, meant: str) -> None:
    assert understood(said).to_json() == darkroom.Pipeline([meant]).to_json()


def test_every_phrase_is_tried_here() -> None:
    examples = test_phrases.pytestmark[0].args[1]  # type: ignore[attr-defined]
    operations = {meant.split(":")[0] for _, meant in examples}
    assert {operation.split(":")[0] for _, operation in PHRASES} == operations


def test_several_in_one_text_and_mixed_forms() -> None:
    one = understood("remove the background, put it on a marble desk and then resize to 300x200")
    assert [operation.name for operation in one.operations] == ["remove_background", "generate_background", "resize"]
    forms: list[Any] = [
        "upscale:scale=2",
        {"type": "rotate", "angle": 90},
        darkroom.Pipeline(["crop:trim=true"]).operations[0],
    ]
    assert [operation.name for operation in understood(forms).operations] == ["upscale", "rotate", "crop"]


@pytest.mark.parametrize("said", ["make it pop", "", [], "remove the background and sing"])
def test_what_is_not_understood_is_said(said: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"not understood|asks for nothing"):
        understood(said)


def test_done_here_with_the_receipt() -> None:
    fractions: list[float] = []
    agent = darkroom.EditingAgent(Settings())
    request = darkroom.EditRequest(MUG, "cut out the product and resize to 60x50", darkroom.Encoding(format="png"))
    result = agent.process_media(request, on_progress=lambda fraction, _: fractions.append(fraction))
    assert result.processing_mode == "local"
    assert result.format == "png"
    assert result.bytes == len(result.data) == result.report.output.bytes  # type: ignore[union-attr]
    assert darkroom.open(result.data).size == (60, 50)
    assert darkroom.open(result.data).has_alpha
    assert fractions[-1] == 1.0
    again = agent.process_media(darkroom.EditRequest(MUG.read_bytes(), ["resize:width=50"], name="mug.jpg"))
    assert again.report.input is not None
    assert again.report.input.name == "mug.jpg"
