"""Which kind of file an input is, by the end of its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service.bulk.csv_rows import open_csv
from service.bulk.ndjson_rows import open_ndjson
from service.bulk.rows import Input, UnreadableFile

KINDS: Final = (".csv", ".tsv", ".ndjson", ".jsonl", ".parquet")


@contextmanager
def open_input(
    path: Path, *, encoding: str = "utf-8", delimiter: str | None = None
) -> Iterator[Input]:
    """Open *path* as CSV, NDJSON or Parquet for the length of the block.

    Raises:
        UnreadableFile: If its name ends in none of these, it is not there, or no row of it
            can be read.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        message = f"`{path.name}` is of no kind that is read here; name it {', '.join(KINDS)}"
        raise UnreadableFile(message)
    try:
        stream = path.open("rb")
    except OSError as error:
        words = (error.strerror or "it is no file").lower()
        raise UnreadableFile(f"`{path}` cannot be opened: {words}") from None
    with stream:
        size = path.stat().st_size
        if kind == ".parquet":
            # Loading pyarrow takes a fifth of a second, which a CSV file need not wait for.
            from service.bulk.parquet_rows import open_parquet  # noqa: PLC0415

            yield open_parquet(stream)
        elif kind in {".ndjson", ".jsonl"}:
            yield open_ndjson(stream, size=size)
        else:
            yield open_csv(stream, size=size, encoding=encoding, delimiter=delimiter)
