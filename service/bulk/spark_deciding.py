"""A partition decided where Spark put it: Arrow batches in, Arrow batches out.

Each batch is a chunk of the column engine, so a row means what it means in every other engine.
Nothing here knows Spark: the driver sends a `SparkJob` and each worker, which has Goodfit
installed, makes of it what the driver would.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from service.bulk.chunks import Chunk
from service.bulk.column_scoring import ColumnScorer, DecidedChunk
from service.bulk.column_tally import add_chunk
from service.bulk.column_writing import write_chunk
from service.bulk.map_document import MapDocument
from service.bulk.mapping import ColumnPlan, plan_columns
from service.bulk.parquet_writing import schema_of, typed_columns
from service.bulk.rows import BadRow
from service.bulk.scoring import Unreadable
from service.bulk.spark_tally import PartTally
from service.bulk.summary import Tally
from service.bulk.writing import Output, output_columns
from service.rules import RuleSet, load_rule_set, read_source

FILE: Final = "file"
"""The column that names the file of a row, in an output of several files."""

_SAMPLED_PROBLEMS: Final = 20
_FILE_KEY: Final = "\0file"  # no column can have this name


@dataclass(frozen=True, slots=True)
class SparkJob:
    """What a worker needs to know, and nothing that cannot be sent.

    Attributes:
        canonical: The rule set's document.
        columns: The data set's columns, by which the map's attributes find theirs.
        sent: Those of them that a batch holds, in its order; the row's number in its file and
            the file's name come behind them.
        types: Arrow types of the columns that are copied as they are.
        is_written: Whether the decided rows are wanted, or only their counts.
        names_files: Whether each row says which file it comes from.
    """

    canonical: bytes
    document: MapDocument
    columns: tuple[str, ...]
    sent: tuple[str, ...]
    types: Mapping[str, Any]
    at: datetime
    is_written: bool
    with_summary: bool
    names_files: bool

    def rules(self) -> RuleSet:
        """Return the rule set, compiled once in each process."""
        return _rules(self.canonical)

    def plan(self) -> ColumnPlan:
        """Return how rows become facts."""
        attributes = self.rules().attributes
        return plan_columns(
            attributes, self.columns, document=self.document, source=read_source("{}")
        )

    def schema(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return the Arrow schema of what is written."""
        output = Output(self.rules(), self.plan(), with_summary=self.with_summary, types=self.types)
        names, kinds = output_columns(output)
        if self.names_files:
            names, kinds = [_free(FILE, names), *names], ["text", *kinds]
        return schema_of(names, kinds)


@lru_cache(maxsize=4)
def _rules(canonical: bytes) -> RuleSet:
    return load_rule_set(canonical)


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"input_{name}"
    return name


class Rows:
    """The rows of one decided chunk, until they are a batch."""

    def __init__(self, *, with_summary: bool) -> None:
        """Begin with none."""
        self.with_summary = with_summary
        self.rows: list[Sequence[object]] = []

    def write_rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Keep *rows* as they are: the line, the carried cells, the decision's."""
        self.rows.extend(rows)

    def complain(self, unreadable: Iterable[Unreadable]) -> None:
        """Do nothing: the partition counts what could not be read, and samples it."""

    def write_bad(self, bad: BadRow) -> None:
        """Refuse: a columnar file has no lines that are no row."""
        raise AssertionError(bad.reason)


def decide_partition(job: SparkJob, batches: Iterable[Any], part: PartTally) -> Iterator[Any]:
    """Give the decided rows of *batches* as Arrow batches, in order, and count them in *part*.

    Raises:
        EnginesDisagree: If the evaluator decides a row of the sample otherwise.
    """
    plan, schema = job.plan(), job.schema()
    scorer = ColumnScorer.of(job.rules(), plan, at=job.at, threads=1)
    tally = Tally(job.rules())
    try:
        for decided in scorer.decide(_chunks(job, batches)):
            add_chunk(tally, decided, plan)
            wanted = max(0, _SAMPLED_PROBLEMS - len(part.problems))
            part.problems += [
                (_file_of(decided, cell.line), cell)
                for cell in islice(decided.unreadable(plan), wanted)
            ]
            if job.is_written:
                yield _batch(job, decided, scorer, schema)
    finally:
        scorer.judge.close()
    part.take(tally)


def _chunks(job: SparkJob, batches: Iterable[Any]) -> Iterator[Chunk]:
    for batch in batches:
        if not batch.num_rows:
            continue
        *columns, numbers, files = batch.columns
        named = dict(zip(job.sent, columns, strict=True))
        lines = [number + 1 for number in numbers.to_pylist()]
        yield Chunk(lines, {**named, _FILE_KEY: files}, (), 0)


def _file_of(decided: DecidedChunk, line: int) -> str:
    place = decided.chunk.lines.index(line)
    return str(decided.chunk.columns[_FILE_KEY][place])


def _batch(job: SparkJob, decided: DecidedChunk, scorer: ColumnScorer, schema: Any) -> Any:  # noqa: ANN401
    rows = Rows(with_summary=job.with_summary)
    write_chunk(rows, decided, scorer)
    before = [decided.chunk.columns[_FILE_KEY]] if job.names_files else []
    fields = list(schema)[len(before) :]
    return pa.record_batch([*before, *typed_columns(rows.rows, fields)], schema=schema)
