"""Decide again what was decided: from the stored facts, version, clock and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import orjson
from msgspec import structs
from sqlalchemy import Row

from service.decisions import store
from service.decisions.desk import Desk
from service.decisions.showing import head_shown
from service.decisions.word import InForce
from service.rules import DataProblem, Decision, RuleSet
from service.storage import transaction
from service.web import Refusal

__all__ = [
    "DecisionNotFound",
    "Difference",
    "FactsErased",
    "NotReplayable",
    "Replayed",
    "decide_again",
    "existing_decision",
    "replay",
]


class DecisionNotFound(Refusal):
    """No decision has this id."""

    code: ClassVar[str] = "decision_not_found"


class FactsErased(Refusal):
    """The facts of a decision were erased; what stays of it comes with the refusal."""

    code: ClassVar[str] = "facts_erased"


class NotReplayable(Refusal):
    """A decision comes out otherwise today, so its words would explain another one."""

    code: ClassVar[str] = "not_replayable"


@dataclass(frozen=True, slots=True)
class Difference:
    """A member that came out otherwise than it was stored."""

    member: str
    stored: object
    replayed: object

    def to_json(self) -> dict[str, object]:
        """Return all members."""
        return {"member": self.member, "stored": self.stored, "replayed": self.replayed}


@dataclass(frozen=True, slots=True)
class Replayed:
    """A stored decision made again, and where that differs from what was stored."""

    decision: Decision
    differences: tuple[Difference, ...]

    def same(self) -> Decision:
        """Return the decision if it is the one that was stored.

        Raises:
            NotReplayable: If it differs.
        """
        if self.differences:
            words = "this decision comes out otherwise today; POST its /replay for the differences"
            raise NotReplayable(words)
        return self.decision


async def existing_decision(decision_id: UUID, desk: Desk) -> Row[Any]:
    """Return a stored decision.

    Raises:
        DecisionNotFound: If there is none.
    """
    async with transaction(desk.house.engine) as connection:
        row = await store.find_decision(connection, decision_id)
    if row is None:
        raise DecisionNotFound("there is no decision with this id; GET /v1/decisions lists them")
    return row


async def replay(row: Row[Any], desk: Desk, *, word: InForce | None = None) -> Replayed:
    """Return the decision of *row*, made again by the version that made it.

    A person's *word* in it changes nothing here; a refusal tells of it.

    Raises:
        FactsErased: If its facts are gone; the refusal holds the rest.
    """
    if row.facts is None:
        words = "the facts of this decision were erased; its skeleton is in `decision`"
        raise FactsErased(words, members={"decision": head_shown(row, word)})
    running = await desk.live.version(row.rule_set, row.version)
    return decide_again(row, running.rules)


def decide_again(row: Row[Any], rules: RuleSet) -> Replayed:
    """Return the decision of *row* under *rules*, the version that made it: pure."""
    decision = rules.decide(
        structs.replace(rules.admit(row.facts), problems=_problems(row.data_problems)),
        at=row.decided_at,
        final=row.final,
        suspended=row.suspended or (),
        tabled=row.tabled or {},
    )
    found = _differences(row, decision)
    if row.trace_before is not None:
        found += _difference_before(row, rules, decision)
    return Replayed(decision, found)


def _difference_before(row: Row[Any], rules: RuleSet, decision: Decision) -> tuple[Difference, ...]:
    """Return where the trace that it would have had without suspensions comes out otherwise."""
    before = rules.decide(
        decision.facts, at=row.decided_at, final=True, tabled=row.tabled or {}, with_missing=False
    ).trace.to_json()
    now = orjson.loads(orjson.dumps(before))
    if now == row.trace_before:
        return ()
    return (Difference("trace_before", row.trace_before, now),)


def _problems(stored: Sequence[Mapping[str, str]] | None) -> tuple[DataProblem, ...]:
    return tuple(DataProblem(**problem) for problem in stored or ())


def _differences(row: Row[Any], decision: Decision) -> tuple[Difference, ...]:
    scores = {
        name: {"value": score.value, "low": score.low, "high": score.high}
        for name, score in decision.scores.items()
    }
    replayed = {
        "verdict": decision.verdict,
        "outcome": decision.outcome,
        "certain": decision.certain,
        "outcome_certain": decision.outcome_certain,
        "scores": scores,
        "trace": decision.trace.to_json(),
        "facts": decision.facts.to_json(),
        "tabled": dict(decision.tabled),
    }
    now: Mapping[str, object] = orjson.loads(orjson.dumps(replayed))
    stored = {name: getattr(row, name) for name in now} | {"tabled": row.tabled or {}}
    return tuple(
        Difference(name, stored[name], value)
        for name, value in now.items()
        if stored[name] != value
    )
