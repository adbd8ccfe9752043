"""A decision as a person reads it: the summary, the scores, why, what to ask, what next."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from service.cli.screen import say
from service.rules import Decision, Reach, RuleSet, reach_words, ways_told

MOST_WAYS: Final = 3
_VERDICTS = {"qualify": "green", "review": "cyan", "disqualify": "red", "undecided": "yellow"}


def print_decision(decision: Decision, *, full: bool = False) -> None:
    """Print *decision* to standard output; with *full*, the rules that were no, too."""
    head = Text(decision.verdict, style=f"bold {_VERDICTS[decision.verdict]}")
    say(head.append(f"  {_certainty(decision)}", style="not bold default"))
    say(decision.summary)
    _section("scores", _scores(decision))
    _section("because", _reasons(decision, full=full))
    _section("ask", _questions(decision))
    _section("next", _next(decision))
    _section("not read", (problem.message for problem in decision.data_problems))


def print_reach(rules: RuleSet, reach: Reach) -> None:
    """Print what would have to change for another outcome."""
    lines = [reach_words(reach)]
    lines += [
        f"{way['label']}: {way['words']}" for way in ways_told(rules, reach.better[:MOST_WAYS])
    ]
    _section("changes", iter(lines))
    _section("near", (f"{way['label']}: {way['words']}" for way in ways_told(rules, reach.near)))


def _section(title: str, lines: Iterator[str]) -> None:
    for place, line in enumerate(lines):
        say(f"  {title if place == 0 else '':<8}  {line}")


def _certainty(decision: Decision) -> str:
    if decision.outcome_certain:
        return decision.outcome
    possible = " or ".join(decision.possible_outcomes)
    return (
        f"{possible}, whatever else is told" if decision.certain else f"{possible} still possible"
    )


def _scores(decision: Decision) -> Iterator[str]:
    width = max((len(name) for name in decision.scores), default=0)
    for name, score in decision.scores.items():
        span = "" if score.low == score.high else f"   {score.low:g} to {score.high:g} possible"
        yield f"{name:<{width}}  {score.value:g}{span}"
    for name, bands in decision.grades.items():
        yield f"{name:<{width}}  {' or '.join(bands)}"


def _reasons(decision: Decision, *, full: bool) -> Iterator[str]:
    for reason in decision.reasons(full=full):
        effect = reason.effect
        points = "" if effect is None else f"{effect.points:+g} {effect.score}"
        result = "" if effect is not None or reason.kind in {"gate", "outcome"} else reason.result
        yield f"{points or result:<12}  {reason.text}  [{reason.rule}]"


def _questions(decision: Decision) -> Iterator[str]:
    for missing in decision.missing:
        question = missing.ask or f"({missing.label} cannot be asked)"
        yield f"{question}  [{missing.attribute}; it can change the {missing.changes}]"


def _next(decision: Decision) -> Iterator[str]:
    following = decision.next
    parts = (following.action, following.assign, following.url, following.message)
    words = "  ".join(part for part in parts if part)
    if words:
        yield words
