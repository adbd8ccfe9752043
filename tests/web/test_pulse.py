"""What every process asks anew: seen in time, and asked for once for everybody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from service.storage import LoneSession, transaction
from service.storage.tables import BacktestRow, ErasureRow
from service.web import Caller, KeyKind, KeyRing, Pulse, Scope, Unauthenticated, hash_of
from service.web.key_store import find_caller
from service.web.keyring import FRESH_S
from service.web.keys import make_key
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANN = Caller(
    key_id=UUID(int=1),
    kind=KeyKind.SECRET,
    prefix="gf_sk_abcd",
    person="ann@example.com",
    scopes=frozenset({Scope.DECIDE}),
)
REVOKE = text("UPDATE api_key SET revoked_at = now(), revoked_by = 'a test' WHERE id = :id")


class Process:
    """A process beside the application: a ring and a pulse of its own, over a clock that stands."""

    def __init__(self, served: Served, url: str = "") -> None:
        self.engine = served.app.house.engine
        self.now_s = 10.0
        self.questions = 0
        self.beats: list[tuple[int, float]] = []
        self.heard = asyncio.Event()
        self.keys = KeyRing(self._find, clock=lambda: NOON, timer=lambda: self.now_s)
        url = url or self.engine.url.render_as_string(hide_password=False)
        self.pulse = Pulse(LoneSession(url), keys=self.keys, timer=lambda: self.now_s, every_s=0.01)
        self.pulse.tell_epochs(self._hear)

    async def _find(self, sha256: bytes) -> Caller | None:
        self.questions += 1
        async with transaction(self.engine) as connection:
            return await find_caller(connection, sha256)

    def _hear(self, epoch: int, asked_s: float) -> None:
        self.beats.append((epoch, asked_s))
        self.heard.set()

    async def beat(self) -> None:
        """Wait for a beat that was begun after this."""
        for _ in range(2):
            self.heard.clear()
            await self.heard.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Process"]:
        """Beat for the block."""
        async with asyncio.timeout(10), self.pulse.beating():
            yield self


async def test_a_key_in_use_is_asked_for_with_everything_else(shared: Served) -> None:
    """A key that is used steadily costs no question of its own, until it is revoked."""
    key = await shared.new_key("decide")
    header = f"Bearer {key}"
    async with Process(shared).running() as process:
        caller = await process.keys.caller_behind(header)
        for _ in range(3):
            process.now_s += FRESH_S * 0.7
            await process.keys.caller_behind(header)
            await process.beat()
        assert process.questions == 1
        async with transaction(process.engine) as connection:
            await connection.execute(REVOKE, {"id": caller.key_id})
        process.now_s += FRESH_S * 0.7
        assert process.keys.known(header.encode()) == caller
        await process.beat()
        process.now_s += FRESH_S * 0.3
        assert process.keys.known(header.encode()) is None
        with pytest.raises(Unauthenticated):
            await process.keys.caller_behind(header)


async def test_what_was_said_of_a_key_before_it_was_forgotten_opens_nothing() -> None:
    """A beat that was on its way when a key was revoked here does not bring it back."""
    found: list[Caller | None] = [None, ANN]

    async def find(sha256: bytes) -> Caller | None:
        del sha256
        return found.pop()

    ring, key = KeyRing(find, clock=lambda: NOON, timer=lambda: 10.0), make_key(KeyKind.SECRET)
    assert await ring.caller_behind(f"Bearer {key}") == ANN
    ring.forget()
    ring.confirm([hash_of(key)], 10.0)
    assert ring.known(f"Bearer {key}".encode()) is None
    with pytest.raises(Unauthenticated):
        await ring.caller_behind(f"Bearer {key}")
    ring.confirm([hash_of(key)], 10.0)
    assert ring.known(f"Bearer {key}".encode()) is None


async def test_every_beat_tells_the_epoch(shared: Served) -> None:
    """Whoever knows releases hears their epoch, and when it was asked for."""
    process = Process(shared)
    async with process.running():
        await process.beat()
    async with transaction(process.engine) as connection:
        epoch = (await connection.execute(text("SELECT epoch FROM release_epoch"))).scalar_one()
    assert set(process.beats) == {(epoch, 10.0)}


async def test_work_is_heard_of_by_whoever_does_it(unattended: Served) -> None:
    """Who waits for a table goes on when a row of it is open, and nobody else does."""
    async with Process(unattended).running() as process:
        erasing = asyncio.create_task(process.pulse.until_open(ErasureRow))
        testing = asyncio.create_task(process.pulse.until_open(BacktestRow))
        await process.beat()
        assert not erasing.done()
        asked = {"email": "somebody@example.com"}
        begun = await unattended.ask("POST", "/v1/erasures", json=asked)
        assert begun.status_code == 202, begun.text
        await erasing
        await process.beat()
        assert not testing.done()
    await testing  # a pulse that ends leaves nobody waiting


async def test_a_database_that_says_nothing_keeps_nobody_waiting(shared: Served) -> None:
    """Where the pulse cannot ask, whoever waits for work looks itself and says what is wrong."""
    async with Process(shared, "postgresql://nobody@127.0.0.1:1/nowhere").running() as process:
        await process.pulse.until_open(ErasureRow)
        await process.pulse.until_open(ErasureRow)
    assert process.beats == []
