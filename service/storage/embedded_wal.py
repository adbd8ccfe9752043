"""Segments of the embedded server's log, made before anybody waits for them.

Whoever commits into a segment that has to be made first waits for three milliseconds, nine times
a second under full load. A segment that was used is used again after a checkpoint, as many as
`min_wal_size` says; so they have to be made once, beside what a fresh server does first.
"""

import contextlib
import re
import shutil
import threading
from pathlib import Path
from typing import Final

import psycopg

__all__ = ["PARAMETERS", "make_segments_beside"]

_SIZE: Final = "1MB"
"""What our clusters are made with; of one made elsewhere, so many would fill the disk."""
_SEGMENTS: Final = 256
_ENOUGH: Final = 240
"""A checkpoint keeps a few less than it was told."""
_ROOM_BYTES: Final = 2 << 30
PARAMETERS: Final = {"min_wal_size": f"{_SEGMENTS}MB"}
# A message is the least that can be written; a segment nothing was written to is not left.
_MAKE: Final = b"""
    DO $$ BEGIN
        FOR number IN 1..%d LOOP
            PERFORM pg_logical_emit_message(false, 'goodfit', '');
            PERFORM pg_switch_wal();
        END LOOP;
    END $$
"""
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")


def make_segments_beside(url: str, data: Path) -> None:
    """Begin to make what is missing in *data*, the cluster of the server at *url*.

    That goes on beside the caller for a second or two, and is given up when the server stops.
    A disk that is nearly full is left alone: Postgres stops when it cannot write its log.
    """
    there = sum(_SEGMENT.fullmatch(path.name) is not None for path in (data / "pg_wal").iterdir())
    if there < _ENOUGH and shutil.disk_usage(data).free > _ROOM_BYTES:
        making = threading.Thread(
            target=_make, args=(url, _SEGMENTS - there), name="log segments", daemon=True
        )
        making.start()


def _make(url: str, count: int) -> None:
    with (
        contextlib.suppress(psycopg.Error),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        if connection.execute("SHOW wal_segment_size").fetchone() == (_SIZE,):
            connection.execute(_MAKE % count)
            connection.execute(b"CHECKPOINT")
