"""Whatever a shadow does, answers stay as they are; and what it did is counted right."""

import asyncio
import json
import time
from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions.asking import question_of
from service.decisions.comparing import hold, is_chosen, original_of
from service.decisions.deciding import Subject, judge
from service.decisions.schemas import QuestionSent
from service.decisions.shadow_counting import Findings
from service.decisions.shadow_store import add_findings
from service.decisions.shadowing import Bounds, Shadows
from service.rules import load_rule_set
from service.rulesets import Running
from service.storage import libpq_url, open_engine, transaction
from service.web import Caller, KeyKind
from tests.decisions.harms import CANARY, answer_nonsense, divide, recurse, run_out, spoil
from tests.decisions.originals import NOON, held, original, shadow
from tests.decisions.rules import FLEET_LEADS, edited
from tests.decisions.shadows import (
    LEADS,
    NOTHING_ALIKE,
    REWORDED,
    STRICTER,
    Shadowed,
    shadowed,
)
from tests.decisions.test_large import LARGE_RULES

pytestmark = pytest.mark.anyio

CALLER = Caller(key_id=UUID(int=1), kind=KeyKind.SECRET, prefix="", person="ann@example.com")
RULES = load_rule_set(FLEET_LEADS)
LENIENT = edited("points: 25", "points: 35")
LARGEST = json.dumps(LARGE_RULES | {"rule_set": "fleet_leads"})


async def everything_asked(stage: Shadowed) -> list[bytes]:
    """Ask in every way there is, with the same ids each time, and return all bodies."""
    number = 0

    def randomness(size: int) -> bytes:
        nonlocal number
        number += 1
        return number.to_bytes(size)

    object.__setattr__(stage.served.app.house, "randomness", randomness)
    lines = [{"rule_set": "fleet_leads", "lead": lead, "explain": "full"} for lead in LEADS[:4]]
    bodies = [(await stage.ask_for(line)).content for line in lines]
    final = {"lead": {"country": "DE"}, "final": True, "external_id": "crm-9"}
    bodies.append((await stage.ask_for(final)).content)
    bodies.append((await stage.ask_for({"lead": {"vehicles": "many", "x": 1}})).content)
    array = await stage.served.ask("POST", "/v1/qualify/batch", json=lines)
    stream = await stage.served.ask(
        "POST",
        "/v1/qualify/batch",
        content="\n".join(map(json.dumps, lines)),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert {array.status_code, stream.status_code} == {200}
    return [*bodies, array.content, stream.content]


def take_decisions(url: str) -> list[dict[str, Any]]:
    """Remove all decisions, and return them without how long they took."""
    with psycopg.connect(libpq_url(url), autocommit=True) as ours:
        rows = ours.execute("SELECT to_jsonb(d) - 'latency_us' FROM decision AS d ORDER BY id")
        taken = [row[0] for row in rows]
        ours.execute("DELETE FROM decision")
    return taken


async def test_five_hostile_shadows_change_no_byte_of_any_answer(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bodies and rows equal those without shadows; each shadow's counts tell what it did."""
    async with shadowed(database_url, is_attended=True) as stage:
        alone = await everything_asked(stage)
        kept_alone = take_decisions(database_url)
        texts = (REWORDED, STRICTER, LENIENT, LARGEST, NOTHING_ALIKE)
        words, raising, looping, largest, odd = [await stage.cast(each) for each in texts]
        await spoil(stage, raising, divide)
        await spoil(stage, looping, recurse)
        assert await everything_asked(stage) == alone
        kept_beside = take_decisions(database_url)
        assert kept_beside == kept_alone
        count = len(kept_alone)
        found = {one["version"]: one for one in (await stage.read())["data"]}
        logged = capsys.readouterr().out
    assert count == 14
    assert {one["compared"] + one["dropped"] for one in found.values()} == {count}
    assert found[words]["disagreed"] == 0
    for version in (raising, looping):
        assert found[version]["failed"] == found[version]["disagreed"] > 0
    assert found[largest]["failed"] == 0
    assert found[odd]["disagreed"] == found[odd]["compared"] > 0
    assert CANARY not in logged


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (divide, "ZeroDivisionError"),
        (recurse, "RecursionError"),
        (run_out, "MemoryError"),
        (answer_nonsense, "AttributeError"),
    ],
)
async def test_a_failure_is_kept_by_its_kind_and_without_its_words(
    database_url: str, harm: Callable[[], Any], kind: str
) -> None:
    """Whatever a rule set raises, the kind is told; words may hold somebody's values."""
    async with shadowed(database_url) as stage:
        version = await stage.cast(STRICTER)
        await spoil(stage, version, harm)
        (decided,) = await stage.decide(LEADS[0])
        found = await stage.read(f"/{version}")
        assert (found["compared"], found["disagreed"], found["failed"]) == (1, 1, 1)
        assert (found["verdicts"], found["verdict_changes"]) == ([], 0)
        (listed,) = (await stage.read(f"/{version}/disagreements?to=failed"))["data"]
        assert (listed["failure"], listed["verdict_after"], listed["scores_after"]) == (
            kind,
            None,
            None,
        )
        told = await stage.read(f"/{version}/disagreements/{decided['id']}")
        assert told["live"] == decided
        assert (told["shadow"], told["rules"], told["failure"]) == (None, [], kind)
        async with transaction(stage.served.app.house.engine) as connection:
            kept = await connection.execute(text("SELECT to_jsonb(d) FROM shadow_disagreement d"))
            assert CANARY not in str(kept.all())


async def test_a_shadow_that_never_ends_keeps_nobody_waiting(database_url: str) -> None:
    """While one judgement hangs, every request is answered, and what waits is counted."""
    is_enough = Event()

    def hang() -> None:
        is_enough.wait(60)
        raise TimeoutError

    async with shadowed(database_url, is_attended=True) as stage:
        version = await stage.cast(STRICTER)
        await spoil(stage, version, hang)
        try:
            decided = await stage.decide(*LEADS)
            metrics = (await stage.served.ask("GET", "/metrics")).text
        finally:
            is_enough.set()
        found = await stage.read(f"/{version}")
    assert len(decided) == len(LEADS)
    assert f"goodfit_shadow_queue {len(LEADS)}.0" in metrics
    assert found["failed"] == len(LEADS)


async def test_a_version_that_cannot_be_made_ready_fails_alone(stage: Shadowed) -> None:
    """It is a failure of that shadow; the one beside it is judged."""
    shadows = stage.shadows
    missing, there = shadow(99, release=1), shadow(1, release=2)
    for number in (1, 2):
        shadows.offer(original(number, shadows=(missing, there)))
    await shadows.catch_up()
    assert await counts(stage) == {
        1: {"compared": 2, "failed": 2, "disagreed": 2, "dropped": 0},
        2: {"compared": 2, "failed": 0, "disagreed": 2, "dropped": 0},
    }


@pytest.mark.parametrize(
    ("bounds", "facts"),
    [
        (Bounds(decisions=3), {}),
        (Bounds(facts_bytes=3_100), {"note": "x" * 1_000}),
    ],
    ids=["decisions", "bytes"],
)
async def test_what_does_not_fit_is_dropped_and_counted(
    stage: Shadowed, bounds: Bounds, facts: dict[str, object]
) -> None:
    """The queue holds so many decisions, or so many bytes of facts, and no more."""
    house, live = stage.served.app.house, stage.served.app.api.state.live
    shadows = Shadows(house, live, timer=time.monotonic, bounds=bounds)
    for number in range(10):
        shadows.offer(original(number, facts=facts))
    await shadows.catch_up()
    (found,) = (await counts(stage)).values()
    assert (found["compared"], found["dropped"]) == (3, 7)
    shadows.offer(original(11, facts=facts))
    await shadows.catch_up()
    (found,) = (await counts(stage)).values()
    assert (found["compared"], found["dropped"]) == (4, 7), "there is room again"


async def test_an_end_judges_and_writes_what_waits(database_url: str) -> None:
    """A process that is told to stop leaves its comparisons behind."""
    async with shadowed(database_url, is_attended=True) as stage:
        await stage.cast(STRICTER)
        await stage.decide(*LEADS)
    with psycopg.connect(libpq_url(database_url)) as ours:
        row = ours.execute("SELECT compared, dropped FROM shadow_tally").fetchone()
    assert row == (len(LEADS), 0)


async def test_an_end_that_takes_too_long_drops_what_is_left(stage: Shadowed) -> None:
    """The time for closing is a bound; nothing is lost uncounted."""
    house, live = stage.served.app.house, stage.served.app.api.state.live
    bounds = Bounds(chunk_s=0.0, closing_s=0.0)
    shadows = Shadows(house, live, timer=time.monotonic, bounds=bounds)
    for number in range(10):
        shadows.offer(original(number))
    await shadows.finish()
    await shadows.catch_up()
    (found,) = (await counts(stage)).values()
    assert found["compared"] + found["dropped"] == 10
    assert found["dropped"] > 0


async def test_of_one_kind_only_so_many_disagreements_are_kept(stage: Shadowed) -> None:
    """The first ones of each kind are kept, over any number of writes; counts know of all."""
    decided = await stage.decide(*LEADS[:10])
    ids = {one["id"]: one for one in decided}
    engine = stage.served.app.house.engine
    async with transaction(engine) as connection:
        rows = (await connection.execute(text("SELECT id, decided_at FROM decision"))).all()
    assert len(rows) == len(ids) == 10
    for part in (rows[:4], rows[4:]):
        found = Findings()
        for row in part:
            made = original()
            object.__setattr__(made, "decision_id", row.id)
            object.__setattr__(made, "decided_at", row.decided_at)
            found.add(held(made, shadow(), is_alike=False))
        async with transaction(engine) as connection:
            await add_findings(connection, found, most=7)
    async with transaction(engine) as connection:
        kept = await connection.execute(text("SELECT count(*) FROM shadow_disagreement"))
        assert kept.scalar_one() == 7
    assert (await counts(stage))[1]["disagreed"] == 10


async def test_processes_that_write_the_same_counts_at_once_lose_none(
    engine: AsyncEngine, database_url: str
) -> None:
    """In whatever order each found them, rows are taken in one order and added up."""
    other = open_engine(database_url)
    releases = [shadow(number, release=number) for number in range(1, 6)]

    async def write(through: AsyncEngine, order: list[Any]) -> None:
        for number in range(20):
            found = Findings()
            for one in order:
                for is_alike in (True, False):
                    found.add(held(original(number), one, is_alike=is_alike))
            async with transaction(through) as connection:
                await add_findings(connection, found)

    try:
        await asyncio.gather(write(engine, releases), write(other, releases[::-1]))
    finally:
        await other.dispose()
    async with transaction(engine) as connection:
        sums = text(
            "SELECT (SELECT sum(compared) FROM shadow_tally), (SELECT sum(shadow_us) FROM"
            " shadow_tally), (SELECT sum(decisions) FROM shadow_movement)"
        )
        assert tuple((await connection.execute(sums)).one()) == (400, 4_000, 400)


@given(subject=st.text(min_size=1, max_size=40), shares=st.lists(st.floats(0, 1), min_size=2))
def test_a_larger_share_only_adds_subjects(subject: str, shares: list[float]) -> None:
    """Whoever is in at one share is in at every larger one; at 1 everybody is, at 0 nobody."""
    chosen = [is_chosen(shadow(2, share=s), "fleet_leads", subject) for s in sorted(shares)]
    assert chosen == sorted(chosen)
    assert is_chosen(shadow(2, share=1), "fleet_leads", subject)
    assert not is_chosen(shadow(2, share=0), "fleet_leads", subject)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_is_about_that_part_of_subjects(share: float) -> None:
    """Of 20,000 subjects it takes its part, within five standard deviations."""
    count = 20_000
    taken = sum(is_chosen(shadow(2, share=share), "x", f"crm-{n}") for n in range(count))
    deviation = (count * share * (1 - share)) ** 0.5
    assert abs(taken - count * share) < 5 * deviation


def test_two_versions_choose_independently() -> None:
    """A tenth of a tenth is in both: the sample of one is no subset of another's."""
    both = sum(
        is_chosen(shadow(2, share=0.5), "x", str(n))
        and is_chosen(shadow(3, share=0.5), "x", str(n))
        for n in range(4_000)
    )
    assert 850 < both < 1_150


NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
FACTS = st.dictionaries(
    st.sampled_from(["vehicles", "country", "email", "turbines", "tools"]),
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.lists(st.text(max_size=3)),
)


@given(facts=FACTS, final=st.booleans())
def test_the_live_rules_in_the_shadow_agree_with_themselves(
    facts: dict[str, object],
    final: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """Whatever was sent, what a shadow judges is what was judged."""
    running = Running(
        rules=RULES, slug=RULES.id, version=1, digest="", epoch=1, shadows=(shadow(2),)
    )
    sent = QuestionSent(rule_set=RULES.id, lead=facts, final=final)
    question = question_of(sent, CALLER)
    subject = Subject(facts=facts)
    judged = judge(question, subject, running, at=NOON, decision_id=UUID(int=1))
    made = original_of(judged, subject, running, decision_id=UUID(int=1))
    assert made is not None
    found = hold(made, shadow(2), RULES, timer=time.monotonic)
    assert (found.result, found.disagreement) == ("agreed", None)


async def counts(stage: Shadowed) -> dict[int, dict[str, int]]:
    """Return what is written of each shadow release, by its number."""
    names = ("compared", "failed", "disagreed", "dropped")
    async with transaction(stage.served.app.house.engine) as connection:
        rows = await connection.execute(text("SELECT * FROM shadow_tally"))
        return {row.release_id.int: {name: getattr(row, name) for name in names} for row in rows}
