"""A statement is of its instant, whatever happens before its rescoring comes by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.accounts import read_facts_for
from service.bulk.rescoring_working import carry_out
from service.portfolio import read_statement, taking, viewing
from service.portfolio import store as portfolio_store
from service.portfolio.viewing import Looking
from service.rescorings import store as rescoring_store
from service.storage import transaction
from tests.accounts.assessing import Scene, staged
from tests.portfolio.taken import taken
from tests.sizes import looking

pytestmark = pytest.mark.anyio

RULES: Final = """
rule_set: book
subject: account
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
  since: {type: date, label: Customer since}
metrics:
  revenue_12m: {event: revenue, sum: amount, window: 12 months, unit: EUR}
  cost_12m: {cost: {support_case: {hours: 80}}, window: 12 months, unit: EUR}
scores:
  value:
    floor: 0
    ceiling: 100
    groups:
      - id: g
        mode: sum
        rules:
          - {id: pays, when: revenue_12m > 100, points: 50}
          - {id: costs, when: cost_12m > 1000, points: -40}
          - {id: loyal, when: age_days(since) > 90, points: 20}
  growth:
    floor: 0
    ceiling: 100
    groups:
      - id: h
        mode: sum
        rules:
          - {id: large, when: vehicles >= 100, points: 60}
outcomes:
  - {id: strong, verdict: qualify, when: value >= 50 && growth >= 50}
  - {id: steady, verdict: review, when: value >= 50}
  - {id: weak, verdict: disqualify}
"""
KEYS: Final = ("north", "south", "east", "west")
"""Those that there are before the instant."""
FACTS: Final = {"vehicles": 5, "since": "2001-01-01"}
SUMS: Final = """
    SELECT coalesce(stands.key, own.key), coalesce(sum(amount) FILTER (WHERE kind = 'revenue'), 0),
        coalesce(80 * sum((quantities ->> 'hours')::numeric), 0)
    FROM account AS own LEFT JOIN account AS stands ON stands.id = own.merged_into
    LEFT JOIN account_event ON account_id = own.id GROUP BY 1
"""
SLUG: Final = "book"
LEASE: Final = timedelta(seconds=30)
TOLD: Final = ("decision.created", "account.outcome_changed")


Shown = dict[str, tuple[str | None, tuple[tuple[float, float], ...], Decimal, Decimal]]
"""By account: outcome, the ranges of growth and value, revenue and cost."""


@dataclass(slots=True)
class Book:
    """Some customers of an application that assesses and states when it is told to."""

    scene: Scene
    told: int = 0
    entries: dict[str, list[str]] = field(default_factory=dict)
    """What was entered of each customer and not taken back."""

    async def pays(self, amount: str, key: str = "north", *, days: float = 1) -> str:
        """Enter revenue of some days ago; return the entry's id."""
        return await self._enter(key, "revenue", {"amount": amount}, days=days)

    async def case(self, hours: float, key: str = "north", *, days: float = 1) -> str:
        """Enter a support case of some days ago; return the entry's id."""
        return await self._enter(key, "support_case", {"hours": hours}, days=days)

    async def _enter(self, key: str, kind: str, told: dict[str, object], *, days: float) -> str:
        self.told += 1
        at = (self.scene.clock() - timedelta(days=days)).isoformat()
        sent = {"kind": kind, "at": at, "quantities": told, "source": "billing"}
        path = f"/v1/accounts/{key}/events"
        entry = await self.scene.send("POST", path, sent | {"event_id": str(self.told)})
        entry_id: str = entry["id"]
        self.entries.setdefault(key, []).append(entry_id)
        return entry_id

    async def reverse(self, entry: str) -> None:
        """Take an entry back."""
        await self.scene.send("POST", f"/v1/events/{entry}/reversal", {"reason": "wrong"})

    async def merge(self, key: str, into: str) -> str:
        """Let one account stand for another; return the merge's id."""
        sent = {"into": into, "reason": "one company"}
        merged = await self.scene.send("POST", f"/v1/accounts/{key}/merge", sent)
        merge_id: str = merged["merge"]["id"]
        return merge_id

    async def part(self, merge: str) -> None:
        """Let two accounts be two again."""
        await self.scene.send("POST", f"/v1/account-merges/{merge}/undo", {"reason": "two"})

    async def begin(self) -> Shown:
        """Ask for a statement; return what one that was taken at once would show."""
        await self.scene.send("POST", f"/v1/portfolio/{SLUG}/statements", {})
        [(at, version)] = self.scene.rows(
            "SELECT at, version FROM statement WHERE state = 'queued'"
        )
        self.scene.ahead += timedelta(seconds=1)
        sums = {key: (revenue, cost) for key, revenue, cost in self.scene.rows(SUMS)}
        rules = (await self.scene.served.app.api.state.live.version(SLUG, version)).rules
        shown: Shown = {}
        async with transaction(self.scene.served.app.house.engine) as connection:
            for key, (revenue, cost) in sums.items():
                known = await read_facts_for(connection, key, rules=rules, at=at)
                decision = rules.decide(known.facts, at=at, final=True)
                spans = [decision.scores[name] for name in ("growth", "value")]
                ranges = tuple((span.low, span.high) for span in spans)
                shown[key] = (decision.outcome, ranges, revenue, cost)
        return shown

    async def end(self) -> Shown:
        """Rescore, take the statement, and return what it shows; every sum agrees with it."""
        engine, url, clock = self.scene.served.app.house.engine, self.scene.url, self.scene.clock
        async with transaction(engine) as connection:
            row = await rescoring_store.claim_next(connection, lease=LEASE)
        assert row is not None
        running = await self.scene.served.app.api.state.live.version(SLUG, row.version)
        await carry_out(row, running, engine=engine, url=url, clock=clock, tell=lambda *_: None)
        async with transaction(engine) as connection:
            claimed = await portfolio_store.claim_next(connection, lease=LEASE)
        assert claimed is not None
        await taking.take(claimed, running, engine=engine, clock=clock)
        async with transaction(engine) as connection:
            statement = await read_statement(connection, SLUG)
        found = await taken(engine, statement)
        async with transaction(engine) as connection:
            matrix = await viewing.matrix(Looking(connection, statement, ()))
        counted = [matrix.unplaced, *(cell.sums for cell in matrix.cells)]
        assert sum(one.accounts for one in counted) == statement.accounts == len(found)
        assert statement.revenue == sum(one.revenue for one in found.values())
        assert statement.cost == sum(one.cost for one in found.values())
        return {
            key: (
                one.outcome,
                tuple((one.scores[n].low, one.scores[n].high) for n in sorted(one.scores)),
                one.revenue,
                one.cost,
            )
            for key, one in found.items()
        }


@asynccontextmanager
async def kept_book(url: str) -> AsyncIterator[Book]:
    """Give four customers that pay, assessed as they are."""
    async with staged(url, rules=RULES) as scene:
        book = Book(scene)
        for key in KEYS:
            await scene.put(key, **FACTS)
            await book.pays("50.01", key)
            await book.case(1, key)
        await scene.assess()
        yield book


@pytest.fixture
async def book(database_url: str) -> AsyncIterator[Book]:
    """Return a book of four customers."""
    async with kept_book(database_url) as book:
        yield book


@pytest.fixture
async def shared(database_url: str) -> AsyncIterator[Book]:
    """Return a book that many stories go on in, with somebody to be merged into."""
    async with kept_book(database_url) as book:
        await book.scene.put("hub", **FACTS)
        yield book


async def test_who_is_assessed_meanwhile_stands_as_of_the_instant(book: Book) -> None:
    """By what was recorded until then, to the cent; the newer assessment is the one that stands."""
    scene = book.scene
    await book.pays("99.99")
    await book.case(20, "south")
    await scene.put("new", **FACTS)
    due = await book.begin()  # three are not assessed as they are
    assert {due["north"][0], due["south"][0]} == {"steady", "weak"}
    await book.case(20)
    await book.pays("0.01", "south", days=30)  # late: of before the instant, and told after it
    await book.pays("1000", "new")
    await scene.put("later", **FACTS)
    await scene.assess()
    after = {key: await scene.standing(key, rule_set=SLUG) for key in (*KEYS, "new", "later")}
    assert await book.end() == due
    assert due.keys() == {*KEYS, "new"}
    for key, standing in after.items():
        assert await scene.standing(key, rule_set=SLUG) == standing
    assert scene.due() == []


async def test_a_decision_of_the_past_is_told_to_nobody(book: Book) -> None:
    """It says nothing of today, asks for no assessment, and is what the newer one is held to."""
    scene = book.scene
    await scene.send(
        "POST", "/v1/endpoints", {"url": "https://192.0.66.2/hook", "events": list(TOLD)}
    )
    await book.pays("60")
    await book.begin()
    await book.case(20)
    await scene.assess()
    told = scene.rows("SELECT count(*) FROM event")
    await book.end()
    assert scene.rows("SELECT count(*) FROM event") == told != [(0,)]
    assert scene.due() == []
    path = f"/v1/accounts/north/assessments?rule_set={SLUG}"
    newest, before, *_ = (await scene.send("GET", path))["data"]
    assert [one["outcome"] for one in (newest, before)] == ["weak", "steady"]
    assert (newest["cause"], before["cause"]) == ("change", "request")
    assert newest["moved"]["before"] == before["decision"]
    assert newest["moved"]["data"]["outcome"]["exact"] == "1"
    assert before["moved"]["data"]["outcome"]["exact"] == "1"
    why = await scene.send("GET", f"/v1/decisions/{newest['decision']}/why")
    assert why["before"]["id"] == before["decision"]
    (previous,) = scene.rows(
        "SELECT previous_outcome FROM assessment JOIN account ON id = account_id"
        " WHERE key = 'north'"
    )
    assert previous == ("steady",)


async def test_an_answer_by_number_is_not_how_it_stood(book: Book) -> None:
    """What another version would say is told beside, before the instant and after it."""
    due = await book.begin()
    await book.end()
    await book.scene.release(RULES.replace("value >= 50}", "value >= 10}"))
    await book.scene.send(
        "POST",
        "/v1/qualify",
        {"rule_set": SLUG, "account_key": "north", "at_version": 1, "final": True},
    )
    now = await book.begin()
    assert (due["north"][0], now["north"][0]) == ("weak", "steady")
    await book.case(20)
    await book.scene.assess()
    assert await book.end() == now


async def test_a_release_meanwhile_is_of_the_next_statement(book: Book) -> None:
    """Who is assessed by the new version stands in the statement by that of its instant."""
    due = await book.begin()
    await book.scene.release(RULES.replace("value >= 50}", "value >= 10}"))
    await book.pays("0.01", "north")
    await book.scene.assess()
    now = await book.scene.standing(rule_set=SLUG)
    assert (now["version"], now["outcome"], due["north"][0]) == (2, "steady", "weak")
    assert await book.end() == due
    assert await book.scene.standing(rule_set=SLUG) == now


async def test_who_is_merged_or_erased_meanwhile_is_missing_nowhere(book: Book) -> None:
    """The one that stands for both is judged by both; of one that is erased the last word stays."""
    due = await book.begin()
    await book.merge("south", "north")
    await book.scene.assess()
    book.scene.rows("UPDATE account SET facts = '{}', facts_erased_at = now() WHERE key = 'west'")
    shown = await book.end()
    assert shown == {
        "north": ("steady", ((0, 0), (70, 70)), Decimal("100.02"), Decimal(160)),
        "east": due["east"],
        "west": due["west"],
    }
    assert sum(one[2] for one in shown.values()) == sum(one[2] for one in due.values())


WHATS: Final = ("pays", "late", "case", "back", "right", "new", "united", "assess", "ask")
ACTS: Final = st.lists(
    st.tuples(st.sampled_from(WHATS), st.sampled_from(KEYS)), min_size=2, max_size=7
)


async def act(book: Book, what: str, key: str) -> None:
    """Let something happen to a customer."""
    match what:
        case "pays" | "late":
            await book.pays("60.01", key, days=300 if what == "late" else 1)
        case "case":
            await book.case(13, key)
        case "back" | "right":  # an entry is wrong, and a right one stands for it
            for entry in book.entries.pop(key, []):
                await book.reverse(entry)
            if what == "right":
                await book.pays("50.02", key)
        case "new":
            await book.scene.put(f"new-{book.told}", **FACTS)
        case "united":
            merge = await book.merge(key, "hub")
            await book.scene.assess()
            await book.part(merge)
        case "ask":
            sent = {"rule_set": SLUG, "account_key": key, "final": True}
            await book.scene.send("POST", "/v1/qualify", sent)
        case _:
            await book.scene.assess()


@settings(looking(40, quick=4), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ACTS, meanwhile=ACTS)
async def test_whatever_happens_meanwhile_a_statement_is_as_if_it_were_taken_at_once(
    shared: Book, before: list[tuple[str, str]], meanwhile: list[tuple[str, str]]
) -> None:
    """Events, late ones, corrections, new accounts, merges undone; and the next one writes once."""
    for what, key in before:
        await act(shared, what, key)
    due = await shared.begin()
    for what, key in meanwhile:
        await act(shared, what, key)
    assert await shared.end() == due
    await shared.scene.assess()
    now = await shared.begin()
    written = shared.scene.decisions()
    assert await shared.end() == now
    assert shared.scene.decisions() == written
