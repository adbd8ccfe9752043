"""Vendors' notices that somebody is to be forgotten: ours begins with them.

The job is told which delivery held them, and reads it again: nobody's name is in the queue.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import delivery_store, store
from service.intake.connecting import connection_of
from service.intake.reading import Erasure
from service.intake.reading_deliveries import read_delivery
from service.storage import Job, defer, transaction
from service.web import House

__all__ = ["ask_to_erase", "notices_in"]


async def ask_to_erase(connection: AsyncConnection, delivery_id: UUID) -> None:
    """Have everybody forgotten whom notices in a delivery name, once this is committed."""
    await defer(connection, Job.ERASE_SUBJECT, {"delivery": str(delivery_id)})


async def notices_in(
    house: House, delivery_id: UUID
) -> list[tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]]:
    """Return e-mails, external ids and identities of each notice that a delivery holds."""
    async with transaction(house.engine) as connection:
        row = await delivery_store.find_any(connection, delivery_id)
        stored = None if row is None else await store.find(connection, row.connection_id)
    if row is None or stored is None or row.body is None:
        return []
    known = connection_of(stored, house.settings)
    system = known.resolved.map.system
    named = []
    for one in await read_delivery(row, known, now=house.clock()):
        if isinstance(one, Erasure):
            ids = [own for kind, own in one.identities if kind == system]
            emails = tuple(own for kind, own in one.identities if kind == "email")
            external = tuple(name for own in ids for name in (own, f"{system}-{own}"))
            named.append((emails, external, tuple((system, own) for own in ids)))
    return named
