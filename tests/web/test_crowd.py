"""How often strangers may ask: by key and neighbourhood, over all workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.settings import Settings
from service.storage import transaction
from service.web import Crowd, Rate, add_counts, forget_counts, neighbourhood_of
from service.web.crowd import Count, Total
from service.web.limiter import TooManyRequests
from tests.decisions.conftest import PAGE
from tests.decisions.rules import FLEET_LEADS, release
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

KEY, OTHER = UUID(int=1), UUID(int=2)
HOME, AWAY = "192.0.2.0/24", "198.51.100.0/24"


class Clock:
    """A clock that stands until it is told to go on."""

    now = datetime(2031, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.now


def crowd(clock: Clock, *, by_key: int = 0, by_address: int = 0) -> Crowd:
    """Return a count with rates a minute; 0 is none."""
    rates = [Rate(requests=n, window_s=60) if n else None for n in (by_key, by_address)]
    return Crowd(clock=clock, by_key=rates[0], by_address=rates[1])


def admitted(one: Crowd, times: int, key: UUID = KEY, address: str = HOME) -> int:
    """Return how many of so many requests pass."""
    passed = 0
    for _ in range(times):
        try:
            one.admit(key, address)
        except TooManyRequests:
            continue
        passed += 1
    return passed


def test_a_key_and_a_neighbourhood_count_for_themselves() -> None:
    """One neighbourhood's flood leaves the key open to others, until the key has had enough."""
    one = crowd(Clock(), by_key=10, by_address=6)
    assert admitted(one, 20) == 6
    assert admitted(one, 20, address=AWAY) == 4
    assert admitted(one, 20, key=OTHER) == 6


def test_a_refusal_says_how_long() -> None:
    """Whoever is refused learns when the window ends, and whoever passes what is left."""
    clock = Clock()
    clock.now += timedelta(seconds=20)
    one = crowd(clock, by_key=9, by_address=2)
    assert one.admit(KEY, HOME)["RateLimit"] == '"address";r=1;t=40, "key";r=8;t=40'
    one.admit(KEY, HOME)
    with pytest.raises(TooManyRequests) as refused:
        one.admit(KEY, HOME)
    assert refused.value.headers["Retry-After"] == "40"


def test_a_window_does_not_open_all_at_once() -> None:
    """What passed just before a window's end still counts after it, less and less."""
    clock = Clock()
    clock.now += timedelta(seconds=59)
    one = crowd(clock, by_address=60)
    assert admitted(one, 100) == 60
    clock.now += timedelta(seconds=1)
    assert admitted(one, 100) == 0
    clock.now += timedelta(seconds=30)
    assert admitted(one, 100) == 30
    clock.now += timedelta(seconds=150)
    assert admitted(one, 100) == 60


async def test_workers_share_what_they_counted(engine: AsyncEngine) -> None:
    """After a settlement no worker lets more pass than all together may."""

    async def exchange(counts: Sequence[Count]) -> list[Total]:
        async with transaction(engine) as connection:
            return await add_counts(connection, counts)

    clock = Clock()
    workers = [crowd(clock, by_address=30) for _ in range(3)]
    assert [admitted(one, 10) for one in workers] == [10, 10, 10]
    for one in workers:
        await one.settle(exchange)
    # The last one heard of all, the first of its own only: it hears with its next count.
    assert [admitted(one, 1) for one in reversed(workers)] == [0, 1, 1]
    for one in workers:
        await one.settle(exchange)
    assert [admitted(one, 5) for one in workers[1:]] == [0, 0]
    clock.now += timedelta(seconds=60)
    late = crowd(clock, by_address=30)
    late.admit(KEY, HOME)
    await late.settle(exchange)
    assert admitted(late, 5) == 0


async def test_nothing_is_lost_while_the_database_is_away(engine: AsyncEngine) -> None:
    """A settlement that fails is made up for by the next."""

    async def fail(_: Sequence[Count]) -> list[Total]:
        raise ConnectionError

    told: list[Count] = []

    async def hear(counts: Sequence[Count]) -> list[Total]:
        told.extend(counts)
        async with transaction(engine) as connection:
            return await add_counts(connection, counts)

    one = crowd(Clock(), by_key=50)
    admitted(one, 3)
    with pytest.raises(ConnectionError):
        await one.settle(fail)
    admitted(one, 2)
    await one.settle(hear)
    await one.settle(hear)
    assert [count.more for count in told] == [5]
    async with transaction(engine) as connection:
        await forget_counts(connection)  # the windows are of 2031: none is past
        assert (await add_counts(connection, [told[0]._replace(more=1)]))[0].counted == 6


def test_a_flood_of_neighbourhoods_is_no_flood_of_memory() -> None:
    """Whoever sends from everywhere is held by the key's count, which is never forgotten."""
    one = crowd(Clock(), by_key=12_000, by_address=5)
    passed = sum(admitted(one, 1, address=f"10.{n // 256}.{n % 256}.0/24") for n in range(15_000))
    assert passed == 12_000
    assert len(one._tallies) <= 10_001  # noqa: SLF001 - the bound is the claim


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.77", None, 0, "192.0.2.0/24"),
        ("10.0.0.7", None, 0, "10.0.0.0/24"),
        ("10.0.0.7", "198.51.100.9", 0, "unknown"),
        ("10.0.0.7", "198.51.100.9", 1, "198.51.100.0/24"),
        ("2001:db8:1:2::3", None, 0, "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", None, 0, "192.0.2.0/24"),
        ("fe80::1%eth0", None, 0, "fe80::/48"),
        ("8.8.4.4", "198.51.100.9", 0, "8.8.4.0/24"),
        ("192.0.2.77", "203.0.113.5, 198.51.100.9", 1, "198.51.100.0/24"),
        ("192.0.2.77", "203.0.113.5, 198.51.100.9", 2, "203.0.113.0/24"),
        ("192.0.2.77", "203.0.113.5", 3, "203.0.113.0/24"),
        ("192.0.2.77", "", 1, "unknown"),
        ("192.0.2.77", "nonsense", 1, "unknown"),
        (None, None, 0, "unknown"),
    ],
)
def test_only_a_neighbourhood_is_known(
    client: str | None, forwarded: str | None, proxies: int, expected: str
) -> None:
    """The first bits of an address, told by the connection or by our own proxies alone."""
    scope: dict[str, Any] = {"client": None if client is None else (client, 5)}
    head = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode()}
    assert neighbourhood_of(scope, head, proxies=proxies) == expected


@pytest.fixture
async def limited(database_url: str) -> AsyncIterator[tuple[Served, str]]:
    """Return an application whose forms may ask little, and a form's key."""
    settings = Settings(assess_every_s=0, address_requests_per_minute=4, visitors_per_address=2)
    async with serving(database_url, settings=settings) as served:
        await release(served.app.house, FLEET_LEADS)
        key = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
        yield served, key


async def test_an_unknown_neighbourhood_is_not_counted(limited: tuple[Served, str]) -> None:
    """Behind a proxy that nobody told us of, visitors are not taken for one another."""
    served, key = limited
    told = []
    for number in range(6):
        headers = {"Origin": PAGE, "X-Forwarded-For": f"8.8.{number}.1"}
        lead = {"vehicles": number}
        told.append(
            await served.ask("POST", "/v1/qualify", key=key, headers=headers, json={"lead": lead})
        )
    assert [one.status_code for one in told] == [200] * 6
    assert len({one.headers["goodfit-visit"] for one in told}) == 6


async def test_refusals_can_be_read_by_the_page(limited: tuple[Served, str]) -> None:
    """New visitors and requests of a neighbourhood end; every answer has its CORS headers."""
    served, key = limited
    answers = []
    for number in range(5):
        lead = {"email": f"a{number}@fleet.example"}
        answers.append(
            await served.ask(
                "POST", "/v1/qualify", key=key, headers={"Origin": PAGE}, json={"lead": lead}
            )
        )
    assert [one.status_code for one in answers] == [200, 200, 429, 429, 429]
    assert {one.headers["access-control-allow-origin"] for one in answers} == {PAGE}
    assert "retry-after" in answers[-1].headers


async def test_two_workers_hold_one_limit(database_url: str) -> None:
    """What one process let pass, another knows of after a second."""
    settings = Settings(assess_every_s=0, address_requests_per_minute=0)
    settings = settings.model_copy(update={"publishable_requests_per_minute": 6})
    at = datetime.now(UTC).replace(second=10) + timedelta(minutes=2)  # no window ends meanwhile
    async with (
        serving(database_url, settings=settings, clock=lambda: at) as one,
        serving(database_url, settings=settings, clock=lambda: at) as other,
    ):
        await release(one.app.house, FLEET_LEADS)
        key = await one.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])

        async def ask(served: Served, number: int) -> int:
            lead = {"email": f"w{number}@fleet.example"}
            headers = {"Origin": PAGE}
            answer = await served.ask(
                "POST", "/v1/qualify", key=key, headers=headers, json={"lead": lead}
            )
            return answer.status_code

        assert [await ask(one, n) for n in range(4)] == [200] * 4
        assert await ask(other, 4) == 200
        await asyncio.sleep(2.5)
        assert [await ask(other, n) for n in (5, 6)] == [200, 429]
        await asyncio.sleep(2.5)
        assert await ask(one, 7) == 200  # it hears with its next count
        await asyncio.sleep(2.5)
        assert await ask(one, 8) == 429
