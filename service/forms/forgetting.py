"""Forget visitors: when the window is over, nothing personal is left of a visit."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from service.forms.store import forget_visitors, window_begin
from service.storage import transaction
from service.web import Chore, House, looked_after

__all__ = ["forget_past_visitors", "forgetting_visitors"]

_EVERY_S: Final = 60.0


def forgetting_visitors(house: House) -> AbstractAsyncContextManager[None]:
    """Forget visitors in the background until the block ends."""

    async def forget() -> None:
        await forget_past_visitors(house)

    return looked_after(Chore("form visitors", _EVERY_S, forget))


async def forget_past_visitors(house: House) -> None:
    """Remove what is personal of every visit whose window is over."""
    until = window_begin(house.clock(), house.settings.form_window_s)
    is_more = True
    while is_more:
        async with transaction(house.engine) as connection:
            is_more = await forget_visitors(connection, until=until)
