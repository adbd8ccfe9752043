"""What this room holds of a person: what was sent to us as it came, and where we write back."""

from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, literal_column, or_, select

from service.storage.personal import GONE, Found, Holding, Raw, Subject, any_of, mentions_raw
from service.storage.spellings import in_raw
from service.storage.tables import ConnectionRow, IntakeDelivery, IntakeLead, WriteBackRow

__all__ = ["HOLDINGS", "RAW"]

_TEXT: Final = func.encode(IntakeDelivery.body, "escape")
"""The bytes as text, whatever they are: what is ASCII stands there as it came."""
_NO_DIGEST: Final[ColumnElement[Any]] = literal_column("decode(repeat('00', 32), 'hex')")
_ERASED: Final = {"state": literal_column("'erased'"), "is_told_apart": false()}


def _deliveries_of(subject: Subject) -> Found:
    return any_of(
        mentions_raw(_TEXT, subject.emails),
        *(_TEXT.regexp_match(_alone(one)) for one in subject.external_ids if len(one) > 3),
        *(
            _is_of(IntakeDelivery.connection_id, system) & _TEXT.regexp_match(_alone(own))
            for system, own in subject.identities
        ),
    )


def _written_of(subject: Subject) -> Found:
    return any_of(
        WriteBackRow.decision_id.in_(subject.decisions) if subject.decisions else None,
        WriteBackRow.external_id.in_(subject.external_ids) if subject.external_ids else None,
        *(
            _is_of(WriteBackRow.connection_id, system) & (WriteBackRow.external_id == own)
            for system, own in subject.identities
        ),
    )


def _leads_of(subject: Subject) -> Found:
    return any_of(
        IntakeLead.decision_id.in_(subject.decisions) if subject.decisions else None,
        IntakeLead.key.in_(subject.external_ids) if subject.external_ids else None,
        *(
            _is_of(IntakeLead.connection_id, system) & (IntakeLead.key == f"{system}-{own}")
            for system, own in subject.identities
        ),
    )


def _is_of(column: Any, system: str) -> ColumnElement[bool]:  # noqa: ANN401 - SQLAlchemy's own words for a column
    """Return the condition that a connection tells of *system*, as its map or its preset says."""
    named = ConnectionRow.document["map"]["system"].astext
    its_own = or_(
        func.coalesce(named, ConnectionRow.preset) == system, ConnectionRow.name == system
    )
    found: ColumnElement[bool] = column.in_(select(ConnectionRow.id).where(its_own))
    return found


def _alone(words: str) -> str:
    """Return the expression of *words* that are no part of a longer name or number."""
    before = r"(^|[^a-zA-Z0-9]|%[0-7][0-9a-fA-F]|\\[bfnrt])"
    return f"{before}{in_raw(words, folds=False)}($|[^a-zA-Z0-9])"


HOLDINGS: Final = (
    Holding(
        table=IntakeDelivery,
        find=_deliveries_of,
        clears={"body": GONE, "digest": _NO_DIGEST},
        also=_ERASED,
        by="received_at",
    ),
    Holding(
        table=IntakeLead,
        find=_leads_of,
        removes=("key",),
        by="noted_at",
    ),
    Holding(
        table=WriteBackRow,
        find=_written_of,
        removes=("external_id",),
        by="due_at",
    ),
)
RAW: Final = (
    Raw(
        table=IntakeDelivery,
        is_done_with=lambda before: (
            (IntakeDelivery.received_at < before) & (IntakeDelivery.state != "waiting")
        ),
        clears={"body": GONE},
        also=_ERASED,
    ),
)
