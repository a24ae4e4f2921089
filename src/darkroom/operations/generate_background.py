"""Put a product into a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.colour import Colour, parse_colour
from darkroom.errors import InvalidParameters
from darkroom.operation import Context, Extent, Models, Operation
from darkroom.operations.remove_background import RemoveBackground
from darkroom.operations.resize import scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision import scenes

    Array = NDArray[Any]

WORKING, DRAWING = 190, 145
"""Bytes for each pixel of the result, and of the surface that is drawn flat first (measured: to 170 and to 137)."""
LARGEST = 16_384
SHINING = {"studio": 0.10, "marble_desk": 0.14}
"""Reflection where nobody says how much: what paper and polished stone have, seen from the front."""
SHADED = {"soft": 0.06, "dramatic": 0.42, "natural": 0.14}
"""How much darker the product's far side is than the side to the light, of the whole that `match` allows."""
PLACES = {
    "studio": "seamless studio paper",
    "marble_desk": "a white marble desk before a plain wall",
    "wooden_table": "a wooden table before a warm wall",
    "living_room": "a table in a living room that is out of focus",
    "outdoor": "a wooden deck outdoors before trees that are out of focus",
    "custom": "a surface before a wall",
    "white": "pure white",
    "transparent": "pure white",
}
LIGHTS = {"soft": "soft even light", "dramatic": "dramatic light from one spot", "natural": "natural window light"}
ANGLES = {
    "front": "seen from the front at the height of the product",
    "angle": "seen from above at an angle",
    "top_down": "seen straight from above",
}
"""Styles, lightings and perspectives in words, for an images endpoint."""
ON_THE_FRAME = 0.15
"""Share of the subject's width that meets the picture's lower edge from which on it goes on beyond it."""


class GenerateBackground(Operation, name="generate_background"):
    """Put the subject into a scene that is drawn for it, with its shadow."""

    tasks = ("matte",)

    style: Literal[
        "white", "transparent", "studio", "marble_desk", "wooden_table", "living_room", "outdoor", "custom"
    ] = Field(default="studio", description="The scene; custom is a wall of color behind a surface.")
    lighting: Literal["soft", "dramatic", "natural"] = Field(
        default="soft",
        description="soft comes from everywhere, dramatic from a spot, natural through a window or through leaves.",
    )
    perspective: Literal["front", "angle", "top_down"] = Field(
        default="front",
        description="Where the camera is: level with the subject, above it, or right over it, when it lies.",
    )
    prompt: str = Field(
        default="",
        max_length=2000,
        description="Words about the scene for an images endpoint, where one is set up; see docs/privacy.md.",
    )
    color: Colour = Field(default="#e8e6e2", description="Of the paper, for studio, or of the wall, for custom.")
    surface: Literal["paper", "marble", "oak", "walnut", "deck", "stone"] = Field(
        default="oak", description="What the subject stands on, for custom; paper is seamless with the wall."
    )
    size: float = Field(default=0.62, ge=0.05, le=1.0, description="Share of the frame that the subject fits in.")
    position: float = Field(default=0.5, ge=0.0, le=1.0, description="Where it is: 0.0 left, 1.0 right.")
    width: int | None = Field(
        default=None, ge=16, le=LARGEST, description="Of the result in pixels; else as the picture's."
    )
    height: int | None = Field(
        default=None, ge=16, le=LARGEST, description="Of the result in pixels; else as the picture's."
    )
    shadow: float = Field(default=1.0, ge=0.0, le=1.0, description="How dark its shadow is; 0 is none.")
    reflection: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="How much of it the surface mirrors; else a little on marble and paper from the front.",
    )
    match: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="How far its colours and edges follow the light of the scene; 0 leaves its pixels as they are.",
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Chance: the same seed draws the same scene, another a new one."
    )
    method: Literal["auto", "model", "grabcut", "watershed", "edges"] = Field(
        default="auto", description="How a picture without transparency is cut out first; see remove_background."
    )
    model: str | None = Field(default=None, max_length=200, description="Matte model for that; see remove_background.")

    def moves(self) -> bool:
        """True: the subject is placed in the scene."""
        return True

    def apply(self, image: Image, context: Context) -> Image:
        """Cut out what has no alpha yet, draw the scene, and place every frame in it."""
        from darkroom.vision import scenes, tone

        width, height = self.frame(image)
        subject = self.cut_out(image, context)
        context.method("builtin")
        if self.prompt:
            context.warn("The prompt was not used: scenes that are drawn here do not read words.")
        scene: Array | None = None
        if self.style != "transparent":

            def drawn(done: float) -> None:
                context.progress(0.4 + 0.4 * done, "draw the scene")

            light = scenes.draw(self._scene(), self.lighting, self.perspective, width, height, self.seed, drawn)
            scene = tone.from_linear(light).astype("float32")
        context.note(
            scene=f"{self.style}, {self.lighting}, {self.perspective}", seed=self.seed, cut_out=not image.has_alpha
        )
        return self._all_placed(subject, scene, (width, height), context)

    def frame(self, image: Image) -> tuple[int, int]:
        """Width and height of the result."""
        return self.width or image.width, self.height or image.height

    def cut_out(self, image: Image, context: Context) -> Image:
        """The subject alone: the picture itself where it has transparency."""
        if image.has_alpha:
            return image
        context.progress(0.0, "remove the background")
        return RemoveBackground(method=self.method, model=self.model).apply(image, context)

    def placed_in(self, image: Image, scene: Image, context: Context) -> Image:
        """The subject in a scene that somebody else has drawn, of the result's size."""
        subject = self.cut_out(image, context)
        context.note(cut_out=not image.has_alpha)
        return self._all_placed(subject, scene.to_float()[..., :3], scene.size, context)

    def described(self) -> str:
        """The scene in words: style, lighting, perspective, and what the user says."""
        words = [
            "An empty scene for a product photograph, with free space for the product in the middle and no product,",
            f"no people and no text in it: {PLACES[self.style]}, {LIGHTS[self.lighting]}, {ANGLES[self.perspective]}.",
            self.prompt,
        ]
        return " ".join(words).strip()

    def working_memory(self, picture: Extent, models: Models) -> int:
        """The scene and the subject in floats; the cut-out before."""
        from darkroom.vision import scenes

        cutting = RemoveBackground(method=self.method, model=self.model).working_memory(picture, models)
        size = (self.width or picture.width, self.height or picture.height)
        pixels = size[0] * size[1]
        whole = WORKING * pixels + pixels * picture.frames * 4 * picture.depth
        if self.style not in ("white", "transparent", "studio"):
            whole = max(whole, DRAWING * scenes.texture_pixels(*size, self.perspective) + 60 * pixels)
        return max(whole, 0 if picture.bands == 4 else cutting) + 2 * picture.bytes

    def _scene(self) -> scenes.Material | scenes.Paper:
        """What the scene is made of."""
        from darkroom.vision import scenes

        red, green, blue, _ = parse_colour(self.color)
        paint = (red / 255, green / 255, blue / 255)
        if self.style == "custom":
            return scenes.custom(self.surface, paint)
        return scenes.Paper(paint) if self.style == "studio" else scenes.STYLES[self.style]

    def _all_placed(self, subject: Image, scene: Array | None, size: tuple[int, int], context: Context) -> Image:
        """Every frame of the subject in the scene."""
        placed, stands = self._placed(subject, *size)
        frames: list[Any] = []
        for index in range(len(placed.frames)):
            made = self._composed(placed.to_float(index), scene, stands)
            frames.append(subject.with_array(made).frames[0])
            context.progress(0.8 + 0.2 * (index + 1) / len(placed.frames), "place the subject")
        context.note(stands_on_the_surface=stands)
        return subject.with_frames(tuple(frames))

    def _placed(self, image: Image, width: int, height: int) -> tuple[Image, bool]:
        """The subject alone, scaled, on a transparent frame; and whether it stands on the surface.

        A subject that the picture's lower edge cuts off does not stand anywhere: it is put on the frame's lower edge.
        """
        import numpy as np

        from darkroom.vision.scenes import VIEWS

        covered = np.max([image.to_array(index)[..., 3] for index in range(len(image.frames))], axis=0) / image.maximum
        rows, columns = np.nonzero((covered > 0.1).any(axis=1))[0], np.nonzero((covered > 0.1).any(axis=0))[0]
        if not rows.size:
            raise InvalidParameters(
                "generate_background: the picture is transparent everywhere, so there is no subject to place.",
                cure="Give a picture that shows something.",
            )
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        stands = (
            self.perspective == "top_down"
            or bottom < image.height
            or bool((covered[-1] > 0.5).sum() < ON_THE_FRAME * (right - left))
        )
        subject = image.map(lambda frame: frame.crop(left, top, right - left, bottom - top))
        factor = min(self.size * width / subject.width, self.size * height / subject.height)
        if not stands:
            # What goes on below the frame fills it as a portrait does.
            factor = min(max(factor, 0.8 * self.size / 0.62 * height / subject.height), width / subject.width)
        size = (max(1, round(subject.width * factor)), max(1, round(subject.height * factor)))
        subject = scale(subject, *size)
        x = round(self.position * (width - size[0]))
        if not stands:
            y = height - size[1]
        elif self.perspective == "top_down":
            y = (height - size[1]) // 2
        else:
            base = max(VIEWS[self.perspective].stand * height, size[1] + 0.04 * height)
            y = round(min(base, 0.985 * height)) - size[1]
        return subject.map(
            lambda frame: frame.embed(x, y, width, height, extend="background", background=[0] * 4)
        ), stands

    def _composed(self, subject: Array, scene: Array | None, stands: bool) -> Array:
        """The subject over its reflection over its shadow over the scene; RGBA where there is no scene."""
        import numpy as np

        from darkroom.vision import placing, scenes, tone

        colours, alpha = np.ascontiguousarray(subject[..., :3]), np.ascontiguousarray(subject[..., 3])
        light = scenes.LIGHTS[self.lighting]
        dark = np.zeros_like(alpha)
        if self.shadow > 0 and stands:
            if self.perspective == "top_down":
                shade = placing.dropped(alpha, light.x, 0.8, light.soft)
            else:
                shade = placing.shadow(alpha, light.x, light.y * scenes.foreshortening(self.perspective), light.soft)
            strength = 0.75 if self.style in ("white", "transparent") else 1.0
            dark = 1 - (1 - strength * light.dark * shade.cast) * (1 - strength * shade.contact)
            dark *= self.shadow
        if scene is None:
            total = alpha + dark * (1 - alpha)
            shown = colours * (alpha / np.maximum(total, 1e-6))[..., None]
            return np.dstack([shown, total])
        # What keeps the key light off leaves the other light, which is a little bluer.
        tint = 1 - 0.10 * np.array(light.ambient, np.float32) / max(light.ambient)
        base = tone.from_linear(tone.to_linear(scene) * (1 - dark[..., None] * tint)).astype(np.float32)
        mirrored = self.reflection
        if mirrored is None:
            mirrored = SHINING.get(self.style, 0.0) if self.perspective == "front" else 0.0
        if mirrored > 0 and stands and self.perspective != "top_down":
            image, cover = placing.reflection(colours, alpha, mirrored)
            base += (image - base) * cover[..., None]
        if self.style != "white":
            side = SHADED[self.lighting] * (1.0 if light.x > 0 else -1.0)
            colours = placing.matched(colours, alpha, base, light.gains, side, self.match)
        return base + (colours - base) * alpha[..., None]
