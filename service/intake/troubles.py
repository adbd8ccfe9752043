"""Say that a connection does not work as it should: once, until it does again."""

from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import store
from service.intake.connecting import Connection
from service.web import House, journal

__all__ = ["tell_trouble"]

_log = journal("intake")


async def tell_trouble(
    connection: AsyncConnection, known: Connection, *, why: str, house: House
) -> None:
    """Keep with the connection *why* it needs somebody, and tell whoever listens.

    Nothing is told while it is known to be in trouble.
    """
    if await store.note_trouble(connection, known.id, at=house.clock(), why=why):
        _log.warning("connection degraded", connection=known.name, why=why)
