"""The same request twice: done once, answered twice alike."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.storage import append_audit, transaction
from service.storage.tables import AuditEntryRow, IdempotencyRow
from service.web import (
    Answer,
    Claim,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    Turns,
    chores_of,
    claim_of,
    rfc3339,
    run_once,
)
from service.web.idempotency import AnswerErased
from tests.web.serving import Served
from tests.web.test_keys import NOON

pytestmark = pytest.mark.anyio
DAY = timedelta(hours=24)


def claim(key: str = "k", body: bytes = b"{}", *, caller: str = "ann") -> Claim:
    """Return the claim of one request."""
    made = claim_of(key, key_id=caller, route="POST /v1/things", body=body, kept=DAY)
    assert made is not None
    return made


async def done(connection: AsyncConnection) -> Answer:
    """Do something that can be counted, and answer something new each time."""
    anchor = await append_audit(
        connection, at=NOON, actor="a", action="t.do", subject="s", payload={}
    )
    return Answer.of({"seq": anchor.seq}, status=201, headers={"Location": f"/{anchor.seq}"})


async def how_often_done(engine: AsyncEngine) -> int:
    """Return how often `done` was, and stayed."""
    async with transaction(engine) as connection:
        return int((await connection.execute(select(func.count(AuditEntryRow.seq)))).scalar_one())


async def test_a_repeat_gets_the_first_answer_byte_for_byte(engine: AsyncEngine) -> None:
    """Body, status and headers of a repeat are those of the first, marked as replayed."""
    first = await run_once(engine, claim(), done, turns=Turns())
    again = await run_once(engine, claim(), done, turns=Turns())
    assert (again.body, again.status, again.headers) == (first.body, 201, {"Location": "/1"})
    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert again.to_response().headers["idempotency-replayed"] == "true"
    assert await how_often_done(engine) == 1


async def test_a_key_with_another_body_is_refused(engine: AsyncEngine) -> None:
    """A key stands for one request; another body under it is somebody's mistake."""
    await run_once(engine, claim(), done, turns=Turns())
    with pytest.raises(IdempotencyKeyReused):
        await run_once(engine, claim(body=b"{} "), done, turns=Turns())
    assert await how_often_done(engine) == 1


async def test_keys_of_two_callers_never_meet(engine: AsyncEngine) -> None:
    """The same key from another caller, or on another route, is another key."""
    await run_once(engine, claim(caller="ann"), done, turns=Turns())
    await run_once(engine, claim(caller="bob"), done, turns=Turns())
    assert await how_often_done(engine) == 2


@pytest.mark.parametrize("shared_turns", [True, False], ids=["one process", "many processes"])
async def test_twenty_at_once_are_done_once(engine: AsyncEngine, *, shared_turns: bool) -> None:
    """However many duplicates arrive together, one is done and all get its answer."""
    turns = Turns()

    async def ask() -> Answer:
        return await run_once(engine, claim(), done, turns=turns if shared_turns else Turns())

    async with asyncio.timeout(20):
        limit = asyncio.Semaphore(20 if shared_turns else 4)  # the pool has five sessions

        async def limited() -> Answer:
            async with limit:
                return await ask()

        answers = await asyncio.gather(*(limited() for _ in range(20)))
    assert {answer.body for answer in answers} == {b'{"seq":1}'}
    assert sum(not answer.is_replayed for answer in answers) == 1
    assert await how_often_done(engine) == 1


@pytest.mark.parametrize("shared_turns", [True, False], ids=["one process", "many processes"])
async def test_a_repeat_of_a_running_request_is_409(
    engine: AsyncEngine, *, shared_turns: bool
) -> None:
    """Who asks while the first still runs waits two seconds, then is told to come back."""
    turns, may_end = Turns(), asyncio.Event()

    async def slow(connection: AsyncConnection) -> Answer:
        await may_end.wait()
        return await done(connection)

    running = asyncio.create_task(run_once(engine, claim(), slow, turns=turns))
    await asyncio.sleep(0.2)
    with pytest.raises(IdempotencyInProgress) as refused:
        await run_once(engine, claim(), done, turns=turns if shared_turns else Turns())
    assert refused.value.headers == {"Retry-After": "1"}
    may_end.set()
    assert (await running).body == b'{"seq":1}'


async def test_what_fails_keeps_nothing(engine: AsyncEngine) -> None:
    """A request that was refused may be sent again with the same key, and is then done."""

    async def refused(connection: AsyncConnection) -> Answer:
        await done(connection)
        raise InvalidIdempotencyKey("any refusal")

    with pytest.raises(InvalidIdempotencyKey):
        await run_once(engine, claim(), refused, turns=Turns())
    assert await how_often_done(engine) == 0
    assert not (await run_once(engine, claim(), done, turns=Turns())).is_replayed


async def test_an_expired_answer_is_forgotten(served: Served) -> None:
    """After its day a key is new again, and the upkeep removes what expired."""
    engine = served.app.house.engine
    for key in ("old", "older"):
        expired = structs.replace(claim(key), kept=timedelta(seconds=-1))
        await run_once(engine, expired, done, turns=Turns())
    assert not (await run_once(engine, claim("old"), done, turns=Turns())).is_replayed
    (chore,) = (one for one in chores_of(served.app.house) if one.name == "idempotency")
    await chore.work()
    async with transaction(engine) as connection:
        kept = (await connection.execute(select(IdempotencyRow.key_hash))).scalars().all()
    assert kept == [claim("old").key_hash]


async def test_an_erased_answer_is_not_given_again(engine: AsyncEngine) -> None:
    """An answer whose facts were erased says so, instead of saying nothing."""
    await run_once(engine, claim(), done, turns=Turns())
    async with transaction(engine) as connection:
        await connection.execute(update(IdempotencyRow).values(answer=None))
    with pytest.raises(AnswerErased):
        await run_once(engine, claim(), done, turns=Turns())


@pytest.mark.parametrize("header", ['"k-1"', "k-1", ' "k-1" ', "k-1 "])
def test_quotes_around_a_key_make_no_difference(header: str) -> None:
    """A structured-field string and a bare token are the same key."""
    assert claim(header) == claim("k-1")


def test_an_escaped_quote_is_a_quote() -> None:
    """A quoted key may hold quotes and backslashes, escaped."""
    assert claim(r'"a\"b\\c"') == claim(r'a"b\c')


@pytest.mark.parametrize("header", ["", '""', " ", "x" * 256, "a\tb", "ключ", "a\x7f"])
def test_a_key_that_is_none_is_refused(header: str) -> None:
    """An Idempotency-Key is 1 to 255 printable ASCII characters."""
    with pytest.raises(InvalidIdempotencyKey):
        claim(header)


def test_no_header_is_no_claim() -> None:
    """Without the header nothing is kept."""
    assert claim_of(None, key_id="a", route="POST /", body=b"", kept=DAY) is None


async def test_a_post_over_http_is_replayed(served: Served) -> None:
    """The header does on a route what it promises, for the key and route it came with."""
    key = {"Idempotency-Key": '"make-it"'}
    asked = {"rule_set": "fleet_leads"}
    first = await served.ask("POST", "/v1/rule-sets", json=asked, headers=key)
    again = await served.ask("POST", "/v1/rule-sets", json=asked, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = await served.ask("POST", "/v1/rule-sets", json={"rule_set": "b"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    bob = await served.new_key("rules:write", person="bob@example.com")
    theirs = await served.ask("POST", "/v1/rule-sets", json=asked, headers=key, key=bob)
    assert (theirs.status_code, theirs.json()["code"]) == (409, "rule_set_exists")


def test_an_instant_is_written_in_one_way() -> None:
    """Every instant on the wire is UTC with microseconds."""
    assert rfc3339(NOON) == "2026-11-22T12:00:00.000000Z"
