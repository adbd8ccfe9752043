"""Chunks of facts to columns of decisions: DuckDB runs the rule set's own SELECT."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from service.bulk.fact_columns import ARROW_TYPES
from service.rules import RuleSet
from service.rules.sql import Selection, select
from service.rules.sql_text import Input

ROW: Final = "row number"
"""The key of a row within its chunk; no attribute can have this name."""
DAY: Final = "decided on"
"""The UTC day of a row's own clock, where each has one."""

_RELATION: Final = "chunk"
_MOST_REMEMBERED: Final = 100_000
_TYPES: Final[Mapping[str, Any]] = {
    "TEXT": pa.string(), "BOOLEAN": pa.bool_(),
    "TEXT[]": pa.list_(pa.string()), "BOOLEAN[]": pa.list_(pa.bool_()),
}  # fmt: skip
_THREADS: Final = max(1, min(4, os.cpu_count() or 1))
# A thread takes a batch at a time: of a chunk in one piece the others would have nothing.
_BATCH_ROWS: Final = 32_768
_SETTINGS: Final = {
    "memory_limit": "400MB",
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "true",
}


@dataclass(frozen=True, slots=True)
class _Query:
    """The SELECT of one rule set, and of its columns those that are wanted."""

    selection: Selection
    text: str

    @classmethod
    def of(
        cls,
        rules: RuleSet,
        *,
        at: datetime | None,
        final: bool,
        suspended: Collection[str],
        wanted: Collection[str] | None,
        complete: bool,
    ) -> "_Query":
        selection = select(
            rules.model,
            dialect="duckdb",
            relation=_RELATION,
            today=DAY if at is None else at.astimezone(UTC).date(),
            kept=[ROW] if at is not None else [ROW, DAY],
            final=final,
            suspended=suspended,
            reads=rules.reads,
            with_movers=True,
            complete=complete,
        )
        names = [n for n in selection.outputs if wanted is None or n in wanted]
        listed = ", ".join(f'"{name}"' for name in (*names, ROW))
        text = f"SELECT {listed} FROM (\n{selection.sql}\n) AS decided"  # noqa: S608 - our own names
        return cls(selection, text)


@dataclass(slots=True)
class ColumnJudge:
    """One rule set as DuckDB decides it, at one instant or each row on a day of its own.

    Use it from one thread at a time.
    """

    rules: RuleSet
    ranges: "_Query"
    write_complete: Callable[[], "_Query"]
    connection: duckdb.DuckDBPyConnection
    _complete: "_Query | None" = None
    _known: dict[str, dict[object, object]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rules: RuleSet,
        *,
        at: datetime | None,
        final: bool,
        suspended: Collection[str] = (),
        wanted: Collection[str] | None = None,
        threads: int | None = None,
    ) -> "ColumnJudge":
        """Return the judge of *rules* on the UTC day of *at*, or where that is None of each row.

        *wanted* are the columns to give, all of `Selection.outputs` where left out.

        Raises:
            Untranslatable: If DuckDB cannot mean the same as the rules.
        """
        write = partial(_Query.of, rules, at=at, final=final, suspended=suspended, wanted=wanted)
        ranges = write(complete=False)
        connection = duckdb.connect(config={**_SETTINGS, "threads": str(threads or _THREADS)})
        return cls(rules, ranges, partial(write, complete=True), connection)

    def decide(self, facts: Mapping[str, Any], *, rows: int, days: Any = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return the columns of *rows* decisions as an Arrow table, in the facts' order.

        *facts* holds Arrow arrays by attribute; an attribute that is not there is missing.
        *days* are the rows' own, where the judge has no day.
        """
        numbers = pa.arange(0, rows).cast(pa.int32())
        columns = {ROW: numbers}
        if days is not None:
            columns[DAY] = days
        for one in self.ranges.selection.inputs:
            columns[one.name] = self._column(one, facts.get(one.attribute), rows)
        has_gaps = any(column.null_count for column in columns.values())
        query = self.ranges if has_gaps else self.complete
        batches = pa.table(columns).to_batches(max_chunksize=_BATCH_ROWS)
        self.connection.register(_RELATION, pa.Table.from_batches(batches))
        return _in_order(self.connection.sql(query.text).to_arrow_table(), numbers)

    @property
    def complete(self) -> "_Query":
        """The SELECT for rows of which every fact is known, written when it is first needed."""
        if self._complete is None:
            self._complete = self.write_complete()
        return self._complete

    def close(self) -> None:
        """Give the memory back."""
        self.connection.close()

    def _column(self, one: Input, facts: Any, rows: int) -> Any:  # noqa: ANN401
        if one.prepared is None:
            kind = ARROW_TYPES[self.rules.attributes[one.attribute].type]
            return pa.nulls(rows, kind) if facts is None else facts
        kind = _TYPES[one.type]
        if facts is None:
            return pa.nulls(rows, kind)
        if pa.types.is_list(facts.type):
            return pa.array([self._computed(one, fact) for fact in facts.to_pylist()], kind)
        encoded = pc.dictionary_encode(facts)
        distinct = [self._computed(one, fact) for fact in encoded.dictionary.to_pylist()]
        return pa.array(distinct, kind).take(encoded.indices)

    def _computed(self, one: Input, fact: Any) -> object:  # noqa: ANN401
        """Return a computed column's value for a fact, worked out once."""
        if fact is None:
            return None
        key = tuple(fact) if isinstance(fact, list) else fact
        known = self._known.setdefault(one.name, {})
        if key not in known:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            value = one.of({one.attribute: key})
            known[key] = list(value) if isinstance(value, tuple) else value
        return known[key]


def _in_order(answers: Any, numbers: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return *answers* by the *numbers* of their rows, without these.

    A SELECT that only works out columns keeps the order, and asking for it took a tenth of the
    time. One that looks into lists need not.
    """
    if answers[ROW] != pa.chunked_array([numbers]):
        answers = answers.sort_by(ROW)
    return answers.drop_columns([ROW])
