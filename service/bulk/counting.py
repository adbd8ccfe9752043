"""Decide everything in a file or a database and count it: nothing is written."""

from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
import pyarrow.compute as pc

from service.bulk.account_judging import (
    PIECE_ACCOUNTS,
    AccountJudge,
    decide_pieces,
    standing_columns,
)
from service.bulk.account_store import Piece, read_accounts
from service.bulk.chunks import ParquetChunks
from service.bulk.column_scoring import ColumnScorer
from service.bulk.engines import CHUNK_ROWS
from service.bulk.map_document import MapDocument
from service.bulk.mapping import plan_columns
from service.bulk.opening import open_input
from service.bulk.parquet_rows import ParquetRows
from service.bulk.rows import UnreadableFile
from service.rules import RuleSet, read_source

_BETWEEN: Final = "|"


@dataclass(slots=True)
class Counted:
    """How many subjects came to which verdict and outcome."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def subjects(self) -> int:
        """How many were decided."""
        return self.outcomes.total()

    def add(self, answers: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """Count the rows of a SELECT's answer."""
        joined = pc.binary_join_element_wise(answers["verdict"], answers["outcome"], _BETWEEN)
        for found in pc.value_counts(joined.combine_chunks()):
            verdict, outcome = found["values"].as_py().split(_BETWEEN)
            self.outcomes[verdict, outcome] += found["counts"].as_py()


def decide_parquet(path: Path, rules: RuleSet, *, at: datetime) -> Counted:
    """Decide every row of a Parquet file, whose columns are named after attributes.

    Raises:
        UnreadableFile: If it is no Parquet file, or no attribute has a column.
        Untranslatable: If DuckDB cannot mean the same as the rules.
        EnginesDisagree: If the evaluator decides a row of the sample otherwise.
    """
    counted = Counted()
    with open_input(path) as rows:
        if not isinstance(rows, ParquetRows):
            raise UnreadableFile("the file is not Parquet")
        plan = plan_columns(
            rules.attributes, rows.columns, document=MapDocument(), source=read_source("{}")
        )
        scorer = ColumnScorer.of(rules, plan, at=at, wanted=standing_columns(rules))
        read = [one.column for one in plan.read if one.column is not None]
        for decided in scorer.decide(ParquetChunks(rows, read, CHUNK_ROWS)):
            counted.add(decided.answers)
    return counted


async def decide_accounts(
    connection: psycopg.AsyncConnection[Any], rules: RuleSet, *, at: datetime
) -> Counted:
    """Decide every stored account that existed at *at*, as of then.

    Raises:
        Untranslatable: If DuckDB cannot mean the same as the rules.
        EnginesDisagree: If the evaluator decides an account of the sample otherwise.
    """
    counted = Counted()
    judge = AccountJudge.of(rules, at=at)

    async def read(after: UUID | None) -> Piece:
        return await read_accounts(connection, after=after, at=at, limit=PIECE_ACCOUNTS)

    try:
        async with aclosing(decide_pieces(read, judge, after=None)) as pieces:
            async for decided in pieces:
                counted.add(decided.answers)
    finally:
        judge.close()
    return counted
