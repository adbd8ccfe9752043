"""The audit chain: linear under load, and every kind of tampering located."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection
from psycopg.errors import RestrictViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.storage import (
    AuditAnchor,
    append_audit,
    libpq_url,
    open_engine,
    transaction,
    verify_audit,
)

FORGED_ENTRY = (
    "INSERT INTO audit_entry"
    " SELECT {seq}, at, actor, 'forged', subject, digest, payload, hash, hash"
    " FROM audit_entry WHERE seq = {after}"
)
NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)

pytestmark = pytest.mark.anyio


async def write(engine: AsyncEngine, *actions: str) -> AuditAnchor:
    """Append one entry an action, each in a transaction of its own."""
    anchor = AuditAnchor(0, bytes(32))
    for number, action in enumerate(actions):
        async with transaction(engine) as connection:
            anchor = await append_audit(
                connection,
                at=NOON + timedelta(seconds=number),
                actor="ann",
                action=action,
                subject="fleet_leads",
                digest=f"sha256:{action}" if number % 2 else None,
                payload={"version": number, "note": "Größe ≥ 20"},
            )
    return anchor


@pytest.fixture
async def chain(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine on a database with six entries."""
    await write(engine, "one", "two", "three", "four", "five", "six")
    return engine


def tamper(database_url: str, *statements: str) -> None:
    """Do what only the server's owner can: write past the triggers."""
    with Connection.connect(libpq_url(database_url), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        for statement in statements:
            owner.execute(statement.encode())


async def test_an_untouched_chain_holds(chain: AsyncEngine) -> None:
    """Writing and verifying agree, whatever the fields hold."""
    report = await verify_audit(chain)
    assert report.holds
    assert report.entries == report.anchor.seq == 6


async def test_an_empty_chain_holds(engine: AsyncEngine) -> None:
    """A fresh database has nothing to hide."""
    assert (await verify_audit(engine)).holds


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_entry SET actor = 'eve' WHERE seq = 3"], [(3, "changed")]),
        (
            ["UPDATE audit_entry SET payload = payload || ' ' WHERE seq = 3"],
            [(3, "changed")],
        ),
        (
            ["UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE seq = 3"],
            [(3, "changed")],
        ),
        (
            ["UPDATE audit_entry SET digest = '' WHERE seq = 3 AND digest IS NULL"],
            [(3, "changed")],
        ),
        (
            ["UPDATE audit_entry SET actor = 'an', action = 'nthree' WHERE seq = 3"],
            [(3, "changed")],
        ),
        (["DELETE FROM audit_entry WHERE seq = 3"], [(3, "removed")]),
        (["DELETE FROM audit_entry WHERE seq IN (3, 4)"], [(4, "removed")]),
        (["DELETE FROM audit_entry WHERE seq = 1"], [(1, "removed")]),
        (["DELETE FROM audit_entry WHERE seq > 4"], [(6, "cut_off")]),
        (["DELETE FROM audit_entry"], [(6, "cut_off")]),
        (["TRUNCATE audit_entry"], [(6, "cut_off")]),
        (["DELETE FROM audit_head"], [(6, "cut_off")]),
        (
            [
                "UPDATE audit_entry SET seq = 99 WHERE seq = 3",
                "UPDATE audit_entry SET seq = 3 WHERE seq = 4",
                "UPDATE audit_entry SET seq = 4 WHERE seq = 99",
            ],
            [
                (3, "out_of_place"),
                (3, "changed"),
                (4, "out_of_place"),
                (4, "changed"),
                (5, "out_of_place"),
            ],
        ),
        (
            [
                FORGED_ENTRY.format(seq=7, after=6),
            ],
            [(7, "changed"), (7, "past_the_end")],
        ),
        (
            [
                "UPDATE audit_entry SET seq = -seq WHERE seq > 3",
                "UPDATE audit_entry SET seq = 1 - seq WHERE seq < 0",
                FORGED_ENTRY.format(seq=4, after=3),
            ],
            [
                (4, "changed"),
                (5, "changed"),
                (6, "changed"),
                (7, "changed"),
                (7, "past_the_end"),
            ],
        ),
    ],
    ids=[
        "a changed actor",
        "changed bytes",
        "a shifted instant",
        "an empty digest for none",
        "letters moved from one field to the next",
        "one removed",
        "two removed",
        "the first removed",
        "the end removed",
        "everything removed",
        "truncated",
        "the head removed",
        "two swapped",
        "one added at the end",
        "one inserted",
    ],
)
async def test_tampering_is_found_where_it_was_done(
    chain: AsyncEngine, database_url: str, statements: list[str], found: list[tuple[int, str]]
) -> None:
    """Change, deletion, insertion, swap and truncation each name their entry."""
    tamper(
        database_url,
        "ALTER TABLE audit_entry DROP CONSTRAINT ck_audit_entry_seq",
        *statements,
    )
    report = await verify_audit(chain)
    assert [(each.seq, each.kind) for each in report.breaks] == found
    assert not report.holds


async def test_a_chain_rewritten_whole_is_found_by_an_anchor(
    chain: AsyncEngine, database_url: str
) -> None:
    """Who owns the database can forge a chain that fits itself, not one that fits a note."""
    noted = (await verify_audit(chain)).anchor
    tamper(
        database_url,
        "TRUNCATE audit_entry",
        "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    await write(chain, "one", "two", "three", "four", "five", "forged")
    assert (await verify_audit(chain)).holds, "the forged chain fits itself"
    report = await verify_audit(chain, anchor=noted)
    assert [(each.seq, each.kind) for each in report.breaks] == [(6, "rewritten")]
    tamper(database_url, "DELETE FROM audit_entry WHERE seq > 2")
    report = await verify_audit(chain, anchor=noted)
    assert {each.kind for each in report.breaks} == {"cut_off"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'eve'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE false",
        "TRUNCATE audit_entry",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
        "UPDATE audit_head SET seq = seq - 1",
        "UPDATE audit_head SET seq = seq + 2",
    ],
)
async def test_even_the_owner_cannot_rewrite_by_accident(
    chain: AsyncEngine, database_url: str, statement: str
) -> None:
    """Triggers refuse what grants cannot, because the owner needs none."""
    with (
        Connection.connect(libpq_url(database_url), autocommit=True) as owner,
        pytest.raises(RestrictViolation, match=r"never changed|one entry at a time"),
    ):
        owner.execute(statement.encode())
    assert (await verify_audit(chain)).holds


async def test_an_entry_is_kept_exactly_when_its_change_is(engine: AsyncEngine) -> None:
    """A transaction that fails after its entry leaves no entry."""

    async def fail_after_the_entry() -> None:
        async with transaction(engine) as connection:
            await append_audit(
                connection, at=NOON, actor="ann", action="x", subject="y", payload={}
            )
            await connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        await fail_after_the_entry()
    report = await verify_audit(engine)
    assert report.holds
    assert report.entries == 0


async def test_writers_in_the_same_moment_make_one_line(database_url: str) -> None:
    """Eight at once, five times each: forty numbers without a hole."""
    engines = [open_engine(database_url) for _ in range(2)]
    await asyncio.gather(*(write(engines[n % 2], "a", "b", "c", "d", "e") for n in range(8)))
    report = await verify_audit(engines[0])
    assert report.holds
    assert report.entries == 40
    for engine in engines:
        await engine.dispose()
