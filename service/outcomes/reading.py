"""What is told of an outcome, read: one to keep, or everything wrong with it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from service.accounts import EARLIEST, InexactNumber, latest_at, read_amount
from service.outcomes.schemas import OutcomeSent
from service.storage import InvalidId, parse_id
from service.web import Fault

__all__ = ["Measure", "Outcome", "read_outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What an outcome is held against: the one currency, and the clock."""

    currency: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One to keep. *digest* is of what was told; *at_pointer* is where it stood."""

    external_id: str | None
    decision_id: UUID | None
    account_key: str | None
    result: str
    at: datetime
    opened_at: datetime | None
    amount: Decimal | None
    owner: str | None
    product: str | None
    source: str
    event_id: str
    digest: bytes
    at_pointer: str = ""

    @property
    def source_id(self) -> tuple[str, str]:
        """What tells this outcome from every other one."""
        return self.source, self.event_id


def read_outcome(
    sent: OutcomeSent, measure: Measure, *, event_id: str, at: str = ""
) -> Outcome | tuple[Fault, ...]:
    """Return what *sent* says, or everything that is wrong with it.

    *at* is the pointer to it in what was sent.
    """
    faults = [*_faults_of(sent, measure, at)]
    decision_id: UUID | None = None
    amount: Decimal | None = None
    try:
        decision_id = None if sent.decision is None else parse_id(sent.decision, "dec")
    except InvalidId as wrong:
        faults.append(Fault(code="invalid_id", message=str(wrong), pointer=f"{at}/decision"))
    try:
        amount = None if sent.amount is None else _size(sent.amount)
    except InexactNumber as wrong:
        faults.append(Fault(code="bad_amount", message=str(wrong), pointer=f"{at}/amount"))
    if faults:
        return tuple(faults)
    return Outcome(
        external_id=sent.external_id,
        decision_id=decision_id,
        account_key=sent.account,
        result=sent.result,
        at=sent.at,
        opened_at=sent.opened_at,
        amount=amount,
        owner=sent.owner,
        product=sent.product,
        source=sent.source,
        event_id=event_id,
        digest=_digest(sent, amount),
        at_pointer=at,
    )


def _size(value: object) -> Decimal:
    amount = read_amount(value)
    if amount < 0:
        raise InexactNumber("a deal is not smaller than nothing; correct the sign")
    return amount


def _faults_of(sent: OutcomeSent, measure: Measure, at: str) -> Iterator[Fault]:
    if sent.currency is not None and sent.currency != measure.currency:
        words = f"amounts here are in {measure.currency}; convert it, or leave it out"
        yield Fault(code="other_currency", message=words, pointer=f"{at}/currency")
    for name, instant in (("at", sent.at), ("opened_at", sent.opened_at)):
        if instant is not None and instant < EARLIEST:
            words = "an outcome is of 1970 or later; correct its year"
            yield Fault(code="too_early", message=words, pointer=f"{at}/{name}")
    if sent.at > latest_at(measure.now):
        words = "an outcome has come about, or will within a day; correct its instant"
        yield Fault(code="in_the_future", message=words, pointer=f"{at}/at")
    if sent.opened_at is not None and sent.opened_at > sent.at:
        words = "a deal is opened before it ends; correct one of the two"
        yield Fault(code="wrong_order", message=words, pointer=f"{at}/opened_at")


def _digest(sent: OutcomeSent, amount: Decimal | None) -> bytes:
    """Return BLAKE2b of what was told: 1.50 and 1.5 are the same, and so is any zone."""
    told = [
        sent.external_id,
        sent.decision,
        sent.account,
        sent.result,
        sent.at.isoformat(),
        None if sent.opened_at is None else sent.opened_at.isoformat(),
        None if amount is None else f"{amount.normalize():f}",
        sent.owner,
        sent.product,
    ]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).digest()
