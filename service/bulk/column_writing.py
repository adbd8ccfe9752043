"""Decided chunks as the rows of the output file: the same cells as row by row."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa

from service.bulk.column_scoring import ColumnScorer, DecidedChunk
from service.bulk.fact_columns import plain
from service.bulk.sampling import EnginesDisagree
from service.bulk.writing import BETWEEN_BANDS, BETWEEN_MISSING, RowSink
from service.rules import Decision, Facts
from service.rules.model import Grade
from service.rules.ranges import Range
from service.rules.scores import bands


def write_chunk(file: RowSink, decided: DecidedChunk, scorer: ColumnScorer) -> None:
    """Write every row of *decided*, the lines between them that are none, and the problems."""
    rows = iter(_rows(file, decided, scorer))
    done = 0
    unreadable = decided.unreadable(scorer.plan)
    if not decided.chunk.bad:
        file.write_rows(rows)
        file.complain(unreadable)
        return
    cells = list(unreadable)
    for place, bad in (*decided.chunk.bad, (decided.chunk.rows, None)):
        file.write_rows(islice(rows, place - done))
        until = decided.chunk.lines[place - 1] if place else 0
        file.complain(cell for cell in cells if cell.line <= until)
        cells = [cell for cell in cells if cell.line > until]
        if bad is not None:
            file.write_bad(bad)
        done = place


def _rows(file: RowSink, decided: DecidedChunk, scorer: ColumnScorer) -> Iterator[Sequence[object]]:
    chunk, answers, model = decided.chunk, decided.answers, scorer.rules.model
    columns: list[Sequence[object]] = [chunk.lines]
    columns += [_plain_list(chunk.columns[name]) for name in scorer.plan.keep]
    columns += [answers[name].to_pylist() for name in ("verdict", "outcome", "certain")]
    spans: dict[str, tuple[list[float], list[float]]] = {}
    for score in model.scores:
        values, low, high = (
            answers[f"{part}_{score.name}"].to_pylist() for part in ("value", "low", "high")
        )
        spans[score.name] = low, high
        columns += [values, low, high]
    columns += [_grades(grade, *spans[grade.of]) for grade in model.grades]
    actions = {outcome.id: outcome.action for outcome in model.outcomes}
    columns.append([actions[name] for name in answers["outcome"].to_pylist()])
    missing = answers["missing"].to_pylist()
    columns.append([names.replace(",", BETWEEN_MISSING) for names in missing])
    if file.with_summary:
        columns.append(list(_summaries(decided, scorer)))
    return zip(*columns, strict=True)


def _grades(grade: Grade, lows: Sequence[float], highs: Sequence[float]) -> list[str]:
    @lru_cache(maxsize=4096)
    def touched(low: float, high: float) -> str:
        found = bands(grade.bands, Range(low, high))
        return BETWEEN_BANDS.join(name for name, _ in grade.bands if name in found)

    return [touched(low, high) for low, high in zip(lows, highs, strict=True)]


def _summaries(decided: DecidedChunk, scorer: ColumnScorer) -> Iterator[str]:
    """Give each row in words. Words are the evaluator's, so it decides every row once more."""
    verdicts = decided.answers["verdict"].to_pylist()
    for place, facts in enumerate(_facts(decided)):
        decision: Decision = scorer.rules.decide(facts, at=scorer.at, final=True)
        if decision.verdict != verdicts[place]:
            where = f"line {decided.chunk.lines[place]:,}"
            raise EnginesDisagree(scorer.rules, where=where, columns=["verdict"])
        yield decision.summary


def _facts(decided: DecidedChunk) -> Iterator[Facts]:
    names = list(decided.facts)
    columns = [column.values.to_pylist() for column in decided.facts.values()]
    for cells in zip(*columns, strict=True):
        known: Mapping[str, Any] = {
            name: tuple(cell) if isinstance(cell, list) else cell
            for name, cell in zip(names, cells, strict=True)
            if cell is not None
        }
        yield Facts(known)


def _plain_list(column: Any) -> list[object]:  # noqa: ANN401 - pyarrow has no types
    values: list[object] = column.to_pylist()
    return values if column.type == pa.string() else [plain(value) for value in values]
