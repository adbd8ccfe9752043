"""Whatever is sent to whichever JSON route: a clear refusal, and nobody else waits."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from service.web import ACCESS, Access
from tests.web.hostile import HOSTILE, HUGE, WRONG_TYPES, Hostile
from tests.web.serving import Served
from tests.web.watching import answered_without_blocking

pytestmark = pytest.mark.anyio

BATCHES = {"/v1/qualify/batch", "/v1/accounts", "/v1/events", "/v1/outcomes"}
PROVED_FIRST = {"/v1/intake/{connection}", "/v1/intake/{connection}/{token}"}
"""What a vendor sends is not read before it has proved whose it is: see tests/intake."""


def json_routes() -> list[Access]:
    """Return every route that reads JSON within a limit."""
    return [
        route
        for route in ACCESS
        if route.body is not None and "application/json" in route.body.limits
    ]


def path_of(route: Access) -> str:
    """Return an address of *route* whose parameters name nothing that exists."""
    parameters = {"slug": "fleet_leads", "draft": "main", "key": "acme", "id": "x", "number": "1"}
    parameters |= {"kind": "site_visit", "name": "crm", "connection": "x", "token": "x"}
    return route.template.format_map(parameters)


def assert_refused(answer: httpx.Response, sent: Hostile) -> None:
    """Hold an answer to what every refusal promises."""
    assert 400 <= answer.status_code < 500, (sent.name, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", sent.name
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    if problem["code"] in {"invalid_json", "validation_failed"}:
        assert problem["errors"], sent.name
        assert all("pointer" in error for error in problem["errors"]), (sent.name, problem)


def test_the_table_is_large_enough() -> None:
    """The table keeps its promise of three hundred different bodies."""
    assert len({sent.body for sent in HOSTILE}) >= 300


@pytest.mark.parametrize(
    "route", json_routes(), ids=lambda route: f"{route.method} {route.template}"
)
async def test_every_hostile_body_is_refused(shared: Served, route: Access) -> None:
    """No body makes a 5xx, each gets a problem document with a pointer, none blocks."""
    path = path_of(route)
    for sent in HOSTILE:

        async def ask(body: bytes = sent.body) -> httpx.Response:
            headers = {"Content-Type": "application/json"}
            return await shared.ask(route.method, path, content=body, headers=headers)

        answer = await answered_without_blocking(ask)
        if route.template in BATCHES and answer.status_code == 200:
            continue  # each element is refused alone; the batch's own tests read those
        assert_refused(answer, sent)
        if route.template in BATCHES | PROVED_FIRST:
            continue
        if not sent.is_json and sent.body.strip():
            assert answer.json()["code"] == "invalid_json", (sent.name, answer.text)


@pytest.mark.parametrize("sent", HUGE, ids=lambda sent: sent.name)
@pytest.mark.parametrize("with_length", [True, False], ids=["with length", "chunked"])
async def test_a_huge_body_is_refused_at_its_limit(
    shared: Served, sent: Hostile, *, with_length: bool
) -> None:
    """A body of megabytes is refused at the limit, and little more of it is taken."""
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, len(sent.body), 32_768):
            taken = start
            yield sent.body[start : start + 32_768]
            await asyncio.sleep(0)

    async def ask() -> httpx.Response:
        content = sent.body if with_length else chunks()
        headers = {"Content-Type": "application/json"}
        return await shared.ask("POST", "/v1/keys", content=content, headers=headers)

    answer = await answered_without_blocking(ask)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert_refused(answer, sent)
    assert taken <= 64 * 1024 + 1024 * 1024 + 32_768


@pytest.mark.parametrize("kind", WRONG_TYPES)
async def test_a_wrong_content_type_is_415(shared: Served, kind: str) -> None:
    """A body that calls itself something else is not read at all."""
    answer = await shared.ask("POST", "/v1/keys", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


async def test_a_compressed_body_is_415(shared: Served) -> None:
    """A body is read as it comes, so a compressed one cannot grow here."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await shared.ask("POST", "/v1/keys", content=b"{}", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/v1/keys/%00", "/v1/keys?cursor=%00", "/v1/rule-sets/a%00b"])
async def test_an_address_with_nul_is_nothing(shared: Served, path: str) -> None:
    """U+0000 in an address reaches no database."""
    answer = await shared.ask("GET", path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
