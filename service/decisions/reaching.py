"""What would have to change for another decision: sought in a thread, few at once."""

from collections.abc import Collection
from typing import ClassVar, Final

import anyio
import anyio.to_thread

from service.rules import Decision, Reach, RuleSet, nearest, ways_from
from service.web import Fault, Refusal

__all__ = ["NothingToSeek", "ways_around"]

_AT_ONCE: Final = 2
# Some hundred decisions each: the requests beside it keep their turn.
_search: Final = anyio.CapacityLimiter(_AT_ONCE)


class NothingToSeek(Refusal):
    """What is to stay, or what is aimed at, is nothing that the rules know."""

    code: ClassVar[str] = "validation_failed"


async def ways_around(
    rules: RuleSet, decision: Decision, *, fixed: Collection[str], toward: str | None = None
) -> Reach:
    """Return the ways from *decision*, which *rules* made, to others; see `rules.ways_from`.

    While more may be answered, they lead from what the facts come to if nothing more is.

    Raises:
        NothingToSeek: If *fixed* names no attribute, or *toward* no outcome, of *rules*.
    """
    for name in fixed:
        if name not in rules.attributes:
            words = "`fixed` names an attribute or metric of the rule set, and this is none"
            close = nearest(name, rules.attributes)
            raise _refusal(words, code="unknown_attribute", parameter="fixed", suggestion=close)
    outcomes = [outcome.id for outcome in rules.model.outcomes]
    if toward is not None and toward not in outcomes:
        words = (
            f"`toward` names an outcome; name one of {', '.join(f'`{one}`' for one in outcomes)}"
        )
        close = nearest(toward, outcomes)
        raise _refusal(words, code="unknown_outcome", parameter="toward", suggestion=close)

    def seek() -> Reach:
        return ways_from(rules, _closed(rules, decision), fixed=fixed, toward=toward)

    return await anyio.to_thread.run_sync(seek, limiter=_search)


def _refusal(words: str, *, code: str, parameter: str, suggestion: str | None) -> NothingToSeek:
    fault = Fault(code=code, message=words, parameter=parameter, suggestion=suggestion)
    return NothingToSeek(words, faults=[fault])


def _closed(rules: RuleSet, decision: Decision) -> Decision:
    """Return the decision as if nothing more were to be told: what it comes to today."""
    if decision.final:
        return decision
    return rules.decide(
        decision.facts,
        at=decision.at,
        final=True,
        suspended=decision.suspended,
        tabled=decision.tabled,
        with_missing=False,
    )
