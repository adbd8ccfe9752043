"""What may still follow is shared by subjects in one state, and is what each alone would get."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.rules import Decision, RuleSet, load_rule_set
from service.rules.attributes import Fact
from service.rules.expression import text
from service.rules.meaning import Brevity, Meaning
from service.rules.model import Model
from service.rules.settling import Prospects
from service.rules.trace import Outline, Outright, Trace
from tests.rules.strategies import CLOCKS, documents, facts_for

AT = datetime(2026, 3, 1, tzinfo=UTC)
FLEET = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
LEADS_EACH = 25


@dataclass(frozen=True)
class Counted:
    """A compiled rule set that counts how often it evaluates further answers."""

    inner: Meaning
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def model(self) -> Model:
        """The rule set."""
        return self.inner.model

    def prepare(self) -> None:
        """Compile now."""
        self.inner.prepare()

    def judge(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Trace:
        """Judge, uncounted."""
        return self.inner.judge(values, today=today, suspended=suspended, registrable=registrable)

    def outline(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outline:
        """Count and evaluate."""
        self.counts["outlines"] += 1
        return self.inner.outline(values, today=today, suspended=suspended, registrable=registrable)

    def briefly(
        self,
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Brevity:
        """Pass on."""
        return self.inner.briefly(today=today, suspended=suspended, registrable=registrable)

    def outright(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outright | None:
        """Pass on."""
        return self.inner.outright(values, today=today, registrable=registrable)


def without_memory(rules: RuleSet) -> RuleSet:
    """Return the same rules as if nobody had been decided yet."""
    return replace(rules, prospects=Prospects(rules.plan, rules.reads))


def all_of(decision: Decision) -> tuple[object, ...]:
    """Return everything that was decided."""
    told = decision.to_json()
    return (told, decision.trace.to_json(), dict(decision.tabled))


def test_what_was_found_for_one_subject_holds_for_every_subject_in_its_state() -> None:
    """A rule set that has decided many decides as one that has decided nobody."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(data.draw(documents()))
        names = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]
        names += [outcome.suspended_as for outcome in rules.model.outcomes]
        suspended = data.draw(st.lists(st.sampled_from(names), max_size=1))
        ats = data.draw(st.lists(CLOCKS, min_size=1, max_size=2))
        leads = data.draw(st.lists(facts_for(rules), min_size=LEADS_EACH, max_size=LEADS_EACH))
        for number, lead in enumerate(leads):
            for at in ats:
                final = number % 5 == 0
                shared = rules.decide(lead, at=at, final=final, suspended=suspended)
                alone = without_memory(rules).decide(lead, at=at, final=final, suspended=suspended)
                assert all_of(shared) == all_of(alone)
                seen["decisions"] += 1
                seen["open"] += not shared.outcome_certain
                seen["asked"] += bool(shared.missing)

    compare()
    assert min(seen["decisions"], seen["open"], seen["asked"]) > LEADS_EACH


def test_a_subject_in_a_known_state_costs_one_evaluation() -> None:
    """Another fleet of a size that no rule tells apart: nothing is tried again."""
    fleet = load_rule_set(FLEET.read_text(encoding="utf-8"))
    counted = Counted(fleet.meaning)
    rules = replace(fleet, meaning=counted)
    first = rules.decide({"vehicles": 120, "country": "DE"}, at=AT)
    tried = counted.counts["outlines"]
    second = rules.decide({"vehicles": 60, "country": "AT"}, at=AT)
    assert first.missing == second.missing
    assert first.missing
    assert tried > 10
    assert counted.counts["outlines"] == tried + 1


def test_personal_values_are_not_remembered() -> None:
    """Where an open question meets a personal value, it is asked anew each time."""
    rules = load_rule_set(
        {
            "rule_set": "personal",
            "attributes": {
                "mail": {"type": "text", "pii": True},
                "name": {"type": "text", "ask": "Who are you?"},
            },
            "outcomes": [
                {"id": "same", "verdict": "qualify", "when": "mail == name"},
                {"id": "rest", "verdict": "review"},
            ],
        }
    )
    counted = Counted(rules.meaning)
    rules = replace(rules, meaning=counted)
    for mail in ("ann@shop.example", "bob@shop.example"):
        counted.counts.clear()
        assert rules.decide({"mail": mail}, at=AT).verdict == "undecided"
        assert counted.counts["outlines"] > 1
    assert "shop.example" not in repr(vars(rules.prospects))
