"""Every error Darkroom raises, and what each front door makes of it.

An error says what happened, to what, and what to do about it (the *cure*). Each class has a stable ``code`` for
programs, an HTTP status for the service and an exit code for the command line (the numbers of BSD's sysexits.h where
one fits). A test refuses a class that lacks any of them.

::

    DarkroomError
    +-- InputError                the bytes that came in
    |   +-- InputNotFound
    |   +-- UnsupportedFormat
    |   +-- CorruptImage
    |   +-- LimitExceeded
    |   +-- UnsafeContent
    |   +-- Infected
    +-- InvalidParameters         what was asked for
    |   +-- UnknownOperation
    |   +-- UnknownRecipe
    |   +-- ConfigurationError
    |   |   +-- SettingsConflict
    |   +-- NotAcceptable
    +-- OutputError               the bytes that should go out
    +-- StorageFailed             the files that are kept
    +-- FileMissing
    +-- RangeNotSatisfiable
    +-- ModelError
    |   +-- UnknownModel
    |   +-- ModelMissing
    |   +-- ModelCorrupt
    |   +-- UnsafeWeights
    |   +-- UnsupportedModel
    |   +-- LicenceRefused
    +-- NetworkError              a connection the product itself wanted
    |   +-- OfflineRefused
    |   +-- EgressRefused
    |   |   +-- ConsentMissing
    |   +-- AddressRefused
    |   |   +-- NameUnknown
    |   +-- LedgerUnwritable
    |   +-- ProviderFailed
    |   +-- DownloadFailed
    |       +-- DownloadInterrupted
    +-- EngineError
    |   +-- DeviceUnavailable
    |   +-- ExtraMissing
    |   +-- OutOfMemory
    |   +-- InferenceFailed
    |   +-- BadResult
    +-- ServiceError              what the service stands on
    |   +-- DatabaseFailed
    |   +-- QueueFailed
    |   +-- Restarting
    +-- JobNotFound
    +-- BatchNotFound
    +-- ImageNotFound
    +-- AccessRefused             who asks, and whether they may
    |   +-- NotAuthenticated
    |   +-- NotAllowed
    |   +-- HostRefused
    |   +-- OriginRefused
    |   +-- SignatureInvalid
    |   +-- TooManyRequests
    +-- KeyNotFound
    +-- Conflict
    +-- DeliveryNotFound
    +-- FallbackRefused           --strict: the wanted way was not to be had
    +-- Cancelled
    +-- TimedOut
    +-- WorkerDied
    +-- ScannerUnavailable
"""

from __future__ import annotations

from typing import Any, ClassVar


class DarkroomError(Exception):
    """Something unexpected happened.

    The root of every error that Darkroom raises on purpose.

    ``message`` says what happened to what, ``cure`` what to do about it (a sentence or a command), ``field`` names the
    parameter at fault where there is one.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    private: ClassVar[bool] = False
    """Whether messages name hosts, users or folders of the machine, which nobody but its owner is told."""

    def __init__(self, message: str, *, cure: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.cure}" if self.cure else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the keyword arguments, so that an error crosses from a worker process unharmed."""
        return (_rebuild, (type(self), self.message, self.cure, self.field))

    @classmethod
    def title(cls) -> str:
        """What errors of this class say, whatever happened to what: the first line of its docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def to_dict(self) -> dict[str, Any]:
        """The error as a problem document: ``code``, ``message``, ``cure``, ``field``."""
        return {"code": self.code, "message": self.message, "cure": self.cure, "field": self.field}


def _rebuild(kind: type[DarkroomError], message: str, cure: str | None, field: str | None) -> DarkroomError:
    return kind(message, cure=cure, field=field)


class InputError(DarkroomError):
    """Something is wrong with a picture that was given."""

    code = "input"
    http_status = 400
    exit_code = 65


class InputNotFound(InputError):
    """There is no such file, or it cannot be read."""

    code = "input_not_found"
    http_status = 404
    exit_code = 66


class UnsupportedFormat(InputError):
    """The content is of a type that is not read, or not a picture at all."""

    code = "unsupported_format"
    http_status = 415


class CorruptImage(InputError):
    """The content claims to be a picture but cannot be decoded whole."""

    code = "corrupt_image"
    http_status = 422


class LimitExceeded(InputError):
    """The picture, the result that is asked for, or the request is larger than a limit in the settings."""

    code = "limit_exceeded"
    http_status = 413


class UnsafeContent(InputError):
    """The picture is a document that can run code or fetch things when it is opened."""

    code = "unsafe_content"
    http_status = 422


class Infected(InputError):
    """The virus scanner knows the content for something harmful."""

    code = "infected"
    http_status = 422


class InvalidParameters(DarkroomError):
    """An operation, option or request has a value that is not allowed, or a name that is not known."""

    code = "invalid_parameters"
    http_status = 422
    exit_code = 64


class UnknownOperation(InvalidParameters):
    """There is no operation of that name."""

    code = "unknown_operation"


class UnknownRecipe(InvalidParameters):
    """There is no recipe of that name."""

    code = "unknown_recipe"


class ConfigurationError(InvalidParameters):
    """A settings file, an environment variable or a catalogue entry is wrong."""

    code = "configuration"
    http_status = 500
    exit_code = 78


class SettingsConflict(ConfigurationError):
    """A setting cannot be so while others are as they are."""

    code = "settings_conflict"
    http_status = 409


class NotAcceptable(InvalidParameters):
    """The client takes none of the formats that could be made."""

    code = "not_acceptable"
    http_status = 406


class OutputError(DarkroomError):
    """The result cannot be written as asked."""

    code = "output"
    http_status = 422
    exit_code = 73


class StorageFailed(DarkroomError):
    """Stored files cannot be written or read: no room, no connection, not allowed, or damaged bytes."""

    code = "storage"
    http_status = 503
    exit_code = 74
    private = True


class FileMissing(DarkroomError):
    """There is no such file, or it is not kept any more."""

    code = "file_missing"
    http_status = 404
    exit_code = 66


class RangeNotSatisfiable(DarkroomError):
    """The file has no such bytes."""

    code = "range"
    http_status = 416
    exit_code = 64


class ModelError(DarkroomError):
    """Something is wrong with a model."""

    code = "model"
    http_status = 500
    exit_code = 69


class UnknownModel(ModelError):
    """No catalogue entry has that name."""

    code = "unknown_model"
    http_status = 404
    exit_code = 64


class ModelMissing(ModelError):
    """The model is known but its files are not on this machine."""

    code = "model_missing"
    http_status = 409


class ModelCorrupt(ModelError):
    """A model file does not have the digest it should have, or cannot be parsed."""

    code = "model_corrupt"


class UnsafeWeights(ModelError):
    """A weights file holds more than tensors: loading it would run code, so it is not loaded."""

    code = "unsafe_weights"
    http_status = 422


class UnsupportedModel(ModelError):
    """The weights are of an architecture that the engines here cannot run."""

    code = "unsupported_model"
    http_status = 422


class LicenceRefused(ModelError):
    """The model's licence does not allow commercial use, and only such models are wanted."""

    code = "licence_refused"
    http_status = 403


class NetworkError(DarkroomError):
    """An outgoing connection failed or was not allowed."""

    code = "network"
    http_status = 502
    exit_code = 69


class OfflineRefused(NetworkError):
    """The settings allow no connection for this purpose."""

    code = "offline"
    http_status = 403


class EgressRefused(NetworkError):
    """The settings do not allow connections for this purpose."""

    code = "egress_refused"
    http_status = 403


class ConsentMissing(EgressRefused):
    """A picture would leave this machine, and nobody has agreed to that."""

    code = "consent_missing"


class AddressRefused(NetworkError):
    """The address is not of the public network, or is written so as to hide where it leads."""

    code = "address_refused"
    http_status = 403


class NameUnknown(AddressRefused):
    """The host's name has no address, which may pass."""

    code = "name_unknown"
    http_status = 502


class LedgerUnwritable(NetworkError):
    """The connection could not be written down, so it was not made."""

    code = "ledger"
    http_status = 507
    exit_code = 73
    private = True


class ProviderFailed(NetworkError):
    """A service in the cloud did not do what it was asked for."""

    code = "provider_failed"


class DownloadFailed(NetworkError):
    """A download ended without the whole file."""

    code = "download_failed"


class DownloadInterrupted(DownloadFailed):
    """A download broke off in a way that may pass: trying again goes on where it stopped."""

    code = "download_interrupted"


class EngineError(DarkroomError):
    """A network could not be run."""

    code = "engine"


class DeviceUnavailable(EngineError):
    """The device that was required is not here or not usable."""

    code = "device_unavailable"
    http_status = 503
    exit_code = 69


class ExtraMissing(EngineError):
    """An optional part of Darkroom is needed and not installed."""

    code = "extra_missing"
    http_status = 501
    exit_code = 69


class OutOfMemory(EngineError):
    """The device has not enough memory, even for the smallest tile."""

    code = "out_of_memory"
    http_status = 507
    exit_code = 71


class InferenceFailed(EngineError):
    """The engine raised an error while running a network."""

    code = "inference_failed"


class BadResult(EngineError):
    """A network's output is not a plausible picture (black, NaN, empty mask) and was refused."""

    code = "bad_result"


class ServiceError(DarkroomError):
    """Something that the service stands on is not well."""

    code = "service"
    http_status = 503
    exit_code = 69
    private = True


class DatabaseFailed(ServiceError):
    """The database cannot be reached, or is not well."""

    code = "database"


class QueueFailed(ServiceError):
    """What hands jobs to other machines cannot be reached."""

    code = "queue"


class Restarting(ServiceError):
    """The service ends, or goes on with other settings; whoever asks again is answered."""

    code = "restarting"
    exit_code = 75
    private = False
    retry_after = 2.0
    """Seconds after which to ask again."""


class JobNotFound(DarkroomError):
    """There is no such job, or it is somebody else's."""

    code = "job_not_found"
    http_status = 404
    exit_code = 66


class BatchNotFound(DarkroomError):
    """There is no such batch, or it is somebody else's."""

    code = "batch_not_found"
    http_status = 404
    exit_code = 66


class DeliveryNotFound(DarkroomError):
    """There is no such message to a webhook, or it is somebody else's."""

    code = "delivery_not_found"
    http_status = 404
    exit_code = 66


class ImageNotFound(DarkroomError):
    """There is no such picture, or it is somebody else's."""

    code = "image_not_found"
    http_status = 404
    exit_code = 66


class AccessRefused(DarkroomError):
    """Whoever asks may not."""

    code = "access_refused"
    http_status = 403
    exit_code = 77


class NotAuthenticated(AccessRefused):
    """A request has no API key, or none that is good."""

    code = "not_authenticated"
    http_status = 401


class NotAllowed(AccessRefused):
    """The API key is good, but not for this."""

    code = "not_allowed"


class HostRefused(AccessRefused):
    """The request is addressed to a name that is not one of this service."""

    code = "host_refused"


class OriginRefused(AccessRefused):
    """The request comes from a page that may not change anything here."""

    code = "origin_refused"


class SignatureInvalid(AccessRefused):
    """The signature is not of these words, not by a key that is known, or its time is over."""

    code = "signature"


class TooManyRequests(AccessRefused):
    """More was asked for than the limits allow.

    ``retry_after`` are the seconds after which to ask again.
    """

    code = "too_many_requests"
    http_status = 429
    exit_code = 75

    def __init__(
        self, message: str, *, cure: str | None = None, field: str | None = None, retry_after: float = 1.0
    ) -> None:
        super().__init__(message, cure=cure, field=field)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        """As any other error, and the seconds with it."""
        return (*super().__reduce__(), {"retry_after": self.retry_after})


class KeyNotFound(DarkroomError):
    """There is no such API key."""

    code = "key_not_found"
    http_status = 404
    exit_code = 66


class Conflict(DarkroomError):
    """The request does not fit what is here now, or what was asked before under the same Idempotency-Key."""

    code = "conflict"
    http_status = 409
    exit_code = 64


class FallbackRefused(DarkroomError):
    """Strict mode: the wanted way was not to be had, and no other was allowed."""

    code = "fallback_refused"
    http_status = 409
    exit_code = 69


class Cancelled(DarkroomError):
    """The caller asked for the work to stop."""

    code = "cancelled"
    http_status = 499
    exit_code = 130


class TimedOut(DarkroomError):
    """The work took longer than its limit and was stopped."""

    code = "timed_out"
    http_status = 504
    exit_code = 75


class WorkerDied(DarkroomError):
    """The worker process ended before it answered: a decoder crashed, or memory ran out."""

    code = "worker_died"
    http_status = 500
    exit_code = 70


class ScannerUnavailable(DarkroomError):
    """Nobody could search the upload for viruses, and without that it is not taken."""

    code = "scanner_unavailable"
    http_status = 503
    exit_code = 69
    private = True
