"""Rows of a Parquet file, a batch of one row group at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.rows import BadRow, Row, UnreadableFile

_BATCH_ROWS: Final = 4_096


@dataclass(slots=True)
class ParquetRows:
    """An open Parquet file; *position* counts rows. Made by `open_parquet`."""

    columns: tuple[str, ...] | None
    size: int
    file: Any
    position: int = 0

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give every row; never more than one batch is in memory."""
        for batch in self.file.iter_batches(batch_size=_BATCH_ROWS):
            for cells in batch.to_pylist():
                self.position += 1
                plain = {name: _plain(value) for name, value in cells.items()}
                yield Row(self.position, plain)


def open_parquet(stream: BinaryIO) -> ParquetRows:
    """Return the rows of *stream*.

    Raises:
        UnreadableFile: If it is not Parquet, or two of its columns share a name.
    """
    try:
        file = pq.ParquetFile(stream)
    except pa.ArrowInvalid:
        raise UnreadableFile("the file is not Parquet, or is cut short") from None
    names = tuple(file.schema_arrow.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFile(f"two columns are named `{twice[0]}`; rename one")
    return ParquetRows(names, file.metadata.num_rows, file)


def _plain(value: object) -> object:
    """Return *value* as a JSON-like value; an instant without a zone is its calendar day."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat() if value.tzinfo else value.date()
        case Decimal():
            return format(value, "f")
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
