"""Attempts that were cut off with their sender: listed, not counted, and not for ever."""

import time

import pytest
from sqlalchemy import text

from service.delivery import sending
from service.settings import Settings
from service.storage import transaction
from tests.delivery.receiver import answer, receiving
from tests.delivery.test_endpoints import QUICK, made, settled, tell
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

_CUT_OFF = (
    text(
        "INSERT INTO delivery_attempt (delivery_id, number, began_at, status)"
        " SELECT id, n, now(), CASE WHEN n <= :refused THEN 500 END"
        " FROM delivery, generate_series(1, :attempts) n"
    ),
    text(
        "UPDATE delivery SET state = 'sending', attempts = :attempts, first_attempt_at = now(),"
        " base = :attempts - :refused - 1,"
        " next_at = clock_timestamp() + make_interval(secs => :lease_left_s)"
    ),
)


async def cut_off(
    served: Served, *, refused: int, attempts: int, lease_left_s: float = -1.0
) -> None:
    """Leave the one delivery as a sender does that is killed: *refused*, then cut off since."""
    given = {"refused": refused, "attempts": attempts, "lease_left_s": lease_left_s}
    async with transaction(served.app.house.engine) as connection:
        for statement in _CUT_OFF:
            await connection.execute(statement, given)


@pytest.mark.parametrize(
    ("says", "refused", "attempts", "becomes", "listed"),
    [
        (200, 2, 3, "delivered", [500, 500, "cut_off", 200]),
        (500, 2, 3, "failed", [500, 500, "cut_off", 500]),
        (500, 0, 2, "failed", ["cut_off", "cut_off", 500, 500, 500]),
        (200, 0, 100, "failed", ["cut_off"] * 100),
    ],
)
async def test_what_was_cut_off_is_none_of_the_budget(
    database_url: str, *, says: int, refused: int, attempts: int, becomes: str, listed: list[object]
) -> None:
    """Three refusals end it, however often its sender died; what kills a hundred senders ends."""
    settings = QUICK.model_copy(update={"delivery_lease_s": 2.0})
    async with (
        serving(database_url, settings=settings, is_attended=False) as served,
        receiving(lambda _: answer(says)) as there,
    ):
        endpoint = await made(served, there.url, events=["rule_set.released"])
        await tell(served, 1)
        await cut_off(served, refused=refused, attempts=attempts)
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
    found = [one["problem"] or one["status"] for one in delivery["attempts"]]
    assert (delivery["state"], found) == (becomes, listed)
    assert len(there.got) == len(listed) - attempts


async def test_the_default_lease_is_over_within_a_minute(database_url: str) -> None:
    """What a sender that died half a minute ago was sending arrives before the minute is over."""
    died_s = 30.0
    lease_s = Settings().delivery_lease_s
    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
        receiving() as there,
    ):
        assert served.app.house.settings.delivery_lease_s == lease_s
        endpoint = await made(served, there.url, events=["rule_set.released"])
        await tell(served, 1)
        await cut_off(served, refused=0, attempts=1, lease_left_s=lease_s - died_s)
        began = time.monotonic()
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint, within_s=60.0 - died_s)
        waited_s = time.monotonic() - began
    assert delivery["state"] == "delivered"
    assert waited_s >= lease_s - died_s, "it was not taken from a sender that may live"
