"""Rows of a Parquet file, a batch of one row group at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.fact_columns import plain
from service.bulk.rows import BadRow, Row, UnreadableFile

_BATCH_ROWS: Final = 4_096


@dataclass(slots=True)
class ParquetRows:
    """An open Parquet file; *position* counts rows. Made by `open_parquet`."""

    columns: tuple[str, ...] | None
    size: int
    file: Any
    position: int = 0

    @property
    def types(self) -> dict[str, Any]:
        """The columns that can be copied into another Parquet file as they are, by name."""
        return {
            field.name: field.type for field in self.file.schema_arrow if is_plain_type(field.type)
        }

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give every row; never more than one batch is in memory."""
        for batch in self.file.iter_batches(batch_size=_BATCH_ROWS):
            for cells in batch.to_pylist():
                self.position += 1
                read = {name: plain(value) for name, value in cells.items()}
                yield Row(self.position, read)


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


def is_plain_type(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Say whether a column of this Arrow type is copied as it is; others are copied as text."""
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_date32)
    return any(check(kind) for check in checks)
