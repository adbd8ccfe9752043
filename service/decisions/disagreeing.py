"""Tell two explanations of one decision apart: the live version's, and a shadow's, made again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from msgspec import structs
from sqlalchemy import Row

from service.decisions.comparing import scores_of
from service.decisions.desk import Desk
from service.decisions.replaying import decide_again, existing_decision
from service.decisions.showing import Head, head_of
from service.rules import Change, DataProblem, Decision, RuleSet, compare
from service.rules.reasons import Reason
from service.web import Refusal

__all__ = ["DisagreementNotFound", "ShadowNotFound", "Told", "tell_apart"]


class ShadowNotFound(Refusal):
    """A version was never released into the shadow."""

    code: ClassVar[str] = "shadow_not_found"

    def __init__(self) -> None:
        super().__init__("this version was never in the shadow; GET the rule set's /shadows")


class DisagreementNotFound(Refusal):
    """A shadow agreed on a decision, did not judge it, or was not kept with it."""

    code: ClassVar[str] = "disagreement_not_found"

    def __init__(self) -> None:
        words = "no disagreement of this shadow is kept for this decision; GET its /disagreements"
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Both sides of a disagreement; a side is None where its explanation is not left.

    *row* is the live decision as it is stored: the rules' own, whoever decided otherwise.
    """

    row: Row[Any]
    live: Decision | None
    shadow: Decision | None
    shadow_head: Head | None
    changes: tuple[Change, ...]

    def otherwise(self) -> Iterator[tuple[Reason | None, Reason | None]]:
        """Yield the rules that spoke otherwise, before and after; None where there is none."""
        if self.live is None or self.shadow is None:
            return
        before, after = _by_rule(self.live), _by_rule(self.shadow)
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name), after.get(name)
            if _spoken(old) != _spoken(new):
                yield old, new


async def tell_apart(row: Row[Any], desk: Desk) -> Told:
    """Return both sides of the disagreement *row*.

    Raises:
        DecisionNotFound: If the live decision is not stored any more.
    """
    stored = await existing_decision(row.decision_id, desk)
    live_rules = (await desk.live.version(row.rule_set, row.live_version)).rules
    live = None
    if stored.facts is not None:
        replayed = decide_again(stored, live_rules)
        live = None if replayed.differences else replayed.decision
    if row.failure is not None:
        return Told(row=stored, live=live, shadow=None, shadow_head=None, changes=())
    running = await desk.live.version(row.rule_set, row.version)
    changes = compare(live_rules, running.rules).changes
    return Told(
        row=stored,
        live=live,
        shadow=_decide_again(row, stored, running.rules),
        shadow_head=structs.replace(
            head_of(stored), id=None, version=running.version, digest=running.digest
        ),
        changes=tuple(change for change in changes if not change.is_only_words),
    )


def _decide_again(row: Row[Any], stored: Row[Any], rules: RuleSet) -> Decision | None:
    """Return the shadow's decision from the facts that it read then, if it comes out the same.

    Whatever was erased from the live decision is not told from here either.
    """
    if row.facts is None or stored.facts is None:
        return None
    problems = tuple(DataProblem(**problem) for problem in row.data_problems or ())
    decision = rules.decide(
        structs.replace(rules.admit(row.facts), problems=problems),
        at=row.decided_at,
        final=stored.final,
        suspended=stored.suspended or (),
        tabled=row.tabled or {},
    )
    came_out = (decision.verdict, decision.outcome, scores_of(decision))
    return decision if came_out == (row.verdict, row.outcome, row.scores) else None


def _by_rule(decision: Decision) -> dict[tuple[str, str], Reason]:
    return {(reason.kind, reason.rule): reason for reason in decision.reasons(full=True)}


def _spoken(reason: Reason | None) -> object:
    """Return what a rule said: another wording of the same is not another reason."""
    return None if reason is None else (reason.result, reason.effect)
