"""What was kept long enough is cleared: facts after their months, raw things after their days."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.privacy import ask_for_retention, erase_next
from service.privacy.working import look_once
from service.rulesets import Editor
from service.settings import Settings
from service.storage import make_uuid, to_text, transaction
from tests.privacy.lives import eraser_of
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)

_DECISION = text("""
    INSERT INTO decision (decided_at, id, rule_set, version, digest, meaning, subject, external_id,
        facts, final, verdict, outcome, certain, outcome_certain, scores, trace)
    VALUES (:at, :id, 'x', 1, 'x', 1, 'lead', 'crm-1', '{"email": "a@b.example"}', true,
        'qualify', 'a', true, true, '{}', '[]')
""")
_PARKED = text("""
    INSERT INTO parked_event (id, source, source_event_id, content, reasons, state, first_at,
        last_at, parked_by, closed_at)
    VALUES (:id, 'desk', :own, '{"kind": "party"}', '[]', :state, :at, :at, 'ann', :closed)
""")


async def kept(served: Served, days: list[int]) -> None:
    """Have decisions made, and parked events closed, so many days ago; and one event that waits."""
    async with transaction(served.app.house.engine) as connection:
        for number, age in enumerate(days):
            at = NOW - timedelta(days=age)
            row = make_uuid(at, number.to_bytes(8, "big"))
            await connection.execute(_DECISION, {"at": at, "id": row})
            parked = {"id": row, "own": str(number), "at": at}
            await connection.execute(_PARKED, parked | {"state": "dropped", "closed": at})
        waits = {"id": make_uuid(NOW, b"waiting!"), "own": "waits", "at": NOW - timedelta(days=90)}
        await connection.execute(_PARKED, waits | {"state": "parked", "closed": None})


async def left(served: Served) -> tuple[int, int, int]:
    """Return how many decisions have facts, how many there are, and how many events a content."""
    query = text("""
        SELECT (SELECT count(*) FROM decision WHERE facts IS NOT NULL OR external_id IS NOT NULL),
            (SELECT count(*) FROM decision),
            (SELECT count(*) FROM parked_event WHERE content <> '{}')
    """)
    async with transaction(served.app.house.engine) as connection:
        facts, decisions, contents = (await connection.execute(query)).one()
    return facts, decisions, contents


async def newest(served: Served) -> dict[str, Any]:
    """Return the newest of all erasures."""
    shown: dict[str, Any] = (await served.ask("GET", "/v1/erasures?limit=1")).json()["data"][0]
    return shown


async def test_old_facts_go_once_a_day_and_skeletons_stay(database_url: str) -> None:
    """13 months for facts, 30 days for what came from outside, and what waits stays whole."""
    at = NOW
    async with serving(database_url, clock=lambda: at, is_attended=False) as served:
        house = served.app.house
        await kept(served, [0, 29, 31, 395, 397, 800])
        assert await look_once(house)
        assert not await look_once(house)
        assert await erase_next(eraser_of(served))
        assert await left(served) == (4, 6, 3)
        shown = await newest(served)
        assert (shown["cause"], shown["state"], shown["asked_by"]) == (
            "retention",
            "done",
            "goodfit",
        )
        assert shown["cleared"] == [
            {"table": "decision", "rows": 2},
            {"table": "parked_event", "rows": 4},
        ]
        at = NOW + timedelta(days=1, seconds=1)
        assert await look_once(house)
        assert await erase_next(eraser_of(served))
        assert await left(served) == (3, 6, 2)


async def test_a_dry_run_of_retention_counts_and_clears_nothing(database_url: str) -> None:
    """Its numbers are those of the real one, and 0 days keep everything for ever."""
    async with serving(database_url, clock=lambda: NOW, is_attended=False) as served:
        house = served.app.house
        await kept(served, [31, 397, 398])
        editor = Editor(person="ann", at=NOW, new_uuid=house.new_uuid)
        cleared = []
        for is_dry in (True, False):
            async with transaction(house.engine) as connection:
                row = await ask_for_retention(connection, Settings(), editor=editor, dry_run=is_dry)
            assert await erase_next(eraser_of(served))
            shown = (await served.ask("GET", f"/v1/erasures/{to_text('era', row.id)}")).json()
            assert (shown["state"], shown["dry_run"]) == ("done", is_dry)
            cleared.append(shown["cleared"])
            assert (await left(served))[0] == (3 if is_dry else 1)
        assert cleared[0] == cleared[1] != []
    for_ever = Settings(assess_every_s=0, facts_kept_days=0, raw_kept_days=0)
    async with serving(database_url, settings=for_ever, is_attended=False) as served:
        async with transaction(served.app.house.engine) as connection:
            await connection.execute(text("UPDATE erasure SET created_at = '2020-01-01'"))
        assert not await look_once(served.app.house)
