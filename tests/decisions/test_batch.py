"""`POST /v1/qualify/batch`: an array, or lines without end."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from service.web.lines import LINE_BYTES, PORTION, Element, elements_of
from tests.decisions.conftest import Office
from tests.decisions.rules import LARGE_FLEET, SMALL_FLEET
from tests.journeys.listening import listening
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.anyio

LARGE = {"rule_set": "fleet_leads", "lead": LARGE_FLEET}
SMALL = {"rule_set": "fleet_leads", "lead": SMALL_FLEET}
NDJSON = {"Content-Type": "application/x-ndjson"}
PATH = "/v1/qualify/batch"


async def ask_array(office: Office, *questions: object, key: str | None = None) -> httpx.Response:
    """Send an array, under an Idempotency-Key if one is given."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await office.served.ask("POST", PATH, json=list(questions), headers=headers)


async def ask_lines(office: Office, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines and return their results."""
    answer = await office.served.ask("POST", PATH, content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def line(question: object, **more: object) -> bytes:
    """Return a question as a line of NDJSON."""
    assert isinstance(question, dict)
    return json.dumps(question | more).encode()


class TestAnArray:
    """Up to a thousand at once."""

    async def test_every_element_is_answered_in_order(self, office: Office) -> None:
        """Decisions and problems stand where their questions stood."""
        answer = await ask_array(office, LARGE, {"lead": {}}, SMALL, 7, LARGE | {"leed": 1})
        assert answer.status_code == 200
        results = answer.json()["data"]
        assert [result["line"] for result in results] == [1, 2, 3, 4, 5]
        assert [r.get("decision", {}).get("verdict") for r in results] == [
            "qualify",
            None,
            "disqualify",
            None,
            None,
        ]
        assert [r["problem"]["errors"][0]["pointer"] for r in results if "problem" in r] == [
            "/1/rule_set",
            "/3",
            "/4/leed",
        ]
        assert await office.count() == 2

    async def test_a_repeat_of_the_whole_gets_the_same_bytes(self, office: Office) -> None:
        """One key covers the whole array."""
        first = await ask_array(office, LARGE, SMALL, key="all")
        again = await ask_array(office, LARGE, SMALL, key="all")
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
        assert (await ask_array(office, LARGE, key="all")).status_code == 422
        assert await office.count() == 2

    @pytest.mark.parametrize(
        ("count", "status"), [(0, 200), (1, 200), (1_000, 200), (1_001, 422), (10_000, 422)]
    )
    async def test_it_takes_a_thousand(
        self, shared_office: Office, count: int, status: int
    ) -> None:
        """A thousand elements pass; one more is refused whole, and nothing is kept."""
        dry = {"rule_set": "fleet_leads", "lead": {}, "dry_run": True}
        answer = await ask_array(shared_office, *([dry] * count))
        assert answer.status_code == status
        if status == 200:
            assert len(answer.json()["data"]) == count

    @pytest.mark.parametrize("body", [b"{}", b"7", b'"x"', b"[1,", b"", b"[" * 2_000])
    async def test_what_is_no_array_is_refused_whole(
        self, shared_office: Office, body: bytes
    ) -> None:
        """Without elements there is nothing to answer one by one."""
        answer = await shared_office.served.ask("POST", PATH, content=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_json")

    async def test_past_a_megabyte_it_is_413(self, shared_office: Office) -> None:
        """The limit is on the array as a whole."""
        body = b"[" + b" " * (1024 * 1024) + b"]"
        answer = await shared_office.served.ask("POST", PATH, content=body)
        assert answer.status_code == 413

    async def test_elements_have_keys_of_their_own(self, office: Office) -> None:
        """An element decided before is answered again and decided no second time."""
        keyed = LARGE | {"idempotency_key": "one"}
        first = (await ask_array(office, keyed, keyed, SMALL)).json()["data"]
        assert first[0]["decision"] == first[1]["decision"]
        assert (first[0].get("replayed"), first[1].get("replayed")) == (None, True)
        again = (await ask_array(office, SMALL | {"idempotency_key": "one"}, keyed)).json()["data"]
        assert again[0]["problem"]["code"] == "idempotency_key_reused"
        assert await office.count() >= 2


class TestLines:
    """NDJSON in, NDJSON out."""

    async def test_every_line_is_answered_in_order(self, office: Office) -> None:
        """Bad lines get problems of their own; blank ones only count."""
        results = await ask_lines(
            office, line(LARGE), b"", b"{", b"\xff", b"  ", line(SMALL) + b"\r", b"[]"
        )
        assert [result["line"] for result in results] == [1, 3, 4, 6, 7]
        assert [("decision" in r, r.get("problem", {}).get("code")) for r in results] == [
            (True, None),
            (False, "invalid_json"),
            (False, "invalid_json"),
            (True, None),
            (False, "validation_failed"),
        ]
        assert await office.count() == 2

    async def test_nothing_in_gives_nothing_out(self, shared_office: Office) -> None:
        """An empty stream is answered by an empty stream."""
        assert await ask_lines(shared_office) == []
        assert await ask_lines(shared_office, b"", b"\r", b"") == []

    async def test_the_header_is_refused(self, shared_office: Office) -> None:
        """One key cannot stand for lines without end."""
        headers = NDJSON | {"Idempotency-Key": "x"}
        answer = await shared_office.served.ask("POST", PATH, content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")

    @pytest.mark.parametrize("over", [0, 1, 9 * LINE_BYTES])
    async def test_a_line_may_be_64_kb(self, shared_office: Office, over: int) -> None:
        """At the limit a line is read; past it, it alone is refused."""
        start = b'{"rule_set":"fleet_leads","lead":{},"dry_run":true'
        long = start + b" " * (LINE_BYTES + over - len(start) - 1) + b"}"
        dry = line(LARGE, dry_run=True)
        results = await ask_lines(shared_office, dry, long, dry)
        assert [result["line"] for result in results] == [1, 2, 3]
        assert "decision" in results[0]
        assert "decision" in results[2]
        code = results[1].get("problem", {}).get("code")
        assert code == ("body_too_large" if over else None)

    async def test_hostile_lines_fail_alone(self, office: Office) -> None:
        """Three hundred broken lines are refused one by one, and the good between are decided."""
        hostile = [one.body for one in HOSTILE if b"\n" not in one.body and one.body.strip()]
        lines = [part for one in hostile for part in (one, line(SMALL))]
        results = await ask_lines(office, *lines)
        assert [result["line"] for result in results] == list(range(1, len(lines) + 1))
        assert all("problem" in result for result in results[::2])
        assert all(result["decision"]["verdict"] == "disqualify" for result in results[1::2])
        statuses = {result["problem"]["status"] for result in results[::2]}
        assert statuses == {422}

    async def test_lines_have_keys_of_their_own(self, office: Office) -> None:
        """A stream that broke off can be sent again whole, and decides nothing twice."""
        lines = [line(LARGE, idempotency_key=f"line-{number}") for number in range(300)]
        first = await ask_lines(office, *lines[:200])
        again = await ask_lines(office, *lines)
        assert [r["decision"]["id"] for r in first] == [r["decision"]["id"] for r in again[:200]]
        assert [r.get("replayed", False) for r in again] == [True] * 200 + [False] * 100

    async def test_results_come_while_lines_still_arrive(self, office: Office) -> None:
        """Over a socket, a line's result is there before the next line is sent."""
        async with listening(office.served.app) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            head = (
                f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                f"Authorization: Bearer {office.served.admin_key}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            )
            writer.write(head.encode())
            for number in range(1, 4):
                body = line(LARGE) + b"\n"
                writer.write(b"%x\r\n%b\r\n" % (len(body), body))
                async with asyncio.timeout(10):
                    said = await reader.readuntil(b'"line":%d,' % number)
                    await reader.readuntil(b"}\n")
                assert b'"line":%d' % number in said
                assert await office.count() == number
            writer.close()

    async def test_a_client_that_leaves_takes_nobody_with_it(self, office: Office) -> None:
        """What was committed stays; half a line is no line; the server goes on."""
        async with listening(office.served.app) as (host, port):
            _, writer = await asyncio.open_connection(host, port)
            head = (
                f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                f"Authorization: Bearer {office.served.admin_key}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            )
            body = line(LARGE) + b"\n" + line(LARGE)
            writer.write(head.encode() + b"%x\r\n%b\r\n" % (len(body), body))
            await writer.drain()
            async with asyncio.timeout(10):
                while await office.count() < 1:  # noqa: ASYNC110 - the database tells nobody
                    await asyncio.sleep(0.02)
            writer.transport.abort()
            await asyncio.sleep(0.1)
            assert (await office.qualify(lead=LARGE_FLEET)).status_code == 200
            assert await office.count() == 2


async def parts(*messages: Message) -> list[list[Element]]:
    """Return the portions that these messages give."""
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    return [portion async for portion in elements_of(receive)]


def said(body: bytes, *, more: bool = True) -> Message:
    """Return a part of a body as a server hands it on."""
    return {"type": "http.request", "body": body, "more_body": more}


def texts(portions: Sequence[Sequence[Element]]) -> list[list[bytes | None]]:
    """Return the texts of the portions' lines."""
    return [[element.text for element in portion] for portion in portions]


async def test_lines_are_cut_wherever_the_network_cuts() -> None:
    """However a stream is split into parts, its lines are the same."""
    whole = b'{"a":1}\n\n{"b":2}\r\n{"c":3}'
    for cut in range(len(whole)):
        portions = await parts(said(whole[:cut]), said(whole[cut:], more=False))
        lines = [element for portion in portions for element in portion]
        assert [(one.number, one.text) for one in lines] == [
            (1, b'{"a":1}'),
            (3, b'{"b":2}'),
            (4, b'{"c":3}'),
        ]


async def test_whatever_has_arrived_is_a_portion() -> None:
    """A lone line does not wait for company, and a crowd is taken in portions."""
    crowd = b"{}\n" * (2 * PORTION + 1)
    portions = await parts(said(b"1\n"), said(crowd), said(b"", more=False))
    assert [len(portion) for portion in portions] == [1, PORTION, PORTION, 1]


async def test_half_a_line_of_a_client_that_left_is_dropped() -> None:
    """Only the end of the body ends the last line; a broken connection does not."""
    coming = iter([said(b'1\n{"rule_set":'), {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(coming)

    portions = elements_of(receive)
    assert texts([await anext(portions)]) == [[b"1"]]
    with pytest.raises(ClientDisconnect):
        await anext(portions)
