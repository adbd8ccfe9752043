"""Attempts that were cut off with their sender: listed, not counted, and not for ever."""

import pytest
from sqlalchemy import text

from service.delivery import sending
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
        " base = :attempts - :refused - 1, next_at = clock_timestamp() - interval '1 s'"
    ),
)


async def cut_off(served: Served, *, refused: int, attempts: int) -> None:
    """Leave the one delivery as a sender does that is killed: *refused*, then cut off since."""
    async with transaction(served.app.house.engine) as connection:
        for statement in _CUT_OFF:
            await connection.execute(statement, {"refused": refused, "attempts": attempts})


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
    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
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
