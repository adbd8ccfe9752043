"""Endpoints over HTTP, and what they are sent, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from service.delivery import HOLDINGS, Announcement, EventType, announce, sending
from service.settings import Settings
from service.storage import transaction
from service.storage.personal import Subject, clear
from tests.delivery.described import as_described
from tests.delivery.receiver import Got, answer, receiving
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

QUICK = Settings(
    assess_every_s=0,
    insecure_endpoints=True,
    deliver_every_s=0.02,
    delivery_pauses_s=(0.05, 0.05),
    delivery_timeout_s=0.5,
)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return the application; nothing is sent unless somebody sends."""
    async with serving(database_url, settings=QUICK, is_attended=False) as served:
        yield served


async def made(served: Served, url: str, **sent: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Make an endpoint."""
    answer = await served.ask("POST", "/v1/endpoints", json={"url": url, **sent})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


async def tell(served: Served, *numbers: int, about: str | None = None) -> None:
    """Announce that rule sets were released."""
    house = served.app.house
    now = house.clock()
    events = [
        Announcement(
            id=house.new_uuid(now),
            type=EventType.RULE_SET_RELEASED,
            at=now,
            data={"version": number},
            about=about,
        )
        for number in numbers
    ]
    async with transaction(house.engine) as connection:
        await announce(connection, *events)


async def deliveries(served: Served, endpoint: dict[str, Any], query: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return what was sent to an endpoint."""
    answer = await served.ask("GET", f"/v1/endpoints/{endpoint['id']}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def settled(served: Served, endpoint: dict[str, Any], *, within_s: float = 20.0) -> Any:  # noqa: ANN401 - JSON
    """Wait until nothing waits for an endpoint and return its deliveries."""
    async with asyncio.timeout(within_s):
        while True:
            found = await deliveries(served, endpoint)
            if all(one["state"] not in {"waiting", "sending"} for one in found):
                return found
            await asyncio.sleep(0.02)


async def test_an_event_arrives_signed_and_is_the_bytes_that_were_kept(served: Served) -> None:
    """The receiver's library verifies it, and the id is the event's."""
    async with receiving(lambda _: answer(202, b"thanks", content_type="text/plain")) as there:
        endpoint = await made(served, there.url, events=["rule_set.released"])
        await tell(served, 3)
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
        (got,) = there.got
        said = Webhook(endpoint["secret"]).verify(got.body, got.headers)
    assert said["type"] == "rule_set.released"
    assert said["data"] == {"version": 3}
    assert got.headers["webhook-id"] == delivery["event"] == said["id"]
    assert got.headers["host"] == f"127.0.0.1:{there.port}"
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["excerpt"], attempt["problem"]) == (202, "thanks", None)
    assert delivery["state"] == "delivered"


async def test_only_those_that_take_it_are_told_and_nobody_costs_nothing(served: Served) -> None:
    """An event that nobody takes leaves no row; a list of types is a filter."""
    await tell(served, 1)
    everything = await made(served, "http://127.0.0.1:50009/a")
    released = await made(served, "http://127.0.0.1:50009/b", events=["rule_set.released"])
    other = await made(served, "http://127.0.0.1:50009/c", events=["backtest.finished"])
    off = await made(served, "http://127.0.0.1:50009/d")
    answer = await served.ask("PATCH", f"/v1/endpoints/{off['id']}", json={"state": "disabled"})
    assert answer.json()["disabled_because"] == "asked"
    await tell(served, 2)
    counts = [len(await deliveries(served, one)) for one in (everything, released, other, off)]
    assert counts == [2, 1, 0, 0]  # `everything` hears that one was switched off, too
    async with transaction(served.app.house.engine) as connection:
        events = await connection.execute(text("SELECT count(*) FROM event"))
        assert events.scalar_one() == 2


async def test_a_transaction_that_fails_announces_nothing(served: Served) -> None:
    """What did not happen is not told."""
    endpoint = await made(served, "http://127.0.0.1:50009/a")

    async def in_vain() -> None:
        house = served.app.house
        async with transaction(house.engine) as connection:
            now = house.clock()
            kind = EventType.BACKTEST_FINISHED
            one = Announcement(id=house.new_uuid(now), type=kind, at=now, data={})
            assert await announce(connection, one) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_vain()
    assert await deliveries(served, endpoint) == []


async def test_the_budget_of_attempts_is_exact_and_then_the_endpoint_is_off(
    served: Served,
) -> None:
    """Three attempts and no fourth, one id; who took nothing in all that time is switched off."""
    async with receiving(lambda _: answer(500)) as there, receiving() as watcher:
        endpoint = await made(served, there.url, events=["rule_set.released"])
        told = await made(served, watcher.url, events=["endpoint.disabled"])
        await tell(served, 1)
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
            await asyncio.sleep(0.3)
            await settled(served, told)
        assert [one["status"] for one in delivery["attempts"]] == [500, 500, 500]
        assert len({got.headers["webhook-id"] for got in there.got}) == 1
        assert len(there.got) == 3
    shown = (await served.ask("GET", f"/v1/endpoints/{endpoint['id']}")).json()
    assert (shown["state"], shown["disabled_because"]) == ("disabled", "failing")
    (got,) = watcher.got
    assert as_described(json.loads(got.body))["data"]["endpoint"] == endpoint["id"]
    entries = (await served.ask("GET", "/v1/audit")).json()["data"]
    assert "delivery.disable" in [one["action"] for one in entries]


async def test_gone_is_believed_at_once(served: Served) -> None:
    """410 ends it at the first attempt."""
    async with receiving(lambda _: answer(410)) as there:
        endpoint = await made(served, there.url)
        await tell(served, 1)
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 1)
    shown = (await served.ask("GET", f"/v1/endpoints/{endpoint['id']}")).json()
    assert (shown["state"], shown["disabled_because"]) == ("disabled", "gone")


async def test_an_endpoint_that_takes_some_stays_on(database_url: str) -> None:
    """A delivery that is refused every time does not switch off what takes the others."""

    def say(got: Got) -> bytes:
        return answer(422 if json.loads(got.body)["data"]["version"] == 13 else 200)

    settings = QUICK.model_copy(update={"delivery_pauses_s": (0.05, 2.0)})
    async with (
        receiving(say) as there,
        serving(database_url, settings=settings, is_attended=False) as served,
    ):
        endpoint = await made(served, there.url)
        await tell(served, 13)
        async with sending(served.app.house):
            await until(lambda: len(there.got) == 2)
            await tell(served, 1)
            found = await settled(served, endpoint)
        path = f"/v1/endpoints/{endpoint['id']}"
        shown = (await served.ask("GET", path)).json()
    assert [one["state"] for one in found] == ["delivered", "failed"]
    assert (shown["state"], shown["failing_since"] is None) == ("enabled", False)


async def test_retry_after_is_obeyed(served: Served) -> None:
    """Who asks for an hour is left alone for an hour."""
    async with receiving(lambda _: answer(429, retry_after="3600")) as there:
        endpoint = await made(served, there.url)
        await tell(served, 1)
        async with sending(served.app.house):
            await until(lambda: len(there.got) == 1)
            await asyncio.sleep(0.4)
            assert len(there.got) == 1
        (delivery,) = await deliveries(served, endpoint)
    assert delivery["state"] == "waiting"
    left = datetime.fromisoformat(delivery["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds* does."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - it is about a socket's other end
            await asyncio.sleep(0.01)


async def test_a_dead_and_a_slow_endpoint_slow_nobody_else(database_url: str) -> None:
    """Of forty events for each, the good one has all while the slow ones are at their first."""
    patient = QUICK.model_copy(update={"delivery_timeout_s": 10.0, "shutdown_s": 0.2})
    async with (
        serving(database_url, settings=patient, is_attended=False) as served,
        receiving(lambda _: None) as slow,
        receiving() as good,
    ):
        for path in "abc":
            await made(served, f"{slow.url}/{path}")
        dead = await made(served, "http://127.0.0.1:50009/dead")
        endpoint = await made(served, good.url)
        await tell(served, *range(40))
        async with sending(served.app.house):
            assert {one["state"] for one in await settled(served, endpoint)} == {"delivered"}
            assert len(slow.got) <= 3 * 8
        assert len(good.got) == 40
        assert any(one["attempts"] for one in await deliveries(served, dead))


async def test_a_secret_is_exchanged_without_a_gap(served: Served) -> None:
    """Both sign while the old one lasts; without a while, the new one alone."""
    async with receiving() as there:
        endpoint = await made(served, there.url)
        path = f"/v1/endpoints/{endpoint['id']}/rotate-secret"
        fresh = (await served.ask("POST", path)).json()
        assert fresh["secret"] != endpoint["secret"]
        await tell(served, 1)
        async with sending(served.app.house):
            await until(lambda: len(there.got) == 1)
            last = (await served.ask("POST", path, json={"old_lasts_h": 0})).json()
            await tell(served, 2)
            await until(lambda: len(there.got) == 2)
        first, second = there.got
    for secret in (endpoint["secret"], fresh["secret"]):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(last["secret"]).verify(second.body, second.headers)
    assert len(second.headers["webhook-signature"].split(" ")) == 1
    async with transaction(served.app.house.engine) as connection:
        stored = (
            await connection.execute(text("SELECT endpoint::text FROM endpoint"))
        ).scalar_one()
    assert last["secret"] not in stored
    assert last["secret"].removeprefix("whsec_").encode().hex() not in stored


async def test_what_was_missed_is_sent_again_under_its_id(served: Served) -> None:
    """One by its id, or all of a time; each with all its attempts before it."""
    is_well = False

    def say(_: Got) -> bytes:
        return answer(200 if is_well else 410)

    async with receiving(say) as there:
        endpoint = await made(served, there.url)
        path = f"/v1/endpoints/{endpoint['id']}"
        began = datetime.now(UTC) - timedelta(seconds=5)
        await tell(served, 1)
        async with sending(served.app.house):
            (missed,) = await settled(served, endpoint)
            again = f"/v1/deliveries/{missed['id']}/redeliver"
            refused = await served.ask("POST", again)
            assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_disabled")
            is_well = True
            await served.ask("PATCH", path, json={"state": "enabled"})
            assert (await served.ask("POST", again)).status_code == 202
            (delivered,) = await settled(served, endpoint)
            assert [one["status"] for one in delivered["attempts"]] == [410, 200]
            sent = {"since": began.isoformat(), "states": ["delivered"]}
            answered = await served.ask("POST", f"{path}/redeliver", json=sent)
            assert answered.json() == {"redelivered": 1, "more": False}
            await settled(served, endpoint)
    assert len({got.headers["webhook-id"] for got in there.got}) == 1
    assert len(there.got) == 3


async def test_a_test_event_is_sent_whatever_the_endpoint_takes(served: Served) -> None:
    """It has a type of its own, and the delivery says how it went."""
    async with receiving() as there:
        endpoint = await made(served, there.url, events=["backtest.finished"])
        sent = await served.ask("POST", f"/v1/endpoints/{endpoint['id']}/test")
        assert sent.status_code == 202, sent.text
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
    assert (delivery["type"], delivery["id"]) == ("endpoint.test", sent.json()["id"])
    assert as_described(json.loads(there.got[0].body))["data"]["endpoint"] == endpoint["id"]
    read = (await served.ask("GET", f"/v1/deliveries/{delivery['id']}")).json()
    assert read == delivery


async def test_what_is_erased_is_not_sent_and_its_bytes_are_gone(served: Served) -> None:
    """Neither the event's bytes nor an answer about it stay."""
    endpoint = await made(served, "http://127.0.0.1:50009/")
    await tell(served, 1, about="ann@example.com")
    await tell(served, 2, about="bob@example.com")
    async with transaction(served.app.house.engine) as connection:
        ann = Subject(emails=("ann@example.com",))
        assert [await clear(connection, one, ann) for one in HOLDINGS] == [0, 1]
    newest, erased = await deliveries(served, endpoint)
    assert (erased["state"], erased["erased"]) == ("cancelled", True)
    assert (newest["state"], newest["erased"]) == ("waiting", False)
    again = await served.ask("POST", f"/v1/deliveries/{erased['id']}/redeliver")
    assert (again.status_code, again.json()["code"]) == (409, "delivery_not_over")


async def test_what_a_receiver_answers_cannot_hurt(served: Served) -> None:
    """Endless, binary, forged or broken answers: an excerpt of a kilobyte of text, or none."""
    says = {
        "long": answer(500, b"<b>" + b"x" * 300_000, content_type="text/html"),
        "binary": answer(500, bytes(range(256)), content_type="application/octet-stream"),
        "controls": answer(500, b"a\x00\x1b[31mb\xff\r\n", content_type="text/plain"),
        "broken": b"HTTP/9.9 huh\r\n\r\n",
        "nothing": b"",
        "zipped": answer(
            500, b"\x1f\x8b\x08" + bytes(50), content_encoding="gzip", content_type="text/plain"
        ),
    }
    async with receiving(lambda got: says[got.path.rpartition("/")[2]]) as there:
        kinds = ["rule_set.released"]
        urls = {name: f"{there.url}/{name}" for name in says}
        endpoints = {name: await made(served, url, events=kinds) for name, url in urls.items()}
        await tell(served, 1)
        async with sending(served.app.house):
            found = {name: (await settled(served, one))[0] for name, one in endpoints.items()}
    excerpts = {name: one["attempts"][0]["excerpt"] for name, one in found.items()}
    assert excerpts["long"] == "<b>" + "x" * 997
    assert excerpts["binary"] is excerpts["nothing"] is None
    assert excerpts["controls"] is not None
    assert not any(ord(letter) < 32 and letter not in "\t\n" for letter in excerpts["controls"])
    assert found["broken"]["attempts"][0]["problem"] == "connection"
    assert {one["state"] for one in found.values()} == {"failed"}
