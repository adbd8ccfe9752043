"""A past to try drafts on: the worked example's decisions on made-up leads."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from service.backtests.replaying import Case
from service.rules import RuleSet, load_rule_set
from service.storage import make_uuid

__all__ = ["BASE", "BASE_TEXT", "START", "case", "document", "drafts", "leads", "past"]

BASE_TEXT: Final = (
    (Path(__file__).parents[1] / "cases/fleet_leads.yaml").read_text("utf-8").split("tests:")[0]
)
BASE: Final = load_rule_set(BASE_TEXT)
START: Final = datetime(2026, 9, 1, 12, tzinfo=UTC)

Json = dict[str, Any]


def leads() -> st.SearchStrategy[Json]:
    """Return leads with anything from nothing to everything known."""
    return st.fixed_dictionaries(
        {},
        optional={
            "email": st.sampled_from(["a@fleet.example", "b@gmail.com", "c@bigfleet.example"]),
            "vehicles": st.sampled_from([0, 1, 2, 4, 5, 19, 20, 30, 60, 199, 200, 300]),
            "country": st.sampled_from(["DE", "AT", "FR", "PL"]),
            "seniority": st.sampled_from(["individual", "manager", "director", "vp"]),
            "tools": st.lists(st.sampled_from(["sap", "samsara"]), unique=True),
            "has_budget": st.booleans(),
            "email_clicks": st.sampled_from([0, 1, 2, 4, 9]),
        },
    )


def document() -> Json:
    """Return the worked example as JSON members, to be changed."""
    changed: Json = BASE.document.to_json()
    return changed


def case(facts: Mapping[str, object], *, number: int = 0, final: bool = False) -> Case:
    """Return a decision that the worked example made on *facts*, the *number*th of the past."""
    at = START + timedelta(minutes=number)
    decision = BASE.decide(facts, at=at, final=final)
    return Case(
        decision_id=make_uuid(at, number.to_bytes(8, "big")),
        decided_at=at,
        version=1,
        asked=frozenset(BASE.attributes),
        facts=decision.facts.to_json(),
        tabled=dict(decision.tabled),
        final=final,
        suspended=(),
        verdict=decision.verdict,
        outcome=decision.outcome,
        scores={name: score.value for name, score in decision.scores.items()},
    )


def past(facts: Iterable[Mapping[str, object]], *, final: bool = False) -> list[Case]:
    """Return one decision a minute."""
    return [case(each, number=number, final=final) for number, each in enumerate(facts)]


def _points(draw: st.DrawFn, rules: Json) -> None:
    rule = draw(st.sampled_from(rules["scores"]["fit"]["groups"][0]["rules"]))
    rule["points"] = draw(st.sampled_from([-30.0, 0.0, 15.0, 25.0, 35.0, 40.0]))


def _threshold(draw: st.DrawFn, rules: Json) -> None:
    rule = rules["scores"]["fit"]["groups"][0]["rules"][1]
    rule["when"] = f"vehicles >= {draw(st.sampled_from([5, 10, 30, 60, 100]))}"


def _removal(draw: st.DrawFn, rules: Json) -> None:
    group = draw(st.sampled_from(rules["scores"]["fit"]["groups"]))
    if len(group["rules"]) > 1:
        group["rules"].pop(draw(st.integers(0, len(group["rules"]) - 1)))


def _addition(draw: st.DrawFn, rules: Json) -> None:
    group = rules["scores"]["fit"]["groups"][2]
    when = draw(st.sampled_from(['"samsara" in tools', "has_budget", "email_clicks > 3"]))
    added = {"id": "telematics", "when": when, "points": draw(st.sampled_from([10.0, 20.0, -20.0]))}
    if all(rule["id"] != "telematics" for rule in group["rules"]):
        group["rules"].insert(0, added)


def _order(draw: st.DrawFn, rules: Json) -> None:
    group = rules["scores"]["fit"]["groups"][0]
    group["rules"] = draw(st.permutations(group["rules"]))


def _cap(draw: st.DrawFn, rules: Json) -> None:
    rules["scores"]["fit"]["groups"][0]["cap"] = draw(st.sampled_from([20.0, 30.0, 40.0]))


def _band(draw: st.DrawFn, rules: Json) -> None:
    rules["grades"]["fit_grade"]["A"] = draw(st.sampled_from([45.0, 50.0, 60.0, 65.0]))


def _gate(draw: st.DrawFn, rules: Json) -> None:
    rules["gates"] = [gate for gate in rules["gates"] if gate["id"] != draw(_GATES)]


def _outcome(draw: st.DrawFn, rules: Json) -> None:
    rules["outcomes"][1]["when"] = f"fit >= {draw(st.sampled_from([20, 30, 45]))}"


def _list(draw: st.DrawFn, rules: Json) -> None:
    rules["lists"]["free_mail"] = draw(st.sampled_from([["gmx.de"], ["fleet.example", "gmx.de"]]))


def _question(draw: st.DrawFn, rules: Json) -> None:
    del draw
    rules["attributes"]["seniority"].pop("ask", None)


def _formula(draw: st.DrawFn, rules: Json) -> None:
    rules["scores"]["total"]["formula"] = draw(st.sampled_from(["fit + intent", "fit"]))


_GATES: Final = st.sampled_from(["is_consumer", "named_account"])
_EDITS: Final = (
    _points, _threshold, _removal, _addition, _order, _cap,
    _band, _gate, _outcome, _list, _question, _formula,
)  # fmt: skip


@st.composite
def drafts(draw: st.DrawFn) -> RuleSet:
    """Return the worked example after one to five edits of any kind."""
    changed = document()
    for edit in draw(st.lists(st.sampled_from(_EDITS), min_size=1, max_size=5, unique=True)):
        edit(draw, changed)
    return load_rule_set(changed)
