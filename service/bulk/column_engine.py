"""A file scored by columns: read, decide, count, write, a chunk at a time."""

from collections.abc import Iterable, Iterator
from datetime import date

from service.bulk.chunks import Chunk, CsvChunks, ParquetChunks
from service.bulk.column_scoring import ColumnScorer
from service.bulk.column_tally import add_chunk
from service.bulk.column_writing import write_chunk
from service.bulk.csv_rows import CsvRows
from service.bulk.engines import Progress, Scoring
from service.bulk.parquet_rows import ParquetRows
from service.bulk.summary import Tally
from service.bulk.writing import ScoredFile
from service.rules import RuleSet
from service.rules.sql import Untranslatable, select

__all__ = ["score_columns", "untranslatable"]


def score_columns(
    scoring: Scoring, *, tally: Tally, file: ScoredFile | None, progress: Progress
) -> None:
    """Score the whole file, in order; at most three chunks are in memory.

    Raises:
        EnginesDisagree: If the evaluator decides a row of the sample otherwise.
    """
    scorer = ColumnScorer.of(scoring.rules, scoring.plan, at=scoring.at)
    try:
        chunks = _chunks(scoring, is_kept=file is not None)
        before, left = _behind(chunks, done=0 if file is None else file.done)
        for decided in scorer.decide(left, first=before):
            add_chunk(tally, decided, scoring.plan)
            if file is not None:
                write_chunk(file, decided, scorer)
                file.keep(tally)
            progress(decided.chunk.position, tally.rows)
    finally:
        scorer.judge.close()


def untranslatable(rules: RuleSet, today: date) -> str | None:
    """Return what of *rules* DuckDB cannot mean, in words; None where it can."""
    try:
        select(
            rules.model, dialect="duckdb", relation="chunk", today=today, final=True,
            reads=rules.reads, with_movers=True,
        )  # fmt: skip
    except Untranslatable as error:
        return str(error)
    return None


def _behind(chunks: Iterable[Chunk], *, done: int) -> tuple[int, Iterator[Chunk]]:
    """Return how many chunks hold the first *done* rows, and the chunks that follow."""
    left, before = iter(chunks), 0
    while done > 0:
        chunk = next(left)
        done -= chunk.rows + len(chunk.bad)
        before += 1
    return before, left


def _chunks(scoring: Scoring, *, is_kept: bool) -> Iterable[Chunk]:
    rows = scoring.rows
    if isinstance(rows, CsvRows):
        return CsvChunks(rows, scoring.chunk)
    if isinstance(rows, ParquetRows):
        read = [one.column for one in scoring.plan.read if one.column is not None]
        wanted = dict.fromkeys([*read, *(scoring.plan.keep if is_kept else ())])
        return ParquetChunks(rows, tuple(wanted), scoring.chunk)
    raise AssertionError("a file with columns is CSV or Parquet")
