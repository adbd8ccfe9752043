"""Where questions are answered: the floors below, and the rules that are live."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.decisions.shadowing import Shadows
from service.decisions.sharing import SharedWriter
from service.rulesets import LiveRules
from service.web import House

__all__ = ["AtDesk", "Desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every question of this room needs, for one process."""

    house: House
    live: LiveRules
    writer: SharedWriter
    shadows: Shadows


async def _desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk_of)]
