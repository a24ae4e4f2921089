"""A loaded network, for one step of one pipeline: run with care, and brought to an end by gentler means if need be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from darkroom.engines import device as devices
from darkroom.engines import tiles
from darkroom.engines.engine import Compiled, Form, Precision, Shape
from darkroom.engines.sessions import Place, Runtime, Source
from darkroom.errors import BadResult, OutOfMemory, UnsupportedModel
from darkroom.report import ModelUse
from darkroom.vision import checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from darkroom.models.architectures.graph import Traits
    from darkroom.models.catalogue import ModelEntry
    from darkroom.operation import Progress, Step

SMALLEST_TILE = 64
"""Where tiles of this size fail, smaller ones would not help."""
WORTH_TRYING = 1_000_000
"""Pixels that a network computes on from which int8 is tried out on a part of the picture: two seconds of many."""

T = TypeVar("T")


class LoadedNetwork:
    """A network for one step of one pipeline; what is loaded behind it is shared.

    The interface is :class:`darkroom.operation.Network`. When memory runs out or a result cannot be right, it goes on
    with smaller tiles, then in fp32, then on the CPU, each noted in the report, and then fails.
    """

    def __init__(
        self,
        runtime: Runtime,
        source: Source,
        *,
        traits: Traits | None,
        forms: tuple[Form, ...],
        place: Place,
        step: Step,
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._traits = traits
        self._forms: tuple[Form, ...] = forms
        self._place = place
        self._said = place.precision
        self._step = step

    @property
    def entry(self) -> ModelEntry:
        """The catalogue entry."""
        return self._source.entry

    @property
    def scale(self) -> int:
        """How much larger the output is, as the weights say it."""
        return self._traits.scale if self._traits else self.entry.scale

    def report(self, precision: Precision | None = None) -> None:
        """Write model, engine and device into the report, and the precision, which an engine may choose otherwise."""
        place = self._place
        self._said = precision or place.precision
        for part, _ in self._source.parts:
            use = ModelUse(
                name=part.entry.name,
                digest=part.digest,
                digest_source=part.digest_source,
                licence=part.entry.licence,
                commercial=part.entry.commercial,
            )
            self._step.used_model(use, engine=place.engine.name, device=place.device.kind, precision=self._said)

    # Arrays as the network takes them

    def predict(
        self,
        batch: NDArray[np.float32],
        *more: NDArray[np.float32],
        check: Callable[[NDArray[np.float32]], str | None] = checks.number_fault,
    ) -> NDArray[np.float32]:
        """Run the network on ``n x channels x height x width``, float32; gives its first output as float32.

        ``more`` are further inputs, in the network's order.

        ``check`` says what is wrong with a result, None for nothing. Raises InferenceFailed, OutOfMemory, BadResult.
        """
        return self._carefully(lambda: self._on_device(None, lambda compiled: compiled.run(batch, *more)), check)

    def predict_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """As :meth:`predict`, giving every output by its name."""

        def fault(results: dict[str, NDArray[np.float32]]) -> str | None:
            return next((found for result in results.values() if (found := checks.number_fault(result))), None)

        return self._carefully(lambda: self._on_device(None, lambda compiled: compiled.run_all(batch)), fault)

    def _carefully(self, run: Callable[[], T], check: Callable[[T], str | None]) -> T:
        while True:
            try:
                result = run()
            except OutOfMemory as error:
                self._to_cpu(error)
                continue
            fault = check(result)
            if fault is None:
                return result
            self._after(BadResult(fault))

    # Pictures, tile by tile

    def enlarge(
        self, pixels: NDArray[Any], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> NDArray[np.float32]:
        """Run an image-to-image network tile by tile; see :class:`darkroom.operation.Network`."""
        import numpy as np

        scale = self.scale
        result = np.empty((pixels.shape[0] * scale, pixels.shape[1] * scale, 3), np.float32)
        for row, strip in self.strips(pixels, tile=tile, overlap=overlap, progress=progress):
            result[row : row + strip.shape[0]] = strip
        return result

    def strips(
        self, pixels: NDArray[Any], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """As :meth:`enlarge`, giving the result in strips from the top: first row, and ``rows x width x 3``.

        ``pixels`` may also be uint8 or uint16. Every strip was checked; after a failure the next goes on below it.
        """
        traits = self._traits
        if traits is None or traits.channels not in (1, 3):
            raise UnsupportedModel(
                f"{self.entry.name} does not take pictures as n x channels x height x width of one or three channels.",
                cure="Choose another model.",
            )
        if self._place.precision == "int8" and pixels.shape[0] * pixels.shape[1] // traits.multiple**2 >= WORTH_TRYING:
            self._try_int8(pixels)
        attempt, together, done, halved = tile, tiles.BATCH_GPU, 0, False
        while True:
            size, margin = tiles.choose(
                int(pixels.shape[0]),
                int(pixels.shape[1]),
                tile=attempt,
                overlap=overlap,
                traits=traits,
                device=self._place.device,
            )
            batch = together if self._place.device.kind == "gpu" and max(size) < min(pixels.shape[:2]) else 1
            smaller = max(size) // 2 if max(size) // 2 >= SMALLEST_TILE and traits.fixed is None else None
            try:
                for row, strip in tiles.strips(
                    pixels,
                    self._tile,
                    tile=size,
                    overlap=margin,
                    scale=self.scale,
                    multiple=traits.multiple,
                    channels=traits.channels,
                    batch=batch,
                    first=done,
                    progress=progress,
                ):
                    yield row, strip
                    done = (row + strip.shape[0]) // self.scale
                return
            except OutOfMemory as error:
                if batch > 1:
                    self._step.fallback(f"{batch} tiles at a time", "one at a time", error.message)
                    together = 1
                elif smaller is not None:
                    self._step.fallback(f"tiles of {max(size)} pixels", f"tiles of {smaller}", error.message)
                    attempt = smaller
                else:
                    self._to_cpu(error)
                    attempt = tile
            except BadResult as error:
                if smaller is not None and not halved:
                    reason = f"a result of {self.entry.name} was refused: {error.message}"
                    self._step.fallback(f"tiles of {max(size)} pixels", f"tiles of {smaller}", reason)
                    attempt, halved = smaller, True
                else:
                    self._after(error)

    def _tile(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tiles of one shape through the network. Raises BadResult where the result cannot be right."""
        count, channels, height, width = batch.shape
        result = self._on_device((count, channels, height, width), lambda compiled: compiled.run(batch))
        if result.shape != (count, channels, height * self.scale, width * self.scale):
            size = f"{width} x {height} pixels"
            raise UnsupportedModel(
                f"{self.entry.name} made {size} into an array of {result.shape}, not {self.scale} times as large.",
                cure="Correct the scale of its catalogue entry.",
            )
        fault = checks.picture_fault(batch, result)
        if fault is not None:
            raise BadResult(fault)
        return result

    def _try_int8(self, pixels: NDArray[Any]) -> None:
        """Compare int8 with fp32 on the busiest part of the picture, and leave int8 where that loses too much."""
        import numpy as np

        from darkroom.engines import quantising

        assert self._traits is not None
        side = quantising.SIDE
        part = tiles.to_unit(pixels[tiles.busiest(pixels, side)])[..., :3]
        if part.shape[:2] != (side, side):
            return
        if self._traits.channels == 1:
            part = part @ tiles.LUMA[:, None]
        batch = np.ascontiguousarray(part.transpose(2, 0, 1)[None])
        shape = (1, self._traits.channels, side, side)
        quick = self._on_device(shape, lambda compiled: compiled.run(batch))
        place = self._place
        if place.precision != "int8":
            return
        exact = self._at(replace(place, precision="fp32"), shape, lambda compiled: compiled.run(batch))
        psnr = -10 * math.log10(max(quantising.error(quick, exact), 1e-12))
        if psnr >= quantising.ENOUGH:
            self._step.note(int8=f"{psnr:.1f} dB from fp32 on the busiest part of the picture")
            return
        self._leave_int8(
            f"{self.entry.name} in int8 is {psnr:.1f} dB from its result in fp32 on the busiest part of this picture, "
            f"and {quantising.ENOUGH:g} are wanted"
        )

    # What to do when it fails

    def _after(self, error: BadResult) -> None:
        """The next remedy for a result that was refused: fp32, then the CPU. Raises BadResult when none is left."""
        name, place = self.entry.name, self._place
        if place.precision != "fp32" and "fp32" in place.device.precisions:
            self._place = replace(place, precision="fp32")
            reason = f"a result of {name} in {place.precision} was refused: {error.message}"
            self._step.fallback(place.precision, "fp32", reason)
            self.report()
            return
        if place.device.kind == "gpu" and self._runtime.settings.require != "gpu":
            self._move(f"a result of {name} was refused: {error.message}")
            return
        raise BadResult(
            f"The result of {name} was refused: {error.message}.",
            cure="Try another model, or check the file with `darkroom models verify`.",
        ) from error

    def _to_cpu(self, error: OutOfMemory) -> None:
        """Move to the CPU after memory ran out on a GPU. Re-raises on the CPU itself."""
        if self._place.device.kind == "cpu" or self._runtime.settings.require == "gpu":
            raise error
        self._move(error.message)

    def _move(self, reason: str) -> None:
        settings = self._runtime.settings.model_copy(update={"device": "cpu"})
        engine, device = devices.choose(settings, self._forms, self.entry.name, self._step)
        self._step.fallback(self._place.device.name, "cpu", reason)
        full = self._place.precision == "fp32"
        self._place = Place(engine, device, "fp32" if full else device.precisions[0])
        self.report()

    def _leave_int8(self, reason: str) -> None:
        usual = self._place.device.precisions[0]
        self._step.fallback("int8", usual, reason)
        self._place = replace(self._place, precision=usual)
        self.report()

    def _on_device(self, shape: Shape | None, work: Callable[[Compiled], T]) -> T:
        try:
            return self._at(self._place, shape, work)
        except UnsupportedModel as error:
            if self._place.precision != "int8":
                raise
            self._leave_int8(error.message)
        return self._at(self._place, shape, work)

    def _at(self, place: Place, shape: Shape | None, work: Callable[[Compiled], T]) -> T:
        with self._runtime.lane(place.device):
            try:
                before = self._runtime.loads
                compiled = self._runtime.session(self._source, place, self._forms, self._traits, shape)
                if self._runtime.loads > before:
                    self._step.loaded(self.entry.name)
                if place == self._place and compiled.precision != self._said:
                    self.report(compiled.precision)
                return work(compiled)
            except MemoryError as error:
                raise OutOfMemory(f"{self.entry.name} ran out of memory on {place.device.name}.") from error
