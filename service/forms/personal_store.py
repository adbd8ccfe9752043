"""What this room holds of a person, until its visit is over: what the visitor told a form."""

from typing import Final

from service.storage.personal import GONE, Found, Holding, Subject, any_of, mentions
from service.storage.tables import FormVisit

__all__ = ["HOLDINGS"]


def _visits_of(subject: Subject) -> Found:
    return any_of(
        FormVisit.decision_id.in_(subject.decisions) if subject.decisions else None,
        mentions(FormVisit.facts, subject.emails),
    )


HOLDINGS: Final = (
    Holding(
        table=FormVisit,
        find=_visits_of,
        clears={"address": GONE, "identities": GONE, "facts": GONE, "answer": GONE},
        by="started_at",
    ),
)
