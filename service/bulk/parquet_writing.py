"""Rows into a Parquet file, a row group at a time."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.cells import plain_text

_GROUP_ROWS: Final = 65_536
KINDS: Final = {
    "text": pa.string(), "number": pa.float64(), "flag": pa.bool_(), "whole": pa.int64(),
}  # fmt: skip


class ParquetRowWriter:
    """Buffers rows and writes them by columns; no more than one row group is in memory.

    A Parquet file cannot be gone on with: it ends with what it holds. So each time that rows are
    to be kept they go into a part of their own, and the parts become the file at the end.
    """

    def __init__(
        self, path: Path, names: Sequence[str], types: Sequence[Any], *, kept: int = 0
    ) -> None:
        """Begin the file, or go on behind *kept* parts; a type is of Arrow, or one of `KINDS`."""
        self._path = path
        self._schema = schema_of(names, types)
        self._parts = kept
        self._rows: list[Sequence[object]] = []
        self._part: Any = None

    def __enter__(self) -> Self:
        """Be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the parts together."""
        if kind is None:
            self.keep()
            self._join()
        elif self._part is not None:
            self._part.close()

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Write *rows*, each with a cell a name."""
        self._rows.extend(rows)
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def keep(self) -> int:
        """End the part that was begun; return how many parts there are."""
        self._flush()
        if self._part is not None:
            self._part.close()
            self._part = None
            self._parts += 1
        return self._parts

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._part is None:
            self._part = self._open(part_of(self._path, self._parts))
        columns = typed_columns(self._rows, self._schema)
        self._part.write_table(pa.table(columns, schema=self._schema))
        self._rows.clear()

    def _join(self) -> None:
        with self._open(self._path) as whole:
            for number in range(self._parts):
                part = part_of(self._path, number)
                with pq.ParquetFile(part) as file:
                    for group in range(file.num_row_groups):
                        whole.write_table(file.read_row_group(group))
                part.unlink()

    def _open(self, path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
        return pq.ParquetWriter(path, self._schema, compression="zstd")


def part_of(path: Path, number: int) -> Path:
    """Return where a part of the file at *path* is until it is whole."""
    return path.with_name(f"{path.name}-{number:05}")


def schema_of(names: Sequence[str], types: Sequence[Any]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the Arrow schema of such columns; a type is an Arrow type, or one of `KINDS`."""
    kinds = [KINDS.get(kind, kind) if isinstance(kind, str) else kind for kind in types]
    return pa.schema(list(zip(names, kinds, strict=True)))


def typed_columns(rows: Sequence[Sequence[object]], fields: Iterable[Any]) -> list[Any]:
    """Return *rows*, of which there is at least one, as Arrow arrays of the *fields*' types."""
    return [
        pa.array([_cell(value, field.type) for value in column], field.type)
        for field, column in zip(fields, zip(*rows, strict=True), strict=True)
    ]


def _cell(value: object, kind: Any) -> object:  # noqa: ANN401 - pyarrow has no types
    if value is None or kind != pa.string():
        return value
    return plain_text(value)
