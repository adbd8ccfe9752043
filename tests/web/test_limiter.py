"""How often one key may ask: counted exactly, told in headers, forgotten in time."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import Settings
from service.web import Limiter, Rate
from service.web.limiter import TooManyRequests
from tests.web.serving import serving

ANN, BOB = UUID(int=1), UUID(int=2)


class Clock:
    """A clock that stands until it is told to go on."""

    now_s = 50.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now_s


def test_a_window_holds_what_it_says() -> None:
    """So many requests pass at once, the next one waits, and each key counts alone."""
    clock, rate = Clock(), Rate(requests=3, window_s=60)
    limiter = Limiter(timer=clock)
    left = [limiter.admit(ANN, rate)["RateLimit"] for _ in range(3)]
    assert left == ['"key";r=2;t=20', '"key";r=1;t=40', '"key";r=0;t=60']
    with pytest.raises(TooManyRequests) as refused:
        limiter.admit(ANN, rate)
    assert refused.value.headers["Retry-After"] == "20"
    assert refused.value.headers["RateLimit-Policy"] == '"key";q=3;w=60'
    limiter.admit(BOB, rate)
    clock.now_s += 20
    limiter.admit(ANN, rate)


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60))
def test_no_window_lets_more_than_twice_its_rate_pass(pauses: list[float]) -> None:
    """Over any span, no more pass than the full bucket and what flowed out meanwhile."""
    clock, rate = Clock(), Rate(requests=5, window_s=60)
    limiter = Limiter(timer=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now_s += pause
        try:
            limiter.admit(ANN, rate)
        except TooManyRequests:
            continue
        passed.append(clock.now_s)
    for first, at in enumerate(passed):
        span = [other for other in passed[first:] if other <= at + 60]
        assert len(span) <= 2 * rate.requests


def test_who_waits_as_told_is_let_in() -> None:
    """`Retry-After` is never too short."""
    clock, rate = Clock(), Rate(requests=7, window_s=10)
    limiter = Limiter(timer=clock)
    for _ in range(100):
        try:
            limiter.admit(ANN, rate)
        except TooManyRequests as refused:
            clock.now_s += int(refused.headers["Retry-After"])
            limiter.admit(ANN, rate)


@pytest.mark.anyio
async def test_a_limited_key_is_told_over_http(database_url: str) -> None:
    """Answers under a limit carry its headers; past it comes 429 with Retry-After."""
    settings = Settings(secret_requests_per_minute=2)
    async with serving(database_url, settings=settings) as served:
        answers = [await served.ask("GET", "/v1/rule-sets") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"key";q=2;w=60'] * 3
    assert answers[2].json()["code"] == "too_many_requests"
    assert int(answers[2].headers["retry-after"]) >= 1


@pytest.mark.anyio
async def test_an_unlimited_key_is_told_nothing(database_url: str) -> None:
    """Without a limit there are no headers about one."""
    async with serving(database_url, settings=Settings(secret_requests_per_minute=0)) as served:
        answer = await served.ask("GET", "/v1/rule-sets")
    assert "ratelimit" not in answer.headers
