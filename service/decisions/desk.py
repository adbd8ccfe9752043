"""Where questions are answered: the floors below, and the rules that are live."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.decisions.shadowing import Shadows
from service.decisions.sharing import SharedWriter
from service.rulesets import LiveRules
from service.storage import session_limits
from service.web import House

__all__ = ["AtDesk", "Desk", "open_desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every question of this room needs, for one process."""

    house: House
    live: LiveRules
    writer: SharedWriter
    shadows: Shadows


def open_desk(house: House, *, timer: Callable[[], float]) -> Desk:
    """Return the desk of this process; close its writer when nobody asks any more."""
    live = LiveRules(house.engine, timer=timer)
    house.pulse.tell_epochs(live.confirm)
    limits = session_limits(house.settings)
    return Desk(
        house=house,
        live=live,
        writer=SharedWriter(house.engine, limits=limits, metrics=house.metrics),
        shadows=Shadows(house, live, timer=timer),
    )


async def _desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk_of)]
