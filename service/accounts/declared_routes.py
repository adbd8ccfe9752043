"""`/v1/event-kinds` and `/v1/sources`: what events there are, and who tells of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from service.accounts.declared_schemas import (
    KindSent,
    KindShown,
    KindsShown,
    SourceSent,
    SourceShown,
    SourcesShown,
    kind_of,
    kind_shown,
)
from service.accounts.declaring import (
    Source,
    declare_kind,
    declare_source,
    read_kinds,
    read_sources,
)
from service.storage import transaction
from service.web import REFUSALS, InHouse, StrictRoute, WithKey

__all__ = ["declared_routes"]

declared_routes = APIRouter(
    prefix="/v1", tags=["ledger"], route_class=StrictRoute, responses=REFUSALS
)
KindName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["site_visit"])]
SourceName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_.-]{0,63}$", examples=["zendesk"])]


@declared_routes.get("/event-kinds", operation_id="listEventKinds", response_model=KindsShown)
async def read_all_kinds(house: InHouse) -> dict[str, Any]:
    """List every kind of event with its quantities: ours, and those that were declared."""
    async with transaction(house.engine) as connection:
        kinds = await read_kinds(connection)
    return {"data": [kind_shown(kinds[name]) for name in sorted(kinds)]}


@declared_routes.put("/event-kinds/{kind}", operation_id="putEventKind", response_model=KindShown)
async def put_kind(
    *, kind: KindName, sent: KindSent, house: InHouse, caller: WithKey
) -> dict[str, Any]:
    """Declare a kind of event, or widen one.

    A quantity keeps its type for ever and is never taken away, because events of the past
    have it; whether it is needed, its bounds and its default count for events to come.
    """
    declared = kind_of(kind, sent)
    async with transaction(house.engine) as connection:
        await declare_kind(connection, declared, person=caller.person, now=house.clock())
        kinds = await read_kinds(connection)
    return kind_shown(kinds[kind])


@declared_routes.get("/sources", operation_id="listSources", response_model=SourcesShown)
async def read_all_sources(house: InHouse) -> dict[str, Any]:
    """List the sources of which something was said. Of any other the rank is 0."""
    async with transaction(house.engine) as connection:
        sources = await read_sources(connection)
    return {"data": [_shown(source) for source in sources.values()]}


@declared_routes.put("/sources/{name}", operation_id="putSource", response_model=SourceShown)
async def put_source(
    *, name: SourceName, sent: SourceSent, house: InHouse, caller: WithKey
) -> dict[str, Any]:
    """Say how much a source's word weighs, and of which kinds it tells every event."""
    reports = None if sent.reports is None else frozenset(sent.reports)
    source = Source(name=name, rank=sent.rank, reports=reports)
    async with transaction(house.engine) as connection:
        await declare_source(connection, source, person=caller.person, now=house.clock())
    return _shown(source)


def _shown(source: Source) -> dict[str, Any]:
    reports = None if source.reports is None else sorted(source.reports)
    return {"name": source.name, "rank": source.rank, "reports": reports}
