"""What was planted in the demo's portfolio, found again through the API."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from service.cli.demo_portfolio import SHARED_CAUSE, Member

__all__ = ["check_planted"]

Ask = Callable[[str], Any]
"""Returns what an address under `/v1/portfolio/account_portfolio/` answers."""

_EARLY: Final = "too_early"


def check_planted(ask: Ask, members: Sequence[Member]) -> None:
    """Look at every view of the newest statement for the truths of *members*."""
    _check_groups(ask, members)
    _check_curve(ask, members)
    _check_drain(ask, members)
    _check_past(ask, members)
    _check_what_is_ours(ask, members)
    _check_sales(ask, members)
    _check_product(ask)
    _check_support_and_marketing(ask)


def _check_groups(ask: Ask, members: Sequence[Member]) -> None:
    """Each group has as many as were planted, certain where they were planted so."""
    groups = {one["outcome"]: one for one in ask("summary")["groups"]}
    planted = Counter(one.truth.group for one in members)
    certain = Counter(one.truth.group for one in members if one.truth.is_certain)
    found = {name: one["accounts"] for name, one in groups.items()}
    assert found == planted, f"found {found}, planted {dict(planted)}"
    assert {name: one["certain"] for name, one in groups.items()} == certain
    in_grace = {name: one["in_grace"] for name, one in groups.items() if one["in_grace"]}
    early = [one.truth.cause for one in members if one.truth.group == _EARLY]
    assert in_grace == {_EARLY: early.count("plain") + early.count("no_beginning")}


def _check_curve(ask: Ask, members: Sequence[Member]) -> None:
    """A peak well above the end, with what was planted as a loss in the tail."""
    curve = ask("whale-curve")
    assert curve["accounts"] == len(members)
    peak, end, taken = (Decimal(curve[name]) for name in ("peak", "end", "taken"))
    assert peak == end + taken
    assert 1.08 < peak / end < 1.35
    assert 0.15 < curve["takers_share"] < 0.35
    assert {"strong_partner", "steady"} <= {one["outcome"] for one in curve["most"]}
    assert curve["least"][0]["outcome"] == "marquee_drain"


def _check_drain(ask: Ask, members: Sequence[Member]) -> None:
    """The largest account causes most of the custom work there is, and leaves less than nothing."""
    (drain,) = (one.key for one in members if one.truth.group == "marquee_drain")
    (limit,) = ask("largest")["limits"]
    assert (limit["id"], limit["verdict"]) == ("among_largest", "matches")
    (burden,) = (b for b in ask("concentration")["burdens"] if b["burden"] == "custom_hours")
    top = burden["tops"][0]
    assert top["share"] > 0.8
    assert top["margin_share"] < 0
    assert ask("whale-curve")["least"][0]["account"] == drain
    matrix = ask("matrix")["cells"]
    assert sum(one["accounts"] for one in matrix) == len(members)


def _check_past(ask: Ask, members: Sequence[Member]) -> None:
    """A quarter ago there was a statement too, of those who were customers by then."""
    newest, *_, earlier = ask("statements")["data"]
    then = ask(f"summary?at={earlier['at']}")
    assert then["statement"]["id"] == earlier["id"] != newest["id"]
    known = [one for one in members if one.known_since.isoformat() <= earlier["at"]]
    # Whoever became a customer late in a month is known from its beginning on.
    assert len(known) <= earlier["totals"]["accounts"] < len(members)


def _check_what_is_ours(ask: Ask, members: Sequence[Member]) -> None:
    """The planted cohort and criterion are found, and nothing else is called systemic."""
    found = ask("systemic")
    (finding,) = found["findings"]
    cohort = [one for one in members if one.truth.in_cohort]
    since = min(one.facts["customer_since"] for one in cohort)
    quarter = f"{since[:4]}-Q{(int(since[5:7]) + 2) // 3}"
    assert finding["criterion"] == SHARED_CAUSE
    assert finding["group"] == {"slice": "cohort", "value": quarter}
    assert (finding["yes"], finding["known"]) == (19, 42)
    assert finding["suspension"] is not None
    assert finding["text"] == (
        f"Onboarding cohort {quarter}: 19 of 42 accounts skipped three trainings or more within a"
        " year (baseline 11 %). This looks like ours, not theirs; the rule is suspended for them."
    )


def _check_sales(ask: Ask, members: Sequence[Member]) -> None:
    """What was inherited is told apart, owner by owner; those who fit are won more often."""
    sales = ask("alignment/sales")
    owners = {one["owner"]: one for one in sales["owners"]}
    for owner, book in owners.items():
        theirs = [one for one in members if one.facts["owner"] == owner]
        misfits = [one for one in theirs if one.truth.group == "bad_fit"]
        taken_over = [
            one for one in misfits if one.facts["owner_since"] > one.facts["customer_since"]
        ]
        assert book["accounts"] == len(theirs)
        assert book["taken_over"]["accounts"] >= len(taken_over)
        assert book["won"]["accounts"] == 0
    assert max(one["taken_over"]["accounts"] for one in owners.values()) >= 6
    assert sales["unjoined"] == 0
    (by_outcome,) = (one["groups"] for one in sales["by"] if one["by"] == "outcome")
    wins = {one["value"]: one["wins"]["rate"] for one in by_outcome}
    assert wins["strong_partner"] > wins["bad_fit"] + 0.25


def _check_product(ask: Ask) -> None:
    """A one-off of one large account, a need of many, and a wish of those who do not fit."""
    features = {one["feature"]: one for one in ask("alignment/product")["features"]}
    assert features["link to their own erp"]["need"] == "one_off"
    assert features["link to their own erp"]["requests"] >= 4
    assert features["driver app offline"]["need"] == "shared"
    assert features["driver app offline"]["inside"] >= 10
    assert features["appointment booking"]["need"] == "outside_only"


def _check_support_and_marketing(ask: Ask) -> None:
    """Who does not fit takes more support for what they pay; leads come from several places."""
    support = {one["value"]: one for one in ask("alignment/support")["outcomes"]}
    cost = {
        name: float(one["support_cost"]) / float(one["revenue"]) for name, one in support.items()
    }
    assert cost["bad_fit"] > 3 * cost["steady"]
    assert cost["over_served"] > 3 * cost["strong_partner"]
    leads = ask("alignment/marketing")["leads"]
    assert len({one["value"] for one in leads if one["by"] == "source"}) >= 5
