"""What this room holds of a person: whose outcome it is. What became, when and how much stays."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, case, cast, func, literal_column

from service.storage.personal import GONE, Found, Holding, Subject, any_of, mentions
from service.storage.tables import OutcomeEvent

__all__ = ["HOLDINGS"]

_RENAMED: Final = func.concat("erased-", cast(OutcomeEvent.id, Text))
_NO_DIGEST: Final[ColumnElement[Any]] = literal_column("decode(repeat('00', 16), 'hex')")
"""A digest of what was told is a hash that anybody could look for."""


def _outcomes_of(subject: Subject) -> Found:
    return any_of(
        OutcomeEvent.decision_id.in_(subject.decisions) if subject.decisions else None,
        OutcomeEvent.external_id.in_(subject.external_ids) if subject.external_ids else None,
        OutcomeEvent.account_key.in_(subject.account_keys) if subject.account_keys else None,
        mentions(OutcomeEvent.external_id, subject.emails),
        mentions(OutcomeEvent.owner, subject.emails),
        mentions(OutcomeEvent.source_event_id, subject.emails),
        mentions(OutcomeEvent.withdrawn_reason, subject.emails),
    )


def _account_key(subject: Subject) -> ColumnElement[Any]:
    """A lead's erasure leaves the company; only the account's own takes its key."""
    column = OutcomeEvent.account_key
    return case((column.in_(subject.account_keys), None), else_=column)


def _source_event_id(subject: Subject) -> ColumnElement[Any]:
    column = OutcomeEvent.source_event_id
    is_named = mentions(column, subject.emails)
    if is_named is None:
        return cast(column, Text)
    return case((is_named, _RENAMED), else_=column)


def _withdrawn_reason(subject: Subject) -> ColumnElement[Any]:
    del subject
    column = OutcomeEvent.withdrawn_reason
    return case((column.is_(None), None), else_="erased")


HOLDINGS: Final = (
    Holding(
        table=OutcomeEvent,
        find=_outcomes_of,
        clears={
            "external_id": GONE,
            "owner": GONE,
            "account_key": _account_key,
            "source_event_id": _source_event_id,
            "withdrawn_reason": _withdrawn_reason,
            "digest": _NO_DIGEST,
        },
        erased_at="subject_erased_at",
        by="at",
    ),
)
