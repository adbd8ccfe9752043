"""A cause that a cohort shares: found, said, suspended for its accounts alone, and over again."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from service.decisions import Desk, assess_some
from service.portfolio import examine_newest
from service.storage import transaction
from service.storage.tables import AccountRow, AssessmentRow, DecisionRow
from tests.decisions.rules import release
from tests.decisions.test_suspensions import RULES
from tests.decisions.words import Hands
from tests.portfolio.statements import position, store_statement
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

SPRING, OTHERS = 42, 258
SYSTEMIC = "/v1/portfolio/care/systemic"
WORDS = "ask for more than 6 support hours a month"
SAID = (
    "Onboarding cohort 2026-Q1: 19 of 42 accounts ask for more than 6 support hours a month"
    " (baseline 11 %). This looks like ours, not theirs; the rule is suspended for them."
)
DECLARED = {"slices": ["cohort"], "criteria": {"asks_much": {"baseline": 0.11, "words": WORDS}}}


@dataclass(frozen=True, slots=True)
class Company:
    """Three hundred accounts, of which a cohort asks for much, and a clock that is moved."""

    served: Served
    hands: Hands

    @property
    def desk(self) -> Desk:
        """Where its accounts are assessed."""
        desk: Desk = self.served.app.api.state.desk
        return desk

    async def keep(self, facts: dict[str, dict[str, Any]]) -> None:
        """Store accounts and assess whoever is due."""
        sent = [{"account": key, "facts": told} for key, told in facts.items()]
        answer = await self.served.ask("POST", "/v1/accounts", json=sent)
        assert answer.status_code == 200, answer.text
        await self.assess()

    async def assess(self) -> int:
        """Assess whoever is due, and return how many were."""
        assessed = 0
        while taken := await assess_some(self.desk):
            assessed += taken
        return assessed

    async def state(self) -> None:
        """Take a statement of how every account stands now, and have it examined."""
        self.hands.at += timedelta(days=1)
        house, live = self.served.app.house, self.desk.live
        running = await live.version_at("care", self.hands.at)
        statement = (
            select(
                AccountRow.key,
                AccountRow.facts,
                AssessmentRow.__table__,
                DecisionRow.trace,
                DecisionRow.trace_before,
            )
            .join(AssessmentRow, AssessmentRow.account_id == AccountRow.id)
            .join(DecisionRow, DecisionRow.id == AssessmentRow.decision_id)
        )
        async with transaction(house.engine) as connection:
            rows = (await connection.execute(statement)).all()
            positions = [
                position(
                    row.key,
                    account_id=row.account_id,
                    decision_id=row.decision_id,
                    version=row.version,
                    verdict=row.verdict,
                    outcome=row.outcome,
                    letters=_letters(row),
                    slices={"cohort": _cohort(row.facts["customer_since"])},
                )
                for row in rows
            ]
            await store_statement(connection, running, positions, at=self.hands.at)
        assert await examine_newest(house, live) == 1
        assert await examine_newest(house, live) == 0

    async def read(self, path: str = SYSTEMIC) -> dict[str, Any]:
        """Return the JSON at *path*."""
        answer = await self.served.ask("GET", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def suspensions(self) -> list[dict[str, Any]]:
        """Return what is suspended now."""
        data: list[dict[str, Any]] = (await self.read("/v1/suspensions?in_force=true"))["data"]
        return data

    async def outcomes(self, cohort: str) -> dict[str, int]:
        """Return how many accounts of a cohort stand how."""
        statement = select(AccountRow.facts, AssessmentRow.outcome).join(
            AssessmentRow, AssessmentRow.account_id == AccountRow.id
        )
        async with transaction(self.served.app.house.engine) as connection:
            rows = (await connection.execute(statement)).all()
        found: dict[str, int] = {}
        for row in rows:
            if _cohort(row.facts["customer_since"]) == cohort:
                found[row.outcome] = found.get(row.outcome, 0) + 1
        return found


def _cohort(since: str) -> str:
    return f"{since[:4]}-Q{(int(since[5:7]) + 2) // 3}"


def _letters(row: Row[Any]) -> dict[str, Any]:
    """Return the letters as a statement has them."""
    letters: dict[str, Any] = row.trace["open"]
    if row.trace_before is None:
        return letters
    before = row.trace_before["open"]
    return letters | {"rules": before["rules"], "before": before}


def spring(hours: int) -> dict[str, dict[str, Any]]:
    """Return the cohort of which nineteen ask for so many hours."""
    return {
        f"spring-{n}": {"customer_since": "2026-02-11", "hours": hours if n < 19 else 3}
        for n in range(SPRING)
    }


def others() -> dict[str, dict[str, Any]]:
    """Return eight other cohorts, of which one in nine asks for much."""
    starts = [f"{year}-{month}-11" for year in (2024, 2025) for month in ("02", "05", "08", "11")]
    return {
        f"other-{n}": {"customer_since": starts[n % 8], "hours": 30 if n % 9 == 0 else 3}
        for n in range(OTHERS)
    }


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    """Return the company, assessed, with its baseline declared."""
    hands = Hands.now()
    async with serving(database_url, clock=hands, is_attended=False) as served:
        await release(served.app.house, RULES)
        hands.at += timedelta(seconds=5)
        found = Company(served, hands)
        await found.keep(spring(30) | others())
        answer = await served.ask("PUT", f"{SYSTEMIC}-policy", json=DECLARED)
        assert answer.status_code == 200, answer.text
        yield found


async def test_the_life_of_a_systemic_problem(company: Company) -> None:
    """Found; suspended for the cohort alone; still found; mended, and over."""
    missing = await company.served.ask("GET", SYSTEMIC)
    assert (missing.status_code, missing.json()["code"]) == (404, "statement_not_found")
    await company.state()
    found = await company.read()
    (finding,) = found["findings"]
    assert finding["text"] == SAID
    assert (finding["yes"], finding["known"], finding["accounts"]) == (19, 42, 42)
    assert finding["interval"] == pytest.approx([0.29846, 0.61327], abs=1e-5)
    assert (finding["test"], finding["p"]) == ("exact binomial", pytest.approx(2.178e-8, rel=1e-3))
    assert finding["q"] == pytest.approx(finding["p"] * found["tests"])
    assert found["examined"]
    assert {"no_baseline"} == {
        one["lack"] for one in found["not_enough_data"] if one["group"] is None
    }
    (suspension,) = await company.suspensions()
    assert finding["suspension"] == suspension["id"]
    assert suspension["group"] == {"slice": "cohort", "value": "2026-Q1"}
    assert suspension["cause"] == SAID.partition(" This")[0]
    before = await company.outcomes("2025-Q1")
    assert await company.outcomes("2026-Q1") == {"talk": 19, "fine": 23}
    assert await company.assess() == SPRING
    assert await company.outcomes("2026-Q1") == {"fine": SPRING}
    assert await company.outcomes("2025-Q1") == before
    assert await company.assess() == 0

    await company.state()
    again = await company.read()
    assert [one["text"] for one in again["findings"]] == [SAID]
    assert await company.suspensions() == [suspension]

    await company.keep(spring(3))
    await company.state()
    assert (await company.read())["findings"] == []
    assert await company.suspensions() == []
    over = await company.read(f"/v1/suspensions/{suspension['id']}")
    assert over["ended"]["reason"].endswith("0 of 42 accounts against 0.11")
    assert await company.assess() == SPRING
    decision = await company.served.ask("GET", "/v1/decisions?account=spring-1&limit=1")
    assert decision.json()["data"][0]["suspended"] == []
    audit = (await company.served.ask("GET", "/v1/audit?limit=200")).json()["data"]
    told = [one["action"] for one in audit if one["actor"] == "goodfit"]
    assert sorted(told) == ["decisions.end_suspension", "decisions.suspend"]


async def test_in_between_a_suspension_stays_and_a_persons_end_holds(company: Company) -> None:
    """No more a finding, nor surely over: it stays. Ended by a person, it does not come back."""
    await company.state()
    (suspension,) = await company.suspensions()
    half = spring(30) | {f"spring-{n}": {"customer_since": "2026-02-11", "hours": 3}
                         for n in range(8, 19)}  # fmt: skip
    await company.keep(half)
    await company.state()
    assert (await company.read())["findings"] == []
    assert await company.suspensions() == [suspension]
    path = f"/v1/suspensions/{suspension['id']}/end"
    assert (await company.served.ask("POST", path, json={"reason": "theirs"})).status_code == 200
    assert await company.assess() == SPRING
    assert (await company.outcomes("2026-Q1"))["talk"] == 8
    await company.keep(spring(30))
    await company.state()
    assert [one["text"] for one in (await company.read())["findings"]] == [SAID]
    assert await company.suspensions() == []


async def test_the_table_holds_every_criterion_in_every_group(company: Company) -> None:
    """Also what was not found; what is no formula stays none."""
    await company.state()
    answer = await company.served.ask("GET", f"{SYSTEMIC}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["criterion"] for row in rows} == {"asks_much", "asks_very_much", "outcome:bad"}
    assert len(rows) == 3 * (1 + 9)
    (found,) = [row for row in rows if row["result"] == "systemic"]
    assert (found["slice"], found["value"], found["yes"]) == ("cohort", "2026-Q1", "19")
    assert {row["result"] for row in rows} == {"systemic", "not_systemic", "not_enough_data"}


async def test_hostile_questions_are_refused(company: Company) -> None:
    """With a clear refusal, and never a 5xx; a policy that is refused changes nothing."""
    policy = f"{SYSTEMIC}-policy"
    await company.state()
    for method, path, sent, status in (
        ("GET", "/v1/portfolio/nothing/systemic", None, 404),
        ("GET", "/v1/portfolio/nothing/systemic.csv", None, 404),
        ("GET", "/v1/portfolio/nothing/systemic-policy", None, 404),
        ("PUT", "/v1/portfolio/nothing/systemic-policy", {}, 404),
        ("GET", f"{SYSTEMIC}?at=yesterday", None, 422),
        ("GET", f"{SYSTEMIC}?at=2001-01-01T00:00:00Z", None, 404),
        ("GET", f"{SYSTEMIC}.csv?at=%00", None, 404),
        ("PUT", policy, {"criteria": {"gone": {}}}, 422),
        ("PUT", policy, {"criteria": {"asks_much": {"baseline": 0}}}, 422),
        ("PUT", policy, {"criteria": {"asks_much": {"baseline": 1}}}, 422),
        ("PUT", policy, {"criteria": {"asks_much": {"baseline": "0.1"}}}, 422),
        ("PUT", policy, {"criteria": {"asks_much": {"words": " "}}}, 422),
        ("PUT", policy, {"criteria": {"=cmd": {}}}, 422),
        ("PUT", policy, {"slices": ["x'; --"]}, 422),
        ("PUT", policy, {"slices": list("abcdefghi")}, 422),
        ("PUT", policy, {"other": 1}, 422),
    ):
        answer = await company.served.ask(method, path, json=sent)
        assert answer.status_code == status, (path, sent, answer.text)
    kept = await company.read(policy)
    assert kept["slices"] == ["cohort"]
    assert kept["criteria"]["asks_much"]["baseline"] == 0.11
    key = await company.served.new_key("accounts")
    assert (await company.served.ask("PUT", policy, json={}, key=key)).status_code == 403
    assert (await company.served.ask("GET", policy, key=key)).status_code == 200
