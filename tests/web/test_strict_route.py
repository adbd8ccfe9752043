"""Routes are built when first asked for: nobody waits for those that nobody asks."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query
from fastapi.routing import APIRoute

from service.app import build_api
from service.web import Sent, Shown, StrictRoute


class Asked(Sent):
    """A body."""

    fleet: int


class Told(Shown):
    """An answer."""

    fleet: int


def two_routes() -> tuple[StrictRoute, StrictRoute]:
    """Return two routes of a router of their own, which nobody asked for anything yet."""
    router = APIRouter(route_class=StrictRoute)

    @router.post("/v1/fleets/{name}")
    async def keep_fleet(name: str, asked: Asked, more: Annotated[int, Query(ge=1)] = 1) -> Told:
        del name
        return Told(fleet=asked.fleet + more)

    @router.get("/v1/fleets/{name}")
    async def find_fleet(name: str) -> Told:
        return Told(fleet=len(name))

    keep, find = router.routes
    assert isinstance(keep, StrictRoute)
    assert isinstance(find, StrictRoute)
    return keep, find


def is_built(route: APIRoute) -> bool:
    """Say whether *route* has looked at its function's parameters."""
    return "dependant" in vars(route)


@pytest.mark.anyio
async def test_a_request_builds_the_route_that_answers_it_and_no_other() -> None:
    """Matching a path takes no schema, and what a route promises holds from its first request."""
    keep, find = two_routes()
    transport = httpx.ASGITransport(FastAPI(routes=[keep, find]))
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        assert (await client.get("/v1/nothing")).status_code == 404
        assert (await client.delete("/v1/fleets/north")).status_code == 405
        assert not is_built(find)
        for _ in range(2):
            assert (await client.get("/v1/fleets/north")).json() == {"fleet": 5}
        assert is_built(find)
        assert not is_built(keep)


def test_whoever_asks_for_a_route_at_once_waits_until_it_is_built() -> None:
    """Threads that look at a route in the same moment see the whole of it, built once."""
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            keep, _ = two_routes()
            seen = list(threads.map(lambda _, one=keep: one.dependant, range(8)))
            assert {id(dependant) for dependant in seen} == {id(keep.dependant)}


def test_what_no_route_has_is_missing() -> None:
    """Building on demand does not make up attributes."""
    keep, _ = two_routes()
    with pytest.raises(AttributeError):
        _ = keep.no_such_thing
    assert is_built(keep)


def test_applications_share_the_routes_of_the_rooms() -> None:
    """A second application in one process builds nothing again."""
    first, second = build_api().routes, build_api().routes
    assert first is not second
    assert [id(route) for route in first] == [id(route) for route in second]
