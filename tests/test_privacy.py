"""Nothing leaves this machine unless it was asked for: the proof, by the kernel's counters and by Python's own events.

Every operation and the other commands are run once, by real command lines, on a photograph full of private metadata, in
a home folder of their own, and what became of that is looked at from all sides: packets, sockets, files, metadata. What
does leave, because it was asked for, is held against the ledger.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PIL.ExifTags import IFD
from PIL.PngImagePlugin import PngInfo
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

import darkroom
from darkroom.cli.main import run as run_command
from darkroom.codecs.encoding import WRITTEN
from darkroom.egress import Egress
from darkroom.errors import DownloadInterrupted
from darkroom.image import Image
from darkroom.ledger import Entry
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import write_user_entries
from darkroom.operation import registry
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import build_services
from darkroom.settings import Settings
from tests.conftest import NEVER_IN_CI
from tests.engines.conftest import blur_network
from tests.models.serving import Mirror
from tests.providers.test_cloudinary import Account
from tests.providers.test_openai_images import scene

ROOT = Path(__file__).resolve().parents[1]

OPTIONS: dict[str, list[str]] = {
    "adjust": ["--brightness", "0.1"],
    "convert": ["--format", "webp"],
    "crop": ["--left", "10", "--width", "200"],
    "enhance": [],
    "extract_faces": [],
    "fix_artifacts": [],
    "generate_background": ["--style", "outdoor", "--prompt", "by the sea"],
    "inpaint": ["--boxes", "[[10,10,30,20]]"],
    "remove_background": [],
    "remove_watermark": ["--box", "[10,10,60,20]", "--show-mask"],
    "replace_background": ["--background", "gradient"],
    "resize": ["--width", "100"],
    "restore_faces": [],
    "rotate": ["--angle", "90"],
    "sizes": ["--sizes", '["small=64","medium=128"]'],
    "smart_crop": ["--width", "128", "--height", "128", "--gravity", "face"],
    "upscale": ["--scale", "2"],
}
"""Every operation, with what its command needs."""

ACCOUNT = [
    "--set", "providers.cloudinary.cloud_name=shop",
    "--set", "providers.cloudinary.api_key=key",
    "--set", "providers.cloudinary.api_secret=secret",
    "--set", "providers.openai_images.api_key=key",
]  # fmt: skip
"""Accounts with cloud services: to have them agrees to nothing."""

COMMANDS: dict[str, list[str]] = {
    "recipe": ["process", "camera.jpg", "-o", "out/recipe/", "--recipe", "web-small"],
    "faces": ["faces", "camera.jpg", "-o", "out/faces"],
    "models list": ["models", "list"],
    "models verify": ["models", "verify"],
    "operations": ["operations"],
    "recipes": ["recipes"],
    "egress": ["egress"],
    "keys create": ["keys", "create", "shop", "--scope", "read"],
    "keys list": ["keys", "list"],
    "clean": ["clean"],
    "a drawing with lures": ["resize", "lure.svg", "-o", "out/lure/", "--width", "50"],
    "add a model": ["models", "add", "blur.onnx", "--name", "blur", "--task", "upscale", "--licence", "MIT",
                    "--scale", "2"],
    "a network": ["upscale", "camera.jpg", "-o", "out/network/", "--model", "blur"],
    "accounts": ["remove_background", "camera.jpg", "-o", "out/accounts/", *ACCOUNT],
    "cloud first": ["remove_background", "camera.jpg", "-o", "out/cloud-first/", *ACCOUNT,
                    "--set", "providers.local_first=false"],
    "offline": ["generate_background", "camera.jpg", "-o", "out/offline/", *ACCOUNT, "--style", "outdoor", "--offline",
                "--set", "providers.local_first=false", "--set", "providers.consent=true"],
}  # fmt: skip
"""The other commands, and cloud services that are set up but not agreed to, or not to be reached by order."""

FAILING: dict[str, list[str]] = {
    "a model that is not here": ["remove_background", "camera.jpg", "-o", "out/none/", "--method", "model"],
    "videos that are lures": ["faces", "lures", "-o", "out/none"],
}
"""What fails rather than fetches."""

ELSEWHERE = "http://203.0.113.7"
DRAWING = f"""<?xml version="1.0"?>
<!DOCTYPE svg SYSTEM "{ELSEWHERE}/more.dtd">
<?xml-stylesheet href="{ELSEWHERE}/style.css"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">
<style>@import url({ELSEWHERE}/style.css); @font-face {{ font-family: x; src: url({ELSEWHERE}/font.ttf) }}</style>
<image xlink:href="{ELSEWHERE}/pixel.png" width="64" height="64"/><use href="{ELSEWHERE}/other.svg#x"/>
<rect width="64" height="32" fill="url({ELSEWHERE}/other.svg#y)"/><text font-family="x" y="50">hello</text>
</svg>"""
"""A drawing that tells its makers when it is opened, wherever that works."""

VIDEOS = {
    "playlist.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{ELSEWHERE}/a.ts\n#EXT-X-ENDLIST\n",
    "list.mkv": f"ffconcat version 1.0\nfile {ELSEWHERE}/a.mp4\n",
    "session.mp4": "v=0\no=- 0 0 IN IP4 203.0.113.7\ns=x\nc=IN IP4 203.0.113.7\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}
"""Files that a video library takes for lists of what to fetch."""


# --- a photograph that knows too much --------------------------------------------------------------------------------

MARK = b"PRIVATE-4711"
"""Stands in everything that must not come out: serial numbers, maker note, thumbnail, comment, XMP, IPTC."""
SECRET_TAGS = {
    0x010F: "maker", 0x927C: "maker note", 0xA430: "owner", 0xA431: "body serial number",
    0xA435: "lens serial number", 0xA420: "unique number", 0x9003: "time",
}  # fmt: skip


def exif_block() -> bytes:
    """EXIF with everything a camera writes, rights that may stay, and a thumbnail in a second directory."""
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x8298] = MARK.decode(), "Ana", "(c) Ana"
    inner = exif.get_ifd(IFD.Exif)
    for tag in SECRET_TAGS:
        if tag != 0x010F:
            inner[tag] = MARK if tag == 0x927C else MARK.decode()
    place = exif.get_ifd(IFD.GPSInfo)
    place[1], place[2], place[3], place[4] = "N", (48.0, 12.0, 30.0), "E", (16.0, 22.0, 23.0)
    block = bytearray(exif.tobytes().removeprefix(b"Exif\0\0"))
    (first,) = struct.unpack_from(">I", block, 4)
    (count,) = struct.unpack_from(">H", block, first)
    struct.pack_into(">I", block, first + 2 + 12 * count, len(block))
    small = io.BytesIO()
    PIL.Image.new("RGB", (16, 16), "red").save(small, "JPEG", comment=MARK)
    thumbnail = small.getvalue()
    block += struct.pack(">HHHIIHHII", 2, 0x201, 4, 1, len(block) + 30, 0x202, 4, 1, len(thumbnail))
    return b"Exif\0\0" + bytes(block + bytes(4) + thumbnail)


def camera_file(kind: str = "JPEG", size: tuple[int, int] = (512, 600)) -> bytes:
    """A portrait as a camera, and a person with an editor, would have left it."""
    with PIL.Image.open(ROOT / "samples" / "portrait.jpg") as opened:
        picture = opened.convert("RGB").resize(size)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>48,12N</exif:GPSLatitude>' + MARK + b"</x:xmpmeta>"
    place = b"".join(b"\x1c\x02" + bytes([field, 0, len(MARK)]) + MARK for field in (90, 92, 95, 101))
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(place)) + place + b"\0" * (len(place) % 2)
    more: dict[str, Any] = {
        "JPEG": {
            "xmp": xmp,
            "comment": MARK,
            "extra": b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop,
            "quality": 90,
        },
        "PNG": {"pnginfo": _texts(xmp)},
        "WEBP": {"xmp": xmp},
        "AVIF": {"xmp": xmp},
        "TIFF": {},
    }[kind]
    stream = io.BytesIO()
    picture.save(stream, kind, exif=exif_block(), **more)
    return stream.getvalue() + (MARK if kind == "JPEG" else b"")


def _texts(xmp: bytes) -> PngInfo:
    texts = PngInfo()
    texts.add_text("Comment", MARK.decode())
    texts.add_text("Location", MARK.decode(), zip=True)
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
    return texts


def secrets_in(data: bytes) -> list[str]:
    """What a file says that is nobody's business."""
    found = ["the mark"] if MARK in data else []
    if data.lstrip().startswith(b"<"):
        inside = re.search(rb"base64,([^\"']+)", data)
        return found + (secrets_in(base64.b64decode(inside[1])) if inside else [])
    with PIL.Image.open(io.BytesIO(data)) as opened:
        opened.load()
        exif, info = opened.getexif(), opened.info
    found += ["GPS"] if exif.get_ifd(IFD.GPSInfo) else []
    found += ["thumbnail"] if exif.get_ifd(IFD.IFD1) else []
    found += [name for tag, name in SECRET_TAGS.items() if tag in exif or tag in exif.get_ifd(IFD.Exif)]
    found += [name for name, value in info.items() if name == "photoshop" or MARK in repr(value).encode()]
    return found


# --- watching --------------------------------------------------------------------------------------------------------

NAMESPACE = """
set -e
ip link set lo up
ip address add 192.0.2.1/24 dev lo
ip route add local default dev lo
ip -6 route add local default dev lo || true
"$@" || code=$?
sleep 0.5
cat /proc/net/snmp /proc/net/snmp6 > "$COUNTERS"
exit ${code:-0}
"""
"""A network of its own for a command: a name server and every address of the world are this very machine.

Nothing can get out, whatever tries is refused at once, and the kernel counts it, in all the processes there are.
"""

HOOK = """
import os, sys

def write(line):
    file = os.open(os.environ["EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (line + "\\n").encode())
    os.close(file)

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        if arguments[0].family != 1:
            write(f"{event} {arguments[1:]!r}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        write(f"{event} {arguments!r}")

write(f"process {os.getpid()}")
sys.addaudithook(watch)
"""
"""Python imports this in every process before anything else: it writes down whatever has to do with the network."""

DRIVER = """
import json, subprocess, sys
from darkroom.cli.main import run
work = json.load(sys.stdin)
codes = {name: run(line) for name, line in work["here"].items()}
for name, line in work["apart"].items():
    codes[name] = subprocess.run([sys.executable, "-c", "from darkroom.cli.main import main; main()", *line]).returncode
with open(sys.argv[1], "w") as file:
    json.dump(codes, file)
"""
"""Runs command lines, some in its own process and some in ones of their own; their workers are processes anyway."""


@dataclass(frozen=True)
class Watched:
    """What was seen of a command: packets by the kernel (None where it has no own network), events, processes."""

    code: int
    said: str
    packets: dict[str, int] | None
    events: list[str]
    processes: int
    home: Path

    def left(self) -> list[str]:
        """The files in its home and its folder for temporary ones."""
        return sorted(path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())


@cache
def own_network() -> str | None:
    """Why a command cannot be given a network of its own; None where it can."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "there is no unshare or ip"
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", NAMESPACE, "sh", "true"],
        env={"PATH": os.environ["PATH"], "COUNTERS": os.devnull}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if tried.returncode == 0 else tried.stderr.strip()


def watched(command: list[str], folder: Path, *, given: str = "", here: Path | None = None) -> Watched:
    """Run a command with a home of its own and nothing in its environment that would keep a library quiet."""
    home, hook = folder / "home", folder / "hook"
    for made in (home / "tmp", hook):
        made.mkdir(parents=True)
    (hook / "sitecustomize.py").write_text(HOOK)
    counters, events = folder / "counters", folder / "events"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(hook), str(Path(darkroom.__file__).parents[1])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "COUNTERS": str(counters),
        "EVENTS": str(events),
    }
    alone = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", NAMESPACE, "sh"]
    isolated = own_network() is None
    done = subprocess.run(
        [*alone, *command] if isolated else command,
        input=given, env=environment, cwd=here or folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    lines = events.read_text().splitlines() if events.exists() else []
    return Watched(
        code=done.returncode,
        said=done.stdout + done.stderr,
        packets=_counted(counters.read_text()) if isolated else None,
        events=[line for line in lines if not line.startswith("process ")],
        processes=sum(line.startswith("process ") for line in lines),
        home=home,
    )


def _counted(text: str) -> dict[str, int]:
    """The counters of everything that goes out."""
    lines = [line.split() for line in text.splitlines()]
    tables = [line for line in lines if line[0].endswith(":")]
    values = {
        f"{names[0]}{name}": int(value)
        for names, numbers in zip(tables[::2], tables[1::2], strict=True)
        for name, value in zip(names[1:], numbers[1:], strict=True)
    }
    values |= {name: int(value) for name, value in (line for line in lines if len(line) == 2)}
    return {
        "TCP connections": values["Tcp:ActiveOpens"],
        "UDP packets": values["Udp:OutDatagrams"] + values.get("Udp6OutDatagrams", 0),
        "ways not found": values["Ip:OutNoRoutes"] + values.get("Ip6OutNoRoutes", 0),
    }


NOTHING = {"TCP connections": 0, "UDP packets": 0, "ways not found": 0}


def packets_of(seen: Watched) -> dict[str, int]:
    """What the kernel counted; the test is skipped where it could not be asked."""
    if seen.packets is None:
        pytest.skip(f"{NEVER_IN_CI}this machine allows no network namespaces ({own_network()})")
    return seen.packets


# --- everything, once ------------------------------------------------------------------------------------------------


WRITING = [*OPTIONS, "recipe", "faces", "lure", "network", "accounts", "cloud-first", "offline", "folder"]
"""The folders of results."""


@dataclass(frozen=True)
class Session:
    """Everything that was run, with its exit codes, and where it worked."""

    seen: Watched
    codes: dict[str, int]
    folder: Path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Every operation and every other command, carried out."""
    folder = tmp_path_factory.mktemp("session")
    here = folder / "here"
    (here / "photos").mkdir(parents=True)
    (here / "camera.jpg").write_bytes(camera_file())
    for number in range(4):
        (here / "photos" / f"{number}.jpg").write_bytes(camera_file(size=(160, 188)))
    (here / "lures").mkdir()
    (here / "lure.svg").write_text(DRAWING)
    for name, text in VIDEOS.items():
        (here / "lures" / name).write_text(text)
    blur_network(here / "blur.onnx")
    own = {name: [name, "camera.jpg", "-o", f"out/{name}/", *OPTIONS[name]] for name in OPTIONS}
    apart = {
        "doctor": ["doctor"],
        "a folder": ["process", "photos", "-o", "out/folder", "--jobs", "2", "resize:scale=0.5", "rotate:angle=90"],
    }
    work = {"here": own | COMMANDS | FAILING, "apart": apart}
    codes = folder / "codes.json"
    seen = watched([sys.executable, "-c", DRIVER, str(codes)], folder, given=json.dumps(work), here=here)
    assert seen.code == 0, seen.said
    return Session(seen, json.loads(codes.read_text()), here)


def test_every_operation_was_run_and_did_its_work(session: Session) -> None:
    assert set(OPTIONS) == set(registry()), "a new operation has to be proven private here"
    # Without torchvision spandrel does not load, and the doctor says that something is broken.
    failed = {name for name, code in session.codes.items() if code and name != "doctor"}
    assert failed == set(FAILING), session.seen.said
    made = session.folder / "out"
    for name in WRITING:
        assert pictures_in(made / name), name
    beside = {path.name for name in ("extract_faces", "sizes", "faces") for path in (made / name).iterdir()}
    assert {"camera.face-1.jpg", "camera.small.jpg", "person-01-1.png", "contact-sheet.jpg"} <= beside
    assert session.seen.processes > len(OPTIONS), "the workers were watched too"


def pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".json", ".jsonl"))


def test_not_one_packet_was_sent(session: Session) -> None:
    assert packets_of(session.seen) == NOTHING


def test_no_name_was_looked_up_and_no_socket_connected(session: Session) -> None:
    assert session.seen.events == []


def test_nothing_is_left_but_darkrooms_own_files(session: Session) -> None:
    """No library keeps an identity or reports to be sent later."""
    kept = {"/".join(path.split("/")[:3]) for path in session.seen.left()}
    assert kept <= {".cache/darkroom/compiled", ".local/share/darkroom", ".config/darkroom/models.toml"}
    assert not any("egress" in path for path in session.seen.left()), "no connection, no ledger"


ATTEMPTS = {
    "TCP": "socket.socket().connect(('ADDRESS', 9))",
    "TCP by IPv6": "socket.socket(socket.AF_INET6).connect(('::1', 9))",
    "UDP": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'hello', ('ADDRESS', 9))",
    "a name": "socket.getaddrinfo('NAME', 443)",
}


@pytest.mark.parametrize("what", ATTEMPTS)
def test_whoever_tries_is_seen(what: str, tmp_path: Path) -> None:
    """The proofs above can fail: an attempt by a child of the watched process is an event, and the kernel counts it."""
    address, name = ("203.0.113.7", "example.org") if own_network() is None else ("127.0.0.1", "localhost")
    attempt = f"import socket; {ATTEMPTS[what]}".replace("ADDRESS", address).replace("NAME", name)
    by_child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {attempt!r}])"
    seen = watched([sys.executable, "-c", by_child], tmp_path)
    assert len(seen.events) == 1
    assert seen.processes == 2
    if seen.packets is not None:
        assert sum(seen.packets.values()) > 0


SERVING = r"""
import http.client, json, os, re, subprocess, sys, time
python, portrait, told = sys.argv[1:]

def begun(command, sign, **more):
    log = open(f"{command}.log", "w+")
    process = subprocess.Popen([python, "-m", "darkroom", command], env=os.environ | more, stdout=log, stderr=log)
    until = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < until:
        found = re.search(sign, open(log.name).read())
        if found:
            return process, found
        time.sleep(0.05)
    sys.exit(open(log.name).read())

service, found = begun("serve", r"http://127\.0\.0\.1:([0-9]+)/", DARKROOM_SERVER__PORT="0", DARKROOM_JOBS__LIGHT="0")
worker, _ = begun("worker", "ready for")
client = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=100)
client.connect()

def ask(method, path, body=None, kind="application/json"):
    client.request(method, path, body, {"Content-Type": kind} if body else {})
    answer = client.getresponse()
    said = answer.read()
    assert answer.status < 300, (method, path, answer.status, said[:300])
    return json.loads(said) if "json" in answer.headers["content-type"] else said

part = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="a.jpg"\r\n\r\n%b\r\n'
form = part % (b"file", open(portrait, "rb").read()) + b"--x--\r\n"
picture = ask("POST", "/api/v1/images/upload", form, "multipart/form-data; boundary=x")["images"][0]["id"]
work = {"operations": ["resize:width=100", "adjust:contrast=1.1"], "output": {"format": "webp"}}
job = ask("POST", f"/api/v1/images/{picture}/process", json.dumps(work))["id"]
while (state := ask("GET", f"/api/v1/jobs/{job}")["state"]) not in ("completed", "failed"):
    time.sleep(0.1)
assert state == "completed", state
work = {"image_id": picture, "operations": ["remove_background", "smart_crop:width=64,height=64"]}
ask("POST", "/api/v1/images/process/sync", json.dumps(work))
for rest in ("", "/info?faces=true", "/download", "/thumbnail"):
    ask("GET", f"/api/v1/images/{picture}{rest}")
for path in ("/", "/docs", "/ready", "/metrics", "/api/v1/models", "/api/v1/settings", "/api/v1/egress"):
    ask("GET", path)
client.close()
for process in (worker, service):
    process.terminate()
    process.wait(30)
json.dump(state, open(told, "w"))
"""
"""A service and a worker, and a client of theirs that connects once; it is not watched itself, being run apart."""


def test_the_service_and_its_worker_contact_nobody(tmp_path: Path) -> None:
    (tmp_path / "camera.jpg").write_bytes(camera_file())
    told = tmp_path / "told.json"
    command = [sys.executable, "-I", "-c", SERVING, sys.executable, str(tmp_path / "camera.jpg"), str(told)]
    seen = watched(command, tmp_path)
    assert told.is_file(), seen.said
    assert seen.events == []
    assert seen.processes >= 4, "the service, the worker, and a process of each were watched"
    kept = {"/".join(path.split("/")[:3]) for path in seen.left()}
    assert kept <= {".cache/darkroom/compiled", ".local/share/darkroom"}
    assert not any("egress" in path for path in seen.left()), "no connection, no ledger"
    assert packets_of(seen) == {**NOTHING, "TCP connections": 1}, "that of the client"


def test_there_is_one_door() -> None:
    """Nobody but the egress module speaks HTTP.

    The others look names up for it, talk to worker processes, and set an option of connections that came in.
    """
    source = ROOT / "src" / "darkroom"
    network = re.compile(
        r"^\s*(import|from) (socket|ssl|http(?! import HTTPStatus)|httpx2?|requests|aiohttp"
        r"|urllib3|urllib\.request|ftplib|smtplib)\b",
        re.M,
    )
    found = {path.relative_to(source).as_posix() for path in source.rglob("*.py") if network.search(path.read_text())}
    assert found == {"egress.py", "addresses.py", "jobs/worker.py", "server/connections.py"}


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_an_inference_engine_reports_to_nobody(engine: str, tmp_path: Path) -> None:
    """Both libraries would, at their import or with their first session; where CI is set one of them keeps quiet."""
    (tmp_path / "camera.jpg").write_bytes(camera_file(size=(64, 75)))
    blur_network(tmp_path / "blur.onnx")
    work = {
        "add": ["models", "add", "blur.onnx", "--name", "blur", "--task", "upscale", "--licence", "MIT", "--scale",
                "2"],
        "run": ["upscale", "camera.jpg", "-o", "large.png", "--model", "blur", "--set", f"engine.engine={engine}",
                "--set", "engine.device=cpu", "--json"],
    }  # fmt: skip
    seen = watched(
        [sys.executable, "-c", DRIVER, str(tmp_path / "codes")], tmp_path, given=json.dumps({"here": work, "apart": {}})
    )
    assert json.loads((tmp_path / "codes").read_text()) == {"add": 0, "run": 0}, seen.said
    assert f'"engine":"{engine}"' in seen.said.replace(" ", "")
    assert seen.events == []
    kept = {"/".join(path.split("/")[:3]) for path in seen.left()}
    assert kept <= {".cache/darkroom/compiled", ".local/share/darkroom", ".config/darkroom/models.toml"}
    assert packets_of(seen) == NOTHING


# --- metadata --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITING)
def test_what_an_operation_writes_says_nothing_of_place_camera_or_person(name: str, session: Session) -> None:
    for path in pictures_in(session.folder / "out" / name):
        assert secrets_in(path.read_bytes()) == [], path.name
    for path in (session.folder / "out" / name).rglob("*.json*"):
        assert MARK not in path.read_bytes(), path.name


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("format", [*WRITTEN, "svg"])
def test_no_format_carries_it_into_another(source: str, format: str) -> None:
    embed = ",embed=true" if format == "svg" else ""
    result = darkroom.process(camera_file(source, (64, 75)), [f"convert:format={format}{embed}"])
    assert secrets_in(result.data) == []


def test_these_eyes_would_see_it() -> None:
    """What is asked to keep its metadata keeps it, all but the thumbnail."""
    data = camera_file(size=(64, 75))
    whole = {"the mark", "GPS", "thumbnail", *SECRET_TAGS.values(), "photoshop"}
    assert whole <= set(secrets_in(data))
    kept = darkroom.process(data, ["convert:metadata=keep"]).data
    assert whole - {"thumbnail", "photoshop"} <= set(secrets_in(kept))
    assert "thumbnail" not in secrets_in(kept)
    for source in ("PNG", "WEBP", "AVIF"):
        assert {"the mark", "GPS"} <= set(secrets_in(camera_file(source, (64, 75))))
    private = darkroom.process(data, ["resize:scale=0.5"]).data
    with PIL.Image.open(io.BytesIO(private)) as opened:
        assert dict(opened.getexif()) == {0x013B: "Ana", 0x8298: "(c) Ana"}, "who made it may be known"


# --- what does leave, because it was asked for -----------------------------------------------------------------------


class Counting(HTTPServer):
    """A server that notes how long each body was that it got, and that it sent."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        self.bodies: list[tuple[int, int]] = []

    def dispatch(self, request: Asked) -> Response:
        got = len(request.get_data(cache=True))
        response = super().dispatch(request)
        self.bodies.append((got, len(response.get_data())))
        return response


@pytest.fixture
def server() -> Iterator[Counting]:
    with Counting() as server:
        yield server


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every address that this process connects to, in that order."""
    made: list[tuple[str, int]] = []
    connect: Callable[..., Any] = socket.socket.connect

    def noted(own: socket.socket, address: Any) -> Any:
        if own.family != socket.AF_UNIX:
            made.append(address[:2])
        return connect(own, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return made


def rows(settings: Settings) -> list[Entry]:
    return list(Egress(settings).ledger.entries())


def places(found: list[Entry]) -> list[tuple[str, int]]:
    """Where the ledger says that connections went; what was contacted is what was named."""
    assert all(row.address == row.host for row in found)
    return [(row.host, row.port) for row in found]


def bodies(found: list[Entry]) -> list[tuple[int, int]]:
    return [(row.sent, row.received) for row in found]


class TestWhatLeavesIsInTheLedger:
    """Every connection that was made has its row and every row its connection; bytes are those that the server saw."""

    DATA = np.random.default_rng(0).bytes(300_000)

    def pull(self, url: str) -> int:
        """``darkroom models pull`` of a model that is known to be there."""
        file = ModelFile(name="net.onnx", url=f"{url}/net.onnx")
        write_user_entries([ModelEntry(name="net", task="matte", files=(file,), licence="MIT", commercial=True)])
        return run_command(["models", "pull", "net"])

    def test_a_download(self, connections: list[tuple[str, int]], settings: Settings) -> None:
        with Mirror().serving() as mirror:
            mirror.files["net.onnx"] = self.DATA
            assert self.pull(mirror.url) == 0
            found = rows(settings)
            assert places(found) == connections == [("127.0.0.1", int(mirror.url.rsplit(":", 1)[1]))]
        (row,) = found
        assert bodies(found) == [(0, len(self.DATA))]
        assert (row.purpose, row.method, row.path, row.outcome) == ("model", "GET", "/net.onnx", "done")

    def test_a_download_that_is_sent_elsewhere(self, connections: list[tuple[str, int]], settings: Settings) -> None:
        with Mirror().serving() as first, Mirror().serving() as second:
            first.redirect = f"{second.url}/net.onnx"
            second.files["net.onnx"] = self.DATA
            assert self.pull(first.url) == 0
            assert places(rows(settings)) == connections
        assert len(set(connections)) == 2
        assert bodies(rows(settings)) == [(0, 0), (0, len(self.DATA))]

    def test_a_download_that_breaks_off_and_goes_on(
        self, connections: list[tuple[str, int]], settings: Settings
    ) -> None:
        with Mirror().serving() as mirror:
            mirror.files["net.onnx"] = self.DATA
            mirror.statuses = [503]
            mirror.cut_after = 100_000
            assert self.pull(mirror.url) == 0
        found = rows(settings)
        assert places(found) == connections
        assert [row.status for row in found] == [503, 200, 206]
        assert [row.outcome for row in found[1:]] == ["failed", "done"]
        assert sum(row.received for row in found) == len(self.DATA), "nothing came twice"

    def test_a_server_that_is_not_there(self, connections: list[tuple[str, int]], settings: Settings) -> None:
        with Mirror().serving() as mirror:
            url = mirror.url
        with pytest.raises(DownloadInterrupted):
            Egress(settings).request("POST", url, "cloud", content=self.DATA)
        (row,) = found = rows(settings)
        assert places(found) == connections
        assert (row.sent, row.received, row.status, row.outcome) == (0, 0, 0, "failed")

    def test_a_picture_at_cloudinary(self, connections: list[tuple[str, int]], server: Counting) -> None:
        account = Account(server)
        account.statuses, account.pending = [429], 1
        settings = account.settings()
        result = process(Request(camera_file(), Pipeline(["remove_background"])), build_services(settings))
        assert result.report.processing_mode == "cloud"
        found = rows(settings)
        assert places(found) == connections
        assert set(connections) == {("127.0.0.1", server.port)}
        assert bodies(found) == server.bodies
        assert [(row.purpose, row.method, row.status) for row in found] == [
            ("cloud", "POST", 429),
            ("cloud", "POST", 200),
            ("cloud", "GET", 423),
            ("cloud", "GET", 200),
            ("cloud", "POST", 200),
        ]

    @pytest.mark.parametrize("send_picture", [False, True])
    def test_a_scene_from_an_images_endpoint(
        self, send_picture: bool, connections: list[tuple[str, int]], server: Counting
    ) -> None:
        sent: list[bytes] = []

        def answer(request: Asked) -> Response:
            sent.append(request.get_data())
            return Response(json.dumps({"data": [{"b64_json": scene()}]}), content_type="application/json")

        server.expect_request(re.compile("/v1/images/.*"), method="POST").respond_with_handler(answer)
        settings = Settings().with_changes(
            {
                "providers.consent": True,
                "providers.chain": {"generate_background": ["openai_images"]},
                "providers.openai_images.api_url": server.url_for("/v1"),
                "providers.openai_images.api_key": "key",
                "providers.openai_images.send_picture": send_picture,
            }
        )
        step = {"type": "generate_background", "style": "outdoor", "prompt": "by the sea"}
        source = Image.from_array(np.full((80, 120, 4), 200, np.uint8))
        process(Request(source, Pipeline([step])), build_services(settings))
        found = rows(settings)
        assert places(found) == connections == [("127.0.0.1", server.port)]
        assert bodies(found) == server.bodies == [(len(sent[0]), server.bodies[0][1])]
        assert (b"PNG" in sent[0]) == send_picture
        assert found[0].purpose == "cloud"
        assert found[0].what.startswith("the subject" if send_picture else "a prompt")
