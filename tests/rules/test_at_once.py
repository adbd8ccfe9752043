"""What is told at once is the usual; `test_telling` holds its characters to the reference."""

from datetime import UTC, datetime

import pytest

from service.rules import RuleSet, load_rule_set
from service.rules.telling import sheet

AT = datetime(2026, 3, 1, tzinfo=UTC)


def capped() -> RuleSet:
    """Return rules of which a cap takes something away, from a size of 2 on."""
    rule = {"when": "size >= 1", "points": 5}
    other = {"id": "other", "when": "size >= 2", "points": 5}
    group = {"id": "all", "cap": 8, "rules": [{"id": "one", **rule}, other]}
    return load_rule_set(
        {
            "rule_set": "capped",
            "subject": "lead",
            "attributes": {"size": {"type": "number", "ask": "How many?"}},
            "scores": {"fit": {"groups": [group]}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 5"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )


@pytest.mark.parametrize(
    ("facts", "is_usual"), [({"size": 1}, True), ({"size": 2}, False), ({}, False)]
)
def test_only_the_usual_is_told_at_once(
    facts: dict[str, object], *, is_usual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing or limited has to be decided, however often the usual came before."""
    monkeypatch.setattr(sheet, "COMPILED_AFTER", 0)
    rules = capped()
    assert rules.tell_at_once(rules.admit(facts), at=AT) is None  # nothing came before
    rules.decide({"size": 0}, at=AT).told()
    assert (rules.tell_at_once(rules.admit(facts), at=AT) is not None) == is_usual
