"""Chunks of a file to columns of decisions, checked: the facts' door, DuckDB, the sample."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.bulk.chunks import Chunk
from service.bulk.column_deciding import ColumnJudge
from service.bulk.fact_columns import ColumnDoor, Complaint, FactColumn
from service.bulk.mapping import ColumnPlan
from service.bulk.sampling import check_rows, sample_of
from service.bulk.scoring import Unreadable, score_row
from service.rules import Decision, RuleSet
from service.rules.sql_moved import mover_column


@dataclass(frozen=True, slots=True)
class DecidedChunk:
    """A chunk with its facts by attribute, and the SELECT's answers as an Arrow table."""

    chunk: Chunk
    facts: Mapping[str, FactColumn]
    answers: Any

    def unreadable(self, plan: ColumnPlan) -> Iterator[Unreadable]:
        """Give the cells that could not be read, row by row, as the row-wise way lists them."""
        columns = {source.attribute: source.column for source in plan.read}
        order = {name: place for place, name in enumerate(columns)}
        found = [
            (complaint.row, not complaint.by_map, order[name], name, complaint)
            for name, column in self.facts.items()
            for complaint in column.complaints
        ]
        for row, _, _, name, complaint in sorted(found, key=lambda one: one[:3]):
            yield _cell(self.chunk.lines[row], columns[name], name, complaint)


@dataclass(slots=True)
class ColumnScorer:
    """Decides a file's chunks under one rule set."""

    rules: RuleSet
    plan: ColumnPlan
    at: datetime
    judge: ColumnJudge
    doors: Mapping[str, ColumnDoor]

    @classmethod
    def of(
        cls,
        rules: RuleSet,
        plan: ColumnPlan,
        *,
        at: datetime,
        wanted: Collection[str] | None = None,
        threads: int | None = None,
    ) -> "ColumnScorer":
        """Return the scorer of *rules* at *at*, finally: nobody is left to ask.

        *wanted* are the columns of the SELECT to give, those that are counted or written where
        left out; *threads* is how many of them DuckDB may use, up to four where left out.

        Raises:
            Untranslatable: If DuckDB cannot mean the same as the rules.
        """
        doors = {
            source.attribute: ColumnDoor(rules.attributes[source.attribute], source)
            for source in plan.read
        }
        columns = _scored_columns(rules) if wanted is None else wanted
        judge = ColumnJudge.of(rules, at=at, final=True, wanted=columns, threads=threads)
        return cls(rules, plan, at, judge, doors)

    def decide(self, chunks: Iterable[Chunk], *, first: int = 0) -> Iterator[DecidedChunk]:
        """Decide *chunks* in order; while one is decided the next one is read.

        *first* is how many chunks of the file come before them.

        Raises:
            EnginesDisagree: If the evaluator decides a row of the sample otherwise.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            waiting: deque[Future[DecidedChunk]] = deque()
            for number, chunk in enumerate(chunks, start=first):
                waiting.append(pool.submit(self._decide, number, chunk))
                if len(waiting) > 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _decide(self, number: int, chunk: Chunk) -> DecidedChunk:
        facts = {name: self._admit(door, chunk) for name, door in self.doors.items()}
        arrays = {name: column.values for name, column in facts.items()}
        answers = self.judge.decide(arrays, rows=chunk.rows)
        check_rows(
            answers,
            sample_of(self.rules, chunk=number, rows=chunk.rows),
            rules=self.rules,
            decide=lambda place: self._decide_row(chunk, place),
            title=lambda place: f"line {chunk.lines[place]:,}",
        )
        return DecidedChunk(chunk, facts, answers)

    def _admit(self, door: ColumnDoor, chunk: Chunk) -> FactColumn:
        if door.source.column is None:
            return door.repeat_constant(chunk.rows)
        return door.admit(chunk.columns[door.source.column])

    def _decide_row(self, chunk: Chunk, place: int) -> Decision:
        scored = score_row(chunk.row(place), rules=self.rules, plan=self.plan, at=self.at)
        return scored.decision


def _scored_columns(rules: RuleSet) -> tuple[str, ...]:
    """Return what a count or a written row needs. The list of rules is not of it: it takes half."""
    model = rules.model
    spans = [f"{part}_{score.name}" for score in model.scores for part in ("value", "low", "high")]
    movers = [mover_column(place) for place in range(len(model.gates) + len(model.rules))]
    return ("verdict", "outcome", "certain", "outcome_certain", *spans, "missing", *movers)


def _cell(line: int, column: str | None, name: str, complaint: Complaint) -> Unreadable:
    return Unreadable(line, column, name, complaint.value, complaint.reason)
