"""What an evaluation found, without any value of the subject: results and numbers only.

Each evaluation makes several of these, so they are msgspec's structs: as frozen as a dataclass,
and made in a seventh of the time.
"""

from collections.abc import Iterable

import msgspec
import orjson

from service.rules.json_text import number
from service.rules.model import Verdict
from service.rules.truth import NO, UNKNOWN, YES, Truth

_LETTERS = {YES: "y", NO: "n", UNKNOWN: "u"}
_letter = _LETTERS.__getitem__
_truth = {letter: truth for truth, letter in _LETTERS.items()}.__getitem__


class ScoreRange(msgspec.Struct, frozen=True):
    """A score: *low* to *high* while more may be answered, *value* if nothing more is."""

    low: float
    high: float
    value: float


class Results(msgspec.Struct, frozen=True):
    """The whole conditions' results in document order; in a closed evaluation none is unknown."""

    gates: tuple[Truth, ...]
    rules: tuple[Truth, ...]
    outcomes: tuple[Truth, ...]


class Trace(msgspec.Struct, frozen=True):
    """One evaluation of a rule set: both meanings (reference and compiled) give the same.

    Attributes:
        open: Results while more answers may come.
        closed: Results if no more come.
        checks: A letter for every single check of gates, rules and outcomes in that order,
            closed; a check may still be unknown. `truths_of` reads them.
        effects: What each rule adds to its group in the closed evaluation.
        scores: In document order.
    """

    open: Results
    closed: Results
    checks: str
    effects: tuple[float, ...]
    scores: tuple[ScoreRange, ...]

    def to_json(self) -> dict[str, object]:
        """Return the trace as it is stored: a letter (y, n, u) per result."""
        return {
            "open": _results_to_json(self.open),
            "closed": _results_to_json(self.closed),
            "checks": self.checks,
            "effects": list(self.effects),
            "scores": [[score.low, score.high, score.value] for score in self.scores],
        }

    def to_text(self) -> str:
        """Return the same as JSON text."""
        opened = _results_to_text(self.open)
        closed = opened if self.closed is self.open else _results_to_text(self.closed)
        scores = []
        for score in self.scores:
            at = number(score.value)
            low = at if score.low is score.value else number(score.low)
            high = at if score.high is score.value else number(score.high)
            scores.append(f"[{low},{high},{at}]")
        return (
            f'{{"open":{opened},"closed":{closed},"checks":"{self.checks}",'
            f'"effects":{_numbers(self.effects)},"scores":[{",".join(scores)}]}}'
        )


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What an evaluation with nothing unknown comes to.

    Attributes:
        outcome: Its place in document order.
        verdict: The outcome's.
        scores: Their values, in document order.
    """

    outcome: int
    verdict: Verdict
    scores: tuple[float, ...]


class Outright(msgspec.Struct, frozen=True):
    """The trace of an evaluation with nothing unknown, in letters: open and closed are one.

    Attributes:
        gates, rules, outcomes, checks: A letter (y, n) for each, in the order of `Trace`.
        effects: What each rule adds to its group.
        scores: Their values, in document order.
    """

    gates: str
    rules: str
    outcomes: str
    checks: str
    effects: tuple[float, ...]
    scores: tuple[float, ...]

    def to_text(self, spans: str) -> str:
        """Return the characters that `Trace.to_text` gives of the same evaluation.

        *spans* are those of its scores.
        """
        results = f'{{"gates":"{self.gates}","rules":"{self.rules}","outcomes":"{self.outcomes}"}}'
        return (
            f'{{"open":{results},"closed":{results},"checks":"{self.checks}",'
            f'"effects":{_numbers(self.effects)},"scores":[{spans}]}}'
        )


class Outline(msgspec.Struct, frozen=True):
    """An open evaluation only, with what tells two states of knowledge apart.

    Attributes:
        gates, rules, outcomes: Whole conditions in document order.
        checks: Every single check in trace order, open.
        points: What each rule would add, as (low, high).
        scores: (low, high) in document order.
    """

    gates: tuple[Truth, ...]
    rules: tuple[Truth, ...]
    outcomes: tuple[Truth, ...]
    checks: tuple[Truth, ...]
    points: tuple[tuple[float, float], ...]
    scores: tuple[tuple[float, float], ...]


def letters_of(truths: Iterable[Truth]) -> str:
    """Return a letter for each: y, n or u."""
    return "".join(map(_letter, truths))


def truths_of(letters: str) -> tuple[Truth, ...]:
    """Return what the *letters* stand for."""
    return tuple(map(_truth, letters))


def _numbers(each: tuple[float, ...]) -> str:
    """Return *each* as a JSON list."""
    return orjson.dumps(each).decode()


def _results_to_text(results: Results) -> str:
    return (
        f'{{"gates":"{letters_of(results.gates)}","rules":"{letters_of(results.rules)}",'
        f'"outcomes":"{letters_of(results.outcomes)}"}}'
    )


def _results_to_json(results: Results) -> dict[str, str]:
    return {
        "gates": letters_of(results.gates),
        "rules": letters_of(results.rules),
        "outcomes": letters_of(results.outcomes),
    }
