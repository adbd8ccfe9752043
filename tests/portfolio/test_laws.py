"""A statement reconciles with the ledger to the last digit, and every view with the statement."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from service.portfolio import viewing
from service.portfolio.matrix import BANDS, band_of
from service.portfolio.reading import Position, Statement, read_positions, read_statement
from service.portfolio.slicing import Slice
from service.portfolio.viewing import Looking
from service.rulesets import Running
from service.storage import libpq_url, open_engine, transaction
from tests.bulk.books import go_live, running_of
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import (
    add_accounts,
    add_entries,
    live_template,
    merge,
    now,
    state_now,
    taken,
)

pytestmark = pytest.mark.anyio
KEYS: Final = ("north", "south", "east", "west")
RATES: Final = {"support_case": 80, "custom_work": 120}
LAW: Final = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
AMOUNTS: Final = st.sampled_from(
    [Decimal(text) for text in ("0.01", "-0.01", "0.000001", "1000000000000", "99.99", "33.333333")]
)


@dataclass(frozen=True)
class Told:
    """One thing that happened: with whom, what, how many days ago, how much; taken back or not."""

    key: str
    kind: str
    days: int
    amount: Decimal
    driver: str | None
    is_reversed: bool


STORIES: Final = st.lists(
    st.builds(
        Told,
        key=st.sampled_from(KEYS),
        kind=st.sampled_from(["revenue", "cost", "support_case", "custom_work", "escalation"]),
        days=st.sampled_from([1, 200, 364, 368, 500]),
        amount=AMOUNTS,
        driver=st.sampled_from([None, "hosting", "travel: far"]),
        is_reversed=st.booleans(),
    ),
    max_size=25,
)


@pytest.fixture
async def rules(database_url: str) -> AsyncIterator[tuple[AsyncEngine, str, Running]]:
    """Return a database where the template is live."""
    engine = open_engine(database_url)
    yield engine, database_url, await live_template(engine)
    await engine.dispose()


def empty(url: str) -> None:
    """Take everything out that an example put in."""
    with psycopg.connect(libpq_url(url)) as owner:
        owner.execute("SET session_replication_role = replica")  # the ledger refuses even its owner
        owner.execute("TRUNCATE position, statement, rescoring, account_event, account CASCADE")


def enter(url: str, ids: Mapping[str, UUID], story: list[Told]) -> None:
    """Enter a story, with what takes entries back."""
    entries: list[Any] = []
    for one in story:
        told: dict[str, Any] = {}
        if one.kind in {"revenue", "cost"}:
            told = {"amount": float(one.amount)} | ({"driver": one.driver} if one.driver else {})
        elif one.kind != "escalation":
            told = {"hours": 2.5}
        amount = one.amount if one.kind in {"revenue", "cost"} else None
        entries.append((one.key, one.kind, now() - timedelta(days=one.days), amount, told))
    entered = add_entries(url, ids, entries)
    for one, entry_id in zip(story, entered, strict=True):
        if one.is_reversed:
            reverse(url, entry_id)


def reverse(url: str, entry_id: UUID) -> None:
    """Take an entry back, as the service does: its numbers negated, at its own instant."""
    query = """
        INSERT INTO account_event (id, account_id, kind, at, amount, quantities, source,
            source_event_id, digest, recorded_at, recorded_by, reverses, reason)
        SELECT gen_random_uuid(), account_id, kind, at, -amount,
            (SELECT coalesce(jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'number'
                THEN to_jsonb(-CAST(value AS numeric)) ELSE value END), '{}')
             FROM jsonb_each(quantities)),
            source, %s, digest, now(), 'a test', id, 'wrong'
        FROM account_event WHERE id = %s
    """
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(query, [secrets.token_hex(8), entry_id])


def expected(story: list[Told], groups: Mapping[str, str]) -> dict[str, Counter[str]]:
    """Return what plain arithmetic makes of a story, by the account that stands."""
    sums: dict[str, Counter[str]] = {groups.get(key, key): Counter() for key in KEYS}
    for one in story:
        if one.is_reversed or one.days > 366:
            continue
        counted = sums[groups.get(one.key, one.key)]
        match one.kind:
            case "revenue":
                counted["revenue"] += one.amount  # type: ignore[assignment]
            case "cost":
                counted["cost"] += one.amount  # type: ignore[assignment]
                counted[f"of {one.driver or 'cost'}"] += one.amount  # type: ignore[assignment]
            case "escalation":
                counted["escalations"] += 1
            case kind:
                spent = Decimal("2.5") * RATES[kind]
                counted["cost"] += spent  # type: ignore[assignment]
                counted[f"of {kind}"] += spent  # type: ignore[assignment]
    return sums


@LAW
@given(
    story=STORIES,
    late=STORIES,
    groups=st.sampled_from([{}, {"west": "north"}, {"west": "north", "east": "north"}]),
)
async def test_the_sums_are_those_of_the_ledger(
    rules: tuple[AsyncEngine, str, Running],
    story: list[Told],
    late: list[Told],
    groups: dict[str, str],
) -> None:
    """Reversals, merges, windows, a cent and a trillion; what comes late changes nothing."""
    engine, url, running = rules
    empty(url)
    ids = add_accounts(url, {key: {"segment": "core" if key < "o" else None} for key in KEYS})
    for one, into in groups.items():
        merge(url, ids[one], ids[into])
    enter(url, ids, story)
    statement = await state_now(engine, running, meanwhile=lambda: enter(url, ids, late))
    found = await taken(engine, statement)
    sums = expected(story, groups)
    assert found.keys() == sums.keys()
    for key, stated in found.items():
        counted = sums[key]
        assert stated.revenue == counted["revenue"]
        assert stated.cost == counted["cost"]
        assert stated.escalations == counted["escalations"]
        drivers = {
            name[3:]: value for name, value in counted.items() if name[:3] == "of " and value
        }
        assert dict(stated.costs) == drivers
        assert sum(map(Fraction, stated.costs.values())) == Fraction(stated.cost)
    assert Fraction(statement.revenue) == sum(Fraction(one.revenue) for one in found.values())
    assert Fraction(statement.cost) == sum(Fraction(one.cost) for one in found.values())
    assert statement.accounts == len(found)
    await hold_views(engine, statement, list(found.values()), names=["segment"])


ROWS: Final = st.lists(
    st.fixed_dictionaries(
        {
            "scores": st.dictionaries(
                st.sampled_from(["value", "growth"]),
                st.tuples(
                    st.sampled_from([0.0, 39.999999, 40.0, 50.0]), st.sampled_from([0, 0, 20])
                ).map(lambda ends: [ends[0], ends[0] + ends[1]]),
            ),
            "outcome": st.sampled_from([None, "steady", "bad_fit", "too_early"]),
            "certain": st.booleans(),
            "in_grace": st.booleans(),
            "is_measured": st.booleans(),
            "revenue": AMOUNTS,
            "cost": AMOUNTS,
            "support_hours": st.sampled_from([Decimal(0), Decimal("2.5")]),
            "escalations": st.integers(0, 3),
            "slices": st.dictionaries(
                st.sampled_from(["owner", "segment"]), st.sampled_from(["a", "b:c", "=1"])
            ),
        }
    ),
    max_size=40,
)


@settings(LAW, max_examples=12)
@given(rows=ROWS)
async def test_every_view_adds_up_to_the_statement(database_url: str, rows: list[Any]) -> None:
    """In every slice: no account is missing, none counts twice, no cent is lost."""
    engine = open_engine(database_url)
    try:
        with psycopg.connect(libpq_url(database_url)) as connection:
            is_there = connection.execute("SELECT count(*) FROM rule_set").fetchone() != (0,)
        running = await (running_of(engine) if is_there else go_live(engine))
        empty(database_url)
        made = [position(f"a-{number}", **row) for number, row in enumerate(rows)]
        async with transaction(engine) as connection:
            await store_statement(connection, running, made)
            statement = await read_statement(connection, "book")
            found = [one async for one in read_positions(connection, statement)]
        assert len(found) == len(rows)
        await hold_views(engine, statement, found, names=list(statement.slices))
    finally:
        await engine.dispose()


async def hold_views(
    engine: AsyncEngine, statement: Statement, found: list[Position], *, names: list[str]
) -> None:
    """Hold each view, whole and in each slice, to plain arithmetic over the positions."""
    parts: list[tuple[Slice, ...]] = [()]
    parts += [(Slice(name, value),) for name in names for value in ("core", "a", "b:c", "=1", "")]
    for slices in parts:
        inside = [one for one in found if all(part.holds(dict(one.slices)) for part in slices)]
        async with transaction(engine, within=timedelta(seconds=30)) as connection:
            looking = Looking(connection, statement, slices)
            await hold_matrix(looking, inside)
            await hold_curve(looking, inside)
            await hold_groups(looking, inside, names)
            await hold_concentration(looking, inside)


async def hold_matrix(looking: Looking, found: list[Position]) -> None:
    """Every account is in one cell, the one that its ranges say."""
    matrix = await viewing.matrix(looking)
    terms = looking.statement.terms
    counted: Counter[tuple[str, str] | None] = Counter()
    margins: dict[tuple[str, str] | None, Fraction] = {}
    for one in found:
        place = None
        if {"value", "growth"} <= one.scores.keys():
            place = (
                band_of(one.scores["value"], terms.value_from),
                band_of(one.scores["growth"], terms.growth_from),
            )
        counted[place] += 1
        margins[place] = margins.get(place, Fraction(0)) + Fraction(one.margin)
    assert len(matrix.cells) == len(BANDS) ** 2
    for cell in matrix.cells:
        assert cell.sums.accounts == counted[cell.value, cell.growth]
        assert Fraction(cell.sums.margin) == margins.get((cell.value, cell.growth), 0)
    assert matrix.unplaced.accounts == counted[None]
    assert matrix.all.accounts == len(found)
    assert Fraction(matrix.all.margin) == sum(Fraction(one.margin) for one in found)
    assert matrix.between.accounts == sum(
        number for place, number in counted.items() if place is not None and "between" in place
    )


async def hold_curve(looking: Looking, found: list[Position]) -> None:
    """It ends at the total profit, and nothing on it is above its peak."""
    curve = await viewing.whale_curve(looking)
    margins = sorted((Fraction(one.margin) for one in found), reverse=True)
    assert (curve.accounts, Fraction(curve.end)) == (len(found), sum(margins))
    assert curve.takers == sum(margin < 0 for margin in margins)
    assert curve.makers == sum(margin > 0 for margin in margins)
    for place, together in curve.points:
        assert Fraction(together) == sum(margins[:place])
        assert together <= curve.peak
    if found:
        assert curve.points[-1] == (len(found), curve.end)
        assert [Fraction(one.margin) for one in curve.most] == margins[:10]
        assert [Fraction(one.margin) for one in curve.least] == margins[::-1][:10]
    if curve.makers:
        assert (curve.makers, curve.peak) in curve.points


async def hold_groups(looking: Looking, found: list[Position], names: list[str]) -> None:
    """Groups and segments hold each account once."""
    groups = await viewing.group_sums(looking)
    for outcome, in_grace, sums in groups:
        inside = [one for one in found if (one.outcome, one.in_grace) == (outcome, in_grace)]
        assert sums.accounts == len(inside)
        assert sums.certain == sum(one.certain for one in inside)
        assert sums.measured == sum(one.is_measured for one in inside)
        assert Fraction(sums.revenue) == sum(Fraction(one.revenue) for one in inside)
    if not found:
        return
    assert sum(sums.accounts for _, _, sums in groups) == len(found)
    for name in names:
        segments, rest = await viewing.segments(looking, name)
        assert rest.accounts == 0
        counted = Counter(one.slices.get(name) for one in found)
        assert {one.value: one.sums.accounts for one in segments} == counted
        spent = sum(Fraction(one.sums.cost) for one in segments)
        assert spent == sum(Fraction(one.cost) for one in found)


async def hold_concentration(looking: Looking, found: list[Position]) -> None:
    """The few cause the most: nobody outside causes more than somebody inside."""
    accounts, burdens = await viewing.concentration(looking)
    assert accounts == len(found)
    for one in burdens:
        amounts = sorted((Fraction(getattr(each, one.burden)) for each in found), reverse=True)
        assert Fraction(one.of) == sum(amounts)
        for top in one.tops:
            assert top.accounts == -(-len(found) * top.percent // 100)
            assert Fraction(top.amount) == sum(amounts[: top.accounts])
            assert Fraction(top.of_margin) == sum(Fraction(each.margin) for each in found)
