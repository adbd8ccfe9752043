"""How accounts stood against how they stand: which of them are to be written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import repeat
from typing import Any, Final, Literal

import msgspec

from service.bulk.account_judging import DecidedPiece
from service.decisions import Under
from service.rescorings import NEVER
from service.rules import Decision, RuleSet

__all__ = ["Compared", "compare_piece"]

Fate = Literal["unchanged", "changed", "past", "later"]
"""`past`: as of the instant it changed, and a newer decision stands by now, and stays.
`later`: it was decided at this very instant already."""


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """How an account stood: as `account_store.read_standings` writes it.

    *scores* and *letters* are there where the version is the one that is asked about;
    *suspensions* and the trace *before* them where it was decided under some.
    """

    version: int
    verdict: str
    outcome: str
    is_decided: bool
    is_past: bool
    scores: Mapping[str, Mapping[str, float]] | None
    letters: str
    suspensions: Sequence[Mapping[str, str]] | None
    before: Mapping[str, Any] | None


_SpanAt = Callable[[int], Mapping[str, float]]
_PARTS: Final = ("low", "high", "value")
_texts: Final = msgspec.json.Decoder(list[msgspec.Raw])
_read: Final = msgspec.json.Decoder(Standing | None).decode


@dataclass(frozen=True, slots=True)
class Compared:
    """One account: what is to be done with it, and its verdicts before and after."""

    fate: Fate
    before: str
    after: str


_compared: Final = cache(Compared)  # a few dozen, however many accounts


def compare_piece(
    decided: DecidedPiece,
    standings: bytes,
    *,
    rules: RuleSet,
    version: int,
    suspended: Mapping[int, tuple[Decision, Under]],
) -> Iterator[Compared]:
    """Give what is to be done with each account of *decided*, in order.

    *suspended* are the decisions of those that stand under suspensions, by place.
    """
    answers = decided.answers
    verdicts, outcomes = answers["verdict"].to_pylist(), answers["outcome"].to_pylist()
    letters_of = _letters(rules)
    letters = [letters_of(names) for names in answers["rules_yes"].to_pylist()]
    scores = _scores(answers, rules)
    for place, (text, said) in enumerate(
        zip(_texts.decode(standings), _unchanged(answers, letters, rules, version), strict=True)
    ):
        verdict = verdicts[place]
        if place in suspended:
            yield _compare_suspended(_read(text), *suspended[place], version=version)
        elif bytes(text) == said:  # nearly always where nothing changed: nothing has to be read
            yield _compared("unchanged", verdict, verdict)
        elif (standing := _read(text)) is None:
            yield _compared("changed", NEVER, verdict)
        else:
            is_same = (
                standing.version == version
                and standing.suspensions is None
                and (standing.verdict, standing.outcome) == (verdict, outcomes[place])
                and standing.letters == letters[place]
                and standing.scores == {name: one(place) for name, one in scores.items()}
            )
            yield _compared(_fate(standing, is_same=is_same), standing.verdict, verdict)


def _fate(standing: Standing, *, is_same: bool) -> Fate:
    if is_same:
        return "unchanged"
    if standing.is_decided:
        return "later"
    return "past" if standing.is_past else "changed"


def _compare_suspended(
    standing: Standing | None, decision: Decision, under: Under, *, version: int
) -> Compared:
    """Return what is to be done with an account that is decided under suspensions.

    It changes too where only the trace before them does: the suspended rule's own change is
    seen nowhere else, and whoever counts relies on it.
    """
    if standing is None:
        return _compared("changed", NEVER, decision.verdict)
    before = None if under.before is None else under.before.to_json()
    is_same = (
        standing.version == version
        and standing.suspensions == list(under.kept)
        and standing.before == before
        and (standing.verdict, standing.outcome) == (decision.verdict, decision.outcome)
        and standing.scores
        == {
            name: {"value": score.value, "low": score.low, "high": score.high}
            for name, score in decision.scores.items()
        }
    )
    return _compared(_fate(standing, is_same=is_same), standing.verdict, decision.verdict)


def _letters(rules: RuleSet) -> Callable[[str], str]:
    """Return what makes the SELECT's list of who was yes into a letter for each gate and rule."""
    ids = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]

    @lru_cache(maxsize=65_536)
    def letters_of(names: str) -> str:
        yes = set(names.split(","))
        return "".join(["y" if one in yes else "n" for one in ids])

    return letters_of


def _unchanged(
    answers: Any,  # noqa: ANN401 - pyarrow has no types
    letters: Sequence[str],
    rules: RuleSet,
    version: int,
) -> Iterator[bytes]:
    """Give what `read_standings` says of each account that stands as it is decided now.

    It is the text that the database makes of what we once wrote, so of numbers that we would
    write with an exponent it is not: then the standing has to be read after all.
    """
    names = sorted((score.name for score in rules.model.scores), key=lambda n: (len(n), n))
    spans = [
        [
            _span_text(name, *span)
            for span in zip(*(_column(answers, p, name) for p in _PARTS), strict=True)
        ]
        for name in names
    ]
    columns = zip(
        answers["verdict"].to_pylist(),
        answers["outcome"].to_pylist(),
        letters,
        zip(*spans, strict=True) if spans else repeat(()),
        strict=False,
    )
    for verdict, outcome, said, scores in columns:
        yield (
            f'[{version},"{verdict}","{outcome}",false,false,{{{", ".join(scores)}}}'
            f',"{said}",null,null]'
        ).encode()


@lru_cache(maxsize=65_536)
def _span_text(name: str, low: float, high: float, value: float) -> str:
    """Return a score as jsonb shows it, its shortest names first."""
    return f'"{name}": {{"low": {low!r}, "high": {high!r}, "value": {value!r}}}'


def _scores(answers: Any, rules: RuleSet) -> Mapping[str, _SpanAt]:  # noqa: ANN401 - pyarrow has no types
    """Return, by score, what gives its span at a place as a decision has it."""

    def span_of(name: str) -> _SpanAt:
        low, high, value = (_column(answers, part, name) for part in _PARTS)
        return lambda place: {"value": value[place], "low": low[place], "high": high[place]}

    return {score.name: span_of(score.name) for score in rules.model.scores}


def _column(answers: Any, part: str, score: str) -> Sequence[float]:  # noqa: ANN401
    column: Sequence[float] = answers[f"{part}_{score}"].to_pylist()
    return column
