"""Where questions are answered: the floors below, and the rules that are live."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.rulesets import LiveRules
from service.web import House, InHouse

__all__ = ["AtDesk", "Desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every question of this room needs, for one process."""

    house: House
    live: LiveRules


async def _desk_of(request: Request, house: InHouse) -> Desk:
    live: LiveRules = request.app.state.live
    return Desk(house=house, live=live)


AtDesk = Annotated[Desk, Depends(_desk_of)]
