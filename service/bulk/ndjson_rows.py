"""Rows of a file with one JSON object a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from service.bulk.json_lines import UnreadableJson, read_object
from service.bulk.lines import Lines, is_text
from service.bulk.rows import BadRow, Row


@dataclass(slots=True)
class NdjsonRows:
    """An open NDJSON file. Each row has its own columns. Made by `open_ndjson`."""

    columns: tuple[str, ...] | None
    size: int
    lines: Lines

    @property
    def position(self) -> int:
        """The bytes read so far."""
        return self.lines.position

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give a row per line that is a JSON object, and what is wrong with the others."""
        for line, text in enumerate(self.lines, start=1):
            if not text.strip():
                continue
            if not is_text(text):
                yield BadRow(line, "holds bytes that are not UTF-8 text")
                continue
            try:
                yield Row(line, read_object(text))
            except UnreadableJson as error:
                yield BadRow(line, f"cannot be read: {error}")


def open_ndjson(stream: BinaryIO, *, size: int) -> NdjsonRows:
    """Return the rows of *stream*; blank lines are skipped."""
    return NdjsonRows(None, size, Lines(stream, encoding="utf-8"))
