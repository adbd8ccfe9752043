"""Rows into a CSV, NDJSON or Parquet file, one at a time or many by columns."""

import csv
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from service.bulk.cells import safe_cell

OUTPUT_KINDS: Final = (".csv", ".ndjson", ".jsonl", ".parquet")

Cells = Sequence[object]


class RowWriter(Protocol):
    """Writes rows under the names it was opened with."""

    def write(self, rows: Iterable[Cells]) -> None:
        """Write *rows*, each with a cell a name."""


class _CsvRows:
    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._writer = csv.writer(stream)
        # A column's name is a text from outside like any other.
        self._writer.writerow([safe_cell(name) for name in names])

    def write(self, rows: Iterable[Cells]) -> None:
        self._writer.writerows([safe_cell(cell) for cell in cells] for cells in rows)


class _NdjsonRows:
    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._names = names

    def write(self, rows: Iterable[Cells]) -> None:
        for cells in rows:
            members = dict(zip(self._names, cells, strict=True))
            self._stream.write(json.dumps(members, ensure_ascii=False, default=str) + "\n")


def open_rows(
    path: Path, names: Sequence[str], types: Sequence[Any], *, target: Path, stack: ExitStack
) -> RowWriter:
    """Write into *path*, in the form that the name of *target* says, until *stack* is left.

    *types* are the columns' Arrow types, for Parquet; None for text.
    """
    kind = target.suffix.lower()
    if kind == ".parquet":
        # Loading pyarrow takes a fifth of a second, which a CSV file need not wait for.
        from service.bulk.parquet_writing import ParquetRowWriter  # noqa: PLC0415

        return stack.enter_context(ParquetRowWriter(path, names, types))
    stream = stack.enter_context(text_file(path))
    return _CsvRows(stream, names) if kind == ".csv" else _NdjsonRows(stream, names)


def text_file(path: Path) -> TextIO:
    """Open *path* for writing text whose line ends are as written."""
    return path.open("w", encoding="utf-8", newline="")
