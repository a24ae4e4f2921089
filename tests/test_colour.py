"""Colours as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.colour import at_depth, parse_colour


@pytest.mark.parametrize(
    ("text", "rgba"),
    [
        ("white", (255, 255, 255, 255)),
        (" Rebeccapurple ", (102, 51, 153, 255)),
        ("#0f8", (0, 255, 136, 255)),
        ("#0f88", (0, 255, 136, 136)),
        ("#102030", (16, 32, 48, 255)),
        ("#10203040", (16, 32, 48, 64)),
        ("rgb(1, 2, 3)", (1, 2, 3, 255)),
        ("rgb(300, -4, 0)", (255, 0, 0, 255)),
        ("rgba(0, 0, 0, 0.5)", (0, 0, 0, 128)),
        ("rgb(10% 20% 100% / 40%)", (26, 51, 255, 102)),
        ("transparent", (0, 0, 0, 0)),
    ],
)
def test_reads_what_css_writes(text: str, rgba: tuple[int, ...]) -> None:
    assert parse_colour(text) == rgba


@given(st.text(max_size=12))
def test_anything_else_is_a_value_error_that_says_what_is_allowed(text: str) -> None:
    try:
        found = parse_colour(text)
    except ValueError as error:
        assert "CSS name" in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert all(0 <= value <= 255 for value in found)


def test_depth() -> None:
    assert at_depth((255, 0, 51, 255), 65535) == [65535, 0, 13107, 65535]
