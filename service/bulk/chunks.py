"""Rows a chunk at a time, by columns: what the column engine reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from service.bulk.csv_rows import CsvRows
from service.bulk.fact_columns import plain
from service.bulk.parquet_rows import ParquetRows
from service.bulk.rows import BadRow, Row


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file, one Arrow array a column.

    Attributes:
        lines: Where each row begins.
        bad: Lines between them that are no row, each with the number of rows before it.
        position: How much of the input was read at its end, in the unit of `Input.size`.
    """

    lines: Sequence[int]
    columns: Mapping[str, Any]
    bad: tuple[tuple[int, BadRow], ...]
    position: int

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return len(self.lines)

    def row(self, place: int) -> Row:
        """Return one row as the row-wise way would have read it."""
        cells = {name: plain(column[place].as_py()) for name, column in self.columns.items()}
        return Row(self.lines[place], cells)


@dataclass(frozen=True, slots=True)
class CsvChunks:
    """A CSV file, read by the very reader of the row-wise way: what is no row is no row here."""

    rows: CsvRows
    size: int

    def __iter__(self) -> Iterator[Chunk]:
        """Give chunks of text columns."""
        lines: list[int] = []
        cells: list[Sequence[str]] = []
        bad: list[tuple[int, BadRow]] = []
        for found in self.rows.cells():
            if isinstance(found, BadRow):
                bad.append((len(lines), found))
            else:
                lines.append(found[0])
                cells.append(found[1])
            if len(lines) + len(bad) >= self.size:
                yield self._chunk(lines, cells, bad)
                lines, cells, bad = [], [], []
        if lines or bad:
            yield self._chunk(lines, cells, bad)

    def _chunk(
        self, lines: list[int], cells: list[Sequence[str]], bad: list[tuple[int, BadRow]]
    ) -> Chunk:
        columns = zip(*cells, strict=True) if cells else ((),) * len(self.rows.names)
        arrays = [pa.array(column, pa.string()) for column in columns]
        named = dict(zip(self.rows.names, arrays, strict=True))
        return Chunk(lines, named, tuple(bad), self.rows.position)


@dataclass(frozen=True, slots=True)
class ParquetChunks:
    """A Parquet file. Only the columns in *wanted* are read."""

    rows: ParquetRows
    wanted: Sequence[str]
    size: int

    def __iter__(self) -> Iterator[Chunk]:
        """Give chunks of columns in the file's own types."""
        read = 0
        batches = self.rows.file.iter_batches(batch_size=self.size, columns=list(self.wanted))
        for batch in batches:
            lines = range(read + 1, read + batch.num_rows + 1)
            read += batch.num_rows
            names = batch.schema.names
            columns = {name: batch.column(place) for place, name in enumerate(names)}
            yield Chunk(lines, columns, (), read)
