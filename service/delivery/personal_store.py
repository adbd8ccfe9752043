"""What this room holds of a person: what events say of them, and what receivers answered."""

from typing import Any, Final

from sqlalchemy import ColumnElement, select

from service.storage.personal import GONE, Found, Holding, Subject, any_of, mentions
from service.storage.tables import AttemptRow, DeliveryRow, EventRow

__all__ = ["HOLDINGS"]


def _events_of(subject: Subject) -> Found:
    named = (*subject.external_ids, *subject.account_keys)
    return any_of(
        EventRow.about.in_(named) if named else None, mentions(EventRow.about, subject.emails)
    )


def _attempts_of(subject: Subject) -> Found:
    events: ColumnElement[Any] | None = _events_of(subject)
    if events is None:
        return None
    deliveries = select(DeliveryRow.id).join(EventRow, EventRow.id == DeliveryRow.event_id)
    return AttemptRow.delivery_id.in_(deliveries.where(events))


HOLDINGS: Final = (
    # first: whose an answer was is known by the event alone
    Holding(table=AttemptRow, find=_attempts_of, clears={"excerpt": GONE}, by="began_at"),
    Holding(table=EventRow, find=_events_of, clears={"body": GONE, "about": GONE}, by="at"),
)
