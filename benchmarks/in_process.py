"""P5, P6: judging in process, without HTTP and without a database.

Ours are facts that were read at the door already: the peers take a lead as it comes and
check nothing of it, so the door is timed beside.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from benchmarks.engines import Engines, Lead, running_engines
from benchmarks.figures import Measured, Spread, ratios
from benchmarks.ground import Ground, OutputsDiffer
from benchmarks.rules import leads, plain_rules, rule_set
from benchmarks.turns import average, in_turns
from service.rules import Decision, Facts, RuleSet, load_rule_set

__all__ = ["CLOCK", "decide", "measure_engines", "ready_rules"]

CLOCK: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

_RULES: Final = 20
_COMPARED: Final = 300
_TIMED: Final = 100
_ROUND_S: Final = 0.1
_PEERS: Final = ("zen_trace", "zen", "cel", "cel_as_one")


def measure_engines(ground: Ground) -> dict[str, Measured]:
    """Return P5 and P6."""
    own = ready_rules(_RULES)
    with running_engines(ground.python_peers(), plain_rules(_RULES)) as engines:
        _compare(own, engines, list(leads(_COMPARED)))
        us = _time(own, engines, list(leads(_TIMED, seed=2)), turns=ground.effort.turns)
    words = Spread(
        tuple(a - b for a, b in zip(us["words"].values, us["decision"].values, strict=True)), "us"
    )
    return {
        "P5": Measured(
            figure=ratios(us["zen_trace"], us["trace"]),
            ours=us["trace"],
            peer=us["zen_trace"],
            beside={"reasons and summary in words": words, "reading at the door": us["door"]},
        ),
        "P6": Measured(
            figure=ratios(us["cel"], us["verdict"]),
            ours=us["verdict"],
            peer=us["cel"],
            beside={"CEL as one sum": us["cel_as_one"], "zen-engine without trace": us["zen"]},
        ),
    }


def ready_rules(count: int, *, conditions: int = 4) -> RuleSet:
    """Return a rule set of *count* rules, compiled."""
    rules = load_rule_set(rule_set(count, conditions=conditions))
    rules.prepare()
    return rules


def decide(rules: RuleSet, facts: Facts) -> Decision:
    """Return the decision of *rules* on *facts* at the one clock of these measurements."""
    return rules.decide(facts, at=CLOCK)


def _time(
    own: RuleSet, engines: Engines, given: Sequence[Lead], *, turns: int
) -> dict[str, Spread]:
    facts = [own.admit(lead) for lead in given]

    def trace(one: Facts) -> object:
        decision = decide(own, one)
        return decision.verdict, decision.scores, decision.trace.to_text()

    def words(one: Facts) -> object:
        return decide(own, one).told()

    works = {
        "trace": partial(average, trace, facts, seconds=_ROUND_S),
        "verdict": partial(average, own.briefly(at=CLOCK), facts, seconds=_ROUND_S),
        "decision": partial(average, partial(decide, own), facts, seconds=_ROUND_S),
        "words": partial(average, words, facts, seconds=_ROUND_S),
        "door": partial(average, own.admit, given, seconds=_ROUND_S),
        **{name: partial(engines.time, name, given, seconds=_ROUND_S) for name in _PEERS},
    }
    return in_turns(works, turns=turns)


def _compare(own: RuleSet, engines: Engines, given: Sequence[Lead]) -> None:
    """Let everybody judge *given*.

    Raises:
        OutputsDiffer: If somebody comes to another fit or verdict than we do.
    """
    facts = [own.admit(lead) for lead in given]
    decisions = [decide(own, one) for one in facts]
    ours = [(decision.scores["fit"].value, decision.verdict) for decision in decisions]
    briefs = [found for found in map(own.briefly(at=CLOCK), facts) if found is not None]
    if ours != [(found.scores[0], found.verdict) for found in briefs]:
        raise OutputsDiffer("the brief differs from the decision")
    for name in _PEERS:
        for lead, mine, theirs in zip(given, ours, engines.judge(name, given), strict=True):
            if mine != theirs:
                raise OutputsDiffer(f"`{name}` says {theirs} of {lead}, where we say {mine}")
