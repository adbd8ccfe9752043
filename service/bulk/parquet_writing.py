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
    """Buffers rows and writes them by columns; no more than one row group is in memory."""

    def __init__(self, path: Path, names: Sequence[str], types: Sequence[Any]) -> None:
        """Begin the file; a type is an Arrow type, or one of `KINDS`."""
        self._schema = schema_of(names, types)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Sequence[object]] = []

    def __enter__(self) -> Self:
        """Be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left and the footer."""
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Write *rows*, each with a cell a name."""
        self._rows.extend(rows)
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = typed_columns(self._rows, self._schema)
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self._rows.clear()


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
