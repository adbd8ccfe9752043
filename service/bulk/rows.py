"""What every input gives: rows with their line, and lines that are no row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One lead or account as it stood in the file.

    *line* is where it begins, from 1; in Parquet, which has no lines, the row's number.
    """

    line: int
    cells: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no row; *reason* says why in words, without its content."""

    line: int
    reason: str


class UnreadableFile(Exception):
    """No row of the file can be read; the message says why and what to do."""

    code = "unreadable_file"


class Input(Protocol):
    """An open file of rows.

    Attributes:
        columns: The column names in file order; None where each row has its own (NDJSON).
        size: How much there is to read, in the unit of `position`.
    """

    columns: tuple[str, ...] | None
    size: int

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the rows one after the other; may be asked for once."""

    @property
    def position(self) -> int:
        """How much has been read, from 0 to `size`."""
