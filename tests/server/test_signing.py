"""Signed addresses: read back as they were written, changed in nothing, and formats by Accept. 5 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from darkroom.codecs.encoding import WRITTEN
from darkroom.database.connection import Database
from darkroom.errors import (
    ConfigurationError,
    InvalidParameters,
    NotAcceptable,
    SignatureInvalid,
    UnknownOperation,
    UnknownRecipe,
)
from darkroom.pipeline import Pipeline
from darkroom.server.signing import AUTO, Address, negotiate, path_of, read, url_keys
from darkroom.settings import Settings

KEY = "k" * 32
ID = "0123456789abcdef" * 2


def parts(path: str) -> tuple[str, str, str]:
    """Signature, operations and name as a route gives them: percent-decoded once, then split at slashes."""
    start, signature, operations, name = unquote(path).removeprefix("/").split("/")
    assert start == "i"
    return signature, operations, name


def back(path: str, keys: tuple[str, ...] = (KEY,), now: float = 0.0) -> Address:
    return read(*parts(path), keys, now)


def signed(operations: str, name: str = f"{ID}.webp") -> tuple[str, str, str]:
    """What another program would sign."""
    digest = hmac.new(KEY.encode(), f"{operations}/{name}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode(), operations, name


def said(address: Address) -> dict[str, Any]:
    """Everything an address says, to compare."""
    found: dict[str, Any] = {name: getattr(address, name) for name in Address.__slots__}
    return {**found, "operations": address.operations.to_json() if address.operations is not None else None}


EXAMPLE = Address(
    ID,
    Pipeline(["resize:width=300,height=200", "adjust:contrast=1.1"]),
    extension="webp",
    expires=1767225600,
    version=2,
    quality=80,
    download="mug, blue.jpg",
)


def test_an_address_as_people_read_it() -> None:
    path = path_of(EXAMPLE, [KEY])
    assert path.endswith(
        f"/resize:width=300,height=200;adjust:contrast=1.1~expires=1767225600~version=2~quality=80"
        f"~download=mug,%20blue.jpg/{ID}.webp"
    )
    assert len(path.split("/")[2]) == 32, "192 bits"
    assert said(back(path)) == said(EXAMPLE)


def test_other_programs_can_sign_as_the_page_says() -> None:
    assert read(*signed("-"), [KEY], 0) == Address(ID, extension="webp")
    assert said(read(*signed("~download=a.jpg".join(["-", ""])), [KEY], 0))["download"] == "a.jpg"
    assert path_of(Address(ID, extension="webp"), [KEY]) == f"/i/{signed('-')[0]}/-/{ID}.webp"


def test_a_recipe_stands_first() -> None:
    address = Address(ID, Pipeline(["rotate:angle=90"]), recipe="web-small", quality=70)
    found = back(path_of(address, [KEY]))
    assert (found.recipe, found.extension) == ("web-small", None)
    pipeline, encoding = found.work(Settings())
    assert [operation.name for operation in pipeline.operations] == ["resize", "rotate"]
    assert (encoding.format, encoding.quality) == ("webp", 70), "the address before the recipe"


def test_what_there_is_to_do() -> None:
    pipeline, encoding = EXAMPLE.work(Settings())
    assert pipeline.to_json() == EXAMPLE.operations.to_json()  # type: ignore[union-attr]
    assert (encoding.format, encoding.quality) == ("webp", 80)
    pipeline, encoding = Address(ID, extension=AUTO).work(Settings())
    assert (pipeline.operations, encoding.format) == ((), None)
    with pytest.raises(UnknownRecipe):
        Address(ID, recipe="no-such").work(Settings())


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
nasty = st.text(st.sampled_from(list(';~/%"\\,=:{[ ü-.?#&+')), min_size=1, max_size=12)
operations = st.one_of(
    st.builds(lambda text: {"type": "generate_background", "prompt": text}, texts | nasty),
    st.builds(lambda width: {"type": "resize", "width": width}, st.integers(1, 10_000)),
    st.builds(lambda angle: {"type": "rotate", "angle": angle}, st.sampled_from([90, 180, 12.5])),
    st.builds(lambda name: {"type": "replace_background", "background": "image", "image": name}, nasty),
)
extensions = st.one_of(st.none(), st.just(AUTO), st.sampled_from([*WRITTEN, "jpg"]))
addresses = st.builds(
    Address,
    image_id=st.uuids().map(lambda one: one.hex),
    operations=st.lists(operations, min_size=1, max_size=4).map(Pipeline) | st.none(),
    recipe=st.none() | st.sampled_from(["web-small", "a"]),
    extension=extensions,
    expires=st.none() | st.integers(1, 10**11),
    version=st.none() | st.integers(0, 1000),
    quality=st.none() | st.integers(1, 100),
    download=st.none() | st.from_regex(r"[^\x00-\x1f\x7f~/\\\ud800-\udfff]{1,200}", fullmatch=True),
)


@given(addresses)
@hypothesis_settings(deadline=None)
def test_every_address_is_read_back_as_it_was_written(address: Address) -> None:
    path = path_of(address, [KEY])
    assert path.isascii()
    assert not set(path) & set(' "\\?#{}<>|^`')
    assert said(back(path)) == said(address)


@given(addresses, st.data())
@hypothesis_settings(deadline=None)
def test_however_it_is_percent_encoded_it_is_the_same(address: Address, data: st.DataObject) -> None:
    path = path_of(address, [KEY])
    prefix, signature, written, name = "/i", *path.split("/")[2:]
    letters = unquote(written)
    chosen = data.draw(st.lists(st.booleans(), min_size=len(letters), max_size=len(letters)))
    free = "abcdefghijklmnopqrstuvwxyz0123456789-._"
    other = "".join(
        "".join(f"%{byte:02x}" for byte in letter.encode()) if hide or letter not in free else letter
        for letter, hide in zip(letters, chosen, strict=True)
    )
    assert said(back(f"{prefix}/{signature}/{other}/{quote(name)}")) == said(address)


@given(addresses, st.data())
@hypothesis_settings(deadline=None)
def test_whatever_is_changed_it_is_refused(address: Address, data: st.DataObject) -> None:
    given_parts = list(parts(path_of(address, [KEY])))
    which = data.draw(st.integers(0, 2))
    text = given_parts[which]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 2))
    changed = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
    given_parts[which] = changed
    if changed != text:
        with pytest.raises(SignatureInvalid):
            read(given_parts[0], given_parts[1], given_parts[2], [KEY], 0)


@given(st.text(), st.text(), st.text())
def test_whatever_comes_it_is_refused(signature: str, written: str, name: str) -> None:
    with pytest.raises(SignatureInvalid):
        read(signature, written, name, [KEY], 0)


@given(st.text(), st.text())
@hypothesis_settings(deadline=None)
def test_what_was_signed_but_says_nothing_is_an_error_of_its_own(written: str, name: str) -> None:
    with pytest.raises(InvalidParameters):
        read(*signed(written, name), [KEY], 0)


def test_parts_cannot_be_moved_from_one_to_the_other() -> None:
    signature, _, _ = signed("resize:width=1", f"{ID}.webp")
    with pytest.raises(SignatureInvalid):
        read(signature, "resize:width=1/x", f"{ID}.webp", [KEY], 0)


def test_forged_in_either_way_is_said_in_the_same_words() -> None:
    reasons = set()
    for signature in ("", "a" * 32, signed("rotate:angle=90")[0], "\ud800"):
        with pytest.raises(SignatureInvalid) as caught:
            read(signature, "-", f"{ID}.webp", [KEY], 0)
        reasons.add(str(caught.value))
    assert len(reasons) == 1


def test_it_is_good_until_its_time_is_over() -> None:
    path = path_of(Address(ID, expires=1000), [KEY])
    assert back(path, now=999.9).expires == 1000
    with pytest.raises(SignatureInvalid, match="time"):
        back(path, now=1000.0)


def test_a_forged_address_is_not_told_that_its_time_is_over() -> None:
    with pytest.raises(SignatureInvalid, match="not signed"):
        read("a" * 32, "-~expires=1", f"{ID}.webp", [KEY], 1000)


class TestKeys:
    def test_the_first_signs_and_all_are_accepted(self) -> None:
        old, new = "o" * 32, "n" * 32
        before, after = path_of(EXAMPLE, [old]), path_of(EXAMPLE, [new, old])
        assert before != after
        for path in (before, after):
            assert said(back(path, (new, old))) == said(EXAMPLE)
        with pytest.raises(SignatureInvalid):
            back(before, (new,))
        with pytest.raises(SignatureInvalid):
            back(before, ())

    def test_one_is_made_and_kept_where_the_settings_name_none(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path}/darkroom.sqlite3")
        database.migrate()
        (made,) = url_keys(Settings(), database)
        assert len(made) == 43
        assert url_keys(Settings(), database) == [made]
        named = Settings().with_changes({"server.url_keys": ["a" * 16, "b" * 16]})
        assert url_keys(named, database) == ["a" * 16, "b" * 16]

    def test_a_short_one_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="url_keys"):
            Settings().with_changes({"server.url_keys": ["short"]})


@pytest.mark.parametrize(
    ("written", "name", "field"),
    [
        ("-", ID[:-1], "name"),
        ("-", f"../{ID}", "name"),
        ("-", f"{ID}.svg", "extension"),
        ("-", f"{ID}.exe", "extension"),
        ("-~quality=0", ID, "quality"),
        ("-~quality=101", ID, "quality"),
        ("-~quality=٣", ID, "quality"),
        ("-~expires=-1", ID, "expires"),
        ("-~expires=1~expires=2", ID, "expires"),
        ("-~size=1", ID, "size"),
        ("-~", ID, ""),
        ("-~download=", ID, "download"),
        ("-~download=a/b", ID, "download"),
        ("-~download=a\r\nb", ID, "download"),
        ("resize:width=0", ID, "width"),
    ],
)
def test_what_is_signed_and_not_allowed_names_its_field(written: str, name: str, field: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        read(*signed(written, name), [KEY], 0)
    assert caught.value.field == field


def test_a_recipe_is_a_name_and_no_path() -> None:
    for name in ("/etc/recipe.yaml", "../x.yaml", "a/b"):
        with pytest.raises(InvalidParameters):
            path_of(Address(ID, recipe=name), [KEY])
    with pytest.raises(InvalidParameters):
        read(*signed("rotate:angle=90;recipe:web-small"), [KEY], 0)
    with pytest.raises(UnknownOperation):
        read(*signed("rotate:angle=90;recipe"), [KEY], 0)


def test_what_could_not_be_read_back_is_not_signed() -> None:
    for address in (
        Address("me"),
        Address(ID, extension="exe"),
        Address(ID, quality=0),
        Address(ID, expires=-5),
        Address(ID, download="a~b.jpg"),
        Address(ID, download="\ud800"),
        Address(ID, Pipeline([{"type": "generate_background", "prompt": "💡" * 2000}])),
    ):
        with pytest.raises(InvalidParameters):
            path_of(address, [KEY])


CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
OLD = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "formats"),
    [
        (None, ["jpeg", "png"]),
        ("", ["jpeg", "png"]),
        ("*/*", ["jpeg", "png"]),
        ("text/html", ["jpeg", "png"]),
        (CHROME, ["avif", "webp", "jpeg", "png"]),
        (SAFARI, ["avif", "webp", "jpeg", "png"]),
        (OLD, ["jpeg", "png"]),
        ("image/webp,*/*", ["webp", "jpeg", "png"]),
        ("IMAGE/WEBP ; Q=0.5 , image/avif;q=0.4", ["webp", "avif", "jpeg", "png"]),
        ("image/avif;q=0.2, image/jpeg", ["jpeg", "avif", "png"]),
        ("image/avif;q=0, image/webp", ["webp", "jpeg", "png"]),
        ("image/avif;q=0.000, image/webp;q=0.0", ["jpeg", "png"]),
        ("image/jpeg;q=0, */*", ["png"]),
        ("image/*;q=0, image/png", ["png"]),
        ("*/*;q=0, image/avif", ["avif"]),
        ('image/webp;title="a,b;q=0", image/avif;q=0', ["webp", "jpeg", "png"]),
        ("image/avif;q=much, image/webp", ["webp", "jpeg", "png"]),
        ("image/avif, image/avif;q=0", ["jpeg", "png"]),
    ],
)
def test_the_format_that_a_client_takes(accept: str | None, formats: list[str]) -> None:
    assert negotiate(accept, AUTO) == formats


def test_a_client_that_takes_nothing() -> None:
    with pytest.raises(NotAcceptable):
        negotiate("image/*;q=0", AUTO)


def test_a_format_that_is_named_is_not_negotiated() -> None:
    assert negotiate("image/avif", "jpg") == ["jpeg"]
    with pytest.raises(InvalidParameters):
        negotiate(None, "svg")


media = st.sampled_from(["image/avif", "image/webp", "image/jpeg", "image/png", "image/*", "*/*", "text/html"])
weights = st.none() | st.integers(0, 1000)


@given(st.lists(st.tuples(media, weights), max_size=8, unique_by=lambda one: one[0]))
def test_weights_decide(ranges: list[tuple[str, int | None]]) -> None:
    accept = ", ".join(name if weight is None else f"{name};q={weight / 1000:.3f}" for name, weight in ranges)
    said = {name: 1.0 if weight is None else weight / 1000 for name, weight in ranges}
    try:
        found = negotiate(accept, AUTO)
    except NotAcceptable:
        found = []
    assert len(found) == len(set(found))
    assert set(found) <= {"avif", "webp", "jpeg", "png"}
    for format in found:
        assert said.get(f"image/{format}", 1.0) > 0, "what has the weight 0 is left out"
        assert format in ("jpeg", "png") or f"image/{format}" in said, "AVIF and WebP only by name"
    if said.get("image/avif", 0) > said.get("image/webp", 0):
        assert found[0] in ("avif", "jpeg")
        assert "webp" not in found or found.index("avif") < found.index("webp")
    if not any(weight == 0 for weight in said.values()):
        assert found[-1] == "png"


@given(st.text(max_size=300))
def test_any_header_is_borne(accept: str) -> None:
    try:
        assert set(negotiate(accept, AUTO)) <= {"avif", "webp", "jpeg", "png"}
    except NotAcceptable:
        assert "0" in accept
