"""What the schema itself refuses, whoever writes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.storage import (
    connect_raw,
    ensure_partitions,
    find_stray_decisions,
    instant_of,
    libpq_url,
    list_partitions,
    make_uuid,
    transaction,
)
from service.storage.partitions import StrayDecisions
from service.storage.tables import (
    ApiKey,
    DecisionRow,
    ReleaseEpoch,
    RuleSetRelease,
    RuleSetRow,
    RuleSetVersion,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64

pytestmark = pytest.mark.anyio


def decision(at: datetime, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any column
    """Return the columns of a small legal decision made at *at*."""
    return {
        "decided_at": at,
        "id": make_uuid(at, at.isoformat().encode()[-8:]),
        "rule_set": "fleet_leads",
        "version": 1,
        "digest": DIGEST,
        "meaning": 1,
        "subject": "lead",
        "facts": {"vehicles": 120},
        "final": False,
        "verdict": "qualify",
        "outcome": "tier_a",
        "certain": True,
        "outcome_certain": True,
        "scores": {"fit": [65.0, 65.0, 65.0]},
        "trace": [1, 0, 2],
        **changes,
    }


async def make_version(connection: AsyncConnection) -> None:
    """Store one rule set with its first version."""
    await connection.execute(
        insert(RuleSetRow).values(
            slug="fleet_leads",
            id=make_uuid(NOON, bytes(8)),
            subject="lead",
            title="Fleets",
            created_at=NOON,
            created_by="ann",
        )
    )
    await connection.execute(
        insert(RuleSetVersion).values(
            rule_set="fleet_leads",
            number=1,
            id=make_uuid(NOON, bytes(8)),
            digest=DIGEST,
            logic_digest=DIGEST,
            canonical=b"{}",
            source="rule_set: fleet_leads",
            author="ann",
            meaning=1,
            created_at=NOON,
        )
    )


async def release(connection: AsyncConnection, *, randomness: bytes = bytes(8)) -> None:
    """Release the first version from a second later."""
    await connection.execute(
        insert(RuleSetRelease).values(
            id=make_uuid(NOON, randomness),
            rule_set="fleet_leads",
            version=1,
            mode="live",
            effective_at=NOON + timedelta(seconds=1),
            created_at=NOON,
            released_by="ann",
            reason="first",
        )
    )


@pytest.mark.parametrize("table", ["rule_set_version", "rule_set_release"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
async def test_history_is_refused_even_to_the_owner(
    engine: AsyncEngine, database_url: str, table: str, statement: str
) -> None:
    """Versions are immutable and releases append-only, by trigger and not by manners."""
    async with transaction(engine) as connection:
        await make_version(connection)
        await release(connection)
    with (
        Connection.connect(libpq_url(database_url)) as owner,
        pytest.raises(Exception, match=r"never changed or removed|cannot truncate"),
    ):
        owner.execute(statement.format(table).encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rule_set_version SET note = 'x'",
        "DELETE FROM decision",
        "UPDATE decision SET verdict = 'qualify'",
        "UPDATE api_key SET sha256 = sha256",
        "UPDATE api_key SET kind = 'secret'",
        "UPDATE release_epoch SET epoch = 0",
        "INSERT INTO decision_default SELECT * FROM decision",
        "DROP TABLE decision",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_the_service_may_do_no_more_than_it_must(engine: AsyncEngine, statement: str) -> None:
    """A hole in the service's code is not yet a hole in the history."""
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with transaction(engine) as connection:
            await connection.execute(text(statement))


async def test_facts_can_be_erased_and_the_skeleton_stays(engine: AsyncEngine) -> None:
    """Privacy clears what is personal; verdict, scores and trace remain."""
    async with transaction(engine) as connection:
        await connection.execute(insert(DecisionRow).values(decision(NOON)))
        await connection.execute(
            text(
                "UPDATE decision SET facts = NULL, tabled = NULL, external_id = NULL,"
                " facts_erased_at = now()"
            )
        )
        row = (await connection.execute(select(DecisionRow.facts, DecisionRow.verdict))).one()
    assert row == (None, "qualify")


async def test_a_release_moves_the_epoch_and_tells_whoever_listens(
    engine: AsyncEngine, database_url: str
) -> None:
    """A process that serves an old version learns of the new one."""
    listener = await connect_raw(database_url)
    await listener.execute("LISTEN goodfit_release")
    async with transaction(engine) as connection:
        await make_version(connection)
        before = (await connection.execute(select(ReleaseEpoch.epoch))).scalar_one()
        await release(connection)
        after = (await connection.execute(select(ReleaseEpoch.epoch))).scalar_one()
    assert after == before + 1
    told = [each.payload async for each in listener.notifies(timeout=2, stop_after=1)]
    assert told == ["fleet_leads"]
    await listener.close()


async def test_a_key_that_changes_is_told_and_one_that_is_used_is_not(
    engine: AsyncEngine, database_url: str
) -> None:
    """Revoking reaches every process; noting a use disturbs none."""
    key = make_uuid(NOON, bytes(8))
    async with transaction(engine) as connection:
        await connection.execute(
            insert(ApiKey).values(
                id=key,
                prefix="gf_sk_3kq9",
                sha256=bytes(32),
                kind="secret",
                name="form",
                person="ann",
                scopes=["decide"],
                origins=[],
                created_at=NOON,
                created_by="ann",
            )
        )
    listener = await connect_raw(database_url)
    await listener.execute("LISTEN goodfit_key")
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE api_key SET last_used_at = now()"))
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE api_key SET revoked_at = now()"))
    told = [each.payload async for each in listener.notifies(timeout=0.5)]
    assert told == [str(key)]
    await listener.close()


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "maybe"},
        {"subject": "company"},
        {"scores": None},
        {"outcome": None},
    ],
)
async def test_an_impossible_decision_is_refused(
    engine: AsyncEngine, change: dict[str, Any]
) -> None:
    """The last line of defence knows the glossary too."""
    with pytest.raises(DBAPIError):
        async with transaction(engine) as connection:
            await connection.execute(insert(DecisionRow).values(decision(NOON, **change)))


async def test_a_decision_is_found_by_its_id_in_one_partition(engine: AsyncEngine) -> None:
    """The id alone names the month, so a lookup does not grow with the years."""
    async with transaction(engine) as connection:
        now: datetime = (await connection.execute(text("SELECT now()"))).scalar_one()
        values = decision(now)
        await connection.execute(insert(DecisionRow).values(values))
        query = "SELECT verdict FROM decision WHERE decided_at = :at AND id = :id"
        key = {"at": instant_of(values["id"]), "id": values["id"]}
        assert (await connection.execute(text(query), key)).scalar_one() == "qualify"
        plan = (await connection.execute(text("EXPLAIN " + query), key)).scalars().all()
    scans = [line for line in plan if "Scan" in line]
    assert len(scans) == 1, plan
    assert f"decision_{now:%Y_%m}" in scans[0]


async def test_partitions_reach_three_months_ahead_and_are_made_once(
    engine: AsyncEngine,
) -> None:
    """Migrating makes four; asking again makes none; asking for more makes the rest."""
    async with transaction(engine) as connection:
        first = await list_partitions(connection)
        assert len(first) == 5
        assert "decision_default" in first
        assert await ensure_partitions(connection, ahead=3) == ()
        made = await ensure_partitions(connection, ahead=5)
        assert len(made) == 2
        assert set(await list_partitions(connection)) == {*first, *made}
        assert await find_stray_decisions(connection) == ()


async def test_two_who_make_partitions_at_once_do_not_clash(engine: AsyncEngine) -> None:
    """Every worker may ask for partitions at its start."""

    async def make() -> tuple[str, ...]:
        async with transaction(engine) as connection:
            return await ensure_partitions(connection, ahead=9)

    made = await asyncio.gather(make(), make(), make())
    assert sorted(len(names) for names in made) == [0, 0, 6]


async def test_what_fell_outside_is_counted_and_moved_once_its_month_exists(
    engine: AsyncEngine,
) -> None:
    """The default partition catches a missed month, `doctor` sees it, making it mends it."""
    async with transaction(engine) as connection:
        now: datetime = (await connection.execute(text("SELECT now()"))).scalar_one()
        month = now.year * 12 + now.month - 1 + 5
        late = datetime(month // 12, month % 12 + 1, 15, tzinfo=UTC)
        past = datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC)
        for at in (late, late + timedelta(seconds=1), past):
            await connection.execute(insert(DecisionRow).values(decision(at)))
        assert await find_stray_decisions(connection) == (
            StrayDecisions(past.date().replace(day=1), 1),
            StrayDecisions(late.date().replace(day=1), 2),
        )
    async with transaction(engine) as connection:
        await ensure_partitions(connection, ahead=6)
        assert await find_stray_decisions(connection) == (
            StrayDecisions(past.date().replace(day=1), 1),
        )
        kept = await connection.execute(select(DecisionRow.decided_at))
        assert sorted(kept.scalars()) == [past, late, late + timedelta(seconds=1)]
