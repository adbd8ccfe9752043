"""What a process wants to know again and again, in one statement. SQL only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from service.storage import LoneSession, leases
from service.storage.tables import ApiKey, ReleaseEpoch

__all__ = ["Told", "ask", "question_about"]


@dataclass(frozen=True, slots=True)
class Told:
    """What the database said at one instant.

    Attributes:
        epoch: Of the releases.
        valid: Those of the hashes asked about whose keys are there and not revoked.
        is_open: For each table asked about, whether a row of it is open.
    """

    epoch: int
    valid: Sequence[bytes]
    is_open: Sequence[bool]


def question_about(tables: Collection[type[Any]]) -> bytes:
    """Return the statement that asks for the epoch, for keys, and for open rows in *tables*."""
    states = ", ".join(f"'{state}'" for state in leases.OPEN)
    keys, epoch = ApiKey.__tablename__, ReleaseEpoch.__tablename__
    asked = [
        f"(SELECT epoch FROM {epoch})",  # noqa: S608 - names of tables only
        f"ARRAY(SELECT sha256 FROM {keys} WHERE sha256 = ANY ($1::bytea[]) AND revoked_at IS NULL)",  # noqa: S608 - names of tables only
        *(
            f"EXISTS (SELECT FROM {table.__tablename__} WHERE state IN ({states}))"
            for table in tables
        ),
    ]
    return f"SELECT {', '.join(asked)}".encode()


async def ask(session: LoneSession, question: bytes, hashes: Sequence[bytes]) -> Told:
    """Return what the database says to *question* and of the keys with *hashes*.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated, psycopg.Error: As `LoneSession.fetch_all`.
    """
    [(epoch, valid, *is_open)] = await session.fetch_all(question, (list(hashes),))
    return Told(epoch, valid, is_open)
