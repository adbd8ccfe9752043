"""Say that a connection does not work as it should: once, until it does again."""

from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import Announcement, EventType, announce
from service.intake import store
from service.intake.connecting import Connection
from service.storage import to_text
from service.web import House, journal

__all__ = ["tell_trouble"]

_log = journal("intake")


async def tell_trouble(
    connection: AsyncConnection, known: Connection, *, why: str, house: House
) -> None:
    """Keep with the connection *why* it needs somebody, and tell whoever listens.

    Nothing is told while it is known to be in trouble.
    """
    at = house.clock()
    if await store.note_trouble(connection, known.id, at=at, why=why):
        told = {"connection": to_text("con", known.id), "name": known.name, "why": why}
        await announce(
            connection,
            Announcement(
                id=house.new_uuid(at), type=EventType.CONNECTION_DEGRADED, at=at, data=told
            ),
        )
        _log.warning("connection degraded", connection=known.name, why=why)
