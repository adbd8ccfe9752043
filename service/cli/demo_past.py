"""Two years as if they had been lived: accounts and their ledgers, each entered in its month.

Over HTTP all of it would be as young as the demo, and there would be no quarter ago: a
statement holds what was known at its instant. Here the clock is an argument.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import read_kinds
from service.accounts.entries import Measure, Told, read_entry
from service.accounts.keeping import Editor
from service.accounts.keeping_many import Line, keep_many
from service.accounts.merging import News
from service.accounts.recording import Addressed, Case, Clerk, record
from service.cli.demo_data import A_QUARTER, PERSON, new_uuid
from service.cli.demo_portfolio import Happening, Member
from service.storage import transaction
from service.web import Refusal

__all__ = ["NotTaken", "Step", "keep_past"]

_AT_ONCE: Final = 1_000

Step = Callable[[int, int], None]
"""Told how many of how many events are in, now and then."""


class NotTaken(Exception):
    """The service did not keep what the demo told it."""


async def keep_past(engine: AsyncEngine, members: Sequence[Member], step: Step) -> None:
    """Keep *members* with their facts and ledgers; what is there already stays as it is.

    Raises:
        NotTaken: If one of them was refused, or an event parked.
    """
    await _keep_accounts(engine, members)
    events = sorted(_events(members), key=lambda told: told[1].at)
    done = 0
    made_at = members[0].made_at
    first = made_at - A_QUARTER
    for (month, is_early), of_month in groupby(
        events, key=lambda told: (_month(told[1].at), told[1].at <= first)
    ):
        # A statement knows what was heard by its instant: the first one is to lack no month's part.
        heard_at = min(_month(month + timedelta(days=32)), first if is_early else made_at)
        while portion := list(islice(of_month, _AT_ONCE)):
            await _enter(engine, portion, heard_at)
            step(done := done + len(portion), len(events))


async def _keep_accounts(engine: AsyncEngine, members: Sequence[Member]) -> None:
    by_month = groupby(
        sorted(members, key=lambda one: one.known_since), key=lambda one: _month(one.known_since)
    )
    for month, of_month in by_month:
        lines = [_line(member) for member in of_month]
        editor = Editor(person=PERSON, now=month, new_uuid=new_uuid)
        async with transaction(engine) as connection:
            for ending in await keep_many(connection, lines, editor):
                if isinstance(ending, Refusal):
                    raise NotTaken(f"an account was not kept: {ending.detail}")


async def _enter(
    engine: AsyncEngine, events: Sequence[tuple[str, Happening]], heard_at: datetime
) -> None:
    # Nobody has to be told to assess them: their rules are not live before all is in.
    clerk = Clerk(person=PERSON, now=heard_at, new_uuid=new_uuid)
    async with transaction(engine) as connection:
        # Amounts are in whatever currency the deployment has: none is named.
        measure = Measure(kinds=await read_kinds(connection), currency="", now=heard_at)
        cases = [_case(key, one, measure) for key, one in events]
        for case, ending in zip(cases, await record(connection, cases, clerk), strict=True):
            if ending.state not in {"entered", "repeated"}:
                why = ", ".join(reason.code for reason in ending.reasons)
                raise NotTaken(f"event `{case.told.event_id}` is {ending.state}: {why}")


def _events(members: Sequence[Member]) -> Iterator[tuple[str, Happening]]:
    for member in members:
        for one in member.happenings:
            yield member.key, one


def _line(member: Member) -> Line:
    news = News(facts=member.facts, source="crm", at=member.told_at, is_everything=False)
    return Line(key=member.key, news=news, identities=tuple(member.identities.items()))


def _case(key: str, one: Happening, measure: Measure) -> Case:
    told = Told(
        kind=one.kind,
        at=one.at,
        quantities=one.quantities,
        source=one.source,
        event_id=one.event_id,
    )
    return Case(told=told, of=Addressed(key=key), read=read_entry(told, measure))


def _month(at: datetime) -> datetime:
    """Return when the month of *at* began."""
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
