"""What this floor holds of a person: answers that are kept under keys."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from sqlalchemy import ColumnElement, and_, func, or_

from service.storage import to_text
from service.storage.personal import (
    GONE,
    Found,
    Holding,
    Subject,
    any_of,
    mentions,
    quotes,
)
from service.storage.tables import IdempotencyRow

__all__ = ["HOLDINGS"]

_ANSWER: Final = func.convert_from(IdempotencyRow.answer, "UTF8")


def _answers_of(subject: Subject) -> Found:
    """Of a decision, of many among which it is, or of anything that names the subject."""
    names = (*subject.external_ids, *subject.account_keys, *(one for _, one in subject.identities))
    return any_of(
        IdempotencyRow.decision_id.in_(subject.decisions) if subject.decisions else None,
        _names_decisions(subject),
        mentions(_ANSWER, subject.emails),
        quotes(_ANSWER, names),
        _addresses(subject),
    )


def _names_decisions(subject: Subject) -> Found:
    """One expression, whatever the number: each answer is read once."""
    if not subject.decisions:
        return None
    ids = "|".join(to_text("dec", one).removeprefix("dec_") for one in subject.decisions)
    return and_(
        IdempotencyRow.decision_id.is_(None),
        func.concat(IdempotencyRow.scope, _ANSWER).regexp_match(f"dec_({ids})"),
    )


def _addresses(subject: Subject) -> Found:
    """The route of the request holds the account's key, or its id elsewhere."""
    places = list(_places(subject))
    return or_(*(_is_within(place) for place in places)) if places else None


def _places(subject: Subject) -> Iterator[str]:
    for key in subject.account_keys:
        yield from {f"/v1/accounts/{key}", f"/v1/accounts/{quote(key)}"}
    for system, own in subject.identities:
        yield from {f"/identities/{system}/{own}", f"/identities/{system}/{quote(own)}"}


def _is_within(place: str) -> ColumnElement[bool]:
    scope = func.concat(IdempotencyRow.scope, "/")
    return func.strpos(scope, f"{place}/") > 0


HOLDINGS: Final = (
    # A route may hold a name, and it is part of what the answer is kept under: that one goes whole.
    Holding(
        table=IdempotencyRow,
        find=lambda subject: any_of(
            _addresses(subject), mentions(IdempotencyRow.scope, subject.emails)
        ),
        removes=("scope",),
    ),
    Holding(table=IdempotencyRow, find=_answers_of, clears={"answer": GONE, "headers": GONE}),
)
