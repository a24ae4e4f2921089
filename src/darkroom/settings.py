"""One typed tree of settings: defaults < darkroom.toml or darkroom.yaml < changed.toml < environment < flags.

The environment names a leaf by its path: ``DARKROOM_MODELS__MIRROR=/srv/models``. A file is looked for in the working
folder, then in the user's configuration folder; ``DARKROOM_CONFIG`` names another. ``changed.toml`` in the user's
configuration folder holds what was changed on the service's page.
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from darkroom.errors import ConfigurationError

MetadataPolicy = Literal["private", "keep", "none"]
DeviceChoice = Literal["auto", "cpu", "gpu"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16", "int8"]
QualityChoice = Literal["fast", "balanced", "best"]
ScanningPolicy = Literal["fail_open", "fail_closed"]
EngineChoice = Literal["auto", "openvino", "onnxruntime", "pytorch"]

MEGA = 1_000_000
_changed: ContextVar[Mapping[str, Any] | None] = ContextVar("darkroom_changed", default=None)
"""What counts in place of the file of changes, while it is tried what would come of others."""
_DURATION = re.compile(r"(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s)?)?", re.ASCII)


def _duration(value: Any) -> Any:
    """Seconds from ``10``, ``10s``, ``500ms``, ``1m30s`` or ``2m``; anything else as it is."""
    found = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None or not found[0]:
        return value
    return 60.0 * int(found[1] or 0) + float(found[2] or 0) / (1000 if found[3] == "ms" else 1)


Duration = Annotated[float, BeforeValidator(_duration)]


def config_folder() -> Path:
    """Where the user's own ``darkroom.toml``, ``models.toml`` and ``recipes/`` live."""
    return Path(platformdirs.user_config_dir("darkroom", appauthor=False))


def data_folder() -> Path:
    """Where models are kept unless ``models.folder`` says otherwise."""
    return Path(platformdirs.user_data_dir("darkroom", appauthor=False))


def cache_folder() -> Path:
    """Where compiled networks are kept; safe to delete."""
    return Path(platformdirs.user_cache_dir("darkroom", appauthor=False))


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _scanner_place(address: str) -> tuple[str, int] | Path:
    if address.startswith("unix:"):
        path = Path(address.removeprefix("unix:"))
        if not path.is_absolute():
            raise ValueError("the path of a socket is written whole: unix:/run/clamav/clamd.ctl")
        return path
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@\[\]]+)):(\d{1,5})", address, re.ASCII)
    if found is None or not 1 <= int(found[3]) <= 65_535:
        raise ValueError("it is written host:port, such as 127.0.0.1:3310 or [::1]:3310, or unix:/path")
    return found[1] or found[2], int(found[3])


def _scanner_address(address: str) -> str:
    _scanner_place(address)
    return address


class Limits(_Group):
    """What is refused before it can hurt; checked on the header, before any pixel is decoded."""

    input_bytes: int = Field(default=256 * MEGA, ge=1, description="Largest input file, in bytes.")
    pixels: int = Field(default=250 * MEGA, ge=1, description="Most input pixels, all frames together.")
    frames: int = Field(default=1000, ge=1, description="Most frames of an animation.")
    dimension: int = Field(default=65_500, ge=1, description="Largest input width or height, in pixels.")
    output_pixels: int = Field(
        default=600 * MEGA, ge=1, description="Most pixels a result may have, all frames together."
    )
    memory: int | None = Field(
        default=None,
        ge=100 * MEGA,
        description="Most memory that pictures may take which are worked on at once by one program, in bytes: what "
        "would take more by itself is refused before it starts, what would take more beside others waits for them. "
        "Empty is three quarters of the machine's.",
    )
    decode_seconds: float = Field(
        default=10.0, gt=0, description="Longest time decoding may take in a worker, in seconds."
    )
    decode_memory: int = Field(default=1000 * MEGA, ge=64 * MEGA, description="Most memory decoding may add, in bytes.")
    job_seconds: float = Field(
        default=3600.0, gt=0, description="Longest time one picture may take in a worker, in seconds."
    )

    sync_concurrency: int = Field(
        default=3,
        ge=1,
        le=256,
        description="Pictures that are received, fetched and worked on at once while somebody waits for the answer.",
    )
    sync_seconds: Duration = Field(
        default=120.0, gt=0, description="How long such an answer may take before it is given up."
    )

    def most_memory(self) -> int:
        """Bytes that one picture may take, and all together that a program works on at once."""
        return self.memory if self.memory is not None else machine_memory() * 3 // 4


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container it is; 8 GB where the system does not say."""
    found: list[int] = []
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int((Path("/sys/fs/cgroup") / name).read_text()))
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=8000 * MEGA)


class ModelSettings(_Group):
    """Where models come from and which may be used."""

    folder: Path = Field(default_factory=lambda: data_folder() / "models", description="Where model files are kept.")
    auto_download: bool = Field(
        default=False, description="Download a model when an operation wants it and it is not here."
    )
    mirror: str | None = Field(default=None, description="A URL or folder that replaces every model's own address.")
    commercial_only: bool = Field(
        default=False, description="Refuse models whose licence does not allow commercial use."
    )
    u2net_folder: Path = Field(
        default_factory=lambda: Path(os.environ.get("U2NET_HOME", "~/.u2net")).expanduser(),
        description="Where rembg keeps its models; files found here are used in place.",
    )


class EngineSettings(_Group):
    """How networks are run."""

    engine: EngineChoice = Field(
        default="auto", description="Which inference engine; auto takes the best that is installed."
    )
    device: DeviceChoice = Field(default="auto", description="Where networks run; auto prefers a GPU that works.")
    require: Literal["cpu", "gpu"] | None = Field(
        default=None, description="Fail instead of falling back to another device."
    )
    precision: PrecisionChoice = Field(
        default="auto",
        description="auto uses bf16 or fp16 where the device has it; int8 is quicker still and loses more, and is "
        "used only for networks that stand it.",
    )
    quality: QualityChoice = Field(
        default="balanced",
        description="Which model and precision an operation takes where neither is named: best the first model in "
        "fp32, fast the quickest that `darkroom bench` measured.",
    )
    within: Duration | None = Field(
        default=None,
        gt=0,
        description="Take the best model and precision that is done with a picture in this time, such as 10s or 1m30s, "
        "by what `darkroom bench` measured.",
    )
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads for a network; 0 means every core.")
    memory: int = Field(default=4000 * MEGA, ge=100 * MEGA, description="Most bytes of loaded models kept ready.")
    idle_seconds: float = Field(
        default=300.0, gt=0, description="Loaded models that nobody has used for this long are unloaded."
    )
    cache: Path = Field(default_factory=lambda: cache_folder() / "compiled", description="Folder of compiled networks.")


class OutputSettings(_Group):
    """Defaults of encoding, used where neither a flag nor a ``convert`` step says otherwise."""

    metadata: MetadataPolicy = Field(
        default="private",
        description="private drops GPS, serial numbers and thumbnails and keeps profile and copyright; "
        "keep keeps all but the thumbnail; none drops everything.",
    )
    quality: int | None = Field(
        default=None, ge=1, le=100, description="Lossy quality; empty means each format's default."
    )


class FaceSettings(_Group):
    """Defaults of face restoration."""

    restoration_enabled: bool = Field(default=True, description="Restore faces that `darkroom faces` extracts.")
    restoration_strength: float = Field(
        default=0.8, ge=0, le=1, description="How much of the restored face is taken, 0 to 1, where nobody says it."
    )


class EgressSettings(_Group):
    """Which outgoing connections are made, and where they are written down."""

    model: bool = Field(default=True, description="Fetch models when they are asked for.")
    source: bool = Field(default=True, description="Fetch pictures that are given by address.")
    cloud: bool = Field(default=True, description="Contact cloud services, where providers.* allows them at all.")
    webhook: bool = Field(default=True, description="Call webhooks that jobs name.")
    storage: bool = Field(default=True, description="Contact storage in the network, where it is set.")
    scan: bool = Field(default=True, description="Contact a virus scanner in the network, where it is set.")
    database: bool = Field(default=True, description="Contact a database in the network, where it is set.")
    broker: bool = Field(default=True, description="Contact a broker of jobs in the network, where it is set.")
    telemetry: bool = Field(default=True, description="Send traces to a collector in the network, where one is set.")
    private_hosts: list[str] = Field(
        default=[], description="Hosts of your own network that may be contacted; all others there are refused."
    )
    ledger: Path = Field(
        default_factory=lambda: data_folder() / "egress.sqlite3",
        description="File in which every outgoing connection is written down.",
    )

    def allows(self, purpose: str) -> bool:
        """Whether connections for this purpose are made."""
        return bool(getattr(self, purpose))


class CloudinarySettings(_Group):
    """An account with Cloudinary."""

    cloud_name: str = Field(default="", description="Name of the product environment.")
    api_key: SecretStr = Field(default=SecretStr(""), description="API key.")
    api_secret: SecretStr = Field(default=SecretStr(""), description="API secret, with which requests are signed.")
    api_url: str = Field(default="https://api.cloudinary.com", description="Where uploads go.")
    delivery_url: str = Field(default="https://res.cloudinary.com", description="Where results are fetched from.")
    wait_seconds: float = Field(default=120.0, gt=0, description="How long to wait for slow transformations.")

    @property
    def ready(self) -> bool:
        """Whether all that is needed is set."""
        return bool(self.cloud_name and self.api_key.get_secret_value() and self.api_secret.get_secret_value())


class ImagesEndpointSettings(_Group):
    """An images endpoint as OpenAI's: its own, or one of your own network that speaks the same."""

    api_url: str = Field(default="https://api.openai.com/v1", description="Address before /images/generations.")
    api_key: SecretStr = Field(default=SecretStr(""), description="API key; a local endpoint may need none.")
    model: str = Field(default="gpt-image-1", description="Name of the model there.")
    size: str = Field(default="auto", description="Size to ask for, such as 1536x1024; auto takes the nearest shape.")
    send_picture: bool = Field(
        default=False, description="Send the subject too and have it edited; else only the prompt leaves."
    )
    wait_seconds: float = Field(default=180.0, gt=0, description="How long to wait for an answer.")

    @property
    def ready(self) -> bool:
        """Whether it is set up: a key, or an address other than OpenAI's."""
        return bool(self.api_key.get_secret_value()) or not self.api_url.startswith("https://api.openai.com")


class ProviderSettings(_Group):
    """Who carries operations out; nothing leaves this machine without consent and one of the other switches."""

    local_first: bool = Field(default=True, description="Work on this machine first; else the cloud first.")
    cloud_fallback: bool = Field(
        default=False, description="Where this machine fails, ask a cloud service that is set up."
    )
    consent: bool = Field(
        default=False, description="Agree to pictures or prompts leaving this machine; a key alone agrees to nothing."
    )
    chain: dict[str, list[str]] = Field(
        default={},
        description='For an operation the providers to ask, in order, such as {"upscale": ["local", '
        '"cloudinary"]}; in place of local_first and cloud_fallback.',
    )
    cloudinary: CloudinarySettings = Field(default_factory=lambda: CloudinarySettings())
    openai_images: ImagesEndpointSettings = Field(default_factory=lambda: ImagesEndpointSettings())


class S3Settings(_Group):
    """A bucket of any service that speaks S3."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+/?)?$",
        description="Address of the service, such as https://minio.example.org:9000; empty is Amazon's in the region.",
    )
    link_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+/?)?$",
        description="Address in links that are handed out, where others reach the service by another one.",
    )
    region: str = Field(
        default="us-east-1", pattern=r"^[a-z0-9-]+$", description="Region, which is part of signatures."
    )
    bucket: str = Field(default="", pattern=r"^([a-z0-9.-]{3,63})?$", description="Bucket; it has to be there.")
    prefix: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)?$",
        description="What the names of all files in the bucket start with, without slashes at its ends.",
    )
    access_key: SecretStr = Field(default=SecretStr(""), description="Access key.")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Secret key, with which requests are signed.")
    path_style: bool = Field(
        default=True, description="Name the bucket in the path of addresses; else in front of the host."
    )
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        default=None, description="Ask the service to encrypt what it keeps; empty is the bucket's own rule."
    )
    kms_key: str = Field(default="", description="Key for aws:kms and aws:kms:dsse; empty is the service's own.")
    multipart_bytes: int = Field(
        default=16 * 2**20, ge=5 * 2**20, le=2**30, description="Larger files are sent in parts of this size, in bytes."
    )
    retries: int = Field(
        default=5, ge=0, le=20, description="How often a request is made again after an error of the service's."
    )
    retry_seconds: Duration = Field(
        default=60.0, gt=0, le=240, description="How long after its start a request is still made again, in seconds."
    )
    timeout_seconds: Duration = Field(default=60.0, gt=0, description="Longest time of one request, in seconds.")

    @property
    def url(self) -> str:
        """The bucket's address, without a slash at its end."""
        return self._bucket_at(self.endpoint)

    @property
    def link_url(self) -> str:
        """The bucket's address in links that are handed out."""
        return self._bucket_at(self.link_endpoint or self.endpoint)

    def _bucket_at(self, endpoint: str) -> str:
        scheme, host = (endpoint.rstrip("/") or f"https://s3.{self.region}.amazonaws.com").split("://", 1)
        return f"{scheme}://{host}/{self.bucket}" if self.path_style else f"{scheme}://{self.bucket}.{host}"


class StorageSettings(_Group):
    """Where the service keeps the files that it is given and makes."""

    kind: Literal["local", "s3", "both"] = Field(
        default="local", description="In a folder, in a bucket, or in both, so that one may fail."
    )
    folder: Path = Field(default_factory=lambda: data_folder() / "files", description="Folder of files.")
    spool: Path = Field(
        default_factory=lambda: cache_folder() / "spool",
        description="Folder in which files for a bucket wait until they are whole.",
    )
    s3: S3Settings = Field(default_factory=lambda: S3Settings())


class ScanningSettings(_Group):
    """Whether uploads are searched for viruses, and by whom."""

    enabled: bool = Field(default=False, description="Have uploads searched for viruses by ClamAV's clamd.")
    address: Annotated[str, AfterValidator(_scanner_address)] = Field(
        default="127.0.0.1:3310",
        description="Where clamd listens: host:port, or unix:/path of its socket. Uploads go there unencrypted, so it "
        "is on this machine or in your own network.",
    )
    policy: ScanningPolicy = Field(
        default="fail_closed",
        description="What becomes of an upload that nobody could search: fail_closed refuses it, fail_open lets it "
        "pass with a warning.",
    )
    timeout_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="How long clamd may take to connect, to take bytes, and to answer."
    )
    most_bytes: int = Field(
        default=100 * MEGA,
        ge=1,
        description="Longest upload that is searched; longer ones are refused. Not more than StreamMaxLength in "
        "clamd's own settings.",
    )

    @property
    def place(self) -> tuple[str, int] | Path:
        """The host and port, or the socket's path."""
        return _scanner_place(self.address)


class DatabaseSettings(_Group):
    """Where the service writes down pictures, jobs and keys."""

    url: SecretStr = Field(
        default_factory=lambda: SecretStr(f"sqlite:///{data_folder() / 'darkroom.sqlite3'}"),
        description="Address of the database: sqlite:////path/file, or postgresql+psycopg://user:password@host/name.",
    )


class JobSettings(_Group):
    """Who carries jobs out, and how many at once."""

    light: int = Field(default=1, ge=0, le=64, description="Jobs at once of light work: decode, resize, encode.")
    heavy: int = Field(default=1, ge=0, le=64, description="Jobs at once that may use a network.")
    broker_url: SecretStr = Field(
        default=SecretStr(""),
        description="Address of Redis, such as redis://host:6379/0: jobs then go through Celery to the machines that "
        "run `darkroom worker`. Empty is this machine alone.",
    )


class WebhookSettings(_Group):
    """How others are told that a job has ended."""

    secrets: list[SecretStr] = Field(
        default=[],
        description="Secrets that messages are signed with, whsec_ and base64 of 24 to 64 bytes; several while one "
        "takes the other's place. Empty is one that is made and kept beside the database.",
    )
    attempts: int = Field(default=8, ge=1, le=20, description="How often a message is sent before it is given up.")
    timeout_seconds: Duration = Field(default=15.0, gt=0, le=60, description="How long an answer may take.")


class RetentionSettings(_Group):
    """What is deleted, and when. Empty keeps it until somebody deletes it."""

    image_days: float | None = Field(default=None, gt=0, description="Days after which pictures are deleted.")
    job_days: float | None = Field(default=30.0, gt=0, description="Days after their end that jobs are forgotten.")
    cache_days: float = Field(default=7.0, gt=0, description="Days that nobody asked for a kept result.")


class ServerSettings(_Group):
    """The HTTP service."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; other than this machine needs a key.")
    port: int = Field(default=8765, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    require_key: bool = Field(
        default=False, description="Ask for a key also where only this machine is listened to, as behind a proxy."
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+(/[^?#]*)?)?$",
        description="Address by which others reach the service, for links; empty is the one they asked by.",
    )
    cdn_url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+(/[^?#]*)?)?$",
        description="Address of a cache in front of the service, for links to signed pictures.",
    )
    links: Literal["proxied", "presigned"] = Field(
        default="proxied",
        description="Whether downloads come from the service, or by a link to the bucket that ends after a while.",
    )
    link_seconds: int = Field(
        default=3600, ge=1, le=604_800, description="How long links are good that are handed out, in seconds."
    )
    url_keys: list[Annotated[SecretStr, Field(min_length=16)]] = Field(
        default=[],
        description="Keys that the addresses of pictures are signed with, 16 characters or more: the first signs, all "
        "are accepted. Empty is one that is made and kept beside the database.",
    )
    cors_origins: list[str] = Field(
        default=[], description="Web pages of other hosts that may use the service, such as https://shop.example."
    )
    hosts: list[str] = Field(
        default=[],
        description="Names that requests may be addressed to besides this machine's own, against rebinding of names.",
    )
    upload_bytes: int = Field(default=50 * MEGA, ge=1, description="Largest file of an upload, in bytes.")
    upload_files: int = Field(default=10, ge=1, le=1000, description="Most files of an upload.")
    upload_seconds: Duration = Field(
        default=30.0, gt=0, description="How long a request may send nothing before it is given up."
    )
    upload_rate: int = Field(
        default=1000,
        ge=0,
        description="Bytes in a second that a request must send on average, from upload_seconds on; 0 is any number.",
    )
    telemetry: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+(/[^?#]*)?)?$",
        description="Collector that traces are sent to, by OpenTelemetry's protocol over HTTP, such as "
        "http://127.0.0.1:4318; empty is what OTEL_EXPORTER_OTLP_ENDPOINT says, else none.",
    )
    requests_per_minute: int = Field(
        default=600,
        ge=0,
        description="Requests that one key may make in a minute; 0 is any number. This machine without a key is not "
        "held to it.",
    )
    concurrent_requests: int = Field(
        default=32,
        ge=0,
        description="Requests that one key may have open at once, of each server; 0 is any number. This machine "
        "without a key is not held to it.",
    )


class Settings(BaseSettings):
    """The whole tree. Frozen: derive a changed one with :meth:`with_changes`."""

    model_config = SettingsConfigDict(
        env_prefix="DARKROOM_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    limits: Limits = Field(default_factory=lambda: Limits())
    models: ModelSettings = Field(default_factory=lambda: ModelSettings())
    engine: EngineSettings = Field(default_factory=lambda: EngineSettings())
    output: OutputSettings = Field(default_factory=lambda: OutputSettings())
    faces: FaceSettings = Field(default_factory=lambda: FaceSettings())
    egress: EgressSettings = Field(default_factory=lambda: EgressSettings())
    providers: ProviderSettings = Field(default_factory=lambda: ProviderSettings())
    storage: StorageSettings = Field(default_factory=lambda: StorageSettings())
    scanning: ScanningSettings = Field(default_factory=lambda: ScanningSettings())
    database: DatabaseSettings = Field(default_factory=lambda: DatabaseSettings())
    jobs: JobSettings = Field(default_factory=lambda: JobSettings())
    webhooks: WebhookSettings = Field(default_factory=lambda: WebhookSettings())
    retention: RetentionSettings = Field(default_factory=lambda: RetentionSettings())
    server: ServerSettings = Field(default_factory=lambda: ServerSettings())
    offline: bool = Field(default=False, description="Allow no outgoing connection at all.")
    strict: bool = Field(default=False, description="Turn every fallback into an error.")
    recipes: Path = Field(default_factory=lambda: config_folder() / "recipes", description="The user's own recipes.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then what was changed on the page, then the file."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        tried = _changed.get()
        sources.append(InitSettingsSource(settings_cls, dict(read_changed() if tried is None else tried)))
        path = settings_file()
        if path is not None and path.suffix == ".toml":
            sources.append(_TomlFile(settings_cls, toml_file=path))
        elif path is not None:
            sources.append(YamlConfigSettingsSource(settings_cls, yaml_file=path))
        return tuple(sources)

    def own_addresses(self) -> list[str]:
        """Addresses that the owner has named in these settings, which may be of the own network."""
        named = [self.models.mirror or "", self.providers.cloudinary.api_url, self.providers.cloudinary.delivery_url]
        if self.storage.kind != "local":
            named.append(self.storage.s3.url)
        return [url for url in (*named, self.providers.openai_images.api_url) if "://" in url]

    def with_changes(self, changes: dict[str, Any]) -> Settings:
        """A copy with leaves replaced, named by dotted path: ``{"engine.device": "cpu"}``; None values are skipped.

        Raises ConfigurationError where a path or value is not allowed.
        """
        tree = self.model_dump()
        for path, value in changes.items():
            if value is None:
                continue
            *groups, leaf = path.split(".")
            node: Any = tree
            for group in groups:
                node = node.get(group) if isinstance(node, dict) else None  # pyright: ignore
                if not isinstance(node, dict):
                    raise ConfigurationError(f"There is no setting {path}.", cure="See docs/settings.md.", field=path)
            node[leaf] = value
        try:
            return type(self)(**tree)
        except ValidationError as error:
            raise ConfigurationError(explain(error), cure="See docs/settings.md for what is allowed.") from error


class _TomlFile(TomlConfigSettingsSource):
    """A TOML file whose mistakes name it."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return super()._read_file(file_path)
        except ValueError as error:
            raise _unreadable(file_path, error) from error


def _unreadable(path: Path | None, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The settings file {path} cannot be read: {' '.join(str(error).split())}.",
        cure="Correct it; docs/settings.md has an example.",
    )


def changed_file() -> Path:
    """The file of what was changed on the service's page; it counts before the settings file where it is there."""
    return config_folder() / "changed.toml"


def read_changed() -> dict[str, Any]:
    """What :func:`changed_file` has; nothing where it is not there. Raises ConfigurationError."""
    file = changed_file()
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error


def settings_file() -> Path | None:
    """The settings file in force, or None. Raises ConfigurationError if ``DARKROOM_CONFIG`` names none."""
    named = os.environ.get("DARKROOM_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigurationError(
                f"The settings file {path}, named by DARKROOM_CONFIG, is not there.", cure="Correct or unset it."
            )
        return path
    for folder in (Path.cwd(), config_folder()):
        for name in ("darkroom.toml", "darkroom.yaml"):
            if (folder / name).is_file():
                return folder / name
    return None


def load_settings(changes: dict[str, Any] | None = None, *, changed: Mapping[str, Any] | None = None) -> Settings:
    """Read file and environment, then lay ``changes`` (dotted paths, as flags give them) over them.

    ``changed`` counts in place of what is in the file of changes, so that others can be tried before they are kept.

    Raises ConfigurationError naming the leaf and what is allowed.
    """
    import yaml

    token = _changed.set(changed)
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigurationError(
            f"The settings are wrong: {explain(error)}", cure="See docs/settings.md for what is allowed."
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise _unreadable(settings_file(), error) from error
    finally:
        _changed.reset(token)
    return settings.with_changes(changes) if changes else settings


def explain(error: ValidationError) -> str:
    """A pydantic error as one line for a person: each field, what is wrong and what is allowed."""
    parts: list[str] = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "is not a known name"
        parts.append(f"{where}: {message}" if where else message)
    return "; ".join(parts)
