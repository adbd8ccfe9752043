"""Before anything of a request is read: address, key, scope, and how long its body may be."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fastapi.routing import iter_route_contexts
from starlette.requests import ClientDisconnect
from starlette.types import Message

from service.app import build_api
from service.web import ACCESS, Access, BodyTooLarge, Door, Scope, read_body
from service.web.bodies import BodyTimeout, UnsupportedMediaType, check_head, count
from service.web.gate import check_caller
from service.web.refusals import Refusal
from tests.web.serving import Served
from tests.web.test_keys import ANN

pytestmark = pytest.mark.anyio
KB = 1024


def routes_of_app() -> set[tuple[str, str]]:
    """Return method and template of every route that any room has."""
    return {
        (method, context.path or "")
        for context in iter_route_contexts(build_api().routes)
        for method in context.methods or ()
    }


def test_every_route_stands_in_the_table_and_back() -> None:
    """No route is reachable that the table does not name, and it names none that is not there."""
    listed = [(access.method, access.template) for access in ACCESS]
    assert len(listed) == len(set(listed))
    assert set(listed) == routes_of_app()


def test_only_what_must_be_open_is_open() -> None:
    """Open routes read nothing of anybody's; the list is short and may be read at a glance.

    What comes in at `/v1/intake` has no key and proves itself.
    """
    assert {access.template for access in ACCESS if access.needs is Door.OPEN} == {
        "/",
        "/docs",
        "/embed/{name}",
        "/livez",
        "/openapi-3.0.json",
        "/openapi.json",
        "/problems/{code}",
        "/readyz",
        "/static/{digest}/{name}",
        "/integrations/salesforce/openapi.json",
        "/v1/intake/{connection}",
        "/v1/intake/{connection}/{token}",
    }
    assert [access.template for access in ACCESS if access.publishable] == [
        "/v1/qualify",
        "/v1/forms/{publishable_key}",
        "/v1/forms/{publishable_key}/questions",
        "/v1/forms/{publishable_key}/visits",
    ]


def test_every_body_has_a_limit_but_a_stream() -> None:
    """Only NDJSON may go on for ever; the file of an import is counted by its route."""
    without = {
        (access.template, media_type)
        for access in ACCESS
        if access.body is not None
        for media_type, limit in access.body.limits.items()
        if limit is None and access.template != "/v1/accounts/imports/{id}/file"
    }
    assert without == {
        ("/v1/qualify/batch", "application/x-ndjson"),
        ("/v1/accounts", "application/x-ndjson"),
        ("/v1/events", "application/x-ndjson"),
        ("/v1/outcomes", "application/x-ndjson"),
    }


@pytest.mark.parametrize("access", [one for one in ACCESS if isinstance(one.needs, Scope)])
def test_a_scope_opens_its_routes_and_no_others(access: Access) -> None:
    """Each scope alone, and none but it and admin, lets a secret key through to a route."""
    for scope in Scope:
        caller = replace(ANN, scopes=frozenset({scope}))
        if scope in {access.needs, Scope.ADMIN}:
            check_caller(caller, access, origin=None)
        else:
            with pytest.raises(Refusal):
                check_caller(caller, access, origin=None)


async def test_a_wrong_key_is_refused_before_the_body(shared: Served) -> None:
    """Nothing of a body is taken from somebody who may not send it."""
    taken = []

    async def body() -> AsyncIterator[bytes]:
        taken.append(True)
        yield b"{}"

    headers = {"Content-Type": "application/json"}
    for key, status in ((None, 401), (await shared.new_key("decide"), 403)):
        answer = await shared.ask("POST", "/v1/keys", content=body(), headers=headers, key=key)
        assert (answer.status_code, taken) == (status, [])


@pytest.mark.parametrize("with_length", [True, False], ids=["with length", "chunked"])
@pytest.mark.parametrize(
    ("size", "status"),
    [(64 * KB, 422), (64 * KB + 1, 413), (640 * KB, 413)],
    ids=["at the limit", "one past it", "ten times"],
)
async def test_a_body_may_be_as_long_as_its_limit(
    shared: Served, size: int, status: int, *, with_length: bool
) -> None:
    """The limit itself passes to validation; a byte more is 413, with a length or without."""
    whole = json.dumps({"zzz": ["x" * 8_000] * 100}).encode()[: size - 2]
    sent = (whole + b" " * size)[:size]

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 10_000):
            yield sent[start : start + 10_000]

    answer = await shared.ask(
        "POST",
        "/v1/keys",
        content=sent if with_length else chunks(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == status


def route(template: str, method: str = "POST") -> Access:
    """Return one line of the table."""
    return next(one for one in ACCESS if (one.method, one.template) == (method, template))


@pytest.mark.parametrize(
    ("template", "media_type", "limit"),
    [
        ("/v1/qualify", "application/json", 64 * KB),
        ("/v1/qualify", "Application/JSON; charset=UTF-8", 64 * KB),
        ("/v1/qualify", "", 64 * KB),
        ("/v1/qualify", "application/x-www-form-urlencoded", 64 * KB),
        ("/v1/qualify/batch", "application/json", 1024 * KB),
        ("/v1/qualify/batch", "application/x-ndjson", None),
    ],
)
def test_the_kind_of_body_decides_its_limit(
    template: str, media_type: str, limit: int | None
) -> None:
    """One route may take an array of a megabyte, or lines without an end."""
    body = route(template).body
    assert body is not None
    assert check_head({b"content-type": media_type.encode()}, body) == limit


@pytest.mark.parametrize("length", ["65537", "9" * 400, "-1", "1e3", "٣", "0x10", ""])
def test_a_length_that_is_too_large_or_none_is_refused(length: str) -> None:
    """A declared length is believed only where it is a number within the limit."""
    body = route("/v1/qualify").body
    assert body is not None
    with pytest.raises(BodyTooLarge):
        check_head({b"content-length": length.encode()}, body)


def test_a_stream_may_not_pose_as_json() -> None:
    """NDJSON on a route that reads one document is another kind of body."""
    body = route("/v1/qualify").body
    assert body is not None
    with pytest.raises(UnsupportedMediaType):
        check_head({b"content-type": b"application/x-ndjson"}, body)


class Client:
    """The sending side of one request, part by part; silent once its parts are over."""

    def __init__(self, *parts: Message) -> None:
        self.parts = list(parts)

    async def receive(self) -> Message:
        """Return the next part, or nothing ever again."""
        if not self.parts:
            await asyncio.Event().wait()
        return self.parts.pop(0)


def part(body: bytes, *, more: bool = True) -> Message:
    """Return one part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("rest", "closes"),
    [
        ([part(b"x" * 10_000, more=False)], False),
        ([part(b"x" * 10_000)] * 50 + [part(b"", more=False)], False),
        ([part(b"x" * 100_000)] * 50, True),
        ([part(b"x"), {"type": "http.disconnect"}], True),
    ],
    ids=["the end", "a moderate rest", "a long rest", "a client that left"],
)
async def test_a_moderate_rest_is_thrown_away(rest: list[Message], *, closes: bool) -> None:
    """Whoever sends somewhat too much can send it all and read why; only much more is cut off."""
    client = Client(part(b"x" * 100), *rest)
    with pytest.raises(BodyTooLarge) as refused:
        await read_body(count(client.receive, 64, timeout_s=5))
    assert ("Connection" in refused.value.headers) is closes


@pytest.mark.parametrize(("length", "closes"), [(70_000, False), (1_000_000, False), (2**21, True)])
def test_a_declared_length_is_cut_off_where_it_is_long(length: int, *, closes: bool) -> None:
    """A declared body of up to a megabyte is read to its end by the server, though refused."""
    body = route("/v1/qualify").body
    assert body is not None
    for head, kind in (
        ({}, BodyTooLarge),
        ({b"content-type": b"text/plain"}, UnsupportedMediaType),
        ({b"content-encoding": b"gzip"}, UnsupportedMediaType),
    ):
        with pytest.raises(kind) as refused:
            check_head({b"content-length": str(length).encode(), **head}, body)
        assert ("Connection" in refused.value.headers) is closes


async def test_a_client_that_stalls_is_let_go() -> None:
    """Who sends half a body and then nothing holds nobody up for longer than the timeout."""
    for limit in (64, None):
        receive = count(Client(part(b"{")).receive, limit, timeout_s=0.05)
        with pytest.raises(BodyTimeout) as refused:
            await read_body(receive)
        assert refused.value.headers == {"Connection": "close"}


async def test_a_client_that_drips_is_let_go() -> None:
    """A byte now and then does not stretch the time for a whole body."""

    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return part(b"x")

    async with asyncio.timeout(5):
        with pytest.raises(BodyTimeout):
            await read_body(count(drip, 10**6, timeout_s=0.1))


async def test_a_client_that_leaves_is_no_error() -> None:
    """A body that breaks off is nobody's defect."""
    leaving = Client(part(b"{"), {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnect):
        await read_body(count(leaving.receive, 64))


async def test_after_its_end_a_body_has_no_deadline() -> None:
    """Whoever waits for a disconnect while it answers is not hurried by the body's clock."""
    client = Client(part(b"a"), part(b"b", more=False))
    receive = count(client.receive, 64, timeout_s=0.05)
    assert await read_body(receive) == b"ab"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receive(), 0.2)


async def test_a_stream_is_counted_by_nobody_here() -> None:
    """Without a limit any number of parts passes, each in its own time."""
    client = Client(*(part(b"x" * 1_000) for _ in range(100)), part(b"", more=False))
    assert len(await read_body(count(client.receive, None, timeout_s=0.5))) == 100_000
