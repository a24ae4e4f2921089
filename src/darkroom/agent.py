"""An editing agent: takes a request in plain words or as operations, and has it done, on this machine first.

A small layer over the same parts as everything else, for programs that speak in requests: chat assistants, work flows,
plug-ins. It understands a table of phrases and nothing beyond; it asks no language model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darkroom.errors import InvalidParameters
from darkroom.image import Encoding, Image
from darkroom.operation import Operation, Progress, registry, suggest
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import build_services

if TYPE_CHECKING:
    from darkroom.report import Report
    from darkroom.settings import Settings

_COLOUR = r"(?P<colour>white|black|gr[ae]y|red|green|blue|yellow|orange|pink|purple|brown|beige|#[0-9a-f]{3,8})"
_PLACE = r"(?P<place>studio|marble(?: desk)?|wooden table|living room|outdoors?|garden)"
PHRASES: tuple[tuple[str, str], ...] = (
    (
        rf"(?:put (?:it )?on |replace (?:the )?background with )?(?:an? )?{_COLOUR} background",
        "replace_background:color={colour}",
    ),
    (
        r"(?:remove|cut out|erase|delete)(?: the)? background|cut out(?: the (?:subject|product|person))?",
        "remove_background",
    ),
    (rf"(?:put|place) (?:it )?(?:on|in|into) (?:an? |the )?{_PLACE}", "generate_background:style={place}"),
    (
        r"(?:upscale|enlarge|increase (?:the )?resolution)(?: (?:by|to))?(?: (?P<times>[2-4])(?: ?x| times)?)?",
        "upscale:scale={times}",
    ),
    (r"(?:crop|zoom)(?: in)? (?:to|on)(?: the)? faces?", "smart_crop:width=512,height=512,gravity=face"),
    (
        r"(?:crop|cut)(?: it)? (?:to )?(?:an? )?square(?: of)?(?: (?P<side>[0-9]+)(?: ?px| pixels)?)?",
        "smart_crop:width={side},height={side}",
    ),
    (r"(?:restore|repair|fix|sharpen)(?: the)? faces?", "restore_faces"),
    (r"(?:remove|erase|delete)(?: the)? watermarks?", "remove_watermark"),
    (r"(?:fix|remove|repair|clean up)(?: the)? (?:jpe?g |compression )?artifacts?", "fix_artifacts"),
    (r"(?:brighten|lighten)(?: the)?(?: (?:picture|image|photo|shadows))?", "enhance:low_light=0.5"),
    (r"(?:enhance|improve)(?: the)?(?: (?:picture|image|photo|quality))?", "enhance"),
    (
        r"(?:resize|scale)(?: it)?(?: to)? (?P<width>[0-9]+) ?(?:x|by) ?(?P<height>[0-9]+)(?: ?px| pixels)?",
        "resize:width={width},height={height}",
    ),
    (r"(?:turn|rotate)(?: it)?(?: by)? (?P<angle>-?[0-9]+)(?: degrees)?", "rotate:angle={angle}"),
    (r"(?:make |generate )?(?:the )?(?:thumbnails?|sizes)", "sizes"),
)
"""What is understood, and the operation that it means, with what the phrase says in it."""
UNSAID = {"times": "2", "side": "1080"}
"""What a phrase means that leaves these out."""
PLACES = {
    "studio": "studio",
    "marble": "marble_desk",
    "marble desk": "marble_desk",
    "wooden table": "wooden_table",
    "living room": "living_room",
    "outdoor": "outdoor",
    "outdoors": "outdoor",
    "garden": "outdoor",
}
"""Words for a place, and the style of scene that is meant."""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What is to be done to one picture.

    ``media`` is a path, the file's bytes or a picture. ``edits`` are phrases (``"remove the background"``), operations
    as on the command line (``"resize:width=600"``), JSON forms or Operation objects, in order; one text may hold
    several phrases with commas, "and" or "then" between them. ``encoding`` says how to write the result.
    """

    media: str | Path | bytes | Image
    edits: Sequence[str | Mapping[str, Any] | Operation] | str
    encoding: Encoding = field(default_factory=Encoding)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EditResult:
    """The edited picture as a file, where it was made, and the receipt."""

    data: bytes
    format: str
    processing_mode: Literal["local", "cloud", "mixed"]
    report: Report
    attachments: Mapping[str, bytes]

    @property
    def bytes(self) -> int:
        """Length of the file."""
        return len(self.data)

    @property
    def warnings(self) -> list[str]:
        """All that there is to know about it, in sentences."""
        return self.report.all_warnings()


class EditingAgent:
    """Carries requests out by the settings' rules: on this machine first, in the cloud only where that was agreed to.

    Models are loaded once for all requests. Safe to use from several threads.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._services = build_services(settings)

    def process_media(
        self,
        request: EditRequest,
        *,
        on_progress: Progress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> EditResult:
        """Carry one request out. Raises DarkroomError; InvalidParameters for what is not understood."""
        media = Path(request.media) if isinstance(request.media, str) else request.media
        work = Request(media, understood(request.edits), encoding=request.encoding, name=request.name)
        result = process(work, self._services, on_progress=on_progress, is_cancelled=is_cancelled)
        mode = result.report.processing_mode
        return EditResult(result.data, result.format, mode, result.report, result.attachments)


def understood(edits: Sequence[str | Mapping[str, Any] | Operation] | str) -> Pipeline:
    """The operations that a request means. Raises InvalidParameters for what is not understood."""
    steps: list[Any] = []
    for edit in [edits] if isinstance(edits, str) else edits:
        written = re.fullmatch(r"([a-z_-]+)(?::.*)?", edit.strip(), re.DOTALL) if isinstance(edit, str) else None
        if not isinstance(edit, str) or (written is not None and written[1].replace("-", "_") in registry()):
            steps.append(edit)
            continue
        said = re.sub(r"\bplease\b", "", edit.lower()).strip()
        for phrase in re.split(r"\s*(?:,|;|\.(?:\s|$)|\band then\b|\bthen\b|\band\b)\s*", said):
            if phrase:
                steps.append(_meant(phrase))
    if not steps:
        raise InvalidParameters("The request asks for nothing.", cure="Say what to do, such as: remove the background.")
    return Pipeline(steps)


def _meant(phrase: str) -> str:
    """The operation, as written on the command line, that one phrase means. Raises InvalidParameters."""
    plain = re.sub(r"^can you ", "", re.sub(r"\s+", " ", phrase).strip(" !?"))
    for pattern, operation in PHRASES:
        found = re.fullmatch(pattern, plain)
        if found is not None:
            said = {**UNSAID, **{name: value for name, value in found.groupdict().items() if value is not None}}
            return operation.format(**{**said, "place": PLACES.get(said.get("place", ""), "")})
    raise InvalidParameters(
        f"{phrase!r} is not understood.", cure=f"Name an operation. {suggest(plain.replace(' ', '_'), registry())}"
    )
