"""A decided chunk counted: the same numbers, in the same order, as row by row."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow.compute as pc

from service.bulk.column_scoring import DecidedChunk
from service.bulk.mapping import ColumnPlan
from service.bulk.summary import Tally
from service.rules.model import Model
from service.rules.sql_moved import mover_column

_BETWEEN: Final = "|"


def add_chunk(tally: Tally, decided: DecidedChunk, plan: ColumnPlan) -> None:
    """Add every row of *decided* to *tally*, and the lines between them that are none."""
    answers = decided.answers
    tally.rows += answers.num_rows
    tally.uncertain += answers.num_rows - (pc.sum(answers["certain"]).as_py() or 0)
    for (verdict, outcome), count in _counts(answers, "verdict", "outcome"):
        tally.outcomes[verdict, outcome] += count
    for name, count in _movers(answers, tally.rules.model):
        tally.movers[name] += count
    for (names,), count in _counts(answers, "missing"):
        for name in names.split(",") if names else ():
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


def _movers(answers: Any, model: Model) -> list[tuple[str, int]]:  # noqa: ANN401 - pyarrow has no types
    """Return what decided rows or moved scores and how many, by the first row it did so in."""
    names = [*(gate.id for gate in model.gates), *(rule.id for rule in model.rules)]
    found = []
    for place, name in enumerate(names):
        is_mover = answers[mover_column(place)]
        count = pc.sum(is_mover).as_py()
        if count:
            found.append((pc.index(is_mover, value=True).as_py(), place, name, count))
    return [(name, count) for _, _, name, count in sorted(found)]
