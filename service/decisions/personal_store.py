"""What this room holds of a person: facts, what shadows read, and what people wrote about it."""

from typing import Final

from service.storage import instant_of
from service.storage.personal import ERASED, GONE, Found, Holding, Subject, any_of, mentions
from service.storage.tables import DecisionRow, OverrideRow, ShadowDisagreement

__all__ = ["HOLDINGS"]


def _decisions_of(subject: Subject) -> Found:
    """By instant and id: that touches the months that are meant, and no others."""
    if not subject.decisions:
        return None
    instants = {instant_of(one) for one in subject.decisions}
    return DecisionRow.decided_at.in_(instants) & DecisionRow.id.in_(subject.decisions)


def _disagreements_of(subject: Subject) -> Found:
    if not subject.decisions:
        return None
    return ShadowDisagreement.decision_id.in_(subject.decisions)


def _overrides_of(subject: Subject) -> Found:
    return any_of(
        OverrideRow.overruled.in_(subject.decisions) if subject.decisions else None,
        OverrideRow.account_id.in_(subject.accounts) if subject.accounts else None,
        *(
            mentions(column, subject.emails)
            for column in (
                OverrideRow.reason,
                OverrideRow.withdrawn_reason,
                OverrideRow.action,
                OverrideRow.message,
                OverrideRow.url,
                OverrideRow.assign,
            )
        ),
    )


HOLDINGS: Final = (
    Holding(
        table=DecisionRow,
        find=_decisions_of,
        clears={"facts": GONE, "tabled": GONE, "external_id": GONE},
        erased_at="facts_erased_at",
        by="decided_at",
        ages=True,
    ),
    Holding(
        table=ShadowDisagreement,
        find=_disagreements_of,
        clears={"facts": GONE, "tabled": GONE},
        erased_at="facts_erased_at",
        by="decided_at",
        ages=True,
    ),
    # The verdict of a person stands, as the rules' does; the words around it go.
    Holding(
        table=OverrideRow,
        find=_overrides_of,
        clears={
            "reason": ERASED,
            "withdrawn_reason": GONE,
            "action": GONE,
            "message": GONE,
            "url": GONE,
            "assign": GONE,
        },
    ),
)
