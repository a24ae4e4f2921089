"""Defaults < file < environment < flags, and errors that name the leaf."""

from __future__ import annotations

from pathlib import Path

import pytest

from darkroom.errors import ConfigurationError
from darkroom.settings import Settings, load_settings


def test_defaults_are_private() -> None:
    settings = load_settings()
    assert settings.output.metadata == "private"
    assert settings.models.auto_download is False


def test_file_then_environment_then_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "darkroom.toml"
    file.write_text('strict = true\n[engine]\ndevice = "cpu"\nthreads = 3\n[limits]\nframes = 7\n')
    monkeypatch.setenv("DARKROOM_CONFIG", str(file))
    monkeypatch.setenv("DARKROOM_ENGINE__THREADS", "5")
    settings = load_settings({"limits.frames": 9, "engine.device": None})
    assert settings.strict is True, "from the file"
    assert settings.engine.device == "cpu", "from the file; a flag that was not given does not count"
    assert settings.engine.threads == 5, "the environment wins over the file"
    assert settings.limits.frames == 9, "a flag wins over the file"


def test_yaml_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "darkroom.yaml").write_text("output:\n  quality: 77\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().output.quality == 77


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[engine]\ndevice = "tpu"\n', "engine.device"),
        ("[engine]\nthread = 1\n", "engine.thread"),
        ("[limits]\npixels = -1\n", "limits.pixels"),
        ("stict = true\n", "stict"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_leaf(
    text: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "darkroom.toml"
    file.write_text(text)
    monkeypatch.setenv("DARKROOM_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match=named):
        load_settings()


def test_a_file_that_is_not_toml_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "darkroom.toml"
    file.write_text("this is not toml")
    monkeypatch.setenv("DARKROOM_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match=r"darkroom\.toml"):
        load_settings()


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load_settings()


def test_changes_by_dotted_path() -> None:
    changed = Settings().with_changes({"engine.require": "gpu", "strict": True, "offline": None})
    assert (changed.engine.require, changed.strict, changed.offline) == ("gpu", True, False)
    with pytest.raises(ConfigurationError, match=r"output\.quality"):
        Settings().with_changes({"output.quality": 500})
    with pytest.raises(ConfigurationError, match=r"engine\.nothing"):
        Settings().with_changes({"engine.nothing": 1})
