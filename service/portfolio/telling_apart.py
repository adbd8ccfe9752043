"""Say whether groups of deals differ noticeably, or that the data do not show it.

Every name that was asked for is tested on every measure, and all of them are judged together
(`exact_tests.benjamini_hochberg`): who asks forty questions gets two wrong answers at one in
twenty. A difference in numbers that is beyond doubt and explains less than a hundredth of what
they vary by is called small, since nobody could act on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from service.portfolio.deals import CHURNED, LOST, RENEWED, WON, Part
from service.portfolio.exact_tests import benjamini_hochberg
from service.portfolio.homogeneity import Difference, differ_in_numbers, differ_in_rates

__all__ = ["Finding", "Measured", "Q", "Question", "findings_of"]
__all__ += ["question_of_deals", "rate_question", "tell_apart"]

Q: Final = 0.02
"""The share of false ones among the differences that are claimed."""

Measured = Literal["win_rate", "churn", "cycle", "deal_size", "qualifying"]
_RATES: Final[Mapping[Measured, tuple[str, str]]] = {
    "win_rate": (WON, LOST),
    "churn": (CHURNED, RENEWED),
}
Verdict = Literal["differs", "differs_little", "no_noticeable_difference", "not_enough_data"]
_LITTLE: Final = 0.01
_WORDS: Final[Mapping[Measured, str]] = {
    "win_rate": "win rate",
    "churn": "churn",
    "cycle": "length of the deals that were won",
    "deal_size": "size of the deals that were won",
    "qualifying": "share of leads that qualify",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether the groups under *name* differ in one measure.

    Attributes:
        p, effect: See `homogeneity.Difference`; None where nothing could be tested.
        q: The least share of false findings at which this one would be claimed.
        groups: How many groups there are, *tested* how many were large enough.
        of: The rule set whose leads these are; None of deals.
    """

    of: str | None
    name: str
    measure: Measured
    verdict: Verdict
    groups: int
    tested: int
    p: float | None
    q: float | None
    effect: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """Whether so many *groups* under a *name* differ in a measure, and what their test says."""

    name: str
    measure: Measured
    groups: int
    difference: Difference | None
    of: str | None = None


def tell_apart(parts: Mapping[str, Sequence[Part]]) -> list[Finding]:
    """Return whether deals differ by each name in each measure of which there are any."""
    return findings_of([one for name in parts for one in question_of_deals(parts[name], name)])


def question_of_deals(parts: Sequence[Part], name: str) -> list[Question]:
    """Return the questions whether *parts* differ by *name*, one for each measure there is."""
    known = [part for part in parts if part.value is not None]
    questions: list[Question] = []
    for measure, (yes, no) in _RATES.items():
        counts = [(part.results.get(yes, 0), part.results.get(no, 0)) for part in known]
        told = [count for count in counts if any(count)]
        if told:
            questions.append(Question(name, measure, len(told), differ_in_rates(told)))
    numbers: dict[Measured, list[Sequence[float]]] = {
        "cycle": [part.days for part in known if part.days],
        "deal_size": [part.sizes for part in known if part.sizes],
    }
    for measure, samples in numbers.items():
        if samples:
            tested = differ_in_numbers(samples)
            questions.append(Question(name, measure, len(samples), tested))
    return questions


def rate_question(
    name: str, measure: Measured, rates: Sequence[tuple[int, int]], *, of: str | None = None
) -> Question:
    """Return the question whether groups of *(yes, known)* under *name* differ, *of* a rule set."""
    known = [(yes, every - yes) for yes, every in rates if every > 0]
    return Question(name, measure, len(known), differ_in_rates(known), of)


def findings_of(questions: Sequence[Question]) -> list[Finding]:
    """Return what all *questions* together let us say of each."""
    tested = [one.difference.p for one in questions if one.difference is not None]
    q_values = iter(benjamini_hochberg(tested))
    return [_finding(one, None if one.difference is None else next(q_values)) for one in questions]


def _finding(question: Question, q: float | None) -> Finding:
    measure, difference = question.measure, question.difference
    verdict: Verdict
    if difference is None or q is None:
        verdict = "not_enough_data"
    elif q > Q:
        verdict = "no_noticeable_difference"
    elif measure in {"cycle", "deal_size"} and difference.effect < _LITTLE:
        verdict = "differs_little"
    else:
        verdict = "differs"
    return Finding(
        of=question.of,
        name=question.name,
        measure=measure,
        verdict=verdict,
        groups=question.groups,
        tested=0 if difference is None else question.groups - difference.too_small,
        p=None if difference is None else difference.p,
        q=q,
        effect=None if difference is None else difference.effect,
        words=_words(question.name, _WORDS[measure], verdict),
    )


def _words(name: str, measure: str, verdict: Verdict) -> str:
    match verdict:
        case "differs":
            return f"the {measure} differs by `{name}`, more than chance would make it"
        case "differs_little":
            return f"the {measure} differs by `{name}`, and so little that nothing follows from it"
        case "no_noticeable_difference":
            return f"no noticeable difference: the {measure} is the same for every `{name}`"
        case "not_enough_data":
            return f"not enough data to say whether the {measure} differs by `{name}`"
