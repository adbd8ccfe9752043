"""Connections on the wire."""

from typing import Any

from pydantic import ConfigDict, Field

from service.intake.connection_document import ConnectionDocument, SecretsSent
from service.web import Shown

__all__ = [
    "ConnectionPage",
    "ConnectionPatch",
    "ConnectionShown",
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
