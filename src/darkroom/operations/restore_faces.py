"""Restore the faces of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.errors import Cancelled, DarkroomError, FallbackRefused, InferenceFailed, InvalidParameters, ModelMissing
from darkroom.face_finder import FaceFinder, FaceIdentity
from darkroom.operation import Context, Extent, Models, Network, Operation
from darkroom.parameters import ModelName, Pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.faces import Face

    Array = NDArray[Any]

DEFAULT_MODEL = "realesrgan-x4plus"
SIDE = 512
"""Least side of an aligned face in pixels: what networks for faces are trained on."""
TIMES = 4
"""How much larger an enlarging network has to make a face: the way through it is fixed."""
LEAST = 12
"""Pixels of the picture across a face below which there is nothing to restore."""


class RestoreFaces(Operation, name="restore_faces"):
    """Make the faces of a picture clear again, and only the faces."""

    tasks = ("upscale", "face_restoration", "face_detection", "face_embedding")

    strength: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How much of the restored face is taken, 0.0 to 1.0; empty takes faces.restoration_strength, 0.8.",
    )
    method: Literal["auto", "model", "builtin"] = Field(
        default="auto",
        description="model runs a network; builtin smooths noise and sharpens edges without one; auto takes a network, "
        "and where it fails leaves the face as it is enlarged by Lanczos, with a warning.",
    )
    model: ModelName | None = Field(
        default=None,
        description=f"An enlarging model of four times, or a model for faces; empty takes {DEFAULT_MODEL}, or another "
        "that is ready.",
    )
    resize: Pixels = Field(
        default=SIDE, ge=0, le=2048, description=f"Side in pixels at which a face is restored; {SIDE} at least."
    )
    max_drift: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How far a restored face may be from the face before: 0 is the same, 1 as far as another person's; "
        "one that is further is refused.",
    )
    enlarge: Literal[1, 2, 3, 4] = Field(
        default=1,
        description="Enlarge the whole picture, by Lanczos, so that there is room for the detail of faces.",
    )

    def apply(self, image: Image, context: Context) -> Image:
        """Find the faces of every frame; restore each, and add what changed to the picture."""
        import numpy as np

        from darkroom.vision.enlarge import lanczos, to_unit

        finder = FaceFinder(context, insist=False)
        restorer = FaceRestorer(
            context, self.method, self.model, self._strength(context), max(SIDE, self.resize), self.max_drift
        )
        notes: list[dict[str, Any]] = []
        frames: list[Any] = []
        count = len(image.frames)
        for index in range(count):

            def advance(fraction: float, doing: str, index: int = index) -> None:
                context.progress((index + fraction) / count, doing)

            advance(0.0, "find faces")
            found = finder.find(image, index)
            if not found and self.enlarge == 1:
                frames.append(image.frames[index])
                continue
            pixels = image.to_float(index)
            size = (image.width * self.enlarge, image.height * self.enlarge)
            large = to_unit(lanczos(image.to_array(index), size)) if self.enlarge > 1 else pixels.copy()
            for number, face in enumerate(found):

                def forward(part: float, doing: str, begun: float = number / len(found), of: int = len(found)) -> None:
                    advance(begun + part / of, doing)

                note = self._one(pixels, large, face, restorer, forward)
                notes.append({"frame": index, **note} if count > 1 else note)
            grey = image.grey and bool(np.ptp(pixels[..., :3], axis=2).max() == 0)
            if grey:
                large[..., :3] = large[..., :3].mean(axis=2, keepdims=True)
            frames.append(image.with_array(large).frames[0])
        if not notes:
            context.warn("No face was found: nothing was restored.")
        context.method(restorer.method)
        context.note(faces=notes, identity=restorer.identity)
        return image.with_frames(tuple(frames))

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size of the result."""
        return (width * self.enlarge, height * self.enlarge)

    def working_memory(self, picture: Extent, models: Models) -> int:
        """The picture in floats before and after, one face with its network, and what faces are sought in."""
        side = max(SIDE, self.resize)
        network = 0
        if self.method != "builtin":
            name = self.model or next((name for name in [DEFAULT_MODEL] if models.ready(name)), None)
            network = models.memory(name, side) if name and models.ready(name) else 0
        floats = 4 * picture.pixels * picture.bands
        face = side * side * 3 * 4 * (TIMES * TIMES + 12)
        return 2 * floats + 3 * floats * self.enlarge**2 + face + network + 2 * picture.bytes + 150_000_000

    def _strength(self, context: Context) -> float:
        return context.settings.faces.restoration_strength if self.strength is None else self.strength

    def _one(
        self, pixels: Array, large: Array, face: Face, restorer: FaceRestorer, progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """Restore one face in ``large``; gives what the report says of it."""
        from darkroom.vision import face_alignment

        note: dict[str, Any] = {
            "box": [round(value) for value in (face.left, face.top, face.width, face.height)],
            "score": round(face.score, 3),
        }
        if min(face.width, face.height) < LEAST:
            return {**note, "restored": False, "why": f"smaller than {LEAST} pixels"}
        side = restorer.side
        matrix = face_alignment.alignment(face_alignment.landmarks_of(face), side)
        if matrix is None:
            return {**note, "restored": False, "why": "its landmarks are no face's"}
        restored = restorer.restore(
            face_alignment.crop(pixels[..., :3], matrix, side), face_alignment.scale_of(matrix), progress
        )
        change = (restored.after - restored.before) * face_alignment.feather(side)[..., None]
        bigger = matrix.copy()
        bigger[:, :2] /= self.enlarge
        bigger[:, 2] += bigger[:, :2] @ ((1 - self.enlarge) / 2, (1 - self.enlarge) / 2)
        down, across, part = face_alignment.put_back(large.shape[:2], change, bigger)
        large[down, across, :3] += part
        return {**note, "restored": restored.why is None, "drift": round(restored.drift, 4), **restored.note()}


@dataclass(frozen=True, slots=True)
class Restored:
    """An aligned face before and after, ``side x side x 3``, float32; the same where refused, with the reason."""

    before: Array
    after: Array
    drift: float
    why: str | None = None

    def note(self) -> dict[str, str]:
        """What the report says of a refusal."""
        return {"why": self.why} if self.why else {}


class FaceRestorer:
    """Restores aligned faces, one after the other, with one model.

    The way through an enlarging network is fixed by its specification: the face at ``side``, by Lanczos (A); four
    times as large through the network, in fp32 and in one piece; back to ``side`` by area (B); then
    ``strength * B + (1 - strength) * A``. Networks for faces take A at 512 pixels. Whatever fails, A is what remains.
    """

    def __init__(
        self,
        context: Context,
        method: Literal["auto", "model", "builtin"],
        model: str | None,
        strength: float,
        side: int,
        max_drift: float,
    ) -> None:
        self.side, self.strength, self.max_drift = side, strength, max_drift
        self.method = "builtin"
        self._context = context
        self._builtin = method == "builtin"
        self._network = None if self._builtin else self._load(model, must=method == "model")
        self._identity = FaceIdentity(context)
        self.identity = self._identity.name
        """What tells whether it is the same person."""

    def restore(self, before: Array, blur: float, progress: Callable[[float, str], None]) -> Restored:
        """Restore ``side x side x 3``, float32, 0.0 to 1.0, of which one pixel of the picture became ``blur``."""
        from darkroom.vision import face_restoration

        if self._builtin:
            after = face_restoration.clarify(before, blur)
        elif self._network is None:
            return Restored(before, before, 0.0, "no network could restore it")
        else:
            try:
                after = self._through(self._network, before, progress)
            except (Cancelled, FallbackRefused):
                raise
            except (DarkroomError, ValueError, RuntimeError, MemoryError) as error:
                self._give_up(self._network.entry.name, error)
                return Restored(before, before, 0.0, str(error))
            self.method = "model"
        after = face_restoration.blend(before, after, self.strength)
        drift = self._drift(before, after)
        if drift > self.max_drift:
            why = f"it had become somebody else's: drift {drift:.2f}, {self.max_drift:g} is allowed"
            self._context.warn(f"A restored face was refused: {why}.")
            return Restored(before, before, drift, why)
        return Restored(before, after, drift)

    def _through(self, network: Network, before: Array, progress: Callable[[float, str], None]) -> Array:
        import cv2
        import numpy as np

        from darkroom.vision import face_restoration

        doing = f"restore a face with {network.entry.name}"
        if network.entry.task == "upscale":
            large = network.enlarge(
                before, tile=self.side, overlap=None, progress=lambda part, _: progress(part, doing)
            )
            after = cv2.resize(np.clip(large, 0, 1), (self.side, self.side), interpolation=cv2.INTER_AREA)
        else:
            progress(0.1, doing)
            small = before if self.side == SIDE else cv2.resize(before, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            batch = np.ascontiguousarray(small.transpose(2, 0, 1)[None]) * np.float32(2) - np.float32(1)
            made = np.clip(network.predict(batch)[0].transpose(1, 2, 0) / 2 + np.float32(0.5), 0, 1)
            if made.shape != small.shape:
                raise InferenceFailed(f"{network.entry.name} made a face of {made.shape}, not {small.shape}.")
            after = cv2.resize(made, (self.side, self.side), interpolation=cv2.INTER_LANCZOS4)
        return face_restoration.same_light(np.ascontiguousarray(after), before)

    def _load(self, model: str | None, *, must: bool) -> Network | None:
        """The network, or None where it cannot be had and that is no error."""
        models = self._context.models
        name = model or self._usual()
        entry = models.find(name)
        if entry.task not in ("upscale", "face_restoration") or (entry.task == "upscale" and entry.scale != TIMES):
            raise InvalidParameters(
                f"restore_faces: {entry.name} restores no faces.",
                cure=f"Take a model for faces, or one that enlarges {TIMES} times; `darkroom models list` shows them.",
                field="model",
            )
        try:
            # Faces are always computed in fp32: a tenth of a level of noise in an eye is seen.
            return models.network(name, self._context, precision="fp32")
        except (Cancelled, FallbackRefused):
            raise
        except DarkroomError as error:
            if must and isinstance(error, ModelMissing):
                raise
            self._give_up(name, error)
            return None

    def _usual(self) -> str:
        """The default where it is ready or nothing is; else what is."""
        models = self._context.models
        ready = [entry.name for entry in models.installed("face_restoration")]
        ready += [entry.name for entry in models.installed("upscale") if entry.scale == TIMES]
        if DEFAULT_MODEL in ready or not ready:
            return DEFAULT_MODEL
        self._context.note(chosen=f"{ready[0]}, because it is ready and {DEFAULT_MODEL} is not")
        return ready[0]

    def _give_up(self, name: str, error: Exception) -> None:
        wanted, used = f"faces restored by {name}", "the faces as they are, enlarged by Lanczos"
        self._context.fallback(wanted, used, str(error), lasting=isinstance(error, ModelMissing))

    def _drift(self, before: Array, after: Array) -> float:
        """0.0 the same face, 1.0 as far apart as two people's, or further."""
        from darkroom.vision import face_restoration

        one, other = self._identity.describe(before), self._identity.describe(after)
        return min(face_restoration.drift(one, other) / self._identity.other, 1.0)
