"""Of a lead too, what happened later stands, whenever we heard of it."""

import json
import random
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from service.intake import forgetting
from service.settings import Settings
from service.storage import transaction
from tests.intake.conftest import Hands
from tests.intake.connected import COMPANY, SECRET, Connected, event

pytestmark = pytest.mark.anyio
LEADS: Final = 5
WORDS: Final = 60
SIGNUPS: Final[dict[str, Any]] = {
    "authentication": {"scheme": "bearer"},
    "map": {
        "system": "signups",
        "event": "id",
        "at": "at",
        "kinds": {
            "lead": {
                "subject": "lead",
                "key": "who",
                "rule_set": "fleet_leads",
                "attributes": {"vehicles": "vehicles"},
            }
        },
    },
}


def word(number: int, /, **members: object) -> dict[str, object]:
    """Return what is said of a lead, a minute later for each number."""
    told: dict[str, object] = {"id": number, "who": "ann", "vehicles": number}
    told["at"] = f"2026-01-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z"
    return told | members


async def tell(connected: Connected, made: dict[str, Any], *words: dict[str, object]) -> None:
    """Send words in one delivery, and have it read."""
    body = json.dumps([*words]).encode()
    answer = await connected.served.ask("POST", made["address"], key=SECRET, content=body)
    assert answer.status_code == 200, answer.text
    await connected.work()


async def decided(connected: Connected) -> dict[str, list[int]]:
    """Return by what was decided of each lead, in the order of the decisions."""
    query = "SELECT external_id, facts FROM decision ORDER BY decided_at, id"
    found: dict[str, list[int]] = {}
    async with transaction(connected.served.app.house.engine) as connection:
        for row in await connection.execute(text(query)):
            found.setdefault(row.external_id, []).append(row.facts["vehicles"])
    return found


async def test_a_late_word_on_a_lead_is_recorded_and_decides_nothing(
    connected: Connected,
) -> None:
    """The delivery is kept and counts it; the decision by the newest word stays the last one."""
    made = await connected.connect("generic", **SIGNUPS)
    await tell(connected, made, word(7))
    await tell(connected, made, word(3), word(8, who="bo"))
    assert await decided(connected) == {"ann": [7], "bo": [8]}
    late, first = await connected.deliveries(made)
    assert (late["state"], late["tally"]) == ("done", {"items": 2, "late": 1, "decided": 1})
    replay = f"/v1/connections/{made['id']}/deliveries/{first['id']}/replay"
    await connected.served.ask("POST", replay)
    await tell(connected, made, word(10), word(9))
    assert await decided(connected) == {"ann": [7, 9, 10], "bo": [8]}, "in the order of the words"


async def test_words_on_leads_in_any_order_end_as_they_would_in_order(
    connected: Connected,
) -> None:
    """Shuffled, some a day late, a tenth repeated: the last decision is by the last word."""
    chance = random.Random(6)
    told = [word(one, who=f"lead-{chance.randrange(LEADS)}") for one in range(WORDS)]
    arriving = sorted(told, key=lambda one: int(str(one["id"])) + chance.uniform(-25, 25))
    arriving += chance.sample(told, WORDS // 10)
    made = await connected.connect("generic", **SIGNUPS)
    for start in range(0, len(arriving), 11):
        await tell(connected, made, *arriving[start : start + 11])
    last = {str(one["who"]): one["vehicles"] for one in told}
    assert {who: numbers[-1] for who, numbers in (await decided(connected)).items()} == last
    tallies = [one["tally"] for one in await connected.deliveries(made)]
    assert sum(one.get("late", 0) for one in tallies) > WORDS // 10
    assert sum(one.get("repeated", 0) for one in tallies) == WORDS // 10


async def test_what_nobody_can_repeat_is_forgotten(connected: Connected, hands: Hands) -> None:
    """Events and leads, once no vendor sends and no kept delivery holds them; a repeat counts."""
    house = connected.served.app.house
    made = await connected.connect(map=COMPANY)
    signups = await connected.connect("generic", **SIGNUPS)
    await tell(connected, signups, word(1))
    await connected.tell(made, event(1), event(2, objectId=5))
    await connected.work()
    counts = text(
        "SELECT (SELECT count(*) FROM intake_seen), (SELECT count(*) FROM intake_lead),"
        " (SELECT count(*) FROM account)"
    )

    async def kept() -> tuple[int, ...]:
        await forgetting.forget_past_events(house)
        async with transaction(house.engine) as connection:
            return tuple((await connection.execute(counts)).one())

    hands.ahead = timedelta(days=20)
    await connected.tell(made, event(2, objectId=5, attemptNumber=9))
    await connected.work()
    assert await kept() == (3, 1, 2), "the word was of January, and was heard of now"
    hands.ahead = timedelta(days=32)
    assert await kept() == (1, 0, 2)
    hands.ahead = timedelta(days=52)
    assert await kept() == (0, 0, 2)


def test_events_are_known_for_as_long_as_they_can_be_read_again() -> None:
    """A body that is kept can be replayed; for ever where it is kept for ever."""
    now = Hands()()
    for days, known in ((30, 31), (1, 7), (365, 366)):
        since = forgetting.known_since(Settings(raw_kept_days=days), now)
        assert since == now - timedelta(days=known)
    assert forgetting.known_since(Settings(raw_kept_days=0), now) is None
