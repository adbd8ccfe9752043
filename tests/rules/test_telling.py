"""The fast telling: the bytes that encoding the reference explanation gives, for any decision.

`tests.sizes` says how to look at more rule sets.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import Decision, RuleSet, json_text, load_rule_set
from service.rules.telling import scores_text, sheet, tell
from service.rules.telling.case import Telling
from service.rules.telling.sheet import Sheet
from service.rules.templates import read_template, template_names
from tests.rules.strategies import CLOCKS, complete_facts_for, documents, facts_for, values_for
from tests.sizes import looking, size

FLEET = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
AT = datetime(2026, 3, 1, tzinfo=UTC)
FACTS_EACH = 12


def assert_told_alike(decision: Decision) -> None:
    """Compare both explanations of *decision*, told and encoded, byte by byte."""
    short = tell(decision)
    assert short.whole.encode() == orjson.dumps(decision.to_json())
    assert tell(decision, full=True).whole.encode() == orjson.dumps(
        decision.to_json(explain="full")
    )
    assert short.summary == decision.summary
    assert orjson.loads(decision.trace.to_text()) == decision.trace.to_json()


def assert_told_at_once(rules: RuleSet, decision: Decision) -> None:
    """Compare a usual *decision* with what is told of its facts without deciding."""
    told = tell(decision)
    at_once = rules.tell_at_once(decision.facts, at=decision.at)
    assert at_once is not None
    assert at_once.text == told
    assert at_once.scores == scores_text(decision.scores)
    assert at_once.facts.encode() == orjson.dumps(decision.facts.to_json())
    assert at_once.trace == decision.trace.to_text()
    assert at_once.tabled == decision.tabled


def test_any_decision_is_told_as_the_reference_tells_it() -> None:
    """Whatever the rules, facts and clock; open and final; with rules suspended."""
    seen: Counter[str] = Counter()

    @looking(150)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(worded(data.draw(documents()), data))
        at, final = data.draw(CLOCKS), data.draw(st.booleans())
        names = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]
        names += [outcome.suspended_as for outcome in rules.model.outcomes]
        suspended = data.draw(st.lists(st.sampled_from([*names, "rest"]), max_size=2))
        one = st.one_of(facts_for(rules), facts_for(rules), complete_facts_for(rules))
        for facts in data.draw(st.lists(one, min_size=FACTS_EACH, max_size=FACTS_EACH)):
            decision = rules.decide(
                {**facts, "no_such": 1}, at=at, final=final, suspended=suspended
            )
            assert_told_alike(decision)
            seen[decision.verdict] += 1
            seen["decisions"] += 1
            seen.update({reason.kind for reason in decision.reasons(full=True)})

    compare()
    assert seen["decisions"] >= size(100, quick=30) * FACTS_EACH
    kinds = {"gate", "points", "limit", "outcome", "suspended"}
    assert kinds | {"qualify", "review", "disqualify", "undecided"} <= set(seen)


@pytest.mark.parametrize("name", template_names())
def test_a_decision_is_told_alike_however_often_it_was_told(name: str) -> None:
    """A wording that was filled often is filled by a function of its own."""
    rules = load_rule_set(read_template(name))
    for test in rules.document.tests:
        decision = rules.decide(test.facts, at=AT, final=test.final)
        for _ in range(12):
            assert_told_alike(decision)


def test_a_usual_decision_is_told_at_once_as_the_reference_tells_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By generated functions from the first on, wherever nothing is missing or limited."""
    monkeypatch.setattr(sheet, "COMPILED_AFTER", 0)
    seen: Counter[str] = Counter()

    @looking(60, quick=60)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(worded(data.draw(documents()), data))
        if not Sheet.can_tell(rules.model):
            return
        tells = Sheet(Telling(rules.model))
        seen["rule sets"] += 1
        for facts in data.draw(st.lists(complete_facts_for(rules), min_size=6, max_size=6)):
            decision = rules.decide(facts, at=data.draw(CLOCKS))
            told = tells.tell(decision)
            if told is None:
                continue
            assert_told_at_once(rules, decision)
            shown = decision.to_json()
            assert f"[{','.join(told.reasons)}]".encode() == orjson.dumps(shown["reasons"])
            assert told.summary == shown["summary"]
            assert told.next.encode() == orjson.dumps(shown["next"])
            seen["usual"] += 1
            seen.update({reason.kind for reason in decision.reasons()})

    compare()
    assert seen["rule sets"] >= 5
    assert seen["usual"] >= 20
    assert {"points", "outcome"} <= set(seen)


def test_what_a_cap_takes_away_is_told_by_the_general_way() -> None:
    """A limit has its own place among the reasons, which no order knows beforehand."""
    rule = {"when": "size >= 1", "points": 5}
    group = {"id": "all", "cap": 8, "rules": [{"id": "one", **rule}, {"id": "other", **rule}]}
    rules = load_rule_set(
        {
            "rule_set": "capped",
            "subject": "lead",
            "attributes": {"size": {"type": "number"}},
            "scores": {"fit": {"groups": [group]}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 60"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )
    decision = rules.decide({"size": 2}, at=AT)
    tells = Sheet(Telling(rules.model))
    assert [tells.tell(decision) for _ in range(12)] == [None] * 12
    assert_told_alike(decision)


@pytest.mark.parametrize("unit", [None, "vehicles"])
def test_a_number_is_told_alike_however_it_is_written(unit: str | None) -> None:
    """Short and long ones, a single one, and none at all, by a function and by the reference."""
    rules = load_rule_set(
        {
            "rule_set": "numbers",
            "subject": "lead",
            "attributes": {"size": {"type": "number", "label": "Size", **optional("unit", unit)}},
            "gates": [{"id": "huge", "when": "size >= 1e8", "then": "rest"}],
            "scores": {
                "fit": {
                    "groups": [
                        {"id": "all", "rules": [{"id": "any", "when": "size >= -1e9", "points": 5}]}
                    ]
                }
            },
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 60"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )
    numbers = [1, 2, 0, -1, 0.5, 0.0001, 0.000099, 9999.5, 10_000, 1234567.25, -12.5, 1e8]
    for _ in range(2):
        for number in numbers:
            assert_told_alike(rules.decide({"size": number}, at=AT))


def worded(document: dict[str, object], data: st.DataObject) -> dict[str, object]:
    """Return *document* with labels, units, personal attributes and authors' reasons."""
    labels = st.sampled_from([None, "Fleet size", "CRM in use", 'Say "x" 100%', "e\u0301", "1st"])
    attributes = {
        name: {
            **declared,
            **optional("label", data.draw(labels)),
            **optional("pii", data.draw(st.sampled_from([None, True]))),
            **(
                optional("unit", data.draw(st.sampled_from([None, "vehicles", "EUR", "%"])))
                if declared["type"] == "number"
                else {}
            ),
        }
        for name, declared in document["attributes"].items()  # type: ignore[attr-defined]
    }
    reasons = st.sampled_from([None, None, "A reason. ", "Half of 100%\nor less"])

    def with_reason(part: dict[str, object]) -> dict[str, object]:
        return {**part, **optional("reason", data.draw(reasons))}

    body = {**document, "attributes": attributes}
    for name in ("gates", "outcomes"):
        body[name] = [with_reason(part) for part in document[name]]  # type: ignore[attr-defined]
    body["scores"] = {
        name: {
            **score,
            **(
                {
                    "groups": [
                        {**group, "rules": [with_reason(rule) for rule in group["rules"]]}
                        for group in score["groups"]
                    ]
                }
                if "groups" in score
                else {}
            ),
        }
        for name, score in document["scores"].items()  # type: ignore[attr-defined]
    }
    return body


def optional(name: str, value: object) -> dict[str, object]:
    """Return the member, where it has a value."""
    return {} if value is None else {name: value}


@pytest.mark.parametrize("name", template_names())
def test_templates_are_told_as_the_reference_tells_them(name: str) -> None:
    """Of every shipped rule set: its own test leads, and many more that chance drew."""
    rules = load_rule_set(read_template(name))
    leads = [test.facts for test in rules.document.tests]
    leads += list(leads_of(rules, 60))
    for facts in leads:
        for final in (False, True):
            assert_told_alike(rules.decide(facts, at=AT, final=final))


def leads_of(rules: RuleSet, count: int) -> list[dict[str, object]]:
    """Return *count* leads: every attribute takes its values in turn, at its own pace."""
    values = values_for(rules)
    steps = {name: place * 2 + 1 for place, name in enumerate(values)}
    return [
        {
            name: options[number * steps[name] // 2 % len(options)]
            for name, options in values.items()
            if (number * steps[name]) % 5
        }
        for number in range(count)
    ]


@looking(400)
@given(st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1e-3, 1e-3))
def test_numbers_are_written_as_the_encoder_writes_them(x: float) -> None:
    """Every float, with the same digits and the same exponent."""
    assert json_text.number(x).encode() == orjson.dumps(x)


@looking(200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_are_quoted_as_the_encoder_quotes_them(words: str) -> None:
    """Every text, control characters included."""
    assert json_text.quoted(words).encode() == orjson.dumps(words)
