"""Laws of the ledger: whatever the order, the repeats and the corrections, sums are right."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.accounts.entries import Entry, Measure, Told, Wrong, read_entry
from service.accounts.kinds import BUILT_IN
from service.accounts.ledger_store import standing
from service.accounts.recording import Addressed, Case, Clerk, Ending, record
from service.accounts.reversing import reverse
from service.storage import libpq_url, make_uuid, open_engine, transaction
from service.storage.tables import AccountEvent

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MEASURE = Measure(kinds=BUILT_IN, currency="EUR", now=NOON)
ACCOUNTS = ("north", "south", "nobody")

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Happened:
    """One event of a story, and whether it is taken back in the end."""

    account: str
    told: Told
    is_reversed: bool


@st.composite
def stories(draw: st.DrawFn) -> tuple[Sequence[Happened], Sequence[Happened]]:
    """Draw events with money, and the order in which they arrive, some of them twice."""
    amounts = st.decimals(-(10**13), 10**13, places=6, allow_nan=False)
    happened = [
        Happened(
            draw(st.sampled_from(ACCOUNTS)),
            Told(
                kind=draw(st.sampled_from(["revenue", "cost"])),
                at=NOON - timedelta(days=draw(st.integers(0, 60))),
                quantities={"amount": draw(amounts)},
                source=draw(st.sampled_from(["billing", "erp"])),
                event_id=str(number),
            ),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    repeats = draw(st.lists(st.sampled_from(happened), max_size=4)) if happened else []
    return happened, draw(st.permutations([*happened, *repeats]))


Slice = tuple[str, str, str, datetime]


def plain_sums(happened: Sequence[Happened]) -> dict[Slice, Decimal]:
    """Add a story up by account, kind, source and day, as a person would."""
    sums: dict[Slice, Decimal] = defaultdict(Decimal)
    for one in happened:
        if one.account != "nobody" and not one.is_reversed:
            amount = one.told.quantities["amount"]
            assert isinstance(amount, Decimal)
            sums[one.account, one.told.kind, one.told.source, one.told.at] += amount
    return {name: total for name, total in sums.items() if total}


def stored_sums(url: str) -> dict[Slice, Decimal]:
    """Add the ledger up in the database."""
    query = """
        SELECT account.key, kind, source, at, sum(amount) FROM account_event
        JOIN account ON account.id = account_id GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
    """
    with psycopg.connect(libpq_url(url)) as connection:
        return {(a, k, s, at): total for a, k, s, at, total in connection.execute(query)}


_numbers = count(1)


def new_uuid(at: datetime) -> UUID:
    """Return ids that differ."""
    return make_uuid(at, next(_numbers).to_bytes(8, "big"))


CLERK = Clerk(person="ann", now=NOON, new_uuid=new_uuid)


async def tell(connection: AsyncConnection, story: Sequence[Happened]) -> list[Ending]:
    """Enter a story in portions of one to three events, and return what became of each."""
    cases = [
        Case(told=one.told, of=Addressed(key=one.account), read=read_entry(one.told, MEASURE))
        for one in story
    ]
    endings: list[Ending] = []
    sizes = [1, 3, 2]
    while cases:
        size = sizes[len(endings) % 3]
        portion, cases = cases[:size], cases[size:]
        endings += await record(connection, portion, CLERK)
    return endings


def start_again(url: str) -> None:
    """Empty the ledger, as only its owner can, and keep two accounts."""
    with psycopg.connect(libpq_url(url)) as owner:
        owner.execute("ALTER TABLE account_event DISABLE TRIGGER append_only")
        owner.execute("TRUNCATE account, account_event, parked_event CASCADE")
        owner.execute("ALTER TABLE account_event ENABLE TRIGGER append_only")
        for key in ACCOUNTS[:2]:
            owner.execute(
                "INSERT INTO account (id, key, facts, provenance, row_version, created_at,"
                " updated_at) VALUES (%s, %s, '{}', '{}', 1, now(), now())",
                [new_uuid(NOON), key],
            )


@pytest.fixture(scope="module")
async def shared_engine(module_database_url: str) -> Any:  # noqa: ANN401 - a generator
    """Return an engine whose database every example starts over."""
    engine = open_engine(module_database_url)
    yield engine
    await engine.dispose()


@given(story=stories())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_sums_are_those_of_what_happened(
    story: tuple[Sequence[Happened], Sequence[Happened]],
    shared_engine: AsyncEngine,
    module_database_url: str,
) -> None:
    """In any order, with repeats and with entries taken back: equal to the last digit."""
    happened, arriving = story
    start_again(module_database_url)
    async with transaction(shared_engine) as connection:
        endings = await tell(connection, arriving)
        ids = {
            one.told.event_id: ending.event_id
            for one, ending in zip(arriving, endings, strict=True)
        }
        for one in happened:
            if one.is_reversed and (event_id := ids[one.told.event_id]) is not None:
                await reverse(connection, event_id, reason="wrong", clerk=CLERK)
        left = (await connection.execute(select(AccountEvent.id).where(standing()))).scalars()
        assert set(left) == {
            ids[one.told.event_id]
            for one in happened
            if one.account != "nobody" and not one.is_reversed
        }
    assert stored_sums(module_database_url) == plain_sums(happened)
    assert {ending.state for ending in endings} <= {"entered", "repeated", "parked"}
    assert [one.account == "nobody" for one in arriving] == [
        ending.state == "parked" for ending in endings
    ]


@given(
    amount=st.integers(0, 9).flatmap(
        lambda places: st.decimals(1 - 10**14, 10**14 - 1, places=places, allow_nan=False)
    )
)
def test_an_amount_is_kept_whole_or_refused(amount: Decimal) -> None:
    """No amount is rounded: it is the very number, or it is a fault."""
    told = Told(
        kind="revenue", at=NOON, quantities={"amount": amount}, source="billing", event_id="1"
    )
    read = read_entry(told, MEASURE)
    fits = (
        amount == amount.quantize(Decimal("1e-6")) if abs(amount) >= Decimal("1e-6") else not amount
    )
    assert isinstance(read, Entry) == fits
    if isinstance(read, Entry):
        assert read.amount == amount
    else:
        assert isinstance(read, Wrong)
        assert [fault.code for fault in read.faults] == ["bad_quantity"]


@given(hours=st.decimals(0, 10**9, places=6, allow_nan=False).filter(lambda d: d < 10**9))
def test_a_quantity_comes_back_from_json_as_it_was(hours: Decimal) -> None:
    """Fifteen digits fit into a double and back."""
    told = Told(
        kind="support_case", at=NOON, quantities={"hours": hours}, source="desk", event_id="1"
    )
    read = read_entry(told, MEASURE)
    assert isinstance(read, Entry)
    assert Decimal(repr(read.quantities["hours"])) == hours
