"""The session that writes what shadows found ends anywhere: nothing is counted twice or lost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from service.storage import DatabaseUnavailable, libpq_url, transaction
from tests.decisions.shadows import LEADS, NOTHING_ALIKE, STRICTER, Shadowed, shadowed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LOST = "after commit"


@dataclass(slots=True)
class Scissors:
    """Notes the places of a write where its session can end, and ends it at one of them."""

    url: str
    at: str | None = None
    places: list[str] = field(default_factory=list)
    has_cut: bool = False

    def pass_by(self, connection: Connection, place: str) -> None:
        """Note a place; end the session's backend if it is the one."""
        self.places.append(place)
        if place == self.at:
            self.has_cut = True
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            with psycopg.connect(libpq_url(self.url), autocommit=True) as ours:
                pid = driver.info.backend_pid
                ours.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])

    def lose(self, connection: Connection) -> None:
        """Commit, and lose the word that it was committed, if this is the place."""
        self.places.append(LOST)
        if self.at == LOST:
            self.has_cut = True
            connection.connection.commit()
            raise psycopg.OperationalError("server closed the connection unexpectedly")


@contextmanager
def watched(stage: Shadowed, scissors: Scissors) -> Iterator[None]:
    """Have *scissors* see every statement and commit in the block."""
    engine = stage.served.app.house.engine.sync_engine

    def before(connection: Connection, *rest: object) -> None:
        scissors.pass_by(connection, f"before {rest[1]}")

    def after(connection: Connection, *rest: object) -> None:
        scissors.pass_by(connection, f"after {rest[1]}")

    def commit(connection: Connection) -> None:
        scissors.pass_by(connection, "before commit")
        scissors.lose(connection)

    heard = {"before_cursor_execute": before, "after_cursor_execute": after, "commit": commit}
    for name, listener in heard.items():
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in heard.items():
            event.remove(engine, name, listener)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Shadowed]:
    """An application with two versions in the shadow, one of which disagrees on everything."""
    async with shadowed(database_url) as stage:
        await stage.cast(STRICTER)
        await stage.cast(NOTHING_ALIKE)
        yield stage


async def written(stage: Shadowed) -> tuple[int, int, int, int]:
    """Return how much is written: compared, moved or stayed, disagreed, and listed."""
    statement = text(
        "SELECT coalesce((SELECT sum(compared) FROM shadow_tally), 0),"
        " coalesce((SELECT sum(decisions) FROM shadow_movement), 0),"
        " coalesce((SELECT sum(disagreed) FROM shadow_tally), 0),"
        " (SELECT count(*) FROM shadow_disagreement)"
    )
    async with transaction(stage.served.app.house.engine) as connection:
        compared, moved, disagreed, listed = (await connection.execute(statement)).one()
    return int(compared), int(moved), int(disagreed), int(listed)


async def test_a_write_that_is_cut_anywhere_counts_once(stage: Shadowed, database_url: str) -> None:
    """Cut before or after any statement or the commit, the next write leaves exact counts."""
    await stage.decide(*LEADS[:3])
    await stage.shadows.judge_all()
    with watched(stage, notes := Scissors(database_url)):
        await stage.shadows.write()
    once = await written(stage)
    assert once[0] == once[1] == 6
    assert once[2] == once[3] >= 3
    wrote = {place.split()[1] for place in notes.places}
    assert len(notes.places) == len(set(notes.places)) >= 10, wrote
    for times, place in enumerate(notes.places, start=1):
        before = tuple(times * number for number in once)
        after = tuple((times + 1) * number for number in once)
        await stage.decide(*LEADS[:3])
        await stage.shadows.judge_all()
        scissors = Scissors(database_url, at=place)
        with watched(stage, scissors), pytest.raises(DatabaseUnavailable):
            await stage.shadows.write()
        assert scissors.has_cut
        assert await written(stage) == (after if place == LOST else before), place
        await stage.shadows.write()
        assert await written(stage) == after, place


async def test_what_was_found_meanwhile_is_written_with_what_was_cut(
    stage: Shadowed, database_url: str
) -> None:
    """Any number of writes may fail in a row; the one that does not holds everything."""
    for _ in range(3):
        await stage.decide(*LEADS[:3])
        await stage.shadows.judge_all()
        scissors = Scissors(database_url, at="before commit")
        with watched(stage, scissors), pytest.raises(DatabaseUnavailable):
            await stage.shadows.write()
    await stage.decide(*LEADS[:3])
    await stage.shadows.catch_up()
    compared, moved, disagreed, listed = await written(stage)
    assert (compared, moved) == (24, 24)
    assert disagreed == listed


async def test_answers_go_on_while_nothing_can_be_written(
    stage: Shadowed, database_url: str
) -> None:
    """A write that fails changes no answer, and the task that writes lives on."""
    with watched(
        stage, Scissors(database_url, at="after SELECT CAST(pg_current_xact_id() AS text)")
    ):
        for _ in range(3):
            decided = await stage.decide(*LEADS[:3])
            assert all(one["id"] for one in decided)
            await stage.shadows.catch_up()
    assert (await written(stage))[0] == 0
    await stage.shadows.catch_up()
    assert (await written(stage))[0] == 18
