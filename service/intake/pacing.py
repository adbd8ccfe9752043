"""When a vendor may be asked again: known to every worker, because it stands in the database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from service.intake import pace_store
from service.intake.quotas import pause_of
from service.intake.vendor_http import Pace, Reply, VendorUnavailable
from service.storage import transaction
from service.web import House

__all__ = ["pace_of"]

_A_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _SharedPace:
    """The pace of one connection, whichever worker asks its vendor."""

    house: House
    connection_id: UUID

    async def wait_for(self) -> None:
        """Let a request begin.

        Raises:
            VendorUnavailable: If the vendor, or what is left of its limits, asks for a pause.
        """
        async with transaction(self.house.engine) as connection:
            row = await pace_store.find(connection, self.connection_id)
        now = self.house.clock()
        if row is not None and row.resumes_at > now:
            wait = row.resumes_at - now
            raise VendorUnavailable(row.why, wait=wait, is_usual=row.is_usual)

    async def heed(self, reply: Reply) -> None:
        """Begin a pause where *reply* says that little is left."""
        pause = pause_of(reply.headers)
        if pause is not None:
            await self.hold(pause.wait, pause.why, is_usual=pause.is_usual)

    async def hold(self, wait: timedelta, why: str, *, is_usual: bool) -> None:
        """Have nobody ask for as long; a longer pause that is known already stands."""
        async with transaction(self.house.engine) as connection:
            await pace_store.keep(
                connection,
                self.connection_id,
                resumes_at=self.house.clock() + max(wait, _A_MOMENT),
                why=why,
                is_usual=is_usual,
            )


def pace_of(house: House, connection_id: UUID) -> Pace:
    """Return at which pace the vendor of a connection is asked."""
    return _SharedPace(house, connection_id)
