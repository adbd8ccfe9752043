"""The database session ends before or after any statement of an erasure: it goes on from there."""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from service.privacy import Eraser, TakenAway, erase_next
from service.storage import DatabaseUnavailable, libpq_url
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, LARGE_FLEET, release
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.sizes import swept
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ADDRESS = "cut.zzcanary@zzcanary.example"


async def subject(served: Served, number: int) -> None:
    """Tell of a lead and an account of a number, and ask for their erasure."""
    name = f"zzcanary-{number}"
    lead = LARGE_FLEET | {"email": f"x{number}.{ADDRESS}"}
    asked = {"rule_set": "fleet_leads", "lead": lead, "external_id": name}
    assert (await served.ask("POST", "/v1/qualify", json=asked)).status_code == 200
    facts = {"facts": {"vehicles": 150, "contact": lead["email"]}, "source": "crm"}
    assert (await served.ask("PUT", f"/v1/accounts/{name}", json=facts)).status_code == 201
    sent = {"email": lead["email"], "account": name}
    assert (await served.ask("POST", "/v1/erasures", json=sent)).status_code == 202


async def work(served: Served) -> bool:
    """Work on whatever erasure waits, watched; return whether it was cut off."""
    house = served.app.house
    eraser = Eraser(engine=house.engine, clock=house.clock, key=lambda: bytes(32))
    token = is_asking.set(True)
    try:
        await erase_next(eraser)
    except (DatabaseUnavailable, TakenAway):
        return True
    finally:
        is_asking.reset(token)
    return False


@dataclass(frozen=True, slots=True)
class State:
    """What there is after a try.

    Attributes:
        traces: Rows that still name a subject.
        finds: Finds that wait.
        known: Subjects that are known again.
        ended: Erasures that are done.
        told: Entries of the audit that say so.
    """

    traces: int
    finds: int
    known: int
    ended: int
    told: int


def state_of(connection: psycopg.Connection[Any]) -> State:
    """Return what there is, and let whoever comes next take up what was left."""
    query = """
        SELECT (SELECT count(*) FROM decision WHERE facts::text ~ 'zzcanary')
             + (SELECT count(*) FROM account WHERE concat(key, facts) ~ 'zzcanary')
             + (SELECT count(*) FROM erasure WHERE sought IS NOT NULL),
            (SELECT count(*) FROM erasure_find), (SELECT count(*) FROM erased_subject),
            (SELECT count(*) FROM erasure WHERE state = 'done'),
            (SELECT count(*) FROM audit_entry WHERE action = 'privacy.erase')
    """
    row = connection.execute(query).fetchone()
    connection.execute("UPDATE erasure SET lease_until = NULL")  # as if it ran out
    assert row is not None
    return State(*row)


def whole(number: int) -> State:
    """Return what there is once *number* subjects were erased, each by three names."""
    return State(traces=0, finds=0, known=3 * number, ended=number, told=number)


async def test_a_cut_anywhere_is_gone_on_from(database_url: str) -> None:
    """Wherever it stops, it is done on the next try: nothing of the subject is left, once known."""
    async with serving(database_url, is_attended=False) as served:
        for source in (FLEET_LEADS, FLEET_ACCOUNTS):
            await release(served.app.house, source)
        scissors = Scissors(database_url)
        await subject(served, 0)
        with (
            psycopg.connect(libpq_url(database_url), autocommit=True) as reader,
            watched(scissors),
        ):
            assert not await work(served)
            assert state_of(reader) == whole(1)
            places = list(dict.fromkeys(scissors.places))
            assert any("erased_subject" in what for what, _ in places)
            for number, place in enumerate(swept(places, every=3), start=1):
                await subject(served, number)
                scissors.at, scissors.places, scissors.has_cut = place, [], False
                await work(served)
                assert scissors.has_cut, place
                if state_of(reader) == whole(number + 1):
                    continue  # it was done, and only the answer was lost
                assert state_of(reader).known == 3 * number, place
                assert not await work(served), place
                assert state_of(reader) == whole(number + 1), place
