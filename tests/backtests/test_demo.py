"""The demo's own past under changed rules: found again, decision for decision, by the reference.

Nothing here uses what a backtest is made of. An edit is undone by writing the draft's text
without it, and every decision is made by the evaluator that walks the trees as they stand.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from service.cli.demo_data import install_templates
from service.cli.demo_furnishing import send_leads
from service.cli.demo_samples import LEADS
from service.rules import RuleSet, load_rule_set
from service.rules.meaning import Reference
from service.rules.templates import read_template
from service.storage import libpq_url, parse_id
from tests.backtests.office import Office
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

Name = tuple[str, str]
"""The part and the id under which a backtest names an edit."""

EDITS: Final[Mapping[str, Mapping[Name, tuple[str, str]]]] = {
    "fleet_leads": {
        ("rule", "medium"): ("vehicles >= 20,  points: 25}", "vehicles >= 20,  points: 38}"),
        ("gate", "is_consumer"): ("vehicles < 3", "vehicles < 30"),
        ("outcome", "tier_b"): ("when: fit >= 40,", "when: fit >= 20,"),
        ("rule", "buyer"): (
            "          - {id: decider,",
            "          - {id: buyer, when: has_budget, points: 15}\n          - {id: decider,",
        ),
        ("rule", "small"): ("          - {id: small,  when: vehicles < 5,    points: -30}\n", ""),
    },
    "saas_leads": {
        ("rule", "mid_size"): ('points: 40, note: "Big', 'points: 20, note: "Big'),
        ("gate", "student"): ('seniority == "student"', 'seniority == "individual"'),
        ("outcome", "guided_trial"): (
            'fit_grade == "B" && intent_grade == "hot"',
            'fit_grade == "B" && intent_grade != "cold"',
        ),
        ("rule", "crowd"): (
            "          - {id: prices,",
            "          - {id: crowd, when: employees > 100, points: 30}\n          - {id: prices,",
        ),
        ("rule", "private_mail"): (
            "          - {id: private_mail,",
            "          # {id: private_mail,",
        ),
    },
    "product_led": {
        ("rule", "first_country"): (
            "lists.first_countries, points: 10",
            "lists.first_countries, points: 0",
        ),
        ("gate", "needs_support"): (
            'when: topic == "support"',
            'when: topic == "support" && false',
        ),
        ("outcome", "hands_off"): ("when: score >= 20\n", "when: score >= 35\n"),
        ("rule", "third_country"): (
            "          - {id: second_country,",
            (
                "          - {id: third_country, when: 'country == \"Chile\"', points: 25}\n"
                "          - {id: second_country,"
            ),
        ),
        ("rule", "markets"): ("          - {id: markets,", "          # {id: markets,"),
    },
    "consumer_to_business": {
        ("rule", "host"): ('["hotel", "cafe"]\', points: 20', '["hotel", "cafe"]\', points: 40'),
        ("gate", "household"): ("monthly_need < 5\n", "monthly_need < 50\n"),
        ("outcome", "contract"): ("when: fit >= 50\n", "when: fit >= 55\n"),
        ("rule", "crowd"): (
            "          - {id: chain,",
            (
                "          - {id: crowd, when: people_served >= 80, points: 20}\n"
                "          - {id: chain,"
            ),
        ),
        ("rule", "registered"): ("          - {id: registered,", "          # {id: registered,"),
    },
}
"""By rule set: points changed, a gate changed, a threshold moved, a rule added, one removed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A template with edits, and the same with some of them left out."""

    slug: str
    edits: Mapping[Name, tuple[str, str]]
    _built: dict[frozenset[Name], RuleSet] = field(default_factory=dict)

    def text(self, *, undone: Collection[Name] = ()) -> str:
        """Return the rules as somebody types them, without their tests."""
        text, _, _ = read_template(self.slug).partition("\ntests:")
        for name, (old, new) in self.edits.items():
            assert text.count(old) == 1, (name, text.count(old))
            if name not in undone:
                text = text.replace(old, new)
        return text + "\n"

    def decides(self, row: Any, *, undone: Collection[Name] = ()) -> tuple[str, str]:  # noqa: ANN401 - a row of the driver's
        """Return verdict and outcome of a stored decision's facts, by the reference."""
        key = frozenset(undone)
        if key not in self._built:
            rules = load_rule_set(self.text(undone=undone))
            self._built[key] = replace(rules, meaning=Reference(rules.model))
        decision = self._built[key].decide(
            row.facts,
            at=row.decided_at,
            final=row.final,
            suspended=row.suspended or (),
            tabled=row.tabled or {},
        )
        return decision.verdict, decision.outcome


@pytest.fixture(scope="module")
async def demo(module_database_url: str) -> AsyncIterator[Office]:
    """Return an office with all decisions about leads that `goodfit demo` has."""
    async with serving(module_database_url) as served:
        await install_templates(served.app.house.engine, EDITS)
        served.client.headers["Authorization"] = f"Bearer {served.admin_key}"
        await send_leads(served.client)
        yield Office(served, await served.new_key("rules:read", "rules:write", "decide"))


def stored(url: str, slug: str) -> dict[str, Any]:
    """Return every stored decision of a rule set by its id."""
    with psycopg.connect(libpq_url(url), row_factory=namedtuple_row) as connection:
        rows = connection.execute("SELECT * FROM decision WHERE rule_set = %s", [slug]).fetchall()
    found: dict[str, Any] = {str(row.id): row for row in rows}  # type: ignore[attr-defined]  # a column
    return found


@pytest.mark.parametrize("slug", sorted(EDITS))
async def test_the_demo_comes_out_as_the_reference_says(
    demo: Office, module_database_url: str, slug: str
) -> None:
    """Every decision of the demo moves, or stays, as the evaluator says; its causes are true."""
    changed, past = Changed(slug, EDITS[slug]), stored(module_database_url, slug)
    found, flips = await tried(demo, changed)
    assert len(past) >= LEADS // 6
    assert {(each["part"], each["id"]) for each in found["edits"]} == set(changed.edits)
    after = {id_: changed.decides(row) for id_, row in past.items()}
    moved = {id_ for id_, row in past.items() if after[id_] != (row.verdict, row.outcome)}
    assert set(flips) == moved
    assert (found["replayed"], found["flips"]) == (len(past), len(moved))
    assert found["not_replayable"]["decisions"] == 0
    verdicts = Counter((row.verdict, after[id_][0]) for id_, row in past.items())
    assert {(m["before"], m["after"]): m["decisions"] for m in found["verdicts"]} == verdicts
    for id_ in moved:
        flip, row = flips[id_], past[id_]
        assert (flip["verdict_before"], flip["outcome_before"]) == (row.verdict, row.outcome)
        assert (flip["verdict_after"], flip["outcome_after"]) == after[id_]
        check_cause(flip["cause"], row, changed)
    named = {(e["part"], e["id"]) for flip in flips.values() for e in flip["cause"]["edits"]}
    assert len(named) >= 2, named


async def tried(demo: Office, changed: Changed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Try a changed template as a draft; return the result, and its flips by decision."""
    path = f"/v1/rule-sets/{changed.slug}/drafts/changed"
    headers = {"Content-Type": "application/yaml"}
    put = await demo.served.ask("PUT", path, headers=headers, content=changed.text())
    assert put.status_code == 201, put.text
    over = await demo.ended(rule_set=changed.slug, draft="changed")
    assert over["state"] == "done"
    flips = await demo.flips(over["id"])
    return over["result"], {str(parse_id(flip["decision"], "dec")): flip for flip in flips}


def check_cause(cause: Mapping[str, Any], row: Any, changed: Changed) -> None:  # noqa: ANN401 - a row of the driver's
    """Undo what is named, alone and together, and look whether the flip is gone."""
    before = (row.verdict, row.outcome)
    named = {(edit["part"], edit["id"]) for edit in cause["edits"]}
    alone = {name for name in changed.edits if changed.decides(row, undone={name}) == before}
    match cause["kind"]:
        case "alone":
            assert named == alone
        case "together":
            assert alone == set()
            assert changed.decides(row, undone=named) == before
            for name in named:
                assert changed.decides(row, undone=named - {name}) != before
        case other:
            pytest.fail(f"the base decided all of this, so nothing is {other}")
