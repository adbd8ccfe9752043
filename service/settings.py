"""What the surroundings decide: read once from the environment, frozen afterwards.

`DATABASE_URL` keeps the name every host uses; everything else starts with
`GOODFIT_`. Durations are seconds.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

__all__ = ["InvalidSettings", "Settings", "read_settings", "sqlalchemy_url"]

_DRIVER: Final = "postgresql+psycopg://"
_ROOT_FOLDER: Final = Path("/var/lib/goodfit")


class InvalidSettings(Exception):
    """The environment holds a setting that cannot be used; the message names every one."""

    code = "invalid_settings"


def sqlalchemy_url(url: str) -> str:
    """Return *url* as SQLAlchemy wants it for psycopg 3: `postgresql+psycopg://...`.

    `postgres://`, `postgresql://` and `postgresql+psycopg://` are the same database.

    Raises:
        ValueError: If *url* begins with anything else. The message holds the scheme
            only; the rest of a database URL may be a password.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        shown = scheme if separator else "something without ://"
        raise ValueError(
            f"the database URL begins with `{shown}`; begin it with `postgresql://`, "
            "Goodfit keeps its data in Postgres only"
        )
    return _DRIVER + rest


_Url = Annotated[str, AfterValidator(sqlalchemy_url)]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Every setting of one process. Tests make their own by keyword.

    Where `database_url` is None, Goodfit runs its own Postgres under `data_folder`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_prefix="GOODFIT_",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    database_url: _Url | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    owner_database_url: _Url | None = Field(default=None, repr=False)
    home: Path | None = None
    secret_key: str | None = Field(default=None, repr=False)
    """32 bytes in base64, to seal other systems' secrets and know the erased; else a file."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+$")] | None = None
    """How the world addresses this service, without a path: what HubSpot signs."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    shutdown_s: _Seconds = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    pool_size: int = Field(default=5, ge=1, le=500)
    pool_timeout_s: float = Field(default=1.0, gt=0, le=1.0)
    connect_timeout_s: float = Field(default=2.0, ge=1.0, allow_inf_nan=False)
    statement_timeout_s: _Seconds = 5.0
    lock_timeout_s: _Seconds = 2.0
    idle_in_transaction_timeout_s: _Seconds = 10.0
    transaction_timeout_s: _Seconds = 4.0
    clock_skew_limit_s: _Seconds = 0.25

    # per key, all workers together; 0 is no limit
    secret_requests_per_minute: int = Field(default=0, ge=0)
    publishable_requests_per_minute: int = Field(default=6_000, ge=0)
    # per publishable key and neighbourhood (a network of /24 or /48); 0 is no limit
    address_requests_per_minute: int = Field(default=120, ge=0)
    visitors_per_address: int = Field(default=30, ge=0)
    """How many new visitors of a form one neighbourhood may send within a window."""
    form_window_s: int = Field(default=1_800, ge=0, le=7 * 24 * 3600)
    """How long a form's visitor is recognised after the last question; 0 is not at all."""
    form_fastest_s: float = Field(default=1.5, ge=0, le=60, allow_inf_nan=False)
    """A form that was filled in within less was not filled in by a person."""
    trusted_proxies: int = Field(default=0, ge=0, le=16)
    """How many of our own proxies stand in front and append to `X-Forwarded-For`."""

    job_lease_s: _Seconds = 30.0
    """After how long without a sign of life a worker's jobs are taken up by another."""
    jobs_at_once: int = Field(default=4, ge=1, le=64)
    look_for_jobs_every_s: _Seconds = 0.5
    failed_jobs_kept_days: int = Field(default=14, ge=1, le=365)

    delivery_timeout_s: float = Field(default=15.0, gt=0, le=30)
    """How long an endpoint may take to answer."""
    delivery_lease_s: float = Field(default=40.0, gt=0, allow_inf_nan=False)
    """After how long the delivery of a worker that died is sent by another; above the timeout."""
    delivery_pauses_s: tuple[_Seconds, ...] = Field(
        default=(5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400), max_length=50
    )
    deliveries_at_once: int = Field(default=128, ge=1, le=1_000)
    deliver_every_s: _Seconds = 0.5
    events_kept_days: int = Field(default=90, ge=7, le=3_650)
    insecure_endpoints: bool = False
    """Whether endpoints may have plain HTTP and private addresses: for development."""

    partitions_ahead: int = Field(default=3, ge=1, le=24)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """The one in which the ledger's amounts are. Not to be changed once there are any."""
    assess_every_s: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """How often a process looks for accounts to assess; 0 is never."""
    rescore_every_h: float = Field(default=24.0, ge=0, allow_inf_nan=False)
    """How old a rescoring of rules that time alone can move may get; 0 is for ever."""
    statements_kept_d: int = Field(default=35, ge=0, le=3_650)
    """How old a statement may get before one a week is enough; 0 keeps all for ever."""
    statements_weekly_d: int = Field(default=365, ge=0, le=3_650)
    """How old before one a month is enough."""
    import_limit_mb: int = Field(default=1_024, ge=1, le=1_000_000)
    """How long the file of an import may be."""
    idempotency_kept_h: int = Field(default=24, ge=1, le=24 * 30)

    facts_kept_days: int = Field(default=396, ge=0, le=36_500)
    """How long decisions keep what they were made from, 13 months; 0 is for ever."""
    raw_kept_days: int = Field(default=30, ge=0, le=36_500)
    """How long what came from outside is kept as it came, once it is done with; 0 is for ever."""

    @property
    def data_folder(self) -> Path:
        """The folder that holds the embedded database, absolute; it need not exist yet.

        `GOODFIT_HOME`, else `/var/lib/goodfit` for root, whose home folder the
        database's own user must not be let into, else the platform's user data folder.
        """
        if self.home is not None:
            return self.home.expanduser().absolute()
        if sys.platform != "win32" and os.geteuid() == 0:
            return _ROOT_FOLDER
        return Path(platformdirs.user_data_dir("goodfit", appauthor=False))

    @property
    def migration_url(self) -> str | None:
        """The URL that owns the schema: `GOODFIT_OWNER_DATABASE_URL`, else `DATABASE_URL`."""
        return self.owner_database_url or self.database_url


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *environment*, by default this process's own.

    Call it once, in a front door, and hand the value on.

    Raises:
        InvalidSettings: If a variable cannot be used; every such variable is named,
            none of their values is repeated.
    """
    try:
        if environment is None:
            return Settings()
        return _SettingsOf.read(environment)
    except ValidationError as invalid:
        problems = "; ".join(
            f"{_variable(error['loc'])}: {_words(error)}" for error in invalid.errors()
        )
        raise InvalidSettings(f"{problems}; correct the environment and start again") from None


class _SettingsOf(Settings):
    """Settings read from a given mapping instead of the process's environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        given: dict[str, Any] = {}
        for name in cls.model_fields:
            value = environment.get(_variable((name,)), "")
            if value:
                given[name] = value
        return cls(**given)


def _variable(location: tuple[int | str, ...]) -> str:
    """Return the environment variable a field is read from."""
    name = str(location[0]) if location else ""
    if name.upper() == "DATABASE_URL":
        return "DATABASE_URL"
    return "GOODFIT_" + name.upper()


def _words(error: Any) -> str:  # noqa: ANN401 - pydantic's own shape of an error
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
