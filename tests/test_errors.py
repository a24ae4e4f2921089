"""Every error has a code, an HTTP status and an exit code of its own, and crosses a process boundary whole."""

from __future__ import annotations

import pickle
import re

import pytest

from darkroom import errors
from darkroom.errors import DarkroomError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DarkroomError)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_class_says_what_front_doors_need(kind: type[DarkroomError]) -> None:
    assert "code" in vars(kind), "a class needs a code of its own"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert 400 <= kind.http_status < 600
    assert 1 <= kind.exit_code <= 130


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_titles_are_sentences_for_people(kind: type[DarkroomError]) -> None:
    assert re.fullmatch(r"[A-Z][^`_\n]{10,110}\.", kind.title())


def test_no_two_have_one_title() -> None:
    assert len({kind.title() for kind in ALL}) == len(ALL)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ALL]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_survives_pickling_with_cure_and_field(kind: type[DarkroomError]) -> None:
    back = pickle.loads(pickle.dumps(kind("It broke.", cure="Mend it.", field="width")))
    assert type(back) is kind
    assert back.to_dict() == {"code": kind.code, "message": "It broke.", "cure": "Mend it.", "field": "width"}
    assert str(back) == "It broke. Mend it."


def test_tree_in_the_docstring_names_every_class() -> None:
    drawn = set(re.findall(r"[A-Z][A-Za-z]+(?:Error|[a-z]+)", (errors.__doc__ or "").split("::", 1)[1]))
    assert {kind.__name__ for kind in ALL} <= drawn
