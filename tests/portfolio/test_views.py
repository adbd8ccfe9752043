"""The views of a statement over HTTP, as JSON and as CSV, and what they refuse."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from service.storage import transaction
from tests.decisions.rules import FLEET_ACCOUNTS, release
from tests.portfolio.statements import NOON, position, store_statement
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH: Final = f"/v1/portfolio/{SLUG}"
VIEWS: Final = ("matrix", "summary", "segments", "whale-curve", "concentration")
LOW: Final = {"value": [20, 20], "growth": [0, 0]}


def account(key: str, revenue: int, cost: int, **told: Any) -> dict[str, Any]:  # noqa: ANN401 - any column
    """Return a position with money."""
    return position(key, revenue=Decimal(revenue), cost=Decimal(cost), **told)


ACCOUNTS: Final = [
    account("north", 100, 20, slices={"segment": "core"}, name="=cmd()", support_hours=Decimal(1)),
    account("south", 50, 10, slices={"segment": "core"}, certain=False),
    account(
        "east", 10, 40, slices={"segment": "outside"}, scores=LOW, outcome="bad_fit",
        verdict="disqualify", support_hours=Decimal(99), escalations=2,
    ),
    account(
        "west", 0, 5, scores={"value": [20, 70], "growth": [0, 0]}, outcome="too_early",
        verdict="review", certain=False, in_grace=True, is_measured=False,
    ),
    account("new", 0, 0, scores={}, outcome=None, verdict=None, certain=False, version=None),
]  # fmt: skip


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application with a statement of five accounts and an older one of none."""
    async with serving(database_url, is_attended=False) as served:
        running = await live_template(served.app.house.engine)
        async with transaction(served.app.house.engine) as connection:
            await store_statement(connection, running, [], at=NOON - timedelta(days=1))
            await store_statement(connection, running, ACCOUNTS)
        yield served


async def shown(served: Served, path: str) -> dict[str, Any]:
    """Return a view."""
    answer = await served.ask("GET", f"{PATH}/{path}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def table(served: Served, path: str) -> list[dict[str, str]]:
    """Return the lines of a CSV by heading."""
    answer = await served.ask("GET", f"{PATH}/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_the_matrix_has_a_cell_for_whom_nobody_can_place(served: Served) -> None:
    """Nine cells; who could be on either side is between, who was never decided is apart."""
    matrix = await shown(served, "matrix")
    cells = {(one["value"], one["growth"]): one for one in matrix["cells"]}
    counts = {place: one["accounts"] for place, one in cells.items() if one["accounts"]}
    assert counts == {("high", "high"): 2, ("low", "low"): 1, ("between", "low"): 1}
    assert cells["high", "high"]["margin"] == "120.00"
    assert (matrix["between"]["accounts"], matrix["unplaced"]["accounts"]) == (1, 1)
    assert (matrix["total"]["accounts"], matrix["total"]["margin"]) == (5, "85.00")
    assert matrix["statement"]["terms"]["growth_from"] == 40
    lines = await table(served, "matrix.csv")
    assert sum(int(line["accounts"]) for line in lines) == 5
    assert sum(Decimal(line["margin"]) for line in lines) == 85
    assert lines[-1]["value"] == "unplaced"


async def test_the_summary_has_every_group_with_its_action(served: Served) -> None:
    """In the rules' order, empty ones included, and at the end who was never decided."""
    summary = await shown(served, "summary")
    groups = {one["outcome"]: one for one in summary["groups"]}
    assert list(groups)[:2] == ["bad_conduct", "marquee_drain"]
    assert list(groups)[-1] is None
    partners = groups["strong_partner"]
    assert (partners["label"], partners["action"]) == ("Strong partner", "grow_partnership")
    assert (partners["accounts"], partners["certain"]) == (2, 1)
    assert partners["revenue_share"] == 0.9375
    early = groups["too_early"]
    assert (early["in_grace"], early["measured"], early["margin"]) == (1, 0, "-5.00")
    assert groups["steady"]["accounts"] == 0
    assert summary["total"]["accounts"] == 5
    lines = await table(served, "summary.csv")
    assert [line["outcome"] for line in lines] == [name or "" for name in groups]


async def test_segments_tell_each_part_by_outcome(served: Served) -> None:
    """Those of most revenue first; of whom nobody told it is a part as well."""
    told = await shown(served, "segments")
    assert [one["value"] for one in told["segments"]] == ["core", "outside", None]
    core, outside, unknown = told["segments"]
    assert (core["accounts"], core["margin"]) == (2, "120.00")
    assert [one["outcome"] for one in outside["outcomes"]] == ["bad_fit"]
    assert sum(one["accounts"] for one in unknown["outcomes"]) == 2
    assert (told["rest"]["accounts"], told["total"]["accounts"]) == (0, 5)
    lines = await table(served, "segments.csv?by=segment")
    assert {line["segment"] for line in lines} == {"core", "outside", ""}
    assert sum(Decimal(line["margin"]) for line in lines) == 85


async def test_the_whale_curve_has_a_peak_and_a_tail(served: Served) -> None:
    """What the makers leave, what the takers take back, and both ends by name."""
    curve = await shown(served, "whale-curve")
    assert (curve["peak"], curve["taken"], curve["end"]) == ("120.00", "35.00", "85.00")
    assert (curve["makers"], curve["takers"], curve["takers_share"]) == (2, 2, 0.4)
    assert curve["points"][-1] == {"accounts": 5, "margin": "85.00"}
    assert (curve["most"][0]["account"], curve["least"][0]["account"]) == ("north", "east")
    lines = await table(served, "whale-curve.csv")
    assert [line["account"] for line in lines] == ["north", "south", "new", "west", "east"]
    assert [line["together"] for line in lines] == ["80.00", "120.00", "120.00", "115.00", "85.00"]
    assert lines[0]["name"] == "'=cmd()", "a spreadsheet would run it"
    assert lines[-1]["margin"] == "-30.00", "a number is no formula"


async def test_concentration_is_beside_the_margin(served: Served) -> None:
    """One of five causes 99 of 100 hours and takes from the margin."""
    told = await shown(served, "concentration")
    burdens = {one["burden"]: one for one in told["burdens"]}
    top = burdens["support_hours"]["tops"][0]
    assert (top["percent"], top["accounts"], top["amount"], top["share"]) == (1, 1, "99.00", 0.99)
    assert (top["margin"], top["margin_share"]) == ("-30.00", -30 / 85)
    assert burdens["custom_hours"]["tops"][0]["share"] is None
    lines = await table(served, "concentration.csv")
    assert len(lines) == 12


async def test_matrix_and_whale_curve_are_drawn(served: Served) -> None:
    """As pictures that run nothing, of a slice as of all, and of nobody too."""
    for view, words in (("matrix", "Growth"), ("whale-curve", "120")):
        for query in ("", "?slice=segment:core", "?slice=segment:none"):
            answer = await served.ask("GET", f"{PATH}/{view}.svg{query}")
            assert answer.status_code == 200, answer.text
            assert answer.headers["Content-Type"] == "image/svg+xml"
            assert answer.text.startswith("<svg")
        whole = await served.ask("GET", f"{PATH}/{view}.svg")
        assert words in whole.text


async def test_a_slice_and_an_instant_choose_what_is_looked_at(served: Served) -> None:
    """Every view takes both; slices narrow, and `segment:` is for whom nobody told it."""
    for view in VIEWS:
        some = await shown(served, f"{view}?slice=segment:core&slice=segment:")
        assert some["slices"] == ["segment:core", "segment:"]
        before = await shown(served, f"{view}?at=2026-11-26T11:59:59Z")
        assert before["statement"]["at"] == "2026-11-25T12:00:00.000000Z"
        assert len(await table(served, f"{view}.csv?slice=segment:core")) > 0
    assert (await shown(served, "matrix?slice=segment:core"))["total"]["margin"] == "120.00"
    assert (await shown(served, "matrix?slice=segment:"))["total"]["accounts"] == 2
    assert (await shown(served, "matrix?slice=segment:none%20such"))["total"]["accounts"] == 0
    later = await shown(served, "matrix?at=2199-12-31T23:59:59.999999Z")
    assert later["total"]["accounts"] == 5


@pytest.mark.parametrize("suffix", ["", ".csv"])
async def test_what_cannot_be_looked_at_is_refused_with_its_place(
    served: Served, suffix: str
) -> None:
    """Bad slices, names, instants and rule sets: a problem that names the parameter."""
    wrong = {
        "slice=segment": (422, "bad_slice", "slice"),
        "slice=region:x": (422, "bad_slice", "slice"),
        "slice=": (422, "bad_slice", "slice"),
        "&".join(["slice=segment:core"] * 9): (422, "validation_failed", "slice"),
        "at=yesterday": (422, "validation_failed", "at"),
        "at=2026-11-26": (422, "validation_failed", "at"),
        "at=2026-02-30T00:00:00Z": (422, "validation_failed", "at"),
        "at=1899-01-01T00:00:00Z": (404, "statement_not_found", None),
    }
    for view in VIEWS:
        for query, (status, code, parameter) in wrong.items():
            answer = await served.ask("GET", f"{PATH}/{view}{suffix}?{query}")
            said = answer.json()
            assert (answer.status_code, said["code"]) == (status, code), query
            if parameter is not None:
                assert said["errors"][0]["parameter"] == parameter
        for slug in ("nowhere", "..%20", "%F0%9F%90%8B"):
            answer = await served.ask("GET", f"/v1/portfolio/{slug}/{view}{suffix}")
            assert (answer.status_code, answer.json()["code"]) == (404, "rule_set_not_found")
    answer = await served.ask("GET", f"{PATH}/segments{suffix}?by=region")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "by")


async def test_without_a_statement_one_is_told_how_to_take_it(served: Served) -> None:
    """Rules that nobody stated yet."""
    await release(served.app.house, FLEET_ACCOUNTS)
    for view in VIEWS:
        answer = await served.ask("GET", f"/v1/portfolio/fleet_accounts/{view}")
        assert (answer.status_code, answer.json()["code"]) == (404, "statement_not_found")
        assert "statements" in answer.json()["detail"]
    key = await served.new_key("rules:read")
    assert (await served.ask("GET", f"{PATH}/matrix", key=key)).status_code == 403
