"""A frozen rule set: nobody releases anything, and everybody is told why."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.rulesets import Editor, install
from service.rulesets.freezing import Frozen
from service.storage import transaction
from tests.rulesets.authors import Author
from tests.rulesets.four_eyes import NEXT, FourEyes, author

pytestmark = pytest.mark.anyio
WHY = {"reason": "quarter end"}


async def frozen(who: Author) -> None:
    """Freeze the rule set."""
    answer = await who.ask("POST", "/freeze", json=WHY)
    assert answer.status_code == 200, answer.text


async def test_nobody_releases_while_it_is_frozen(team: FourEyes) -> None:
    """Not a new version, not into the shadow, not an older one, not even who froze it."""
    await team.second()
    await frozen(team.bob)
    for asked in (
        {"version": 2},
        {"version": 1},
        {"version": 2, "mode": "shadow", "share": 0.1},
        {"version": 2, "from": (datetime.now(UTC) + timedelta(days=3)).isoformat()},
    ):
        for who in (team.ann, team.bob):
            refused = await who.release(**asked)
            assert (refused.status_code, refused.json()["code"]) == (409, "frozen")
            assert "bob@example.com" in refused.json()["detail"]
            assert "quarter end" in refused.json()["detail"]
            assert refused.json()["frozen"]["by"] == "bob@example.com"
    house = team.served.app.house
    now = datetime.now(UTC)
    editor = Editor(person="root@example.com", at=now, new_uuid=house.new_uuid)
    with pytest.raises(Frozen):
        async with transaction(house.engine) as connection:
            await install(connection, NEXT, editor=editor, note="", reason="a test")
    assert len((await team.ann.ask("GET", "/releases")).json()["data"]) == 1


async def test_everybody_sees_that_it_is_frozen_until_it_is_not(team: FourEyes) -> None:
    """The rule set says since when, by whom and why; afterwards releases go through again."""
    await team.second()
    assert (await team.ann.ask("GET")).json()["frozen"] is None
    await frozen(team.bob)
    shown = (await team.ann.ask("GET")).json()["frozen"]
    assert (shown["by"], shown["reason"]) == ("bob@example.com", "quarter end")
    listed = (await team.served.ask("GET", "/v1/rule-sets")).json()["data"]
    assert listed[0]["frozen"] == shown
    thawed = await team.ann.ask("POST", "/unfreeze", json={"reason": "it is over"})
    assert (thawed.status_code, thawed.json()["frozen"]) == (200, None)
    assert (await team.ann.release(2)).status_code == 201
    entries = (await team.served.ask("GET", "/v1/audit")).json()["data"]
    told = [(each["action"], each["actor"], each["payload"].get("reason")) for each in entries]
    assert told[1:3] == [
        ("rulesets.unfreeze", "ann@example.com", "it is over"),
        ("rulesets.freeze", "bob@example.com", "quarter end"),
    ]


async def test_a_freeze_keeps_its_first_reason(team: FourEyes) -> None:
    """Freezing twice is refused with who did it first; so is unfreezing what is not frozen."""
    early = await team.ann.ask("POST", "/unfreeze", json=WHY)
    assert (early.status_code, early.json()["code"]) == (409, "not_frozen")
    await frozen(team.bob)
    again = await team.ann.ask("POST", "/freeze", json={"reason": "another"})
    assert (again.status_code, again.json()["code"]) == (409, "frozen")
    assert (await team.ann.ask("GET")).json()["frozen"]["reason"] == "quarter end"


async def test_a_freeze_tells_what_goes_live_all_the_same(team: FourEyes) -> None:
    """What was planned before is no release made now; it is listed, so that nobody is surprised."""
    await team.second()
    noon = datetime.now(UTC) + timedelta(days=1)
    await team.ann.release(2, **{"from": noon.isoformat()})
    answer = await team.bob.ask("POST", "/freeze", json=WHY)
    (planned,) = answer.json()["planned"]
    assert (planned["version"], planned["released_by"]) == (2, "ann@example.com")


async def test_a_freeze_has_a_reason(team: FourEyes) -> None:
    """Whoever is stopped is told why; blanks tell nothing."""
    for call in ("freeze", "unfreeze"):
        for reason in ("", "   ", None, 7, "x" * 2_001, "a\u0000b"):
            refused = await team.ann.ask("POST", f"/{call}", json={"reason": reason})
            assert refused.status_code == 422, reason
            assert refused.json()["errors"][0]["pointer"] == "/reason"
    assert (await team.ann.ask("GET")).json()["frozen"] is None


async def test_who_may_not_publish_may_not_freeze(team: FourEyes) -> None:
    """Writing rules is not enough, and a page's key does nothing here."""
    writer = await author(team.served, "carol@example.com", "rules:read", "rules:write")
    assert (await writer.ask("POST", "/freeze", json=WHY)).status_code == 403
    assert (await writer.ask("POST", "/unfreeze", json=WHY)).status_code == 403
    other = Author(team.served, team.ann.key, slug="nothing_here")
    assert (await other.ask("POST", "/freeze", json=WHY)).json()["code"] == "rule_set_not_found"


async def test_a_release_and_a_freeze_at_once_come_one_after_the_other(team: FourEyes) -> None:
    """Whichever is first: nothing is released after the freeze."""
    await team.second()
    for _ in range(4):
        answers = await asyncio.gather(
            team.ann.release(2), team.bob.ask("POST", "/freeze", json=WHY), team.ann.release(1)
        )
        assert answers[1].status_code == 200
        assert {answers[0].status_code, answers[2].status_code} <= {201, 409}
        entries = (await team.served.ask("GET", "/v1/audit")).json()["data"]
        assert entries[0]["action"] == "rulesets.freeze"
        await team.bob.ask("POST", "/unfreeze", json=WHY)
