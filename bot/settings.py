"""The environment, read once into one frozen :class:`Settings`; nobody else reads ``os.environ``.

``.env.example`` lists every name with its default; a test holds the two together.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


PUBLIC = re.compile(
    r"https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(:\d{1,5})?(/[\w./-]*)?", re.A
)
INSIDE = re.compile(
    r"\.(localhost|localdomain|local|internal|intranet|lan|home|corp|arpa|test|invalid)(:\d+)?(/|$)"
)
"""A geocoder's address that may be asked, and the endings of names that mean an inner network."""


class SettingsError(Exception):
    """A setting is wrong; one line a fault, naming the setting and never its value."""


class Settings(BaseSettings):
    """Everything that can be set, by its name in capitals. An empty value means the default."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    bot_token: SecretStr = SecretStr("")
    api_base_url: str = "https://api.telegram.org"
    proxy_url: SecretStr = SecretStr("")
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    webhook_port: Port = 8443
    ops_port: Port = 0

    data_dir: Path = Path("data")
    database_url: str = Field(
        default_factory=lambda data: f"sqlite:///{data['data_dir'].as_posix()}/suda.db", repr=False
    )
    key_file: Path = Field(default_factory=lambda data: data["data_dir"] / "keyring.json")

    admin_ids: Annotated[tuple[int, ...], NoDecode] = ()
    operator_name: str = ""
    cross_border_basis: str = ""
    region: str = "pudong"
    font_file: str = ""

    geocoder: Literal["", "amap", "nominatim"] = ""
    geocoder_key: SecretStr = SecretStr("")
    geocoder_url: str = ""
    geocoder_city: str = ""
    geocoder_seconds: PositiveFloat = 5

    robots_file: Path | None = None

    sandbox_port: Port = 8090
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    send_per_second: PositiveFloat = 29
    chat_per_second: PositiveFloat = 1
    chat_burst: PositiveInt = 5
    group_per_minute: PositiveFloat = 20
    max_file_mb: PositiveInt = 20
    clamd: str = ""
    keep_payload_hours: NonNegativeInt = 48

    @field_validator("admin_ids", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part for part in re.split(r"[,;\s，；]+", value) if part]
        return value

    @field_validator("bot_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(
            r"\d+:[A-Za-z0-9_-]+", value.get_secret_value()
        ):
            raise ValueError("is not a bot token as BotFather gives it (digits:letters)")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", value.get_secret_value()):
            raise ValueError("may hold 1 to 256 of A-Z a-z 0-9 _ -, by the Bot API's rule")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not re.match(r"(sqlite|postgres(ql)?)(\+\w+)?://", value):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("clamd")
    @classmethod
    def _clamd(cls, value: str) -> str:
        if value and not re.fullmatch(r"/\S+|[^\s:/]+:\d+", value):
            raise ValueError("must be host:port, or the path of clamd's socket")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("geocoder_url")
    @classmethod
    def _outside(cls, value: str) -> str:
        """Another geocoder than the adapters' own is called by a public name and over https, so that no
        spelling of this machine's or its network's addresses passes (ASVS 1.3.6)."""
        if value and (not PUBLIC.fullmatch(value) or INSIDE.search(value)):
            raise ValueError(
                "must be https:// and a public host's name, not a number or a local name"
            )
        return value.rstrip("/")

    @field_validator("api_base_url", "webhook_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/]", value):
            raise ValueError("must begin with https:// or http://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _webhook(self) -> Self:
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise ValueError("WEBHOOK_SECRET is needed with WEBHOOK_URL")
        if self.geocoder == "amap" and not self.geocoder_key.get_secret_value():
            raise ValueError("GEOCODER_KEY is needed with GEOCODER=amap")
        return self


def load(env_file: Path | None = Path(".env"), **over: Any) -> Settings:
    """The settings from the environment, then ``env_file``, then the defaults.

    ``over`` beats them all (the command line's options). Raises SettingsError.
    """
    try:
        return Settings(_env_file=env_file, **over)  # type: ignore[call-arg]
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_input=False, include_url=False):
            if fault["type"] == "default_factory_not_called":
                continue  # only says that another setting was wrong
            name = ".".join(str(part) for part in fault["loc"][:1]).upper()
            said = fault["msg"].removeprefix("Value error, ")
            lines.append(f"{name}: {said}" if name else said)
        raise SettingsError("\n".join(lines)) from None
