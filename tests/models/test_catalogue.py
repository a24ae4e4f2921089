"""The catalogue: complete, honest about digests and licences, and strict about what users add."""

from __future__ import annotations

import re

import pytest

from darkroom.errors import ConfigurationError
from darkroom.models.catalogue import ModelEntry, builtin_entries, parse_catalogue, user_entries, user_file

ENTRIES = builtin_entries()
GOOD = '[[model]]\nname = "mine"\ntask = "matte"\nlicence = "MIT"\n[[model.files]]\nname = "mine.onnx"\n'


def test_holds_what_people_know_by_name() -> None:
    names = {entry.name for entry in ENTRIES}
    assert {"u2net", "u2netp", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime"} <= names
    assert {"birefnet-general", "birefnet-general-lite", "birefnet-portrait"} <= names
    assert {"realesrgan-x2plus", "realesrgan-x4plus", "realesrgan-x4plus-anime-6b"} <= names
    assert {"realesr-animevideov3", "realesr-general-x4v3", "realesr-general-wdn-x4v3", "yunet"} <= names


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry: ModelEntry) -> None:
    assert entry.summary.endswith(".")
    assert entry.source.startswith("https://")
    assert entry.licence
    for file in entry.files:
        assert file.url is not None
        assert re.match(r"https://[a-z.]+/", file.url)
        if file.sha256 or file.md5:
            assert file.digest_source, "a digest says who says so"


def test_no_name_or_file_is_there_twice() -> None:
    names = [name.lower() for entry in ENTRIES for name in {entry.name, *entry.aliases}]
    files = [file.name for entry in ENTRIES for file in entry.files]
    assert len(names) == len(set(names))
    assert len(files) == len(set(files))


class TestUserFile:
    def write(self, text: str | bytes) -> None:
        user_file().parent.mkdir(parents=True, exist_ok=True)
        user_file().write_bytes(text.encode() if isinstance(text, str) else text)

    def test_none_is_fine(self) -> None:
        assert user_entries() == ()

    def test_entries_are_read(self) -> None:
        self.write(GOOD)
        assert [entry.name for entry in user_entries()] == ["mine"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[[model]\n", "not TOML"),
            (b"\xff\xfe", "not UTF-8"),
            (GOOD.replace("matte", "magic"), "task"),
            (GOOD.replace("licence", "license"), "license: is not a known name"),
            (GOOD.replace('"mine"', '"u2net"'), "already a model"),
            (GOOD.replace("mine.onnx", "u2net.onnx"), "already a model"),
            (GOOD + GOOD, "already a model"),
            (GOOD.replace("mine.onnx", "../../mine.onnx"), "files.0.name"),
            (GOOD + 'sha256 = "abc"\n', "sha256"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str | bytes, said: str) -> None:
        self.write(text)
        with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
            user_entries()
        assert "models.toml" in str(caught.value)


def test_parsing_names_the_file() -> None:
    with pytest.raises(ConfigurationError, match=r"here\.toml"):
        parse_catalogue("model = 3", "here.toml")
