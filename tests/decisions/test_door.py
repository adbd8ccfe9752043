"""A connection with a door answers, byte for byte, what it would have answered through ASGI."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson
import psycopg
import pytest
from starlette.types import Receive, Scope, Send

from service.app import Application
from service.connection import Connection, Heads, Reply
from service.decisions.desk import Desk
from service.decisions.door import QualifyDoor
from service.storage import libpq_url
from service.web import configure_logs
from tests.decisions.conftest import PAGE
from tests.decisions.rules import release
from tests.journeys.listening import listening
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

AT: Final = datetime(2031, 1, 1, 12, tzinfo=UTC)
RULES: Final = """
rule_set: plain_leads
subject: lead
attributes:
  vehicles: {type: number, min: 0}
  country: {type: choice, choices: [DE, FR], other: true}
scores:
  fit:
    ceiling: 100
    groups:
      - id: all
        rules:
          - {id: large, when: vehicles >= 20, points: 25}
          - {id: near, when: country == "DE", points: 5}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 20, action: book, url: /b}
  - {id: rest, verdict: disqualify, message: Sorry}
"""
LEAD: Final[dict[str, Any]] = {
    "rule_set": "plain_leads",
    "lead": {"vehicles": 40, "country": "DE"},
}
# The day of the answer, and what is made anew for each: ids.
OWN: Final = re.compile(rb"\r\ndate: [^\r]*|(?<=req_)\w{26}|(?<=dec_)\w{26}")
WARM: Final = 8
"""How many decisions of a version are made before it is compiled to be told at once."""


class Watched:
    """An application whose door says what it took."""

    def __init__(self, app: Application) -> None:
        assert app.door is not None
        self._app, self._own = app, app.door
        self.target = app.door.target
        self.door = self
        self.took: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app.asgi(scope, receive, send)

    def take(self, head: Mapping[bytes, bytes], body: bytes, reply: Reply) -> bool:
        """Do as the application's door does."""
        self.took.append(self._own.take(head, body, reply))
        return self.took[-1]


@dataclass
class Doors:
    """One application behind two sockets: with its door, and through ASGI alone."""

    served: Served
    public: str
    watched: Watched
    with_door: tuple[str, int]
    without: tuple[str, int]
    url: str

    def request(self, body: bytes, *lines: str, key: str = "", version: str = "1.1") -> bytes:
        """Return a request with one of the usual heads, and *lines* in it."""
        head = [
            f"POST /v1/qualify HTTP/{version}",
            "Host: goodfit.test",
            f"Authorization: Bearer {key or self.served.admin_key}",
            f"Content-Length: {len(body)}",
            *lines,
        ]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def both(self, *parts: bytes, answers: int = 1) -> tuple[list[bytes], list[bytes]]:
        """Return what is answered to *parts*, sent one after the other, with a door and without."""
        mine = await told(self.with_door, *parts, answers=answers)
        return mine, await told(self.without, *parts, answers=answers)

    async def taken(self, *parts: bytes) -> tuple[list[bytes], list[bytes]]:
        """Do as `both` does, once the door did take it.

        What the process knows of keys and releases is a second old at most, so on a machine that
        stalls a question comes too late for the door.
        """
        for _ in range(20):
            await self.served.ask("POST", "/v1/qualify", json=LEAD | {"dry_run": True})
            mine, other = await self.both(*parts)
            assert mine == other
            if self.watched.took[-1]:
                break
        else:
            raise AssertionError("the door takes nothing")
        return mine, other


async def told(place: tuple[str, int], *parts: bytes, answers: int = 1) -> list[bytes]:
    """Return whole answers without what is of one request only, and whether it was closed."""
    reader, writer = await asyncio.open_connection(*place)
    said: list[bytes] = []
    async with asyncio.timeout(20):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.005)
        while len(said) < answers:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 100"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                said.append(OWN.sub(b"", head + await reader.readexactly(length)))
            else:
                said.append(head)
        if any(b"connection: close" in one for one in said):
            assert await reader.read() == b""
    writer.close()
    return said


@asynccontextmanager
async def open_doors(url: str) -> AsyncIterator[Doors]:
    """Serve the database at *url* through both for the block."""
    async with serving(url, clock=lambda: AT) as served:
        await release(served.app.house, RULES)
        public = await served.new_key(kind="publishable", rule_set="plain_leads", origins=[PAGE])
        watched = Watched(served.app)
        for _ in range(WARM):
            await served.ask("POST", "/v1/qualify", json=LEAD)
        async with (
            listening(watched, http=Connection) as mine,
            listening(served.app.asgi) as other,
        ):
            yield Doors(served, public, watched, mine, other, url)


@pytest.fixture(scope="module")
async def doors(module_database_url: str) -> AsyncIterator[Doors]:
    """Return an application behind both."""
    async with open_doors(module_database_url) as opened:
        yield opened


USUAL: Final[dict[str, tuple[dict[str, Any], tuple[str, ...]]]] = {
    "a lead": (LEAD, ()),
    "JSON": (LEAD, ("Content-Type: application/json; charset=utf-8",)),
    "as curl says": (LEAD, ("Content-Type: application/x-www-form-urlencoded",)),
    "the last word": (LEAD | {"final": True, "source": "form", "external_id": "crm-1"}, ()),
    "a number as text": (LEAD | {"lead": {"vehicles": "40", "country": "XX"}}, ()),
}
UNUSUAL: Final[dict[str, tuple[object, tuple[str, ...]]]] = {
    "in full": (LEAD | {"explain": "full"}, ()),
    "tried": (LEAD | {"dry_run": True}, ()),
    "a data problem": (LEAD | {"lead": {"vehicles": "many", "country": "DE"}}, ()),
    "nothing known": (LEAD | {"lead": {}}, ()),
    "a version": (LEAD | {"at_version": 1}, ()),
    "no such rules": (LEAD | {"rule_set": "fleet"}, ()),
    "a typo": ({"rule_set": "plain_leads", "leed": {}}, ()),
    "nobody": ({"rule_set": "plain_leads"}, ()),
    "a page's": (LEAD, (f"Origin: {PAGE}",)),
    "text": (LEAD, ("Content-Type: text/plain",)),
    "compressed": (LEAD, ("Content-Encoding: gzip",)),
    "a key that is none": (LEAD, ("Idempotency-Key: \t",)),
    "no JSON": (b'{"rule_set": "plain_leads", ', ()),
    "a key twice": (b'{"lead": {}, "lead": {}, "rule_set": "plain_leads"}', ()),
    "nothing": (b"", ()),
    "too much": (b" " * 66_000, ()),
}


@pytest.mark.parametrize("name", USUAL)
async def test_what_is_usual_is_taken_and_answered_alike(doors: Doors, name: str) -> None:
    """Head and body, in one piece, in two and in many."""
    question, lines = USUAL[name]
    request = doors.request(orjson.dumps(question), *lines)
    head, _, body = request.partition(b"\r\n\r\n")
    for parts in ((request,), (head + b"\r\n\r\n", body), (head, b"\r\n\r\n", body[:9], body[9:])):
        mine, _ = await doors.taken(*parts)
        assert mine[0].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("name", UNUSUAL)
async def test_what_is_not_usual_is_left_and_answered_alike(doors: Doors, name: str) -> None:
    """Refusals too, with every header they carry."""
    question, lines = UNUSUAL[name]
    body = question if isinstance(question, bytes) else orjson.dumps(question)
    before = len(doors.watched.took)
    mine, other = await doors.both(doors.request(body, *lines))
    assert mine == other
    assert True not in doors.watched.took[before:]


@pytest.mark.parametrize("name", [*USUAL, *UNUSUAL])
async def test_a_head_that_is_known_is_answered_alike(doors: Doors, name: str) -> None:
    """Whatever comes under it, on the connection where it was read and on another one."""
    question, lines = {**USUAL, **UNUSUAL}[name]
    body = question if isinstance(question, bytes) else orjson.dumps(question)
    # White space around a document says nothing; so different questions have one length.
    length = max(len(orjson.dumps(LEAD)), len(body)) + 1
    asked, usual = body.ljust(length), orjson.dumps(LEAD).ljust(length)
    known = doors.request(usual)
    await doors.taken(known)
    for parts in (
        (known, doors.request(asked), known),
        (known, doors.request(asked, *lines), known),
        (doors.request(asked)[:-1], doors.request(asked)[-1:], known),
        (known[:40], known[40:] + known[:60], known[60:]),
        (known + doors.request(asked), known),
        (b"\r\n" + known, known),
    ):
        whole = b"".join(parts)
        mine, other = await doors.both(*parts, answers=whole.count(b"POST /v1/qualify"))
        assert mine == other


async def test_a_body_that_looks_like_a_known_request_is_a_body(doors: Doors) -> None:
    """Whoever hides a request in a body has asked one, and it is no JSON."""
    known = doors.request(orjson.dumps(LEAD))
    await doors.taken(known)
    head = doors.request(known).removesuffix(known)
    mine, other = await doors.both(head, known)
    assert mine == other
    assert mine[0].startswith(b"HTTP/1.1 422")


async def test_a_door_is_shown_a_question_once(doors: Doors) -> None:
    """What it leaves goes through ASGI at once, whether or not its head was known."""
    length = len(orjson.dumps(LEAD)) + 40
    usual = orjson.dumps(LEAD).ljust(length)
    odd = orjson.dumps(LEAD | {"explain": "full"}).ljust(length)
    await doors.taken(doors.request(usual))
    for _ in range(3):
        before = len(doors.watched.took)
        await told(doors.with_door, doors.request(odd))
        assert doors.watched.took[before:] == [False]


def test_only_whole_and_short_heads_are_known_and_not_too_many() -> None:
    """A client that sends another head each time costs no more memory in the end."""
    heads, body = Heads(), b"{}"
    for request in (
        b"",
        b"POST / HTTP/1.1\r\nA: b\r\n",
        b"POST / HTTP/1.1\r\n\r\n{",
        b"POST / HTTP/1.1\r\n\r\n{}{",
        b"POST / HTTP/1.1\r\nA: " + b"b" * 3_000 + b"\r\n\r\n{}",
    ):
        heads.add(request, head={}, body=body)
    assert len(heads) == 0
    for number in range(2_000):
        text = b"POST / HTTP/1.1\r\nA: %d\r\n\r\n" % number
        heads.add(text + body, head={b"a": b"%d" % number}, body=body)
        found = heads.find(text)
        assert found is not None
        assert found.head[b"a"] == b"%d" % number
    assert 0 < len(heads) <= 512


async def test_unusual_ways_of_asking_are_answered_alike(doors: Doors) -> None:
    """Of each the connection goes on or ends as it would have."""
    body = orjson.dumps(LEAD)
    chunked = doors.request(b"", "Transfer-Encoding: chunked").replace(
        b"Content-Length: 0\r\n", b""
    )
    asked = [
        doors.request(body, "Connection: close"),
        doors.request(body, version="1.0"),
        doors.request(body, "Connection: upgrade", "Upgrade: h2c"),
        doors.request(body, key="gf_sk_none"),
        doors.request(body, key=doors.public),
        chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        doors.request(body).replace(b"/v1/qualify", b"/v1/qualify?x=1", 1),
        doors.request(body).replace(b"POST", b"PUT", 1),
    ]
    for request in asked:
        mine, other = await doors.both(request)
        assert mine == other, request
    mine, other = await doors.both(doors.request(body, "Expect: 100-continue"), answers=2)
    assert mine == other
    assert mine[0].startswith(b"HTTP/1.1 100")


async def test_what_is_sent_ahead_is_answered_in_its_order(doors: Doors) -> None:
    """Five requests in one piece, of which a door could take four."""
    names = ["one", "two", None, "four", "five"]
    asked = [
        doors.request(orjson.dumps(LEAD | {"external_id": name}) if name else b"{}")
        for name in names
    ]
    mine, other = await doors.both(b"".join(asked), answers=5)
    assert mine == other
    order = [orjson.loads(one.partition(b"\r\n\r\n")[2]).get("subject", {}) for one in mine]
    assert [subject.get("external_id") for subject in order] == names


async def test_one_key_decides_once_through_both(doors: Doors) -> None:
    """Six at once: one decides, the others get its answer, and another body is refused."""
    body, line = orjson.dumps(LEAD), "Idempotency-Key: once"
    places = [doors.with_door, doors.without] * 3
    at_once = await asyncio.gather(*(told(one, doors.request(body, line)) for one in places))
    assert {said.split(b"\r\n")[0] for (said,) in at_once} == {b"HTTP/1.1 200 OK"}
    replayed = [b"idempotency-replayed: true" in said for (said,) in at_once]
    assert sorted(replayed) == [False] + [True] * 5
    other_body = orjson.dumps(LEAD | {"external_id": "other"})
    mine, other = await doors.both(doors.request(other_body, line))
    assert mine == other
    assert mine[0].startswith(b"HTTP/1.1 422")


async def test_whoever_leaves_is_still_decided(doors: Doors) -> None:
    """The client hangs up before the commit; the decision is kept, and the server lives."""
    _, writer = await asyncio.open_connection(*doors.with_door)
    writer.write(doors.request(orjson.dumps(LEAD | {"external_id": "gone"})))
    await writer.drain()
    writer.close()
    kept = "/v1/decisions?external_id=gone"
    async with asyncio.timeout(10):
        while "gone" not in (await doors.served.ask("GET", kept)).text:
            continue


async def test_what_cannot_be_kept_is_refused_alike(database_url: str) -> None:
    """The table is away when the door's writer comes to it, and then it is there again."""
    async with open_doors(database_url) as doors:
        request = doors.request(orjson.dumps(LEAD))
        await doors.taken(request)
        with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
            connection.execute("ALTER TABLE decision RENAME TO elsewhere")
            mine, _ = await doors.taken(request)
            assert mine[0].startswith(b"HTTP/1.1 503")
            connection.execute("ALTER TABLE elsewhere RENAME TO decision")
        mine, _ = await doors.taken(request)
        assert mine[0].startswith(b"HTTP/1.1 200")


async def test_a_defect_of_the_door_is_told_and_costs_nobody_the_answer() -> None:
    """Whoever asked goes through ASGI, and the log names what failed and where."""
    stream = io.StringIO()
    configure_logs(style="json", stream=stream)
    try:
        door = QualifyDoor(cast("Desk", object()))
        head = {b"authorization": b"Bearer secret-word"}
        assert not door.take(head, b"{}", lambda *_: None)
    finally:
        configure_logs(style="console")
    told = orjson.loads(stream.getvalue().splitlines()[-1])
    assert (told["event"], told["kind"]) == ("door failed", "AttributeError")
    assert any("door.py" in line for line in told["where"])
    assert "secret-word" not in stream.getvalue()
