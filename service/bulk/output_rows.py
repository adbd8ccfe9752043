"""Rows into a CSV, NDJSON or Parquet file, one at a time or many by columns."""

import csv
import json
import os
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

    def keep(self) -> int:
        """Have all rows so far on the disk; return how far that is, to be opened at again."""


class _TextRows:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def keep(self) -> int:
        return keep_text(self._stream)


class _CsvRows(_TextRows):
    def __init__(self, stream: TextIO, names: Sequence[str], *, kept: int) -> None:
        super().__init__(stream)
        self._writer = csv.writer(stream)
        if not kept:
            # A column's name is a text from outside like any other.
            self._writer.writerow([safe_cell(name) for name in names])

    def write(self, rows: Iterable[Cells]) -> None:
        self._writer.writerows([safe_cell(cell) for cell in cells] for cells in rows)


class _NdjsonRows(_TextRows):
    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        super().__init__(stream)
        self._names = names

    def write(self, rows: Iterable[Cells]) -> None:
        for cells in rows:
            members = dict(zip(self._names, cells, strict=True))
            self._stream.write(json.dumps(members, ensure_ascii=False, default=str) + "\n")


def open_rows(
    path: Path,
    names: Sequence[str],
    types: Sequence[Any],
    *,
    target: Path,
    stack: ExitStack,
    kept: int = 0,
) -> RowWriter:
    """Write into *path*, in the form that the name of *target* says, until *stack* is left.

    *types* are the columns' Arrow types, for Parquet; None for text. *kept* is what `keep`
    returned when rows were written there before: what came after that is thrown away.
    """
    kind = target.suffix.lower()
    if kind == ".parquet":
        # Loading pyarrow takes a fifth of a second, which a CSV file need not wait for.
        from service.bulk.parquet_writing import ParquetRowWriter  # noqa: PLC0415

        return stack.enter_context(ParquetRowWriter(path, names, types, kept=kept))
    stream = stack.enter_context(text_file(path, kept=kept))
    return _CsvRows(stream, names, kept=kept) if kind == ".csv" else _NdjsonRows(stream, names)


def text_file(path: Path, *, kept: int = 0) -> TextIO:
    """Open *path* for writing text as it is, line ends too, behind its first *kept* bytes."""
    if kept:
        os.truncate(path, kept)
    return path.open("a" if kept else "w", encoding="utf-8", newline="")


def keep_text(stream: TextIO) -> int:
    """Have what was written to *stream* on the disk; return how many bytes the file has."""
    stream.flush()
    os.fsync(stream.fileno())
    return os.fstat(stream.fileno()).st_size
