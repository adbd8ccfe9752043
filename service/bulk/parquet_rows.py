"""Rows of a Parquet file, a batch of one row group at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.fact_columns import plain
from service.bulk.rows import BadRow, Row, UnreadableFile

_BATCH_ROWS: Final = 4_096
_GROUP_BYTES: Final = 2 << 30


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
        """Give every row; never more than one batch is in memory.

        Raises:
            UnreadableFile: Where the file is damaged.
        """
        batches = self.file.iter_batches(batch_size=_BATCH_ROWS)
        while batch := self._next_of(batches):
            for cells in batch.to_pylist():
                self.position += 1
                read = {name: plain(value) for name, value in cells.items()}
                yield Row(self.position, read)

    def _next_of(self, batches: Iterator[Any]) -> Any:  # noqa: ANN401 - pyarrow has no types
        try:
            return next(batches, None)
        except (pa.ArrowException, OSError):
            words = f"the file is damaged behind row {self.position}; write it again"
            raise UnreadableFile(words) from None


def open_parquet(stream: BinaryIO) -> ParquetRows:
    """Return the rows of *stream*.

    Raises:
        UnreadableFile: If it is not Parquet, two of its columns share a name, or it is made
            of parts that are too large.
    """
    try:
        file = pq.ParquetFile(stream)
    except pa.ArrowInvalid:
        raise UnreadableFile("the file is not Parquet, or is cut short") from None
    _check_groups(file.metadata)
    names = tuple(file.schema_arrow.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFile(f"two columns are named `{twice[0]}`; rename one")
    return ParquetRows(names, file.metadata.num_rows, file)


def _check_groups(metadata: Any) -> None:  # noqa: ANN401 - pyarrow has no types
    """Refuse a file of which a part that is read at once says that it is too large."""
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    if any(group.total_byte_size > _GROUP_BYTES for group in groups):
        words = f"a row group of it is larger than {_GROUP_BYTES >> 20} MB; write smaller ones"
        raise UnreadableFile(words)


def is_plain_type(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Say whether a column of this Arrow type is copied as it is; others are copied as text."""
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_date32)
    return any(check(kind) for check in checks)
