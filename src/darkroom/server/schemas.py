"""What the service takes and gives: every body of the HTTP API, from which its OpenAPI document is made."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from darkroom.image import Format
from darkroom.operation import Operation, registry
from darkroom.pipeline import parse
from darkroom.report import PictureReport, Report

T = TypeVar("T")

ID = r"^[0-9a-f]{32}$"
LARGEST_NUMBER = 2**31 - 1
"""Largest number of a version that a database can have."""
GROUP = r"^[A-Za-z0-9][A-Za-z0-9._:@/ -]{0,199}$"


def _from_text(written: Any) -> Any:
    """The text form of an operation as an object; anything else as it is."""
    if not isinstance(written, str):
        return written
    operation = parse(written)
    return {"type": operation.name, **operation.parameters()}


if TYPE_CHECKING:
    AnyOperation = Operation
else:
    AnyOperation = Annotated[reduce(or_, registry().values()), Field(discriminator="type"), BeforeValidator(_from_text)]
    """One operation with its parameters, told by its ``type``; the union of all that are registered.

    The text form of the command line, ``upscale:scale=2``, is read too.
    """


Operations = Annotated[list[AnyOperation], Field(max_length=50)]
Identifier = Annotated[str, Field(pattern=ID, description="32 hexadecimal digits.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Problem(_Answer):
    """An error, as RFC 9457 (problem details) writes it: what happened, to what, and what to do about it."""

    type: str = Field(description="What kind of error, as a URN.", examples=["urn:darkroom:error:image_not_found"])
    title: str = Field(description="That kind in words.", examples=["There is no such picture."])
    status: int = Field(description="HTTP status.", examples=[404])
    detail: str = Field(description="What happened, to what.", examples=["There is no picture 0f…"])
    code: str = Field(description="The kind for programs; docs/errors.md lists all.", examples=["image_not_found"])
    cure: str | None = Field(default=None, description="What to do about it.")
    step: int | None = Field(default=None, description="The operation at fault, counted from 0, where it is one.")
    field: str | None = Field(default=None, description="The parameter at fault, of that operation where it is one.")
    request_id: str | None = Field(default=None, description="Of the request, as in the log.")


class Output(_Body):
    """How to write the result; what is left out is the format's default, or the settings'."""

    format: Format | None = Field(default=None, description="Empty keeps the picture's own.", examples=["webp"])
    quality: int | None = Field(default=None, ge=1, le=100, description="Lossy quality.")
    lossless: bool | None = Field(default=None, description="Keep every pixel, where the format can.")
    metadata: Literal["private", "keep", "none"] | None = Field(default=None, description="What is kept of metadata.")
    target_bytes: int | None = Field(default=None, ge=100, description="Choose the quality so that it fits into this.")


class Work(_Body):
    """What to do with a picture: a recipe, then operations, then how to write the result."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"operations": [{"type": "remove_background"}, "resize:width=800"], "output": {"format": "webp"}},
                {"recipe": "web-small", "webhook_url": "https://example.org/done"},
            ]
        }
    )

    operations: Operations = Field(
        default=[],
        description="In order. A text as on the command line, such as upscale:scale=2, is taken in place of an object.",
        examples=[[{"type": "resize", "width": 800}, "adjust:contrast=1.1"]],
    )
    recipe: str | None = Field(
        default=None, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Name of a recipe that is run first."
    )
    generate_sizes: bool | list[str] = Field(
        default=False,
        description="Make smaller sizes beside the result: true for the usual three, or NAME=PIXELS each.",
    )
    output: Output = Field(default_factory=Output)
    priority: int = Field(default=0, ge=-10, le=10, description="Higher comes first.")
    webhook_url: AnyHttpUrl | None = Field(default=None, description="Is told when the job has ended.")

    @model_validator(mode="after")
    def _something(self) -> Work:
        if not self.operations and self.recipe is None and not self.generate_sizes and self.output == Output():
            raise ValueError("says nothing to do: give operations, a recipe, sizes or an output format")
        return self


class Source(_Body):
    """A picture: one that is stored, or one at an address."""

    image_id: Identifier | None = Field(default=None, description="Of a picture that is stored.")
    version: int | None = Field(
        default=None, ge=0, le=LARGEST_NUMBER, description="Which of its versions; empty is the newest."
    )
    url: AnyHttpUrl | None = Field(default=None, description="Where to fetch it; it is then stored.")
    store_id: str = Field(default="", pattern=f"{GROUP}|^$", description="Of a picture that is fetched: its shop.")
    product_id: str = Field(default="", pattern=f"{GROUP}|^$", description="Of a picture that is fetched: its product.")

    @model_validator(mode="after")
    def _one(self) -> Source:
        if (self.image_id is None) == (self.url is None):
            raise ValueError("needs either image_id or url")
        return self


class FetchRequest(_Body):
    """A picture at an address, to be stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://example.org/shoe.jpg"}]})

    url: AnyHttpUrl = Field(description="Where to fetch it.")
    store_id: str = Field(default="", pattern=f"{GROUP}|^$", description="Shop it belongs to.")
    product_id: str = Field(default="", pattern=f"{GROUP}|^$", description="Product it shows.")


class ProcessRequest(Work, Source):
    """A picture, and what to do with it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"image_id": "0123456789abcdef0123456789abcdef", "operations": [{"type": "remove_background"}]},
                {"url": "https://example.org/shoe.jpg", "recipe": "web-small"},
            ]
        }
    )


class BatchRequest(_Body):
    """Several pictures, and what to do with each."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "images": [
                        {"image_id": "0123456789abcdef0123456789abcdef"},
                        {"url": "https://example.org/shoe.jpg", "store_id": "shop 7", "product_id": "sku-1"},
                    ],
                    "work": {"recipe": "web-small"},
                }
            ]
        }
    )

    images: list[Source] = Field(min_length=1, max_length=1000, description="The pictures.")
    work: Work = Field(description="What to do with each.")
    webhook_url: AnyHttpUrl | None = Field(default=None, description="Is told when the last job has ended.")


class LinkRequest(_Body):
    """A transformed picture that a signed address is wanted for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"operations": ["resize:width=320"], "extension": "auto", "seconds": 86400}]}
    )

    operations: list[AnyOperation] = Field(default=[], max_length=20, description="As in Work.")
    extension: Literal["auto", "jpg", "png", "webp", "avif", "gif"] = Field(
        default="auto", description="Format; auto is AVIF or WebP where the browser takes them."
    )
    quality: int | None = Field(default=None, ge=1, le=100, description="Lossy quality.")
    version: int | None = Field(
        default=None, ge=0, le=LARGEST_NUMBER, description="Of the picture; empty is the newest, always."
    )
    seconds: int | None = Field(
        default=None, ge=1, le=3_155_760_000, description="How long it is good, a century at most; empty is for ever."
    )


class Link(_Answer):
    """An address."""

    url: str
    expires: datetime | None = None


class Version(_Answer):
    """One state of a picture: number 0 is what was given."""

    number: int
    name: str = Field(description="Empty for the picture itself, else of one that was made beside it.")
    digest: str = Field(description="SHA-256 of the file.")
    bytes: int
    format: Format
    media_type: str
    width: int = Field(description="Pixels; 0 where not known yet.")
    height: int
    frames: int
    created: datetime
    job_id: str | None = Field(description="The job that made it.")
    links: dict[str, str] = Field(description="download")


class Picture(_Answer):
    """A stored picture, by its newest version."""

    id: Identifier
    name: str
    created: datetime
    store_id: str
    product_id: str
    versions: int = Field(description="How many it has.")
    newest: Version | None = Field(description="Empty while it is still being fetched.")
    links: dict[str, str] = Field(description="self, info, download, thumbnail, process")
    warnings: list[str] = Field(default=[], description="Of the upload.")


class Box(_Answer):
    """A face: its box in pixels from the top left, and how sure the detector is."""

    left: float
    top: float
    width: float
    height: float
    score: float = Field(ge=0, le=1)
    landmarks: list[tuple[float, float]] = Field(description="Eyes, tip of the nose, corners of the mouth.")


class Shade(_Answer):
    """A colour that stands out, and how much of the picture it is."""

    color: str = Field(examples=["#1f77b4"])
    share: float = Field(ge=0, le=1)


class Colour(_Answer):
    """What colours a picture has."""

    average: str = Field(examples=["#7f7f7f"])
    dominant: list[Shade]
    grey: bool
    alpha: bool
    profile: str | None
    space: str | None


class PictureInfo(Picture):
    """All that is known of a picture."""

    picture: PictureReport = Field(description="As the decoder sees it.")
    exif: dict[str, Any] = Field(description="By the names of the EXIF standard; empty where there is none.")
    colour: Colour
    faces: list[Box] | None = Field(description="Only where they were asked for.")
    all_versions: list[Version]


class Page(_Answer, Generic[T]):
    """Part of a list, the newest first."""

    items: list[T]
    next: str | None = Field(default=None, description="Give it as `after` for what follows; empty at the end.")


State = Literal["scanning", "pending", "processing", "completed", "failed", "cancelled", "quarantined"]


class Fault(_Answer):
    """Why a job failed."""

    code: str
    message: str
    cure: str | None
    step: int | None = None
    field: str | None = None


class Job(_Answer):
    """One picture's work, and how far it is."""

    id: Identifier
    state: State
    lane: Literal["light", "heavy"]
    priority: int
    image_id: str | None
    batch_id: str | None
    name: str
    operations: list[dict[str, Any]] = Field(description="Every parameter, defaults resolved.")
    progress: float = Field(ge=0, le=1)
    doing: str = Field(description="The current operation.")
    attempts: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: Fault | None
    report: Report | None = Field(description="The receipt, once it is completed.")
    result: Version | None = Field(default=None, description="What came of it, in answers about one job.")
    webhook_url: str | None
    links: dict[str, str] = Field(description="self, events, cancel, retry; result once there is one")


class Batch(_Answer):
    """Several jobs that belong together."""

    id: Identifier
    created: datetime
    done: bool
    total: int
    counts: dict[str, int] = Field(description="Jobs in each state.")
    progress: float = Field(ge=0, le=1)
    operations: list[dict[str, Any]] = Field(description="Done to each picture; every parameter, defaults resolved.")
    image_ids: list[str] = Field(description="A few of the pictures that are still stored.")
    webhook_url: str | None
    links: dict[str, str] = Field(description="self, jobs, events, cancel, archive")


class Uploaded(_Answer):
    """What became of an upload: every file has its own answer."""

    images: list[Picture]
    errors: list[FailedFile]


class FailedFile(_Answer):
    """A file that was not taken."""

    name: str = Field(description="Its own; where the form itself is wrong, of the part that it was read up to.")
    problem: Problem


class OperationInfo(_Answer):
    """An operation: what it is called, and the JSON schema of its parameters."""

    name: str
    summary: str
    lane: Literal["light", "heavy"] = Field(description="Heavy where it may use a network.")
    tasks: list[str] = Field(description="Tasks of models that it can use.")
    json_schema: dict[str, Any] = Field(
        description="`unit` of a number says what it counts: pixels, degrees, levels (of 255), bytes. `format` of a "
        "text says what it names: picture or mask (stored pictures), model, colour, focal-point. `x-needs` are schemas "
        "one of which has to hold, where the operation cannot do with nothing said."
    )


class RecipeInfo(_Answer):
    """A recipe."""

    name: str
    description: str
    builtin: bool
    operations: list[dict[str, Any]]
    output: Output


ModelState = Literal["here", "missing", "downloading", "failed"]


class ModelInfo(_Answer):
    """A model: what it is for, whose it is, and whether it is here."""

    name: str
    task: str
    summary: str
    scale: int
    licence: str
    licence_note: str
    commercial: bool | None = Field(description="Whether commercial use is allowed; empty where not known.")
    source: str
    bytes: int | None = Field(description="Size of its files.")
    state: ModelState
    progress: float = Field(default=0, ge=0, le=1, description="Of a download.")
    problem: Fault | None = Field(default=None, description="Why the last download failed.")
    own: bool = Field(description="Whether it is the user's own entry.")
    removable: bool = Field(description="Whether its files lie in Darkroom's own folder.")


class ModelsStatus(_Answer):
    """All models."""

    folder: str
    auto_download: bool
    offline: bool
    models: list[ModelInfo]


class ModelDownload(_Answer):
    """A download that has begun, or that was not needed."""

    name: str
    state: ModelState
    progress: float = Field(ge=0, le=1)
    doing: str = ""
    problem: Fault | None = None


class SettingInfo(_Answer):
    """A setting that the page may change."""

    value: Any
    default: Any
    description: str
    json_schema: dict[str, Any]
    locked: str | None = Field(description="Why it cannot be changed here, where it cannot.")
    lock: Literal["environment", "not_local_first", "no_cloud_key"] | None = Field(description="The same for programs.")


class SettingsView(_Answer):
    """The settings that the page may change, by dotted path."""

    settings: dict[str, SettingInfo]


class SettingsChange(_Body):
    """Settings to change, by dotted path."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"changes": {"providers.local_first": True}}]})

    changes: dict[str, Any] = Field(min_length=1, examples=[{"providers.local_first": True}])


class Connection(_Answer):
    """One outgoing connection of the ledger."""

    at: str
    purpose: str
    method: str
    scheme: str
    host: str
    port: int
    path: str
    what: str
    job: str
    sent: int = Field(description="Bytes of bodies.")
    received: int
    status: int
    outcome: str


class EgressSummary(_Answer):
    """What left this machine."""

    connections: int
    sent: int
    received: int
    by_purpose: dict[str, int] = Field(description="Connections that were made, by purpose.")
    offline: bool
    allowed: dict[str, bool] = Field(description="Which purposes the settings allow.")
    entries: list[Connection] = Field(description="The newest first.")


class Health(_Answer):
    """The process lives."""

    status: Literal["ok"]
    version: str


class Dependency(_Answer):
    """Something that the service stands on, really tried just now."""

    ok: bool
    seconds: float = Field(description="How long the trial took.")
    problem: str | None = None
    about: str | None = None


class Readiness(_Answer):
    """Whether the service can take work."""

    ready: bool
    dependencies: dict[str, Dependency] = Field(description="database, storage, queue, scanner")
    jobs: dict[str, int] = Field(description="Jobs in each state.")


class Delivery(_Answer):
    """A message to a webhook, and how far it is."""

    id: str
    event: str
    url: str
    job_id: str | None
    batch_id: str | None
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status: int | None = Field(description="HTTP status of the last answer.")
    error: str | None
    created: datetime
    not_before: datetime
    finished: datetime | None
    body: dict[str, Any]


class WebhookSecrets(_Answer):
    """What messages to webhooks are signed with."""

    secrets: list[str] = Field(description="Each `whsec_` and base64; several while one takes the other's place.")
    made_here: bool = Field(description="Whether the service made it for itself, as the settings have none.")
