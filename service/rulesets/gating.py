"""What stands between a version and the customers: freeze, review, flip budget.

A release is judged when it is written, a planned one too. A version that has been live
before passes without a new review: a mistake is undone in one call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import gate_store, review_store, store
from service.rulesets.authorship import authors_of_version
from service.rulesets.budgeting import over_budget
from service.rulesets.freezing import refuse_frozen
from service.rulesets.persons import is_among
from service.rulesets.policy import FlipBudget, policy_of
from service.storage import read_clock, to_text
from service.web import Refusal, rfc3339

__all__ = ["Approval", "BacktestRequired", "ReviewRequired", "pass_gate"]

_FRESH: Final = timedelta(days=7)
_USUAL: Final = frozenset({"revenue", "annual_revenue"})
_LOOKED_AT: Final = 50


class ReviewRequired(Refusal):
    """Nobody but the authors has looked at what would go live."""

    code: ClassVar[str] = "review_required"


class BacktestRequired(Refusal):
    """There is a flip budget, and nobody counted who would flip."""

    code: ClassVar[str] = "backtest_required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """On whose word a version goes live; nobody's where none was asked for or given."""

    approved_by: str | None = None
    review_id: UUID | None = None

    def to_json(self) -> dict[str, str]:
        """Return what the audit says of it: nothing where there is none."""
        if self.approved_by is None or self.review_id is None:
            return {}
        return {"approved_by": self.approved_by, "review": to_text("rev", self.review_id)}


async def pass_gate(
    connection: AsyncConnection,
    rule_set: Row[Any],
    version: Row[Any],
    *,
    mode: str,
    since: datetime | None,
    lead: timedelta,
) -> Approval:
    """Let *version* go live from *since* on, and return the approval it rests on.

    Without *since*, and at the earliest, it goes live *lead* from now. Into the shadow
    anything may go that is not frozen: no answer changes.

    The transaction has locked *rule_set*: of a release and a freeze, an approval or another
    release that happen at once, one sees the other.

    Raises:
        Frozen: If nothing may be released.
        ReviewRequired: If somebody else has to approve it first.
        BacktestRequired: If who would flip has to be counted first.
    """
    refuse_frozen(rule_set)
    if mode == "shadow":
        return Approval()
    slug, policy = rule_set.slug, policy_of(rule_set)
    now = await read_clock(connection)
    authors = await authors_of_version(connection, version, at=now)
    reviews = await review_store.list_reviews_of(connection, slug, version.digest)
    approval = _approval(reviews, authors)
    if await gate_store.has_been_live(connection, slug, version.number, at=now):
        return approval
    if policy.review_required and approval.review_id is None:
        raise _review_required("the rule set asks for a review of every release", version, reviews)
    replaced = await store.find_live(connection, slug, max(now + lead, since or now))
    if policy.flip_budget is None or replaced is None or replaced.digest == version.digest:
        return approval
    budget = policy.flip_budget
    evidence = await _evidence(connection, version, replaced, budget=budget, now=now)
    why = over_budget(evidence, budget)
    if why is not None and approval.review_id is None:
        raise _review_required(why, version, reviews)
    return approval


def _approval(reviews: Sequence[Row[Any]], authors: list[str]) -> Approval:
    """Return the newest approval by somebody who is none of the *authors*."""
    for review in reviews:
        if review.state == "approved" and not is_among(
            review.ended_by, (*authors, *review.authors, review.asked_by)
        ):
            return Approval(approved_by=review.ended_by, review_id=review.id)
    return Approval()


def _review_required(why: str, version: Row[Any], reviews: Sequence[Row[Any]]) -> ReviewRequired:
    """Return the refusal that names the call to make next."""
    where = f"/v1/rule-sets/{version.rule_set}/reviews"
    waiting = next((review for review in reviews if review.state == "open"), None)
    if waiting is None:
        what = f'POST {where} {{"version": {version.number}}}, and have somebody else approve it'
        return ReviewRequired(f"{why}; {what}", members={"review": None})
    name = to_text("rev", waiting.id)
    what = f"{name} waits for POST {where}/{name}/approve by somebody who did not write it"
    return ReviewRequired(f"{why}; {what}", members={"review": name})


async def _evidence(
    connection: AsyncConnection,
    version: Row[Any],
    replaced: Row[Any],
    *,
    budget: FlipBudget,
    now: datetime,
) -> Row[Any]:
    """Return the newest evidence that the budget may be held to.

    It was held against the version that would be replaced, over a window long and late
    enough, and counted the revenue that the budget means.

    Raises:
        BacktestRequired: If there is none.
    """
    found = await gate_store.list_evidence(
        connection,
        version.rule_set,
        version.digest,
        base_digest=replaced.digest,
        until=now - _FRESH,
        limit=_LOOKED_AT,
    )
    length = timedelta(days=budget.window_days)
    for evidence in found:
        is_long = evidence.since is None or evidence.until - evidence.since >= length
        if is_long and _is_meant(evidence.revenue_attribute, budget):
            return evidence
    body: dict[str, object] = {
        "rule_set": version.rule_set,
        "version": version.number,
        "base": replaced.version,
        "window": {"from": rfc3339(now - length)},
    }
    if budget.attribute is not None:
        body["revenue"] = budget.attribute
    shown = orjson.dumps(body).decode()
    words = (
        "the rule set has a flip budget and nobody counted who would flip in the last "
        f"{budget.window_days} days against version {replaced.version}; POST /v1/backtests {shown}"
    )
    raise BacktestRequired(words, members={"backtest": body})


def _is_meant(attribute: str | None, budget: FlipBudget) -> bool:
    """Return whether the budget speaks of the revenue in *attribute*; of none, it is unknown."""
    if budget.revenue is None or attribute is None:
        return True
    return attribute == budget.attribute if budget.attribute else attribute in _USUAL
