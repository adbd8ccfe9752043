"""What accounts are held to: declared baselines, words, and by what groups are made.

It stands beside the rule set and not in its document: a baseline is measured and measured
again while the rules stay as they are, and it changes no decision's meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import systemic_store
from service.portfolio.systemic_criteria import Criterion
from service.rulesets import Editor
from service.storage import append_audit

__all__ = ["NOTHING_SAID", "CriterionPolicy", "SystemicPolicy", "put_systemic_policy"]
__all__ += ["read_systemic_policy"]

_SLICES: Final = ("cohort", "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionPolicy:
    """What is said of one criterion.

    *baseline* is the share of accounts that is usual, *words* follow "19 of 42 accounts".
    *suspend* None leaves it to the kind: a rule or an outcome is suspended where it is
    systemic, and a gate is not, because it acts for somebody's safety or by law.
    """

    baseline: float | None = None
    words: str | None = None
    suspend: bool | None = None

    def suspends(self, criterion: Criterion) -> bool:
        """Return whether *criterion* is suspended where it is systemic."""
        return criterion.kind != "gate" if self.suspend is None else self.suspend

    def to_json(self) -> dict[str, Any]:
        """Return the members of the wire."""
        return {"baseline": self.baseline, "words": self.words, "suspend": self.suspend}


NOTHING_SAID: Final = CriterionPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemicPolicy:
    """By which *slices* groups are made, and what is said of criteria, by name."""

    slices: tuple[str, ...] = _SLICES
    criteria: Mapping[str, CriterionPolicy] = field(default_factory=dict)

    def of(self, criterion: str) -> CriterionPolicy:
        """Return what is said of a criterion."""
        return self.criteria.get(criterion, NOTHING_SAID)

    @property
    def baselines(self) -> dict[str, float]:
        """The declared baselines, by criterion."""
        return {
            name: one.baseline for name, one in self.criteria.items() if one.baseline is not None
        }

    def to_json(self) -> dict[str, Any]:
        """Return the members of the wire and of what is kept."""
        criteria = {name: one.to_json() for name, one in self.criteria.items()}
        return {"slices": list(self.slices), "criteria": criteria}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> "SystemicPolicy":
        """Return what was kept; nothing is declared where nothing was."""
        if kept is None:
            return cls()
        criteria = {name: CriterionPolicy(**one) for name, one in kept["criteria"].items()}
        return cls(slices=tuple(kept["slices"]), criteria=criteria)


async def read_systemic_policy(connection: AsyncConnection, rule_set: str) -> SystemicPolicy:
    """Return what is said of a rule set."""
    return SystemicPolicy.from_json(await systemic_store.find_policy(connection, rule_set))


async def put_systemic_policy(
    connection: AsyncConnection, rule_set: str, policy: SystemicPolicy, *, editor: Editor
) -> None:
    """Hold every later statement of a rule set to *policy*."""
    before = await read_systemic_policy(connection, rule_set)
    await systemic_store.put_policy(
        connection, rule_set, policy.to_json(), by=editor.person, at=editor.at
    )
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="portfolio.systemic_policy",
        subject=rule_set,
        payload={"before": before.to_json(), "after": policy.to_json()},
    )
