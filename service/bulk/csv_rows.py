"""Rows of a CSV file, whatever spreadsheet wrote it."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from service.bulk.lines import Lines, is_text
from service.bulk.rows import BadRow, Row, UnreadableFile

_DELIMITERS: Final = (",", ";", "\t")
_QUOTED: Final = re.compile(r'"[^"]*"?')
_EXCEL_HINT: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(slots=True)
class CsvRows:
    """An open CSV file. Made by `open_csv`."""

    columns: tuple[str, ...] | None
    size: int
    names: tuple[str, ...]
    lines: Lines
    records: "Iterator[_Record]"

    @property
    def position(self) -> int:
        """The bytes read so far."""
        return self.lines.position

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give a row per record; ragged and unreadable records as what is wrong with them."""
        for found in self.cells():
            if isinstance(found, BadRow):
                yield found
            else:
                line, cells = found
                yield Row(line, dict(zip(self.names, cells, strict=True)))

    def cells(self) -> "Iterator[tuple[int, list[str]] | BadRow]":
        """Give the same without the columns' names: a line and its cells."""
        width = len(self.names)
        for record in self.records:
            if record.fault is not None:
                yield BadRow(record.line, record.fault)
            elif not all(map(is_text, record.cells)):
                words = "holds bytes that are not UTF-8 text; name the `encoding` in the map"
                yield BadRow(record.line, words)
            elif len(record.cells) != width:
                yield BadRow(record.line, _ragged(len(record.cells), width))
            else:
                yield record.line, record.cells


def open_csv(
    stream: BinaryIO, *, size: int, encoding: str = "utf-8", delimiter: str | None = None
) -> CsvRows:
    """Return the rows of *stream*: a header and records, delimited by `,`, `;` or a tab.

    The delimiter is the one that stands most often in the header, unless it is given.
    Quoted cells may hold delimiters and line ends. Blank lines are skipped.

    Raises:
        UnreadableFile: If the file is empty, or its header is not text or names a column
            twice.
    """
    lines = Lines(stream, encoding=encoding)
    texts = iter(lines)
    first, skipped = next(texts, ""), 0
    if (hint := _EXCEL_HINT.fullmatch(first)) is not None:
        delimiter = delimiter or hint[1]
        first, skipped = next(texts, ""), 1
    if not first:
        raise UnreadableFile("the file is empty; its first line must name the columns")
    records = _records(_chain(first, texts), delimiter or _sniff(first), skipped)
    names = _header(next(records, None))
    return CsvRows(names, size, names, lines, records)


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str] = field(default_factory=list)
    fault: str | None = None


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _records(texts: Iterator[str], delimiter: str, skipped: int) -> Iterator[_Record]:
    # Strict: a quote that never closes is a fault to report, not a cell that swallows the rest.
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(line, fault=_words(error, line, reader.line_num + skipped))
            continue
        if cells:
            yield _Record(line, cells)


def _words(error: csv.Error, line: int, last: int) -> str:
    said = str(error)
    if "unexpected end of data" in said:
        return f"opens a quote that is never closed; lines {line} to {last} were not read"
    if "field limit" in said:
        return f"has a cell that is too long, perhaps a quote never closed; read up to line {last}"
    if "expected after" in said:
        return "has text after a closing quote; write a quote inside a cell twice"
    return f"cannot be read as CSV: {said}"


def _ragged(found: int, wanted: int) -> str:
    """Return what is wrong with a record; which of its cells is whose would be a guess."""
    counts = f"has {found} {'cell' if found == 1 else 'cells'} where the header has {wanted}"
    if found > wanted:
        return f"{counts}; put cells that hold the delimiter in quotes"
    return f"{counts}; write the delimiters of empty cells too"


def _sniff(header: str) -> str:
    outside = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=outside.count)


def _header(record: _Record | None) -> tuple[str, ...]:
    if record is None:
        raise UnreadableFile("the file holds no header; its first line must name the columns")
    if record.fault is not None:
        raise UnreadableFile(f"the header {record.fault}")
    names = tuple(
        name.strip() or f"column {place}" for place, name in enumerate(record.cells, start=1)
    )
    if not all(map(is_text, names)):
        raise UnreadableFile("the header is not UTF-8; save the file as UTF-8 or name the "
                             "`encoding` in the map")  # fmt: skip
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = [str(place) for place, name in enumerate(names, start=1) if name == twice[0]]
        raise UnreadableFile(
            f"the header names `{twice[0]}` twice, in columns {' and '.join(places)}; "
            "rename one, so that it is clear which is meant"
        )
    return names
