"""How accounts stood against how they stand: which of them are to be written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from service.bulk.account_judging import DecidedPiece
from service.decisions import Under
from service.rescorings import NEVER
from service.rules import Decision, RuleSet

__all__ = ["Compared", "compare_piece"]

Fate = Literal["unchanged", "changed", "later"]


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """How an account stands: as `account_store.read_standings` writes it.

    *scores* and the *closed* results are there where the version is the one that is asked
    about; *suspensions* and the trace *before* them where it was decided under some.
    """

    version: int
    verdict: str
    outcome: str
    is_later: bool
    scores: Mapping[str, Mapping[str, float]] | None
    closed: Mapping[str, str] | None
    suspensions: Sequence[Mapping[str, str]] | None
    before: Mapping[str, Any] | None

    def rules_yes(self, ids: Sequence[str]) -> str:
        """Return which of the gates and rules *ids* were yes, as the SELECT lists them."""
        closed = self.closed or {}
        letters = closed.get("gates", "") + closed.get("rules", "")
        return ",".join([one for one, letter in zip(ids, letters, strict=False) if letter == "y"])


_decoder = msgspec.json.Decoder(list[Standing | None])


@dataclass(frozen=True, slots=True)
class Compared:
    """One account: what is to be done with it, and its verdicts before and after."""

    fate: Fate
    before: str
    after: str


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
    rules_yes = answers["rules_yes"].to_pylist()
    ids = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]
    scores = _scores(answers, rules)
    for place, standing in enumerate(_decoder.decode(standings)):
        verdict = verdicts[place]
        if place in suspended:
            yield _compare_suspended(standing, *suspended[place], version=version)
            continue
        if standing is None:
            yield Compared("changed", NEVER, verdict)
            continue
        is_same = (
            standing.version == version
            and standing.suspensions is None
            and (standing.verdict, standing.outcome) == (verdict, outcomes[place])
            and standing.scores == {name: parts[place] for name, parts in scores.items()}
            and standing.rules_yes(ids) == rules_yes[place]
        )
        fate: Fate = "later" if standing.is_later else "unchanged" if is_same else "changed"
        yield Compared(fate, standing.verdict, verdict)


def _compare_suspended(
    standing: Standing | None, decision: Decision, under: Under, *, version: int
) -> Compared:
    """Return what is to be done with an account that is decided under suspensions.

    It changes too where only the trace before them does: the suspended rule's own change is
    seen nowhere else, and whoever counts relies on it.
    """
    if standing is None:
        return Compared("changed", NEVER, decision.verdict)
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
    fate: Fate = "later" if standing.is_later else "unchanged" if is_same else "changed"
    return Compared(fate, standing.verdict, decision.verdict)


def _scores(answers: Any, rules: RuleSet) -> Mapping[str, Sequence[Mapping[str, float]]]:  # noqa: ANN401 - pyarrow has no types
    return {
        score.name: [
            {"value": value, "low": low, "high": high}
            for value, low, high in zip(
                *(answers[f"{part}_{score.name}"].to_pylist() for part in ("value", "low", "high")),
                strict=True,
            )
        ]
        for score in rules.model.scores
    }
