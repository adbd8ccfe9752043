"""The shared writer: who waits goes together, and nobody pays for a neighbour or hangs."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from msgspec import structs

from service.decisions.asking import question_of
from service.decisions.deciding import Subject, judge, record_of
from service.decisions.schemas import QuestionSent
from service.decisions.sharing import Overloaded, SharedWriter
from service.decisions.writing import Entry
from service.storage import DatabaseUnavailable, LoneSession, SessionLimits, libpq_url
from service.web import Answer, Caller, KeyKind, Metrics, Visit, claim_of, respond_to
from tests.decisions.conftest import Office
from tests.decisions.rules import LARGE_FLEET

pytestmark = pytest.mark.anyio
ANN = Caller(key_id=UUID(int=1), kind=KeyKind.SECRET, prefix="gf_sk_", person="ann")
SOON_S = 0.05
LOOPS = 10


@dataclass
class Desk:
    """A writer of the test's own, and what it sends to the database."""

    office: Office
    url: str
    writer: SharedWriter
    sent: list[str] = field(default_factory=list)

    async def entry(self, key: str | None = None, **changed: Any) -> Entry:  # noqa: ANN401 - members of a row
        """Return a decision to write; *changed* members make it one that cannot be."""
        app = self.office.served.app
        running = await app.api.state.live.version_at("fleet_leads", datetime.now(UTC))
        question = question_of(QuestionSent(rule_set="fleet_leads", lead=LARGE_FLEET), ANN)
        at = datetime.now(UTC)
        decision_id = app.house.new_uuid(at)
        judged = judge(
            question, Subject(facts=LARGE_FLEET), running, at=at, decision_id=decision_id
        )
        record = record_of(
            judged, question, decision_id=decision_id, account_id=None, latency=timedelta(0)
        )
        kept = timedelta(hours=1)
        claim = claim_of(key, key_id="k", route="POST /v1/qualify", body=b"{}", kept=kept)
        return Entry(
            record=structs.replace(record, **changed),
            answer=judged.answer,
            claim=claim,
            epoch=running.epoch,
            assessed=None,
        )

    @contextmanager
    def locked(self, table: str = "decision") -> Iterator[None]:
        """Keep everybody from writing *table* for the block."""
        with psycopg.connect(libpq_url(self.url)) as connection:
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[asyncio.Task[Any]]:
        """Have one decision wait for the table for the block, so that others wait for it."""
        with self.locked():
            first = asyncio.create_task(self.writer.write(await self.entry()))
            await asyncio.sleep(SOON_S)
            yield first
            await asyncio.sleep(SOON_S)

    def stored(self, table: LiteralString = "decision") -> int:
        """Return how many decisions there are, or rows of another table."""
        return self._count(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours

    def sessions(self) -> int:
        """Return how many sessions of the service there are."""
        return self._count(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'goodfit'"
        )

    async def until_heard_of(self) -> None:
        """Wait until the application has the session by which it asks what is new."""
        asks = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'SELECT (SELECT epoch%'"
        )
        async with asyncio.timeout(10):
            while not self._count(asks):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(SOON_S)

    def kept_answers(self) -> dict[UUID, bytes]:
        """Return the answers that are kept under keys, by their decisions."""
        with psycopg.connect(libpq_url(self.url)) as connection:
            return dict(connection.execute("SELECT decision_id, answer FROM idempotency"))

    def _count(self, statement: LiteralString) -> int:
        with psycopg.connect(libpq_url(self.url)) as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
async def desk(
    office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Return a writer whose statements are noted."""
    engine = office.served.app.house.engine
    writer = SharedWriter(engine, limits=SessionLimits(), metrics=Metrics(), waiting=300)
    desk = Desk(office, database_url, writer)
    execute, fetch_all = psycopg.AsyncCursor.execute, LoneSession.fetch_all

    def note(query: object) -> None:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if "INSERT INTO decision" in text:
            desk.sent.append(text)

    async def carefully(cursor: Any, query: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - psycopg's own
        note(query)
        return await execute(cursor, query, *rest, **named)

    async def quickly(session: LoneSession, statement: bytes, parameters: Sequence[object]) -> Any:  # noqa: ANN401 - rows
        note(statement)
        return await fetch_all(session, statement, parameters)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", carefully)
    monkeypatch.setattr(LoneSession, "fetch_all", quickly)
    yield desk
    await writer.close()


async def test_what_arrives_during_a_commit_goes_together(desk: Desk) -> None:
    """One statement for the first, two for the hundred that came meanwhile, half with a key."""
    entries = [await desk.entry(f"key {n}" if n % 2 else None) for n in range(100)]
    async with desk.busy() as first:
        others = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
        await asyncio.sleep(SOON_S)
    answers = await asyncio.gather(first, *others)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert (len(desk.sent), desk.stored()) == (3, 101)
    assert desk.stored("idempotency") == 50


@pytest.mark.parametrize(("clients", "least", "most"), [(32, 14, 17), (6, 4, 6)])
async def test_many_who_ask_again_and_again_are_written_in_two_halves(
    desk: Desk, clients: int, least: float, most: float
) -> None:
    """Else all would wait for one commit, with nobody left to judge; a few go together."""
    decided = await desk.entry()

    async def ask(times: int) -> None:
        for _ in range(times):
            new = desk.office.served.app.house.new_uuid(decided.record.decided_at)
            record = structs.replace(decided.record, id=new)
            await desk.writer.write(structs.replace(decided, record=record))

    async with desk.busy() as first:
        asking = [asyncio.create_task(ask(20)) for _ in range(clients)]
        await asyncio.sleep(SOON_S)
    await asyncio.gather(first, *asking)
    assert least <= clients * 20 / (len(desk.sent) - 1) <= most


async def test_each_key_keeps_its_own_answer(desk: Desk) -> None:
    """Of many that are written together every byte is under its own key, whatever its length."""
    entries = [
        structs.replace(await desk.entry(f"key {n}"), answer="ä€".encode() * n + b'\\\x00"')
        for n in (7, 0, 3_000, 1)
    ]
    between = await desk.entry()
    async with desk.busy() as first:
        others = [asyncio.create_task(desk.writer.write(one)) for one in (*entries, between)]
        await asyncio.sleep(SOON_S)
    await asyncio.gather(first, *others)
    assert len(desk.sent) == 2
    assert desk.kept_answers() == {one.record.id: one.answer for one in entries}


async def test_a_lone_request_waits_for_nobody(desk: Desk) -> None:
    """Its statement is on the way before any clock could tick, and holds it alone."""
    await desk.writer.write(await desk.entry())  # which opened the session
    writing = asyncio.create_task(desk.writer.write(await desk.entry()))
    for _ in range(LOOPS):
        await asyncio.sleep(0)
    assert len(desk.sent) == 2
    assert isinstance(await writing, Answer)


async def test_many_decisions_take_two_sessions(desk: Desk) -> None:
    """However many wait, and though some of them have to be written carefully."""
    used = ["used"] * 5
    await asyncio.gather(*[desk.writer.write(await desk.entry(key)) for key in used])
    await desk.until_heard_of()
    before = desk.sessions()
    entries = [await desk.entry(key) for key in used] + [await desk.entry() for _ in range(200)]
    seen = []
    async with desk.busy() as first:
        tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
        await asyncio.sleep(SOON_S)
        seen.append(desk.sessions())
    while not all(task.done() for task in tasks):
        seen.append(desk.sessions())
        await asyncio.sleep(0)
    await asyncio.gather(first, *tasks)
    assert max(seen) - before <= 2


async def test_a_full_queue_is_refused_at_once(desk: Desk) -> None:
    """503 with Retry-After for whoever comes too late, and nothing of it is kept."""
    entries = [await desk.entry() for _ in range(301)]
    async with desk.busy() as first:
        waiting = [asyncio.create_task(desk.writer.write(entry)) for entry in entries[:300]]
        await asyncio.sleep(SOON_S)
        with pytest.raises(Overloaded) as refused:
            await desk.writer.write(entries[300])
        response = respond_to(refused.value, Visit(request_id="req_1"))
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    await asyncio.gather(first, *waiting)
    assert desk.stored() == 301


async def test_one_that_cannot_be_written_fails_alone(desk: Desk) -> None:
    """Its neighbours in the same statement are kept; it hears what is wrong with it."""
    good = [await desk.entry() for _ in range(20)]
    bad = await desk.entry(verdict="perhaps")
    async with desk.busy() as first:
        entries = [*good[:10], bad, *good[10:]]
        tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
        await asyncio.sleep(SOON_S)
    endings = await asyncio.gather(first, *tasks, return_exceptions=True)
    failed = [one for one in endings if not isinstance(one, Answer)]
    assert len(failed) == 1
    assert "perhaps" not in str(failed[0])
    assert desk.stored() == 21


async def test_the_same_key_twice_is_written_once(desk: Desk) -> None:
    """Of two uses in one statement the second gets the first one's answer again."""
    twice = [await desk.entry("same"), await desk.entry("same")]
    async with desk.busy() as first:
        tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in twice]
        await asyncio.sleep(SOON_S)
    _, one, other = await asyncio.gather(first, *tasks)
    assert (one.body, one.is_replayed, other.is_replayed) == (other.body, False, True)
    assert desk.stored() == 2


async def test_whoever_leaves_takes_nothing_from_the_others(desk: Desk) -> None:
    """What was handed over is written, whether or not anybody still waits for it."""
    entries = [await desk.entry() for _ in range(10)]
    async with desk.busy() as first:
        tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
        await asyncio.sleep(SOON_S)
        first.cancel()
        tasks[3].cancel()
    endings = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert sum(isinstance(one, Answer) for one in endings) == 9
    assert desk.stored() == 11


async def test_closing_waits_for_what_was_handed_over(desk: Desk) -> None:
    """A server that stops acknowledges everything it took."""
    entries = [await desk.entry() for _ in range(50)]
    tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
    await asyncio.sleep(0)
    await desk.writer.close()
    assert all(task.done() for task in tasks)
    assert desk.stored() == 50


async def test_a_database_that_is_stuck_is_not_waited_for_in_turns(desk: Desk) -> None:
    """Who waited too long behind a stuck write hears why, and is not written after it in vain."""
    entries = [await desk.entry() for _ in range(299)]
    with desk.locked():
        first = asyncio.create_task(desk.writer.write(await desk.entry()))
        await asyncio.sleep(SOON_S)
        tasks = [asyncio.create_task(desk.writer.write(entry)) for entry in entries]
        endings = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert {type(one) for one in endings} == {DatabaseUnavailable}
    assert len(desk.sent) <= 6
    assert desk.stored() == 0


async def test_a_key_in_use_elsewhere_keeps_nobody_else_waiting(desk: Desk) -> None:
    """Another process holds one key: the others are written while that one still waits."""
    held, *others = [await desk.entry(f"key {number}") for number in range(10)]
    assert held.claim is not None
    with psycopg.connect(libpq_url(desk.url)) as elsewhere:
        elsewhere.execute(
            "INSERT INTO idempotency (scope, key_hash, body_hash, status, created_at, expires_at)"
            " VALUES (%s, %s, %s, 200, now(), now() + interval '1 hour')",
            [held.claim.scope, held.claim.key_hash, held.claim.body_hash],
        )
        waits = asyncio.create_task(desk.writer.write(held))
        await asyncio.sleep(SOON_S)
        plain = [await desk.entry() for _ in range(5)]
        answers = await asyncio.gather(*(desk.writer.write(entry) for entry in plain))
        assert all(isinstance(answer, Answer) for answer in answers)
        assert not waits.done()
        elsewhere.rollback()
    assert isinstance(await waits, Answer)
    answers = await asyncio.gather(*(desk.writer.write(entry) for entry in others))
    assert all(isinstance(answer, Answer) for answer in answers)
