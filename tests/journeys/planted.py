"""What was planted in the demo's portfolio, found again through the API."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from service.cli.demo_portfolio import Member

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


def _check_groups(ask: Ask, members: Sequence[Member]) -> None:
    """Each group has as many as were planted, certain where they were planted so."""
    groups = {one["outcome"]: one for one in ask("summary")["groups"]}
    planted = Counter(one.truth.called for one in members)
    certain = Counter(one.truth.called for one in members if one.truth.is_certain)
    assert {name: one["accounts"] for name, one in groups.items()} == planted
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
    (burden,) = (b for b in ask("concentration")["burdens"] if b["burden"] == "custom_hours")
    top = burden["tops"][0]
    assert top["share"] > 0.8
    assert top["margin_share"] < 0
    assert ask("whale-curve")["least"][0]["account"] == drain
    matrix = ask("matrix")["cells"]
    assert sum(one["accounts"] for one in matrix) == len(members)


def _check_past(ask: Ask, members: Sequence[Member]) -> None:
    """A quarter ago there was a statement too, of those who were customers by then."""
    newest, earlier = ask("statements")["data"]
    then = ask(f"summary?at={earlier['at']}")
    assert then["statement"]["id"] == earlier["id"] != newest["id"]
    known = [one for one in members if one.known_since.isoformat() <= earlier["at"]]
    # Whoever became a customer late in a month is known from its beginning on.
    assert len(known) <= earlier["totals"]["accounts"] < len(members)
