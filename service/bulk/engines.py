"""The engines that score a file, and which of them does.

An engine scores an open file: it counts every row in a tally, writes it where a file is
wanted, and tells how far it is. Whichever does it, the answers are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from service.bulk.mapping import ColumnPlan
from service.bulk.rows import Input
from service.bulk.scoring import score_rows
from service.bulk.summary import Tally
from service.bulk.writing import ScoredFile
from service.rules import RuleSet

AUTO: Final = "auto"
_LARGE_BYTES: Final = 2_000_000
_TOLD_EVERY: Final = 64
CHUNK_ROWS: Final = 131_072

Progress = Callable[[int, int], None]
"""Told the position in the input, in the unit of `Input.size`, and the rows decided so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """One file to score: *path* is where *rows* come from, for engines that read it themselves.

    Attributes:
        chunk: So many rows are decided and kept together; by columns they are in memory at once,
            three times over: read, decided and written.
    """

    rules: RuleSet
    plan: ColumnPlan
    at: datetime
    path: Path
    rows: Input
    chunk: int = CHUNK_ROWS


class Engine(Protocol):
    """Something that scores a file. Add one to `ENGINES` to offer it by name."""

    def refusal(self, scoring: Scoring) -> str | None:
        """Return why it cannot score this file, for people; None where it can."""

    def score(
        self, scoring: Scoring, *, tally: Tally, file: ScoredFile | None, progress: Progress
    ) -> None:
        """Score the whole file, in order; where *file* was begun by another run, the rest of it.

        Raises:
            UnreadableFile: If the file turns out not to be readable to its end.
            EnginesDisagree: If the evaluator decides a row of the sample otherwise.
        """


class EngineUnusable(Exception):
    """The engine that was asked for cannot score this file; the message says why."""

    code = "engine_unusable"


class RowEngine:
    """The evaluator, a row at a time: what every other engine must equal."""

    def refusal(self, scoring: Scoring) -> str | None:
        """Return None: it takes everything."""
        del scoring
        return None

    def score(
        self, scoring: Scoring, *, tally: Tally, file: ScoredFile | None, progress: Progress
    ) -> None:
        """Score row by row."""
        rows = scoring.rows
        left = islice(rows, 0 if file is None else file.done, None)
        found = score_rows(left, rules=scoring.rules, plan=scoring.plan, at=scoring.at)
        for scored in found:
            tally.add(scored)
            done = tally.rows + tally.bad_lines
            if file is not None:
                file.write(scored)
                if done % scoring.chunk == 0:
                    file.keep(tally)
            if done % _TOLD_EVERY == 0 or done % scoring.chunk == 0:
                progress(rows.position, tally.rows)


class ColumnEngine:
    """DuckDB, some ten thousand rows at a time, for files with columns."""

    def refusal(self, scoring: Scoring) -> str | None:
        """Return what of the file or of its rules DuckDB cannot take."""
        if scoring.rows.columns is None:
            return "each line of the file has columns of its own"
        from service.bulk.column_engine import untranslatable  # noqa: PLC0415 - loads DuckDB

        return untranslatable(scoring.rules, scoring.at.date())

    def score(
        self, scoring: Scoring, *, tally: Tally, file: ScoredFile | None, progress: Progress
    ) -> None:
        """Score a chunk at a time."""
        from service.bulk.column_engine import score_columns  # noqa: PLC0415 - loads DuckDB

        score_columns(scoring, tally=tally, file=file, progress=progress)


ENGINES: Final[Mapping[str, Engine]] = {"rows": RowEngine(), "duckdb": ColumnEngine()}


def choose_engine(name: str, scoring: Scoring) -> str:
    """Return the name of the engine that scores the file: *name*, or for `auto` the best.

    Small files go row by row: there a query would cost more than it saves.

    Raises:
        EngineUnusable: If *name* is an engine that cannot.
    """
    if name != AUTO:
        why = ENGINES[name].refusal(scoring)
        if why is not None:
            raise EngineUnusable(f"the engine `{name}` cannot score this file: {why}; "
                                 "leave the choice to `--engine auto`")  # fmt: skip
        return name
    is_large = scoring.path.stat().st_size >= _LARGE_BYTES
    return "duckdb" if is_large and ENGINES["duckdb"].refusal(scoring) is None else "rows"
