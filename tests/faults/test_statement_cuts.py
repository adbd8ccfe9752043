"""The database session ends before or after any statement of taking a statement: all or nothing."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Row, text

from service.portfolio import store, taking
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for
from service.rulesets import Editor, Running
from service.storage import DatabaseUnavailable, libpq_url, transaction
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.portfolio.statements import new_uuid
from tests.portfolio.taken import FACTS, add_accounts, add_entries, live_template, now
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

_LEASE: Final = timedelta(minutes=1)


async def ask(served: Served, running: Running) -> UUID:
    """Ask for a statement whose rescoring is done."""
    editor = Editor(person="ann@example.com", at=now(), new_uuid=new_uuid)
    async with transaction(served.app.house.engine) as connection:
        row = await ask_for(connection, running, editor=editor, asked=Asked())
        await connection.execute(text("UPDATE rescoring SET state = 'done'"))
    statement_id: UUID = row.id
    return statement_id


async def take(served: Served, running: Running, statement_id: UUID) -> None:
    """Claim and take it, statement by watched statement; a database that goes is no surprise."""
    engine = served.app.house.engine
    async with transaction(engine) as connection:
        row: Row[Any] | None = await store.claim(connection, statement_id, lease=_LEASE)
    if row is None:
        return  # it was committed before the session ended
    token = is_asking.set(True)
    try:
        await taking.take(row, running, engine=engine, clock=now)
    except DatabaseUnavailable:
        pass
    finally:
        is_asking.reset(token)


Stored = tuple[str, Any, list[Any], list[Any]]


def stored(url: str, statement_id: UUID) -> Stored:
    """Return its state and totals, its positions, and what is asked of it."""
    with psycopg.connect(libpq_url(url)) as connection:
        (state, *totals) = connection.execute(
            "SELECT state, accounts, revenue, cost FROM statement WHERE id = %s", [statement_id]
        ).fetchone() or (None,)
        positions = connection.execute(
            "SELECT key, outcome, revenue, cost, costs, slices FROM position"
            " WHERE statement_id = %s ORDER BY key",
            [statement_id],
        ).fetchall()
        asked = connection.execute(
            "SELECT kind FROM scenario WHERE statement_id = %s ORDER BY kind", [statement_id]
        ).fetchall()
        connection.execute("UPDATE statement SET lease_until = now() WHERE state = 'running'")
    return state, totals, positions, asked


async def test_a_cut_anywhere_leaves_a_whole_statement_or_none(database_url: str) -> None:
    """Nothing is half stored, and whoever takes it next gives the same to the cent."""
    async with serving(database_url, is_attended=False) as served:
        running = await live_template(served.app.house.engine)
        ids = add_accounts(database_url, {"north": FACTS, "south": {**FACTS, "segment": "outside"}})
        lately = now() - timedelta(days=9)
        money = {"amount": 12.34}
        add_entries(
            database_url,
            ids,
            [
                (key, kind, lately, Decimal("12.34"), money)
                for key in ids
                for kind in ("revenue", "cost")
            ],
        )
        await take(served, running, await ask(served, running))  # fills the caches
        usual = await ask(served, running)
        scissors = Scissors(database_url)
        with watched(scissors):
            await take(served, running, usual)
        whole = stored(database_url, usual)
        assert (whole[0], len(whole[2]), len(whole[3])) == ("done", 2, 2)
        assert any("INSERT INTO position" in what for what, _ in scissors.places)
        assert any("UPDATE statement" in what for what, _ in scissors.places)
        for place in dict.fromkeys(scissors.places):
            statement_id = await ask(served, running)
            cutting = Scissors(database_url, at=place)
            with watched(cutting):
                await take(served, running, statement_id)
            assert cutting.has_cut, place
            none: Stored = ("running", [None, None, None], [], [])
            assert stored(database_url, statement_id) in (none, whole), place
            await take(served, running, statement_id)
            assert stored(database_url, statement_id) == whole, place
