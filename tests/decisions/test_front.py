"""`POST /v1/qualify` answered in front of the routes says what its documented route says."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from service.web import Crowd, Envelope, Gate, Limiter, Metrics, Rates
from tests.decisions.conftest import PAGE
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, release
from tests.web.hostile import HOSTILE
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

AT = datetime(2031, 1, 1, 12, tzinfo=UTC)
LEAD: dict[str, Any] = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "dry_run": True}
QUESTIONS: dict[str, Any] = {
    "a lead": LEAD,
    "in full": LEAD | {"explain": "full"},
    "the last word": LEAD | {"final": True, "source": "form", "external_id": "crm-1"},
    "a version": LEAD | {"at_version": 1},
    "no such version": LEAD | {"at_version": 9},
    "nobody": {"rule_set": "fleet_leads", "dry_run": True},
    "two at once": LEAD | {"account": {}},
    "an account": {"rule_set": "fleet_leads", "account": {}, "dry_run": True},
    "no account": {"rule_set": "fleet_leads", "account_key": "none", "dry_run": True},
    "other rules": LEAD | {"rule_set": "fleet_lead"},
    "a typo": {"rule_set": "fleet_leads", "leed": LARGE_FLEET},
}
OWN = ("x-request-id", "content-length", "ratelimit")
VALUES: tuple[object, ...] = (None, True, 0, -1, 1.5, "", "x", [], {}, [1], {"a": 1}, 2**60)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Content-Type": "application/json"},
    {"Content-Type": "application/problem+json"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=latin-1"},
    {"Idempotency-Key": "k"},
    {"Idempotency-Key": "\t"},
    {"Origin": PAGE},
)


class Both:
    """The application with its front, and the same application reached by its route."""

    def __init__(self, served: Served) -> None:
        app, house = served.app, served.app.house
        rates = Rates(secret=None, crowd=Crowd(clock=house.clock))
        gate = Gate(app.api, keys=house.keys, limiter=Limiter(timer=time.monotonic), rates=rates)
        route = Envelope(gate, clock=house.clock, timer=time.perf_counter, metrics=Metrics())
        transport = httpx.ASGITransport(route, raise_app_exceptions=False)
        self.front = served.client
        self.route = httpx.AsyncClient(transport=transport, base_url="http://goodfit.test")

    async def ask(self, body: bytes, key: str, headers: dict[str, str]) -> list[Any]:
        """Return what each answers, without what is of one request only."""
        sent = {"Authorization": f"Bearer {key}"} | headers
        told = []
        for client in (self.front, self.route):
            answer = await client.post("/v1/qualify", content=body, headers=sent)
            said = answer.json()
            said.pop("request_id", None)
            kept = {n: v for n, v in answer.headers.items() if not n.startswith(OWN)}
            told.append((answer.status_code, said, kept))
        return told


@pytest.fixture(scope="module")
async def both(module_database_url: str) -> AsyncIterator[tuple[Both, dict[str, str]]]:
    """Return both, and a key of each kind."""
    async with serving(module_database_url, clock=lambda: AT) as served:
        await release(served.app.house, FLEET_LEADS)
        public = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
        yield Both(served), {"secret": served.admin_key, "publishable": public, "none": "nope"}


@pytest.mark.parametrize("key", ["secret", "publishable", "none"])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_questions_are_answered_alike(
    both: tuple[Both, dict[str, str]], question: str, key: str
) -> None:
    """Status, body and headers, for every kind of key, media type and question."""
    pair, keys = both
    for headers in HEADERS:
        body = orjson.dumps(QUESTIONS[question])
        front, route = await pair.ask(body, keys[key], headers)
        assert front == route, headers


async def test_bodies_that_are_wrong_are_refused_alike(both: tuple[Both, dict[str, str]]) -> None:
    """Three hundred hostile bodies, and every member with values of every type."""
    pair, keys = both
    wrong = [
        orjson.dumps(LEAD | {member: value})
        for member in (*LEAD, "account", "account_key", "external_id", "final", "at_version")
        for value in VALUES
    ]
    hostile = [sent.body for sent in HOSTILE]
    hostile.remove(b"null")  # which the framework takes for no body at all
    for body in (b"", *hostile, *wrong):
        front, route = await pair.ask(body, keys["secret"], {"Content-Type": "application/json"})
        assert front == route, body[:200]
