"""Where the largest begin, over HTTP, and whether the number in the rules still finds them."""

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final

import pytest

from service.portfolio.largest import Cut, Limit, limits_of
from service.rules import load_rule_set
from service.rules.templates import read_template
from service.storage import transaction
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH: Final = f"/v1/portfolio/{SLUG}/largest"
RULES: Final = """
rule_set: large
subject: account
attributes:
  size: {type: number, min: 0, label: Size}
metrics:
  revenue: {event: revenue, sum: amount, unit: EUR}
derived:
  is_large: size >= 5 && 900 <= revenue
gates:
  - {id: huge, when: revenue > 5000, then: kept}
scores:
  value:
    {floor: 0, ceiling: 9, groups: [{id: g, mode: sum, rules: [{id: pays, when: revenue >= 7, points: 9}]}]}
outcomes:
  - {id: kept, verdict: qualify, when: is_large || revenue >= 1000 || revenue < 3}
  - {id: other, verdict: review}
"""  # noqa: E501 - a rule file


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return a statement of sixty accounts, of twelve of which revenue is not known."""
    async with serving(database_url, is_attended=False) as served:
        running = await live_template(served.app.house.engine)
        rows = [
            position(
                f"a-{number}",
                revenue=Decimal(number * 10_000 if number < 48 else 0),
                is_measured=number < 48,
                slices={"segment": "core" if number < 24 else "outside"},
            )
            for number in range(60)
        ]
        async with transaction(served.app.house.engine) as connection:
            await store_statement(connection, running, rows)
        yield served


async def shown(served: Served, asked: str = "") -> dict[str, Any]:
    """Return the view."""
    answer = await served.ask("GET", f"{PATH}{asked}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_the_rules_are_held_against_the_portfolio(served: Served) -> None:
    """Where the largest begin, a round number that all of them reach, and who reaches ours."""
    told = await shown(served)
    assert (told["accounts"], told["unknown"], told["percent"]) == (48, 12, 5)
    cuts = {one["percent"]: (one["accounts"], one["from"]) for one in told["cuts"]}
    assert cuts == {1: (1, "470000.00"), 5: (3, "450000.00"), 10: (5, "430000.00")}
    (limit,) = told["limits"]
    assert (limit["kind"], limit["id"], limit["from"]) == ("derived", "among_largest", "250000.00")
    assert (limit["accounts"], limit["verdict"]) == (23, "too_many")
    assert limit["words"] == (
        "23 of 48 accounts reach 250,000; that is more than the largest; raise it."
        " The 3 largest begin at 450,000.00"
    )
    assert limit["revenue_share"] == sum(range(25, 48)) / sum(range(48))
    wide = await shown(served, "?percent=50")
    assert {one["percent"]: one["accounts"] for one in wide["cuts"]}[50] == 24
    assert wide["limits"][0]["verdict"] == "matches"


async def test_a_slice_has_its_largest_and_no_verdict(served: Served) -> None:
    """The number of the rules is for everybody; slices add up to the whole."""
    whole = await shown(served)
    parts = [await shown(served, f"?slice=segment:{name}") for name in ("core", "outside")]
    assert [part["limits"][0]["verdict"] for part in parts] == [None, None]
    assert [part["cuts"][0]["from"] for part in parts] == ["230000.00", "470000.00"]
    for name in ("accounts", "unknown"):
        assert sum(part[name] for part in parts) == whole[name]
    reach = [part["limits"][0]["accounts"] for part in parts]
    assert (reach, sum(reach)) == ([0, 23], whole["limits"][0]["accounts"])
    answer = await served.ask("GET", f"{PATH}.csv?slice=segment:core")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(one["of"], one["percent"], one["accounts"]) for one in lines] == [
        ("largest", "1", "1"), ("largest", "5", "2"), ("largest", "10", "3"), ("derived", "", "0"),
    ]  # fmt: skip


async def test_nobody_and_nonsense(served: Served) -> None:
    """An empty slice has no largest; a percent that is none is refused."""
    nobody = await shown(served, "?slice=segment:mars")
    assert {one["from"] for one in nobody["cuts"]} == {None}
    assert nobody["limits"][0]["revenue_share"] is None
    for asked in ("?percent=0", "?percent=51", "?percent=x", "?slice=colour:red"):
        assert (await served.ask("GET", f"{PATH}{asked}")).status_code == 422


def test_limits_are_read_from_the_rules() -> None:
    """Both ways round, in names, gates and outcomes; what only gives points is none."""
    found = limits_of(load_rule_set(RULES).model, "revenue")
    assert found == (
        Limit("derived", "is_large", 900, is_inside=True),
        Limit("gate", "huge", 5000, is_inside=False),
        Limit("outcome", "kept", 1000, is_inside=True),
    )
    template = limits_of(load_rule_set(read_template(SLUG)).model, "revenue_12m")
    assert [(one.kind, one.id) for one in template] == [("derived", "among_largest")]


@pytest.mark.parametrize(
    ("begin", "propose"),
    [("84213.77", "84000"), ("999.99", "990"), ("7", "7"), ("0.129", "0.12"), ("0", None)],
)
def test_a_proposal_is_round_and_reached_by_all(begin: str, propose: str | None) -> None:
    """Two digits, never above the least of the largest."""
    cut = Cut(percent=5, accounts=1, begin=Decimal(begin), revenue=Decimal(begin))
    assert cut.round_begin == (None if propose is None else Decimal(propose))
