"""Which version is live, ready to decide: asked rarely, compiled once, never stale."""

import asyncio
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from service.rules import load_rule_set
from service.rulesets import (
    Editor,
    LiveRules,
    NotLive,
    RuleSetInvalid,
    RuleSetMismatch,
    RuleSetNotFound,
    VersionNotFound,
    install,
)
from service.rulesets.live import AHEAD_S, FRESH_S
from service.storage import transaction
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
NEXT = TEXT.replace("points: 30", "points: 35")
is_ours = ContextVar("is_ours", default=False)
"""Whether a statement is the test's; the application's chores began before it."""


class Watched:
    """Live rules over a clock that stands, and a count of the statements they cost."""

    def __init__(self, served: Served) -> None:
        engine = served.app.house.engine
        self.now_s = 10.0
        self.statements = 0
        self.live = LiveRules(engine, timer=lambda: self.now_s)
        is_ours.set(True)
        event.listen(engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.statements += is_ours.get()


async def test_a_live_version_costs_nothing_while_fresh(ann: Author) -> None:
    """Fifty who ask at once cost one reading and one compilation, and later ones nothing."""
    await ann.publish()
    watched, now = Watched(ann.served), datetime.now(UTC)
    found = await asyncio.gather(*(watched.live.version_at("small_leads", now) for _ in range(50)))
    assert len({id(one.rules) for one in found}) == 1
    assert found[0].version == 1
    assert found[0].digest == found[0].rules.digest == load_rule_set(TEXT).digest
    spent = watched.statements
    assert spent <= 4
    await watched.live.version_at("small_leads", now)
    assert watched.statements == spent
    watched.now_s += FRESH_S
    again = await watched.live.version_at("small_leads", now)
    assert watched.statements == spent + 2
    assert again.rules is found[0].rules


async def test_releases_in_use_are_read_beside_the_requests(ann: Author) -> None:
    """Nobody waits for the reading of what is asked for steadily."""
    await ann.publish()
    watched, now = Watched(ann.served), datetime.now(UTC)
    await watched.live.version_at("small_leads", now)
    for _ in range(3):
        watched.now_s += AHEAD_S
        with pytest.raises(StopIteration) as at_once:
            watched.live.version_at("small_leads", now).send(None)
        assert at_once.value.value.version == 1
        reading = [task for task in asyncio.all_tasks() if "LiveRules._read" in repr(task)]
        await asyncio.wait(reading)


async def test_releases_that_are_still_the_last_are_not_read_again(ann: Author) -> None:
    """Whoever hears that no release was made goes on with those it knows; else it reads."""
    await ann.publish()
    watched, now = Watched(ann.served), datetime.now(UTC)
    known = await watched.live.version_at("small_leads", now)
    spent = watched.statements
    for _ in range(3):
        watched.now_s += FRESH_S
        watched.live.confirm(known.epoch, watched.now_s)
        assert watched.live.known_at("small_leads", now) == known
    assert watched.statements == spent
    watched.now_s += FRESH_S
    watched.live.confirm(known.epoch + 1, watched.now_s)
    assert watched.live.known_at("small_leads", now) is None


async def test_a_release_elsewhere_is_seen_in_time(ann: Author) -> None:
    """A process that heard nothing of a release serves it from its instant on."""
    await ann.publish()
    watched = Watched(ann.served)
    before = await watched.live.version_at("small_leads", datetime.now(UTC))
    etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ann.write(NEXT, if_match=etag)
    await ann.commit()
    since = datetime.fromisoformat((await ann.release(2)).json()["effective_at"])
    watched.now_s += FRESH_S
    earlier = await watched.live.version_at("small_leads", since - timedelta(microseconds=1))
    later = await watched.live.version_at("small_leads", since)
    assert (before.version, earlier.version, later.version) == (1, 1, 2)
    assert later.epoch > before.epoch


async def test_a_first_release_is_seen_at_once(ann: Author) -> None:
    """That nothing is live is asked anew every time."""
    await ann.create()
    await ann.write()
    await ann.commit()
    watched = Watched(ann.served)
    with pytest.raises(NotLive):
        await watched.live.version_at("small_leads", datetime.now(UTC))
    await ann.release(1)
    assert (await watched.live.version_at("small_leads", datetime.now(UTC))).version == 1


async def test_what_is_not_there_says_so(ann: Author) -> None:
    """An unknown rule set, and an unknown version of a known one, are told apart."""
    live = Watched(ann.served).live
    with pytest.raises(RuleSetNotFound):
        await live.version_at("nope", datetime.now(UTC))
    with pytest.raises(RuleSetNotFound):
        await live.version("nope", 1)
    await ann.publish()
    with pytest.raises(VersionNotFound):
        await live.version("small_leads", 2)
    with pytest.raises(NotLive):
        await live.version_at("small_leads", datetime(2020, 1, 1, tzinfo=UTC))
    assert (await live.version("small_leads", 1)).version == 1


async def test_who_leaves_takes_nothing_from_the_others(ann: Author) -> None:
    """A caller who is cancelled while a version compiles leaves it to those who wait."""
    await ann.publish()
    live, now = Watched(ann.served).live, datetime.now(UTC)
    leaving = asyncio.create_task(live.version_at("small_leads", now))
    staying = asyncio.create_task(live.version_at("small_leads", now))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).version == 1


async def test_a_release_takes_nothing_from_those_who_ask(ann: Author) -> None:
    """What is forgotten while somebody reads it is still their answer."""
    await ann.publish()
    live, now = Watched(ann.served).live, datetime.now(UTC)
    asking = [asyncio.create_task(live.version_at("small_leads", now)) for _ in range(3)]
    while not all(task.done() for task in asking):
        live.forget_releases("small_leads")
        await asyncio.sleep(0)
    assert [(await task).version for task in asking] == [1, 1, 1]


def editor(served: Served) -> Editor:
    """Return somebody at the command line."""
    return Editor(person="cli", at=datetime.now(UTC), new_uuid=served.app.house.new_uuid)


async def test_a_file_is_installed_once(served: Served) -> None:
    """Installing creates, commits and releases; the same again changes nothing."""
    engine = served.app.house.engine
    results = []
    for text in (TEXT, "# moved\n" + TEXT, NEXT, TEXT):
        async with transaction(engine) as connection:
            made = await install(connection, text, editor=editor(served), note="n", reason="demo")
        results.append((made.version, made.is_changed))
    assert results == [(1, True), (1, False), (2, True), (1, True)]
    shown = (await served.ask("GET", "/v1/rule-sets/small_leads")).json()
    assert (shown["title"], shown["subject"]) == ("Small leads", "lead")
    releases = (await served.ask("GET", "/v1/rule-sets/small_leads/releases")).json()["data"]
    assert [one["version"] for one in releases] == [1, 2, 1]


async def test_a_file_with_errors_is_not_installed(served: Served) -> None:
    """Nothing of a file that cannot be used is kept."""
    wrong = TEXT.replace("fit: 70", "fit: 71")
    with pytest.raises(RuleSetInvalid) as refused:
        async with transaction(served.app.house.engine) as connection:
            await install(connection, wrong, editor=editor(served), note="n", reason="r")
    assert refused.value.faults[0].line is not None
    assert (await served.ask("GET", "/v1/rule-sets")).json()["data"] == []


async def test_a_file_for_another_subject_is_not_installed(served: Served) -> None:
    """A rule set for leads does not become one for accounts."""
    asked = {"rule_set": "small_leads", "subject": "account"}
    await served.ask("POST", "/v1/rule-sets", json=asked)
    with pytest.raises(RuleSetMismatch):
        async with transaction(served.app.house.engine) as connection:
            await install(connection, TEXT, editor=editor(served), note="n", reason="r")
