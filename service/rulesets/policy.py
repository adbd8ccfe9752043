"""What a rule set asks of every release: a review always, or above a flip budget.

It stands beside the rule set and not in its document: else the very edit that needs a
review could take the need away.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import gate_store, store
from service.rulesets.editor import Editor
from service.rulesets.missing import no_rule_set
from service.storage import append_audit

__all__ = ["FlipBudget", "ReleasePolicy", "policy_of", "put_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipBudget:
    """How much one release may turn without a review; None where it may turn any amount.

    *share* is of decisions, from 0 to 1, *revenue* that of the subjects that flip. Evidence
    covers at least *window_days*. *attribute* holds the revenue; None stands for the
    names that a backtest looks for by itself.
    """

    share: float | None = None
    revenue: float | None = None
    attribute: str | None = None
    window_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePolicy:
    """What is asked of a release."""

    review_required: bool
    flip_budget: FlipBudget | None

    def to_json(self) -> dict[str, Any]:
        """Return the members of the wire and of the audit."""
        return asdict(self)


def policy_of(rule_set: Row[Any]) -> ReleasePolicy:
    """Return the policy on a rule set's row."""
    kept: Mapping[str, Any] | None = rule_set.flip_budget
    budget = None if kept is None else FlipBudget(**kept)
    return ReleasePolicy(review_required=rule_set.review_required, flip_budget=budget)


async def put_policy(
    connection: AsyncConnection, slug: str, policy: ReleasePolicy, *, editor: Editor
) -> Row[Any]:
    """Ask this of every later release, and return the rule set.

    Releases that were written already stay as they are, planned ones too.

    Raises:
        RuleSetNotFound: If there is no such rule set.
    """
    before = await store.lock_rule_set(connection, slug)
    if before is None:
        raise await no_rule_set(connection, slug)
    budget = None if policy.flip_budget is None else asdict(policy.flip_budget)
    row = await gate_store.change_rule_set(
        connection, slug, review_required=policy.review_required, flip_budget=budget
    )
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.policy",
        subject=slug,
        payload={"before": policy_of(before).to_json(), "after": policy.to_json()},
    )
    return row
