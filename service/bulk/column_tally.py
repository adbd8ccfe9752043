"""A decided chunk counted: the same numbers, in the same order, as row by row."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow.compute as pc

from service.bulk.column_scoring import DecidedChunk
from service.bulk.mapping import ColumnPlan
from service.bulk.summary import Tally

_BETWEEN: Final = "|"


def add_chunk(tally: Tally, decided: DecidedChunk, plan: ColumnPlan) -> None:
    """Add every row of *decided* to *tally*, and the lines between them that are none."""
    answers = decided.answers
    tally.rows += answers.num_rows
    tally.uncertain += pc.sum(pc.invert(answers["certain"])).as_py() or 0
    for (verdict, outcome), count in _counts(answers, "verdict", "outcome"):
        tally.outcomes[verdict, outcome] += count
    gates = {gate.id for gate in tally.rules.model.gates}
    for (yes, moved), count in _counts(answers, "rules_yes", "rules_moved"):
        # The gate that decided, else the rules that moved a score.
        deciding = [name for name in _split(yes) if name in gates][:1]
        for name in deciding or _split(moved):
            tally.movers[name] += count
    for (names,), count in _counts(answers, "missing"):
        for name in _split(names):
            tally.missing[name] += count
    for cell in decided.unreadable(plan):
        tally.add_unreadable(cell)
    for _, bad in decided.chunk.bad:
        tally.add_bad(bad)


def _counts(answers: Any, *columns: str) -> Iterator[tuple[list[str], int]]:  # noqa: ANN401 - pyarrow has no types
    """Give the distinct values of text columns and their rows, by the first row they stand in."""
    joined = pc.binary_join_element_wise(*(answers[name] for name in columns), _BETWEEN)
    for found in pc.value_counts(joined.combine_chunks()):
        yield found["values"].as_py().split(_BETWEEN), found["counts"].as_py()


def _split(names: str) -> list[str]:
    return names.split(",") if names else []
