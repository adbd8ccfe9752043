"""Laws of measuring in the database: whatever the ledger holds, it is what `measure` says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts.kinds import BUILT_IN
from service.accounts.ledger_store import add_entries
from service.accounts.metric_store import measure_accounts, measure_all
from service.rules import KINDS, Event, RuleSet, load_rule_set
from service.storage import libpq_url, make_uuid, open_engine, transaction
from tests.rules.ledgers import CLOCKS, Ledger, ledgers, measuring, rules_with

NOON: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)

pytestmark = pytest.mark.anyio


def new_uuid() -> UUID:
    """Return ids that differ and sort in the order in which they were made."""
    return make_uuid(NOON, next(_numbers).to_bytes(8, "big"))


@pytest.fixture(scope="module")
async def shared_engine(module_database_url: str) -> Any:  # noqa: ANN401 - a generator
    """Return an engine whose database every example starts over."""
    engine = open_engine(module_database_url)
    yield engine
    await engine.dispose()


def start_again(
    url: str, accounts: Sequence[UUID], *, merged: UUID, reports: Sequence[str]
) -> None:
    """Empty the ledger and keep *accounts*, of which the last is *merged* into the first.

    A source `desk` that knows the first two accounts *reports* some kinds.
    """
    with psycopg.connect(libpq_url(url)) as owner:
        owner.execute("ALTER TABLE account_event DISABLE TRIGGER append_only")
        owner.execute("TRUNCATE account, account_event, parked_event, account_source CASCADE")
        owner.execute("ALTER TABLE account_event ENABLE TRIGGER append_only")
        for account in accounts:
            owner.execute(
                "INSERT INTO account (id, key, facts, provenance, row_version, created_at,"
                " updated_at) VALUES (%s, %s, '{}', '{}', 1, now(), now())",
                [account, str(account)],
            )
        owner.execute("UPDATE account SET merged_into = %s WHERE id = %s", [accounts[0], merged])
        owner.execute(
            "INSERT INTO account_source (name, rank, reports, row_version, updated_at, updated_by)"
            " VALUES ('desk', 0, %s, 1, now(), 'ann'), ('other', 0, %s, 1, now(), 'ann')",
            [list(reports), sorted(KINDS)],
        )
        for account in accounts[:2]:
            owner.execute(
                "INSERT INTO account_identity (system, external_id, account_id, created_at)"
                " VALUES ('desk', %s, %s, now())",
                [str(account), account],
            )


def entry(event: Event, account: UUID, **members: object) -> dict[str, object]:
    """Return an event as a row of the ledger."""
    said = dict(event.quantities)
    amount = said.pop("amount", None)
    row: dict[str, object] = {
        "id": new_uuid(),
        "account_id": account,
        "kind": event.kind,
        "at": event.at,
        "amount": None if amount is None else Decimal(str(amount)),
        "quantities": {n: float(v) if isinstance(v, Decimal) else v for n, v in said.items()},
        "source": event.source,
        "source_event_id": f"{event.id}",
        "digest": bytes(16),
        "recorded_at": NOON,
        "recorded_by": "ann",
        "reverses": None,
        "reason": None,
    }
    return {**row, **members}


def rows_of(ledger: Ledger, account: UUID, prefix: str) -> list[dict[str, object]]:
    """Return a ledger's rows, and those that take some of them back."""
    rows: list[dict[str, object]] = []
    for place, event in enumerate(ledger.events):
        # The prefix keeps a source's ids apart between accounts, and their order within one.
        row = entry(event, account, source_event_id=f"{event.id}{prefix}")
        rows.append(row)
        if place in ledger.reversed:
            taken = {"reverses": row["id"], "reason": "wrong"}
            rows.append({**row, "id": new_uuid(), "source_event_id": f"r{row['id']}", **taken})
    return rows


def renamed(events: Sequence[Event], prefix: str) -> list[Event]:
    """Return events under the ids that `rows_of` gave them."""
    return [
        Event(
            kind=one.kind,
            at=one.at,
            quantities=one.quantities,
            source=one.source,
            id=f"{one.id}{prefix}",
        )
        for one in events
    ]


@dataclass(frozen=True)
class Scene:
    """Four accounts, the last merged into the first and the third without any event."""

    at: datetime
    rules: RuleSet
    accounts: tuple[UUID, ...]
    own: Ledger
    other: Ledger
    merged: Ledger
    entries: Sequence[dict[str, object]]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw what to measure, and entries in the order in which they arrive."""
    at = draw(CLOCKS)
    rules = draw(measuring(most=8))
    own, other, merged = (draw(ledgers(at, most=most, seen_by=rules)) for most in (20, 5, 4))
    accounts = tuple(new_uuid() for _ in range(4))
    entries = draw(
        st.permutations(
            [
                *rows_of(own, accounts[0], "x"),
                *rows_of(other, accounts[1], "y"),
                *rows_of(merged, accounts[3], "z"),
            ]
        )
    )
    # A reversal names an entry that is there.
    arriving = sorted(entries, key=lambda row: row["reverses"] is not None)
    return Scene(at, rules, accounts, own, other, merged, arriving)


@given(scene=scenes())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_database_measures_what_the_reference_does(
    scene: Scene, shared_engine: AsyncEngine, module_database_url: str
) -> None:
    """Windows to the microsecond, reversals, merges, unsaid quantities, conditions, sources."""
    accounts, rules, at = scene.accounts, scene.rules, scene.at
    declared = scene.own.reported
    start_again(module_database_url, accounts, merged=accounts[3], reports=sorted(declared))
    async with transaction(shared_engine) as connection:
        await add_entries(connection, scene.entries)
    async with transaction(shared_engine) as connection:
        found = await measure_accounts(connection, accounts[:3], rules=rules, at=at)
        everything = {
            account: values async for account, values in measure_all(connection, rules=rules, at=at)
        }
    stands = {
        accounts[0]: [*renamed(scene.own.standing, "x"), *renamed(scene.merged.standing, "z")],
        accounts[1]: renamed(scene.other.standing, "y"),
        accounts[2]: [],
    }
    for account, events in stands.items():
        told = {one.kind for one in events if one.at <= at}
        reported = told | (declared if account != accounts[2] else frozenset())
        assert found[account] == rules.measure(events, reported=reported, at=at)
    assert everything == found


async def test_of_two_at_one_instant_the_same_one_is_the_latest_everywhere(
    shared_engine: AsyncEngine, module_database_url: str
) -> None:
    """By source and the source's id, code point by code point, and not by when they came."""
    rules = load_rule_set(rules_with({"last": {"event": "nps", "last": "score"}}))
    accounts = [new_uuid() for _ in range(4)]
    start_again(module_database_url, accounts, merged=accounts[3], reports=[])
    names = [("é", "a"), ("Z", "c"), ("é", "B"), ("z", "d"), ("é", "_")]
    events = [
        Event(kind="nps", at=NOON, quantities={"score": place}, source=source, id=name)
        for place, (source, name) in enumerate(names)
    ]
    async with transaction(shared_engine) as connection:
        await add_entries(connection, [entry(one, accounts[0]) for one in events])
        found = await measure_accounts(connection, accounts[:1], rules=rules, at=NOON)
    assert found[accounts[0]] == rules.measure(events, reported=["nps"], at=NOON) == {"last": 0}


def test_the_table_of_kinds_is_the_ledgers() -> None:
    """What a rule set takes for known of an event is what the ledger keeps of it."""
    said = {
        name: {
            quantity: ("number" if one.type == "money" else one.type, one.choices)
            for quantity, one in kind.quantities.items()
        }
        for name, kind in BUILT_IN.items()
    }
    assert said == {
        name: {quantity: (one.type, one.choices) for quantity, one in kind.items()}
        for name, kind in KINDS.items()
    }
