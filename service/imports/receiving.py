"""Receive the file of an import: into the database piece by piece, never whole in memory."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.imports import store
from service.imports.asking import existing
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, transaction
from service.web import BodyTooLarge, Refusal, UnsupportedMediaType

__all__ = ["FORMATS", "EmptyFile", "FileNotExpected", "check_fits", "receive"]

FORMATS: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
"""The media type of each format; `application/octet-stream` will do for any."""

PART_BYTES: Final = 1024 * 1024
_LEASE: Final = timedelta(seconds=60)
_CLOSE: Final = {"Connection": "close"}


class FileNotExpected(Refusal):
    """An import has its file already, or somebody is sending it now."""

    code: ClassVar[str] = "file_not_expected"


class EmptyFile(Refusal):
    """A file without a byte in it."""

    code: ClassVar[str] = "validation_failed"


def check_fits(row: Row[Any], *, media_type: str, length: int | None, limit_bytes: int) -> None:
    """Refuse a file by what is said of it before it arrives.

    Raises:
        UnsupportedMediaType: If it is of another format than the import's.
        BodyTooLarge: If it is declared to be longer than *limit_bytes*.
    """
    if media_type not in {FORMATS[row.format], "application/octet-stream"}:
        words = f"the import is to read {row.format}; send that as {FORMATS[row.format]}"
        raise UnsupportedMediaType(words, headers=_CLOSE)
    if length is not None and length > limit_bytes:
        raise _too_large(limit_bytes)


async def receive(
    row: Row[Any], stream: AsyncIterator[bytes], *, engine: AsyncEngine, limit_bytes: int
) -> Row[Any]:
    """Keep the file of *row* and queue the import; what breaks off leaves nothing behind.

    Raises:
        FileNotExpected: If it has one, somebody else sends it, or it was cancelled meanwhile.
        EmptyFile: If there is nothing in it.
        BodyTooLarge: If it is longer than *limit_bytes*.
        ClientDisconnect: If the client left before the end.
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    async with transaction(engine) as connection:
        claimed = await store.begin_file(connection, row.id, lease=_LEASE)
    if claimed is None:
        raise _not_expected(row)
    try:
        sha256 = await _keep_parts(claimed, stream, engine=engine, limit_bytes=limit_bytes)
        return await _queue(claimed, sha256, engine)
    except BaseException:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(engine) as connection:
                await store.leave_file(connection, claimed)
        raise


async def _queue(row: Row[Any], sha256: bytes, engine: AsyncEngine) -> Row[Any]:
    async with transaction(engine) as connection:
        if not await store.end_file(connection, row, sha256=sha256):
            raise _not_expected(row)
        return await existing(connection, row.id)


async def _keep_parts(
    row: Row[Any], stream: AsyncIterator[bytes], *, engine: AsyncEngine, limit_bytes: int
) -> bytes:
    """Return the SHA-256 of the file once all of it is in the database."""
    hashed = hashlib.sha256()
    number = taken = 0
    async for part in _parts_of(stream):
        taken += len(part)
        if taken > limit_bytes:
            raise _too_large(limit_bytes)
        hashed.update(part)
        async with transaction(engine) as connection:
            if not await store.add_part(connection, row, number=number, content=part, lease=_LEASE):
                raise _not_expected(row)
        number += 1
    if number == 0:
        raise EmptyFile("the file is empty; send one with rows in it")
    return hashed.digest()


async def _parts_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give the stream in pieces of a size that a row of the database takes well."""
    gathered = bytearray()
    async for piece in stream:
        gathered += piece
        while len(gathered) >= PART_BYTES:
            yield bytes(gathered[:PART_BYTES])
            del gathered[:PART_BYTES]
    if gathered:
        yield bytes(gathered)


def _not_expected(row: Row[Any]) -> FileNotExpected:
    words = "the import does not wait for a file; GET it to see why, and ask for another one"
    if row.state == "waiting":
        words = "somebody is sending this file, or it was cancelled; GET the import to see"
    return FileNotExpected(words, headers=_CLOSE)


def _too_large(limit_bytes: int) -> BodyTooLarge:
    words = f"the file is longer than {limit_bytes // 1024**2:,} MB; send it in several imports"
    return BodyTooLarge(words, headers=_CLOSE)
