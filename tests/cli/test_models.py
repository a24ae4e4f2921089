"""``darkroom models``: the whole life of a model from the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from darkroom.cli.main import run
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import write_user_entries
from tests.models.serving import Mirror


def test_list_says_what_is_here_and_under_what_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert listed["u2net"]["here"] is False
    assert listed["realesrgan-x4plus"]["licence"] == "BSD-3-Clause"
    assert run(["models", "list", "--task", "face_detection"]) == 0
    shown = capsys.readouterr().out
    assert "yunet" in shown
    assert "u2net" not in shown


def test_pull_verify_and_rm(capsys: pytest.CaptureFixture[str]) -> None:
    data = b"a network" * 1000
    with Mirror().serving() as mirror:
        mirror.files["net.onnx"] = data
        file = ModelFile(name="net.onnx", url=f"{mirror.url}/net.onnx")
        write_user_entries([ModelEntry(name="net", task="matte", files=(file,), licence="MIT")])
        assert run(["models", "pull", "net"]) == 0
    out = capsys.readouterr().out
    assert hashlib.sha256(data).hexdigest() in out
    assert "pinned" in out
    path = Path(next(line for line in out.splitlines() if line.startswith("net:")).removeprefix("net: "))
    assert run(["models", "verify"]) == 0
    path.write_bytes(b"tampered")
    assert run(["models", "verify", "net"]) == 1
    assert "changed" in capsys.readouterr().out
    assert run(["models", "rm", "net"]) == 0
    assert not path.exists()


def test_add_export_and_import(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, bundle = shared / "models/upscale/realesr-animevideov3.pth", tmp_path / "models.tar"
    assert run(["models", "add", str(file), "--name", "mine", "--task", "upscale", "--licence", "BSD-3-Clause"]) == 0
    assert run(["models", "export", "mine", "-o", str(bundle)]) == 0
    assert run(["models", "rm", "mine"]) == 0
    assert run(["models", "import", str(bundle)]) == 0
    assert run(["models", "verify", "mine"]) == 0
    assert "as it should be" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["pull", "u2nett"], 64, "Did you mean u2net"),
        (["pull", "u2net", "--offline"], 69, "offline"),
        (["rm", "u2net"], 69, "not in the store"),
        (["import", "nothing.tar"], 66, "no file"),
        (["add", "none.pth", "--name", "a", "--task", "upscale", "--licence", "MIT"], 66, "no file"),
    ],
)
def test_errors_are_a_line_and_a_code(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", *words]) == code
    assert said in capsys.readouterr().err
