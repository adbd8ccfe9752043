"""Decide a sample of everything stored again: after a restore, or to sleep well."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions.drill_store import read_decisions, sample_decisions
from service.decisions.replaying import decide_again
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["Drill", "drill"]

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What came of deciding again. *different* are the decisions that came out otherwise."""

    replayed: int
    erased: int
    """How many of the sample had no facts left to decide on."""
    different: tuple[UUID, ...]


async def drill(
    engine: AsyncEngine,
    live: LiveRules,
    *,
    at_most: int | None,
    step: Callable[[int], None] | None = None,
) -> Drill:
    """Replay *at_most* stored decisions, or all where it is None, and change nothing.

    A sample takes from every version in turn, so that each is in it before any comes often,
    and is another one in every database. *step* is told how many are done. Give an
    engine with time: the sample is drawn from all decisions.

    Raises:
        DatabaseUnavailable: If the database does not answer.
    """
    async with transaction(engine) as connection:
        sample = await sample_decisions(connection, limit=at_most)
    erased, different = 0, []
    for start in range(0, len(sample), _PAGE):
        page = sample[start : start + _PAGE]
        async with transaction(engine) as connection:
            rows = await read_decisions(connection, page)
        for row in rows:
            if row.facts is None:
                erased += 1
                continue
            running = await live.version(row.rule_set, row.version)
            if decide_again(row, running.rules).differences:
                different.append(row.id)
        if step is not None:
            step(start + len(page))
    return Drill(replayed=len(sample) - erased, erased=erased, different=tuple(different))
