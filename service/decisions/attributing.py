"""What rules, data and time did between two stored decisions: fetch both, mix, attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import Remembered, remember
from service.decisions import store
from service.decisions.desk import Desk
from service.decisions.mixing import Mixtures
from service.decisions.replaying import (
    DecisionNotFound,
    FactsErased,
    NotReplayable,
    decide_again,
    replay,
)
from service.decisions.wording import part_shown, summary_of
from service.rules import RuleSet
from service.rules.compare import Attribution, Situation, why
from service.rulesets import LiveRules
from service.storage import to_text, transaction

__all__ = ["Moved", "Pairs", "Several", "attribute", "read_several"]


@dataclass(frozen=True, slots=True)
class Moved:
    """Two decisions and what came between them; *aged* are metrics that time alone moved."""

    before: Situation
    after: Situation
    attribution: Attribution
    aged: tuple[Mapping[str, Any], ...]


async def attribute(before: Row[Any], after: Row[Any], *, desk: Desk) -> Moved:
    """Return what rules, data and time did between two decisions of one rule set.

    Raises:
        FactsErased, NotReplayable: If one of them cannot be made again.
    """
    return await _between(
        before, await _situation(before, desk), after, await _situation(after, desk), desk=desk
    )


@dataclass(slots=True)
class Pairs:
    """Tells the moves along a row of decisions, each of which is made again once."""

    desk: Desk
    situations: dict[UUID, Situation]

    @classmethod
    def at(cls, desk: Desk) -> "Pairs":
        """Return one that knows none yet."""
        return cls(desk, {})

    async def moved_shown(self, before: Row[Any] | None, after: Row[Any]) -> dict[str, Any] | None:
        """Return in short what moved since *before*, for the wire; None where that is none.

        Where one of the two cannot be made again, `unknown` says why.
        """
        if before is None:
            return None
        told: dict[str, Any] = {"before": to_text("dec", before.id)}
        try:
            moved = await _between(
                before, await self._of(before), after, await self._of(after), desk=self.desk
            )
        except (FactsErased, NotReplayable) as refusal:
            parts = dict.fromkeys(("rules", "data", "time", "summary"))
            return told | parts | {"unknown": refusal.code}
        attribution = moved.attribution
        return told | {
            "rules": part_shown(attribution, "rules"),
            "data": part_shown(attribution, "data"),
            "time": part_shown(attribution, "time"),
            "summary": summary_of(before, after, attribution),
            "unknown": None,
        }

    async def _of(self, row: Row[Any]) -> Situation:
        if row.id not in self.situations:
            self.situations[row.id] = await _situation(row, self.desk)
        return self.situations[row.id]


async def _between(
    before: Row[Any], first: Situation, after: Row[Any], last: Situation, *, desk: Desk
) -> Moved:
    kinds = _kinds(first.rules, last.rules)
    ledger = None
    if kinds and after.account_id is not None and before.account_id == after.account_id:
        async with transaction(desk.house.engine) as connection:
            until = max(first.at, last.at)
            ledger = await remember(connection, after.account_id, kinds=kinds, until=until)

    return await anyio.to_thread.run_sync(_moved, first, last, ledger)


def _kinds(*rules: RuleSet) -> set[str]:
    return {kind for each in rules for metric in each.metrics for kind in metric.kinds}


def _moved(first: Situation, last: Situation, ledger: Remembered | None) -> Moved:
    if ledger is None:
        return Moved(first, last, why(first, last), ())
    mixtures = Mixtures.of(first, last, ledger)
    attribution = why(first, last, facts_of=mixtures.facts)
    return Moved(first, last, attribution, tuple(mixtures.aged()))


async def _situation(row: Row[Any], desk: Desk) -> Situation:
    (await replay(row, desk)).same()
    running = await desk.live.version(row.rule_set, row.version)
    return _stood_on(row, running.rules)


def _stood_on(row: Row[Any], rules: RuleSet) -> Situation:
    return Situation(
        rules,
        row.facts,
        row.decided_at,
        row.tabled or {},
        suspended=tuple(row.suspended or ()),
        final=row.final,
    )


@dataclass(frozen=True, slots=True)
class Several:
    """Pairs of decisions of accounts, with everything that tells what came between them.

    Attributes:
        rows: Decisions by id; one that is gone is not there.
        rules: Of each rule set and version.
        ledgers: By account; None where it is more than can be looked at.
    """

    pairs: Sequence[tuple[UUID | None, UUID | None]]
    rows: Mapping[UUID, Row[Any]]
    rules: Mapping[tuple[str, int], RuleSet]
    ledgers: Mapping[UUID, Remembered | None]

    def told(self) -> list[Attribution | str]:
        """Return for each pair what the three did, or the code of why that cannot be told.

        Pure, and some thirty milliseconds a pair: for a thread.
        """
        return [self._told(*pair) for pair in self.pairs]

    def _told(self, before_id: UUID | None, after_id: UUID | None) -> Attribution | str:
        if before_id is None or after_id is None:
            return "not_assessed"
        before, after = self.rows.get(before_id), self.rows.get(after_id)
        if before is None or after is None:
            return DecisionNotFound.code
        ends = []
        for row in (before, after):
            if row.facts is None:
                return FactsErased.code
            rules = self.rules[row.rule_set, row.version]
            if decide_again(row, rules).differences:
                return NotReplayable.code
            ends.append(_stood_on(row, rules))
        is_one = before.account_id is not None and before.account_id == after.account_id
        ledger = self.ledgers.get(before.account_id) if is_one else None
        first, last = ends
        return _moved(first, last, ledger).attribution


async def read_several(
    engine: AsyncEngine, pairs: Sequence[tuple[UUID | None, UUID | None]], *, live: LiveRules
) -> Several:
    """Return everything about these pairs of decisions, a hundred at once.

    None in a pair is an account that was never decided.
    """
    async with transaction(engine) as connection:
        wanted = [one for pair in pairs for one in pair if one is not None]
        rows = await store.find_decisions(connection, wanted)
    rules: dict[tuple[str, int], RuleSet] = {}
    until: dict[UUID, datetime] = {}
    for row in rows.values():
        name = (row.rule_set, row.version)
        if name not in rules:
            rules[name] = (await live.version(*name)).rules
        if row.account_id is not None:
            until[row.account_id] = max(row.decided_at, until.get(row.account_id, row.decided_at))
    ledgers: dict[UUID, Remembered | None] = {}
    if kinds := _kinds(*rules.values()):
        async with transaction(engine) as connection:
            for account_id, at in until.items():
                ledgers[account_id] = await remember(connection, account_id, kinds=kinds, until=at)
    return Several(pairs, rows, rules, ledgers)
