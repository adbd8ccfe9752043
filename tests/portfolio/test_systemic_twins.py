"""Two findings in nearly the same accounts are one problem, told by the stronger name."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from service.portfolio.systemic import EVERYBODY, Against, Count, Examined, Group
from service.portfolio.systemic_twins import Twin, pairs_of, twins_of
from service.storage import transaction
from tests.decisions.rules import release
from tests.decisions.test_suspensions import RULES
from tests.portfolio.statements import position, store_statement
from tests.web.serving import Served, serving

BASIC, COHORT, SOURCE = Group("plan", "basic"), Group("cohort", "2024-Q1"), Group("source", "fair")


def found(group: Group, *, p: float, accounts: int = 100, criterion: str = "asks_much") -> Examined:
    """Return a finding."""
    count = Count(accounts // 2, accounts, accounts)
    return Examined(criterion, group, count, Against("declared", 0.1), p, p, None)


def test_the_weaker_names_the_stronger() -> None:
    """With how many accounts both have; a twin of a twin names the strongest."""
    findings = [found(BASIC, p=1e-9), found(COHORT, p=1e-8), found(SOURCE, p=1e-7)]
    pairs = pairs_of(findings)
    assert pairs == [(BASIC, COHORT), (BASIC, SOURCE), (COHORT, SOURCE)]
    assert twins_of(findings, dict(zip(pairs, (95, 90, 99), strict=True))) == {
        ("asks_much", COHORT): Twin(BASIC, 95, 105),
        ("asks_much", SOURCE): Twin(BASIC, 90, 110),
    }


@pytest.mark.parametrize(
    "other",
    [
        found(COHORT, p=1e-8, accounts=70),
        found(Group("plan", "plus"), p=1e-8),
        found(EVERYBODY, p=1e-8),
        found(COHORT, p=1e-8, criterion="pays_late"),
    ],
    ids=["much larger", "of one slice", "everybody", "another criterion"],
)
def test_what_cannot_be_the_same_is_not_asked_about(other: Examined) -> None:
    """A group within a larger one, values of one name, everybody, and another criterion."""
    assert pairs_of([found(BASIC, p=1e-9), other]) == []


def test_a_third_of_other_accounts_is_another_group() -> None:
    """Eighty of a hundred and twenty in both are two problems, or may be."""
    findings = [found(BASIC, p=1e-9), found(COHORT, p=1e-8)]
    assert twins_of(findings, {(BASIC, COHORT): 80}) == {}


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests."""
    async with serving(database_url, is_attended=False) as served:
        yield served


@pytest.mark.anyio
async def test_a_board_reads_one_problem(served: Served) -> None:
    """Fifty accounts of a plan, of which all but one are of a cohort, ask for much."""
    house = served.app.house
    await release(house, RULES)
    running = await served.app.api.state.desk.live.version_at("care", house.clock())
    rules = [rule.id for rule in running.rules.model.rules]

    def letters(*, asks: bool) -> dict[str, str]:
        said = "".join("y" if asks and rule == "asks_much" else "n" for rule in rules)
        gates = "n" * len(running.rules.model.gates)
        return {"gates": gates, "rules": said, "outcomes": "n" * len(running.rules.model.outcomes)}

    positions = [
        position(
            f"account-{number}",
            letters=letters(asks=number < 50 and number % 2 == 0),
            slices={
                "plan": "basic" if number < 50 else "plus",
                "cohort": "2024-Q1" if 1 <= number < 51 else "2023-Q1",
            },
        )
        for number in range(300)
    ]
    policy = {"slices": ["cohort", "plan"], "criteria": {"asks_much": {"baseline": 0.05}}}
    await served.ask("PUT", "/v1/portfolio/care/systemic-policy", json=policy)
    async with transaction(house.engine, within=timedelta(seconds=30)) as connection:
        await store_statement(connection, running, positions)
    told = (await served.ask("GET", "/v1/portfolio/care/systemic")).json()
    groups = {one["group"]["slice"]: one for one in told["findings"] if one["group"]}
    assert groups["plan"]["p"] < groups["cohort"]["p"]
    assert groups["plan"]["nearly_same_as"] is None
    assert groups["cohort"]["nearly_same_as"] == {
        "group": {"slice": "plan", "value": "basic"}, "shared": 49, "together": 51,
    }  # fmt: skip
    assert groups["cohort"]["text"].endswith(
        "These are nearly the same accounts as plan basic (49 of 51), where the evidence is"
        " stronger: one problem, told twice."
    )
