"""For whom two versions decide otherwise, in words that a reader would use."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from service.rules import RuleSet, load_rule_set

pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.solver.comparing import compare_meaning

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
ATTRIBUTES: Final[dict[str, Any]] = {
    "vehicles": {"type": "number", "unit": "vehicles", "min": 0, "label": "Fleet size"},
    "revenue": {"type": "number", "unit": "EUR", "min": 0, "label": "Revenue"},
    "country": {"type": "choice", "choices": ["DE", "AT", "CH"], "other": True},
    "level": {"type": "choice", "choices": ["clerk", "head", "chief"], "ordered": True},
    "has_budget": {"type": "flag", "label": "Budget this year"},
    "title": {"type": "text", "label": "Job title"},
    "tools": {"type": "list", "label": "Software in use"},
    "crm": {"type": "text", "label": "CRM"},
    "founded": {"type": "date", "label": "Founded"},
}
LOST: Final = [
    (
        'vehicles >= 20 && country == "AT" && !has(has_budget)',
        'vehicles >= 25 && country == "AT" && !has(has_budget)',
        "fleet size 20 to 24 vehicles, country AT and without a known budget this year",
    ),
    ("vehicles <= 1", "vehicles < 1", "fleet size 1 vehicle"),
    ("vehicles < 5 || vehicles > 99", "vehicles < 5", "fleet size from 100 vehicles"),
    ("revenue < 1000", "revenue < 250.5", "revenue from 250.5 to under 1000 EUR"),
    ('country in ["DE", "AT"]', 'country == "DE"', "country AT"),
    ('country != "CH"', 'country in ["DE", "AT"]', "country other than DE, AT or CH"),
    ('level >= "head"', 'level == "chief"', "level head"),
    ("!has(has_budget) || !has_budget", "has_budget", "budget this year no or not known"),
    ("has_budget", "has_budget && has(vehicles)",
     "budget this year yes and without a known fleet size"),
    ('title.contains("chief")', 'title == "chief"', 'job title like "… chief …"'),
    ("has(tools)", "size(tools) == 0", "software in use not empty"),
    ("size(tools) == 0", 'size(tools) == 0 && "sap" in tools', "software in use empty"),
    ('has(crm) && country == "AT"', 'crm == "none" && country == "AT"',
     "country AT and CRM not like none"),
    ('founded < date("2020-01-01")', 'founded < date("2019-07-01")',
     "founded 2019-07-01 to 2019-12-31"),
]  # fmt: skip


def deciding(when: str) -> RuleSet:
    """Return a rule set that takes whoever fits *when*."""
    body: dict[str, Any] = {
        "rule_set": "words",
        "attributes": ATTRIBUTES,
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": when},
            {"id": "rest", "verdict": "disqualify"},
        ],
    }
    return load_rule_set(body)


@pytest.mark.parametrize(("before", "after", "words"), LOST)
def test_a_region_is_told_in_few_words(before: str, after: str, words: str) -> None:
    """Labels and units, choices by name, `without` for what must be missing; nothing besides."""
    found = compare_meaning(deciding(before), deciding(after), at=AT, limit_s=20)
    lost = [one for one in found.differences if one.way == "stricter"]
    assert [one.region and one.region.words for one in lost] == [words]
    assert lost[0].region is not None
    assert lost[0].region.is_all
