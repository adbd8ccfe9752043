"""Deliveries, what was tried, and what is written back, on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = [
    "DeliveryPage",
    "DeliveryShown",
    "DeliveryState",
    "ReplaySent",
    "ReplayedShown",
    "TriedShown",
    "TrySent",
    "WholeDeliveryShown",
    "WritePage",
    "WriteState",
]

DeliveryState = Literal["waiting", "done", "parked", "discarded", "erased"]
WriteState = Literal["waiting", "written", "parked"]


class ItemProblemShown(Shown):
    """Why one item was not read; *pointer* is a place in the connection's map."""

    item: int
    code: str
    message: str
    pointer: str


class DeliveryShown(Shown):
    """One request that a connection sent, and what became of its items."""

    id: str = Field(examples=["itk_01m82amv90f7assrm6pf8d3pr0"])
    received_at: str
    media_type: str
    bytes: int
    state: DeliveryState
    repeats: int = Field(description="How often the same bytes came again.")
    tally: dict[str, int] = Field(
        description="How many items came to what.", examples=[{"items": 2, "changed": 1, "late": 1}]
    )
    problems: list[ItemProblemShown]
    translated_at: str | None


class WholeDeliveryShown(DeliveryShown):
    """A delivery with its body, as far as that is text."""

    body: str | None


class DeliveryPage(Shown):
    """Deliveries, the newest first."""

    data: list[DeliveryShown]
    next_cursor: str | None


class ReplaySent(Sent):
    """Which deliveries to read again by the map as it is now."""

    states: Annotated[list[Literal["parked", "done", "discarded"]], Field(min_length=1)] = Field(
        default_factory=lambda: ["parked"], validate_default=True
    )


class ReplayedShown(Shown):
    """How many deliveries are read again; ask once more while it is 1,000."""

    replayed: int


class TrySent(Sent):
    """A payload to try: JSON as it is, or the raw text of any body."""

    payload: Any = None
    body: Annotated[str, Field(max_length=200_000)] | None = None
    media_type: Annotated[str, Field(max_length=100)] = "application/json"
    map: dict[str, Any] | None = Field(
        default=None, description="A JSON merge patch on the map, to try before it is kept."
    )


class TriedShown(Shown):
    """What each item of a payload would come to."""

    items: list[dict[str, Any]]


class WriteShown(Shown):
    """What a record should say of our decision, and whether it does."""

    object: str
    external_id: str
    decision: str
    wanted: dict[str, Any]
    written: dict[str, Any] | None
    state: WriteState
    attempts: int
    due_at: str
    problem: str | None
    written_at: str | None


class WritePage(Shown):
    """Records that are written back, by kind and id."""

    data: list[WriteShown]
    next_cursor: str | None
