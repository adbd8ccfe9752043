"""How accounts stood against how they stand: which of them are to be written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from service.bulk.account_judging import DecidedPiece
from service.rescorings import NEVER
from service.rules import RuleSet

__all__ = ["Compared", "compare_piece"]

Fate = Literal["unchanged", "changed", "later"]


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """How an account stands: as `account_store.read_standings` writes it.

    *scores* are there where the version is the one that is asked about.
    """

    version: int
    verdict: str
    outcome: str
    is_later: bool
    scores: Mapping[str, Mapping[str, float]] | None


_decoder = msgspec.json.Decoder(list[Standing | None])


@dataclass(frozen=True, slots=True)
class Compared:
    """One account: what is to be done with it, and its verdicts before and after."""

    fate: Fate
    before: str
    after: str


def compare_piece(
    decided: DecidedPiece, standings: bytes, *, rules: RuleSet, version: int
) -> Iterator[Compared]:
    """Give what is to be done with each account of *decided*, in order."""
    answers = decided.answers
    verdicts, outcomes = answers["verdict"].to_pylist(), answers["outcome"].to_pylist()
    scores = _scores(answers, rules)
    for place, standing in enumerate(_decoder.decode(standings)):
        verdict = verdicts[place]
        if standing is None:
            yield Compared("changed", NEVER, verdict)
            continue
        is_same = (
            standing.version == version
            and (standing.verdict, standing.outcome) == (verdict, outcomes[place])
            and standing.scores == {name: parts[place] for name, parts in scores.items()}
        )
        fate: Fate = "later" if standing.is_later else "unchanged" if is_same else "changed"
        yield Compared(fate, standing.verdict, verdict)


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
