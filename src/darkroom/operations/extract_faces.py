"""Cut the faces out of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from darkroom.face_finder import FaceFinder
from darkroom.operation import Context, Extent, Models, Operation
from darkroom.operations.restore_faces import LEAST, SIDE, FaceRestorer, RestoreFaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.faces import Face

    Array = NDArray[Any]

NATURAL = (64, 2048)
"""Least and greatest side of a face that is neither restored nor resized."""
MOST = 200
"""Faces cut out of one picture: a stadium is no list of people."""


class ExtractFaces(Operation, name="extract_faces"):
    """Cut every face out, upright and square; the result is a sheet of all of them."""

    tasks = ("upscale", "face_restoration", "face_detection", "face_embedding")

    restore: bool | None = Field(
        default=None, description="Restore the faces, as restore_faces does; empty takes faces.restoration_enabled, on."
    )
    strength: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How much of the restored face is taken, 0.0 to 1.0; empty takes faces.restoration_strength, 0.8.",
    )
    model: str | None = Field(default=None, max_length=200, description="Model to restore with; see restore_faces.")
    resize: int = Field(
        default=0,
        ge=0,
        le=2048,
        description=f"Side of each face in pixels; 0 is as large as it is, {SIDE} where it is restored, which is the "
        "least then.",
    )
    least: int = Field(default=24, ge=LEAST, le=2048, description="Faces with fewer pixels across are left out.")

    def moves(self) -> bool:
        """True: the result is a sheet of faces."""
        return True

    def apply(self, image: Image, context: Context) -> Image:
        """Attach every face of the first frame as a picture of its own, ``face-1`` the surest; give the sheet."""
        import numpy as np

        from darkroom.vision import face_alignment, people, sheets

        finder = FaceFinder(context, insist=False)
        found = [face for face in finder.find(image) if min(face.width, face.height) >= self.least][:MOST]
        restore = context.settings.faces.restoration_enabled if self.restore is None else self.restore
        strength = context.settings.faces.restoration_strength if self.strength is None else self.strength
        restorer = None
        if restore and found:
            restorer = FaceRestorer(context, "auto", self.model, strength, max(SIDE, self.resize), 0.5)
        pixels = image.to_float()[..., :3]
        notes: list[dict[str, Any]] = []
        shown: list[tuple[Array, str]] = []
        for number, face in enumerate(found, 1):
            context.progress((number - 1) / len(found), f"face {number} of {len(found)}")
            side = restorer.side if restorer else self.resize or _natural(face)
            matrix = face_alignment.alignment(face_alignment.landmarks_of(face), side)
            if matrix is None:
                context.warn(f"A face at {round(face.left)}, {round(face.top)} was left out: it has no landmarks.")
                continue
            cut = face_alignment.crop(pixels, matrix, side)
            scale = 1 / face_alignment.scale_of(matrix)
            about = describe(face, people.quality(face, cut), scale)
            if restorer is not None:
                restored = restorer.restore(cut, 1 / scale, silent)
                cut = restored.after
                about |= {"restored": restored.why is None, "drift": round(restored.drift, 4), **restored.note()}
            notes.append(about)
            context.attach(f"face-{len(notes)}", image.first_frame().with_array(cut), **about)
            shown.append((cut, f"{len(notes)}  {about['quality']['total']:.2f}"))
        context.method(restorer.method if restorer else "model" if finder.network else "builtin")
        context.note(faces=notes)
        if not shown:
            context.warn("No face was found: the picture is given back as it is.")
            return image
        return image.with_array(sheets.sheet([("", shown)]).astype(np.float32))

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """It depends on how many faces there are."""
        return None

    def working_memory(self, picture: Extent, models: Models) -> int:
        """What restoring them takes, and the faces themselves, which wait until they are written."""
        side = max(SIDE, self.resize)
        restoring = RestoreFaces(method="auto", model=self.model, resize=self.resize)
        return restoring.working_memory(picture, models) + 40 * side * side * 3 * 5


def describe(face: Face, quality: Any, scale: float) -> dict[str, Any]:
    """What a report and an index say of a face; ``scale`` is pixels of the picture for one of the cut-out."""
    return {
        "box": [round(value, 1) for value in (face.left, face.top, face.width, face.height)],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.landmarks],
        "score": round(face.score, 3),
        "scale": round(scale, 4),
        "quality": {
            "sharpness": round(quality.sharpness, 3),
            "size": round(quality.size, 3),
            "openness": round(quality.openness, 3),
            "frontal": round(quality.frontal, 3),
            "total": round(quality.total, 3),
        },
    }


def silent(fraction: float, doing: str) -> None:
    """Progress within one of many faces."""


def _natural(face: Face) -> int:
    """The side at which an aligned face has as many pixels as in the picture."""
    from darkroom.vision import face_alignment

    matrix = face_alignment.alignment(face_alignment.landmarks_of(face), SIDE)
    scale = face_alignment.scale_of(matrix) if matrix is not None else 1.0
    return min(max(round(SIDE / scale), NATURAL[0]), NATURAL[1])
