"""For each operation the providers to ask, in order, until one has done it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from darkroom.errors import (
    Cancelled,
    ConfigurationError,
    ConsentMissing,
    DarkroomError,
    EgressRefused,
    FallbackRefused,
    InvalidParameters,
    OfflineRefused,
    ProviderFailed,
)
from darkroom.providers.local import Local

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.operation import Context, Operation
    from darkroom.providers.provider import Provider
    from darkroom.settings import Settings

log = logging.getLogger("darkroom.providers")
GROUP = "darkroom.providers"
"""Entry points by which packages bring providers."""
FINAL = (Cancelled, InvalidParameters, FallbackRefused)
"""What no other provider would do differently."""


class Chain:
    """Asks providers in the order of the settings."""

    def __init__(self, settings: Settings, providers: Mapping[str, Provider] | None = None) -> None:
        self._settings = settings
        self._providers: dict[str, Provider] = {"local": Local(), **(providers or {})}

    def order(self, operation: Operation) -> list[Provider]:
        """Who is asked for this operation, first to last. Raises ConfigurationError for an unknown name."""
        chosen = self._settings.providers
        named = chosen.chain.get(operation.name)
        if named is not None:
            unknown = [name for name in named if name not in self._providers]
            if unknown or not named:
                raise ConfigurationError(
                    f"providers.chain names {', '.join(unknown) or 'nobody'} for {operation.name}.",
                    cure=f"Known: {', '.join(self._providers)}.",
                )
            return [self._providers[name] for name in named]
        local = self._providers["local"]
        clouds = [
            provider
            for provider in self._providers.values()
            if provider.cloud and provider.handles(operation) and provider.missing() is None
        ]
        if not chosen.local_first:
            return [*clouds, local]
        return [local, *clouds] if chosen.cloud_fallback else [local]

    def carry_out(self, image: Image, operation: Operation, context: Context) -> Image:
        """Have the operation done by the first provider that can; the report says by whom, and who failed before.

        Raises:
            ConsentMissing: only the cloud is left, and nobody has agreed to that.
            DarkroomError: of the last provider.
        """
        providers = self.order(operation)
        failed: tuple[Provider, DarkroomError] | None = None
        for provider in providers:
            if failed is not None:
                before, error = failed
                log.warning("%s: %s failed (%s), asking %s", operation.name, before.name, error, provider.name)
                context.fallback(f"the provider {before.name}", provider.name, error.message)
            try:
                self._check(provider, operation)
                result = _waited_for(provider, image, operation, context)
            except FINAL:
                raise
            except DarkroomError as error:
                failed = (provider, error)
                continue
            context.step.provider = provider.name
            context.step.cloud = provider.cloud
            return result
        assert failed is not None
        raise failed[1]

    def _check(self, provider: Provider, operation: Operation) -> None:
        """Raises DarkroomError where a provider must not or cannot be asked."""
        if not provider.cloud:
            return
        if self._settings.offline:
            raise OfflineRefused(f"{provider.name} was not asked: Darkroom is offline.")
        if not self._settings.egress.cloud:
            raise EgressRefused(
                f"{provider.name} was not asked: connections to cloud services are off.", cure="Set egress.cloud."
            )
        if not self._settings.providers.consent:
            raise ConsentMissing(
                f"{provider.name} was not asked: nobody has agreed to pictures leaving this machine.",
                cure="Agree with --consent for one call, or providers.consent in the settings.",
            )
        missing = provider.missing()
        if missing is not None:
            raise ProviderFailed(f"{provider.name} was not asked: {missing}")
        if not provider.handles(operation):
            raise ProviderFailed(f"{provider.name} does not do {operation.name} with these parameters.")


def discovered(settings: Settings) -> dict[str, Provider]:
    """The cloud providers of Darkroom, and those of installed packages; what does not load is left out."""
    from darkroom.providers.cloudinary import Cloudinary
    from darkroom.providers.openai_images import OpenAIImages

    found: dict[str, Provider] = {"cloudinary": Cloudinary(settings), "openai_images": OpenAIImages(settings)}
    for point in entry_points(group=GROUP):
        try:
            found[point.name] = point.load()(settings)
        except Exception:
            # A package that is not well costs its own provider and nothing else.
            log.warning("The provider %s of %s does not load.", point.name, point.value, exc_info=True)
    return found


def _waited_for(provider: Provider, image: Image, operation: Operation, context: Context) -> Image:
    """The result of a provider, from code that does not await."""
    made: Coroutine[Any, Any, Image] = provider.process(image, operation, context)
    if not provider.cloud:
        # Without an event loop, so that Ctrl-C ends it at once; it awaits nothing.
        try:
            made.send(None)
        except StopIteration as done:
            return done.value
        made.close()
        raise ProviderFailed(f"{provider.name} is of this machine and must not await anything.")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(made)
    # The caller stands in an event loop of its own: this one runs beside it.
    results: list[Image] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(made))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
