"""Settings on the page: what may be changed, what is locked and why, and that changes outlive a restart. A second."""

from __future__ import annotations

import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import ConfigurationError, InvalidParameters, OutputError
from darkroom.server.settings_view import CHANGEABLE, changing, read
from darkroom.settings import Settings, changed_file, load_settings

CLOUDINARY = {
    "providers.cloudinary.cloud_name": "shop",
    "providers.cloudinary.api_key": "key",
    "providers.cloudinary.api_secret": "secret",
}


def with_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, value in CLOUDINARY.items():
        monkeypatch.setenv(f"DARKROOM_{path.upper().replace('.', '__')}", value)


def store(changes: dict[str, Any]) -> Settings:
    with changing(changes) as after:
        return after


class TestRead:
    def test_everything_that_a_page_needs(self) -> None:
        shown = read(Settings().with_changes({"engine.device": "cpu"}))
        assert tuple(shown) == CHANGEABLE
        assert all(setting.description.endswith(".") for setting in shown.values())
        device = shown["engine.device"]
        assert (device.value, device.default, device.lock) == ("cpu", "auto", None)
        assert device.schema == {"type": "string", "enum": ["auto", "cpu", "gpu"]}
        assert shown["offline"].schema == {"type": "boolean"}

    def test_what_the_environment_sets_is_locked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DARKROOM_ENGINE__DEVICE", "cpu")
        monkeypatch.setenv("darkroom_offline", "true")
        monkeypatch.setenv("DARKROOM_OUTPUT", '{"metadata": "none"}')
        shown = read(load_settings())
        locked = {path: setting.lock.reason for path, setting in shown.items() if setting.lock is not None}
        assert set(locked) == {"engine.device", "offline", "output.metadata", "providers.cloud_fallback"}
        assert "DARKROOM_ENGINE__DEVICE" in locked["engine.device"]
        assert "DARKROOM_OUTPUT " in locked["output.metadata"]

    def test_no_fallback_to_the_cloud_without_a_key_or_without_this_machine(self) -> None:
        def locked(**changes: Any) -> str:
            settings = Settings().with_changes({name.replace("__", "."): value for name, value in changes.items()})
            lock = read(settings)["providers.cloud_fallback"].lock
            return " ".join(lock) if lock is not None else ""

        keys = {path.replace(".", "__"): value for path, value in CLOUDINARY.items()}
        assert "no_cloud_key No key" in locked()
        assert "not_local_first This" in locked(**keys, providers__local_first=False)
        assert locked(**keys) == ""
        assert locked(providers__cloud_fallback=True) == "", "it can always be turned off"

    def test_no_secret_is_shown(self) -> None:
        assert "secret" not in str(read(Settings().with_changes(CLOUDINARY)).values())


class TestStore:
    def test_outlives_a_restart(self) -> None:
        after = store({"engine.device": "cpu", "offline": True})
        assert (after.engine.device, after.offline) == ("cpu", True)
        assert load_settings() == after
        assert tomllib.loads(changed_file().read_text()) == {"engine": {"device": "cpu"}, "offline": True}
        store({"strict": True})
        assert load_settings().engine.device == "cpu", "earlier changes stay"

    def test_counts_before_the_file_and_after_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "darkroom.toml"
        written = '# my own\nstrict = true\n[engine]\ndevice = "cpu"\nthreads = 3\n'
        file.write_text(written)
        monkeypatch.setenv("DARKROOM_CONFIG", str(file))
        after = store({"engine.device": "gpu"})
        assert (after.engine.device, after.engine.threads, after.strict) == ("gpu", 3, True)
        assert file.read_text() == written, "the file that a person wrote stays as it is"
        monkeypatch.setenv("DARKROOM_ENGINE__DEVICE", "auto")
        assert load_settings().engine.device == "auto"

    def test_a_change_can_be_taken_back(self) -> None:
        store({"engine.device": "cpu", "engine.quality": "best", "offline": True})
        assert store({"engine.device": None, "offline": None}).engine.device == "auto"
        assert tomllib.loads(changed_file().read_text()) == {"engine": {"quality": "best"}}
        store({"engine.quality": None, "strict": None})
        assert tomllib.loads(changed_file().read_text()) == {}

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("engine.device", "tpu"),
            ("engine.device", 1),
            ("offline", "yes"),
            ("offline", 1),
            ("server.port", 1),
            ("providers.cloudinary.api_key", "mine"),
            ("nothing", True),
            ("output", {"metadata": "keep"}),
        ],
    )
    def test_what_is_not_allowed_names_the_field_and_changes_nothing(self, path: str, value: Any) -> None:
        with pytest.raises(InvalidParameters) as caught:
            store({"strict": True, path: value})
        assert caught.value.field == path
        assert not load_settings().strict

    def test_what_is_locked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DARKROOM_STRICT", "false")
        with pytest.raises(InvalidParameters, match="DARKROOM_STRICT"):
            store({"strict": True})

    def test_a_fallback_to_the_cloud_needs_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(InvalidParameters, match="No key"):
            store({"providers.cloud_fallback": True})
        with_account(monkeypatch)
        store({"providers.local_first": False})
        with pytest.raises(InvalidParameters, match="local_first"):
            store({"providers.cloud_fallback": True})
        assert store({"providers.local_first": True, "providers.cloud_fallback": True}).providers.cloud_fallback
        assert not store({"providers.local_first": False, "providers.cloud_fallback": False}).providers.cloud_fallback

    def test_two_at_once_lose_nothing(self) -> None:
        changes: list[dict[str, Any]] = [
            {"strict": True}, {"offline": True}, {"engine.device": "cpu"}, {"engine.quality": "best"},
            {"output.metadata": "none"}, {"models.auto_download": True},
        ]  # fmt: skip
        threads = [threading.Thread(target=store, args=(change,)) for change in changes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = read(load_settings())
        assert all(shown[path].value == value for change in changes for path, value in change.items())

    def test_a_file_that_cannot_be_written(self) -> None:
        changed_file().parent.parent.mkdir(parents=True)
        changed_file().parent.write_text("no folder")
        with pytest.raises(OutputError, match=r"changed\.toml"):
            store({"strict": True})

    def test_a_file_that_somebody_broke_is_named(self) -> None:
        changed_file().parent.mkdir(parents=True)
        changed_file().write_text("this is not toml")
        with pytest.raises(ConfigurationError, match=r"changed\.toml"):
            load_settings()
        with pytest.raises(ConfigurationError, match=r"changed\.toml"):
            store({"strict": True})
