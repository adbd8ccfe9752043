"""What is systemic in a slice: counted, judged strictly for being picked, and never acted on."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from service.portfolio import examine_newest
from service.portfolio.systemic import EVERYBODY, Count, Group, examine
from service.rulesets import LiveRules
from service.storage import transaction
from tests.decisions.rules import release
from tests.decisions.test_suspensions import RULES
from tests.decisions.words import Hands
from tests.portfolio.statements import position, store_statement
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
SYSTEMIC: Final = "/v1/portfolio/care/systemic"
TROUBLED: Final = ("north", "2026-Q1")
REGIONS: Final = ("north", "south", "east", "west")
COHORTS: Final = ("2025-Q3", "2025-Q4", "2026-Q1")


@dataclass(frozen=True, slots=True)
class Region:
    """A company of four regions and three cohorts; in one corner of it nearly all ask for much."""

    served: Served

    async def read(self, slices: str = "") -> dict[str, Any]:
        """Return the systemic view, of *slices* as they are asked for."""
        answer = await self.served.ask("GET", f"{SYSTEMIC}?{slices}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def table(self, slices: str = "") -> dict[tuple[str, str, str], dict[str, str]]:
        """Return the lines of the table by criterion, slice and value."""
        answer = await self.served.ask("GET", f"{SYSTEMIC}.csv?{slices}")
        assert answer.status_code == 200, answer.text
        rows = csv.DictReader(io.StringIO(answer.text))
        return {(row["criterion"], row["slice"], row["value"]): row for row in rows}


def _place(number: int) -> tuple[str | None, str]:
    return (*REGIONS, None)[number % 5], COHORTS[number // 5 % 3]


def _rules(number: int) -> str:
    """Return the letters of `asks_much` and `asks_very_much`: one of five is not known."""
    if number % 25 == 4:
        return "uu"
    asks = number % 50 != 10 if _place(number) == TROUBLED else number % 11 == 0
    return "yn" if asks else "nn"


@pytest.fixture
async def region(database_url: str) -> AsyncIterator[Region]:
    """Return the company with a statement of it that was examined."""
    hands = Hands.now()
    async with serving(database_url, clock=hands, is_attended=False) as served:
        house = served.app.house
        await release(house, RULES)
        hands.at += timedelta(seconds=5)
        live = LiveRules(house.engine, timer=lambda: 0.0)
        running = await live.version_at("care", hands.at)
        rows = []
        for number in range(600):
            (name, cohort), letters = _place(number), _rules(number)
            slices = {"cohort": cohort} | ({} if name is None else {"region": name})
            told = {"gates": "", "rules": letters, "outcomes": "nny"}
            rows.append(position(f"a-{number}", letters=told, slices=slices))
        async with transaction(house.engine) as connection:
            await store_statement(connection, running, rows, at=hands.at)
        assert await examine_newest(house, live) == 1
        yield Region(served)


async def test_slices_add_up_to_the_whole(region: Region) -> None:
    """Of every criterion in every cohort: who meets it, who is known, who there is."""
    whole = await region.table()
    parts = [await region.table(f"slice=region:{name}") for name in (*REGIONS, "")]
    assert len(whole) == 3 * (1 + len(COHORTS))
    for place, row in whole.items():
        for count in ("yes", "known", "accounts"):
            assert sum(int(part[place][count]) for part in parts) == int(row[count])
    both = await region.table("slice=region:north&slice=cohort:2026-Q1")
    north = await region.table("slice=region:north")
    corner, cohort = both["asks_much", "", ""], north["asks_much", "cohort", "2026-Q1"]
    assert (
        (corner["yes"], corner["accounts"]) == (cohort["yes"], cohort["accounts"]) == ("36", "40")
    )


async def test_a_slice_is_told_and_suspends_nothing(region: Region) -> None:
    """It says whom it is of and that it stops no rule; what the whole suspends stays told."""
    suspensions = "/v1/suspensions?in_force=true"
    before = (await region.served.ask("GET", suspensions)).json()["data"]
    assert {one["group"]["value"] for one in before} == {"2026-Q1"}
    north = await region.read("slice=region:north")
    assert (north["slices"], north["suspends"]) == (["region:north"], False)
    every, cohort = (
        next(one for one in north["findings"] if one["group"] == group)
        for group in (None, {"slice": "cohort", "value": "2026-Q1"})
    )
    assert cohort["text"].startswith("Region north, onboarding cohort 2026-Q1: 36 of 40 accounts")
    assert cohort["text"].endswith("only what the whole portfolio shows suspends anything.")
    assert (cohort["against"]["kind"], cohort["against"]["known"]) == ("rest", 80)
    assert cohort["suspension"] == before[0]["id"]
    assert every["text"].startswith("Region north: ")
    known = int((await region.table())["asks_much", "", ""]["known"])
    assert every["against"]["known"] == known - 120
    assert (await region.served.ask("GET", suspensions)).json()["data"] == before
    again = await region.read("slice=region:north")
    assert again == north


async def test_a_slice_answers_for_all_that_could_have_been_picked(region: Region) -> None:
    """Each q is the slice's own, times the slices by the same names; how many is said."""
    north = await region.read("slice=region:north")
    assert (north["slices_alike"], north["hypotheses"]) == (5, 5 * north["tests"])
    corner = await region.read("slice=region:north&slice=cohort:2026-Q1")
    assert corner["slices_alike"] == 15
    (finding,) = corner["findings"]
    assert finding["q"] == pytest.approx(finding["p"] * corner["tests"] * 15)
    whole = await region.read()
    assert (whole["slices_alike"], whole["hypotheses"]) == (1, whole["tests"])
    assert (whole["slices"], whole["suspends"]) == ([], True)


async def test_small_and_strange_slices_claim_nothing(region: Region) -> None:
    """Nobody in it, or a name that is none: not enough data, or a refusal with the parameter."""
    nobody = await region.read("slice=region:mars")
    assert (nobody["findings"], nobody["tests"]) == ([], 0)
    assert {one["lack"] for one in nobody["not_enough_data"]} == {"few_known"}
    for asked in ("slice=colour:red", "slice=region"):
        answer = await region.served.ask("GET", f"{SYSTEMIC}?{asked}")
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_slice")


def test_what_is_sure_of_the_whole_may_not_be_of_one_slice_of_many() -> None:
    """The same counts are found when asked for by themselves, and not as one of five hundred."""
    spring, rest = Group("cohort", "2026-Q1"), Count(20, 300, 300)
    counts = {"late": {EVERYBODY: Count(32, 340, 340), spring: Count(12, 40, 40)}}
    outside = {"late": rest}
    alone = examine(counts, baselines={}, outside=outside)
    assert {one.group: one.result for one in alone}[spring] == "systemic"
    picked = examine(counts, baselines={}, outside=outside, alike=500)
    assert {one.result for one in picked} == {"not_systemic"}
    assert all(
        one.q == min(1, (twin.q or 0) * 500) for one, twin in zip(picked, alone, strict=True)
    )
