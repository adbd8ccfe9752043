"""Connections on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from service.accounts import SourceName
from service.intake.connection_document import (
    ConnectionDeclared,
    ConnectionDocument,
    SecretsSent,
)
from service.web import Sent, Shown

__all__ = [
    "AppliedPage",
    "ConnectionPage",
    "ConnectionPatch",
    "ConnectionShown",
    "ConnectionsDeclared",
    "HealthShown",
    "NewConnectionShown",
]


class ConnectionPatch(ConnectionDocument):
    """A JSON merge patch on a connection; secrets that are given replace those of the same name."""

    secrets: SecretsSent | None = None
    new_path_token: bool = Field(
        default=False, description="Make a new token; the old address stops working at once."
    )


class HealthShown(Shown):
    """Whether a connection works as it should, and what it last heard."""

    degraded_at: str | None
    degraded_why: str | None
    last_received_at: str | None
    last_refused_at: str | None
    last_refused_why: str | None
    waiting: int | None = Field(default=None, description="Deliveries that are not read yet.")
    parked: int | None = Field(default=None, description="Deliveries that need a corrected map.")


class ConnectionShown(Shown):
    """A connection. What it was told stands in `map`; what that comes to in `effective_map`."""

    id: str = Field(examples=["con_01m82amv90f7assrm6pf8d3pr0"])
    name: str
    preset: str
    title: str
    address: str = Field(
        description="Where the vendor sends; without its token, which is shown once.",
        examples=["/v1/intake/con_01m82amv90f7assrm6pf8d3pr0"],
    )
    authentication: dict[str, Any]
    has_path_token: bool
    has_secrets: list[str] = Field(description="The names of the secrets that are kept.")
    document: dict[str, Any] = Field(
        description="What was said of it, as it differs from its preset: what a file declares."
    )
    map: dict[str, Any]
    effective_map: dict[str, Any]
    writes: dict[str, Any]
    public_url: str | None
    health: HealthShown
    row_version: int
    created_at: str
    created_by: str
    updated_at: str


class NewConnectionShown(ConnectionShown):
    """A connection, with the whole address, which is shown once."""

    model_config = ConfigDict(title="NewConnection")


class ConnectionPage(Shown):
    """Connections, the newest first."""

    data: list[ConnectionShown]
    next_cursor: str | None


_SOURCE: Final = TypeAdapter[str](SourceName)


def _source(name: str) -> str:
    """Let through what a source may be called. A key's pattern would be no OpenAPI 3.0."""
    try:
        return _SOURCE.validate_python(name)
    except ValidationError:
        words = "a connection is named by a lower-case letter, then letters, digits, `_`, `.`, `-`"
        raise PydanticCustomError("name", words) from None


Name = Annotated[str, AfterValidator(_source)]


class ConnectionsDeclared(Sent):
    """Connections by name, as they are to be; those that are not named are left alone."""

    connections: dict[Annotated[str, AfterValidator(_source)], ConnectionDeclared] = Field(
        min_length=1, max_length=64
    )


class DifferenceShown(Shown):
    """One part that is not as it was; *at* is a JSON pointer into the connection."""

    at: str = Field(examples=["/map/kinds/company/attributes/vehicles"])
    change: Literal["added", "changed", "removed"]
    before: Any
    after: Any


class AppliedShown(Shown):
    """What became of one connection. Its address has the token where that was just made."""

    name: str
    state: Literal["created", "changed", "unchanged"]
    id: str | None = Field(description="None where it would be made.")
    address: str | None
    changes: list[DifferenceShown]
    secrets: dict[str, Literal["added", "changed", "unchanged"]] = Field(
        description="By the name of each that was given; one that was not stays as it is."
    )


class AppliedPage(Shown):
    """What became of every connection that was declared, by name."""

    dry_run: bool
    connections: list[AppliedShown]
