"""Imports on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from service.accounts import SourceName
from service.web import Instant, Sent, Shown

__all__ = ["ImportPage", "ImportProblemPage", "ImportProblemShown", "ImportSent", "ImportShown"]

_MAP: Final = {
    "columns": {"account": "Customer No", "size": {"column": "Users", "thousands": "."}},
    "missing": ["n/a"],
}
_Map = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


class ImportSent(Sent):
    """What a file holds, and how it is read; the file itself is PUT afterwards."""

    what: Literal["accounts", "events", "outcomes"] = Field(
        description="Accounts with facts and identities, the ledger's events, or outcomes."
    )
    format: Literal["csv", "ndjson", "parquet"] = "csv"
    source: SourceName = Field(default="import", description="Who says what stands in the file.")
    at: Instant | None = Field(
        default=None, description="When facts of accounts were true; else now. A column may say."
    )
    dry_run: bool = Field(
        default=False, description="Say what would become of each row; keep nothing."
    )
    map: _Map | None = Field(
        default=None,
        description="Which column is what, and how it is written, as `goodfit import --map`.",
        examples=[_MAP],
    )


class ImportProgressShown(Shown):
    """How many rows were dealt with, and how much of the file that is."""

    rows: int
    share: float | None = Field(description="From 0 to 1; null until it has begun.")


class ImportResultShown(Shown):
    """What became of the rows so far; each counts once."""

    rows: int
    states: dict[str, int] = Field(
        description=(
            "As the routes for many answer: created, changed, unchanged; entered, repeated, "
            "parked, dropped; refused."
        )
    )
    left_out: int = Field(description="The map says that these rows are none.")
    bad: int = Field(description="Unreadable, refused and parked: those that `problems` lists.")
    ignored_columns: list[str]


class ImportShown(Shown):
    """A file of accounts, events or outcomes on its way in."""

    id: str = Field(examples=["imp_01m86e81e0e00aevvfchk6jx11"])
    what: Literal["accounts", "events", "outcomes"]
    format: Literal["csv", "ndjson", "parquet"]
    source: str
    at: str
    dry_run: bool
    map: _Map | None
    state: Literal["waiting", "queued", "running", "done", "cancelled", "failed"] = Field(
        description="Waiting for its file at first."
    )
    bytes: int = Field(description="Of the file, as far as it has arrived.")
    progress: ImportProgressShown
    result: ImportResultShown | None = Field(description="Null until some rows were dealt with.")
    failure: str | None = Field(description="In words, where it failed.")
    asked_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class ImportPage(Shown):
    """Imports, the newest first."""

    data: list[ImportShown]
    next_cursor: str | None


class ImportProblemShown(Shown):
    """A row that was not taken, by its line in the file; in Parquet by its number."""

    line: int
    code: str
    reason: str


class ImportProblemPage(Shown):
    """Rows that were not taken, in the order of the file."""

    data: list[ImportProblemShown]
    next_cursor: str | None
