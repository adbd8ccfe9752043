"""What rules, data and time did between two stored decisions: fetch both, mix, attribute."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row

from service.accounts import remember
from service.decisions.desk import Desk
from service.decisions.mixing import Mixtures
from service.decisions.replaying import FactsErased, NotReplayable, replay
from service.decisions.wording import part_shown, summary_of
from service.rules.compare import Attribution, Situation, why
from service.storage import to_text, transaction

__all__ = ["Moved", "Pairs", "attribute"]


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
    kinds = {kind for end in (first, last) for metric in end.rules.metrics for kind in metric.kinds}
    ledger = None
    if kinds and after.account_id is not None and before.account_id == after.account_id:
        async with transaction(desk.house.engine) as connection:
            until = max(first.at, last.at)
            ledger = await remember(connection, after.account_id, kinds=kinds, until=until)

    def work() -> Moved:
        if ledger is None:
            return Moved(first, last, why(first, last), ())
        mixtures = Mixtures.of(first, last, ledger)
        attribution = why(first, last, facts_of=mixtures.facts)
        return Moved(first, last, attribution, tuple(mixtures.aged()))

    return await anyio.to_thread.run_sync(work)


async def _situation(row: Row[Any], desk: Desk) -> Situation:
    (await replay(row, desk)).same()
    running = await desk.live.version(row.rule_set, row.version)
    return Situation(
        running.rules,
        row.facts,
        row.decided_at,
        row.tabled or {},
        suspended=tuple(row.suspended or ()),
        final=row.final,
    )
