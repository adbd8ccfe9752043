"""Bands of a grade: ordered by their scores, whatever they are called."""

import pytest

from service.rules import InvalidRuleSet, load_rule_set

RULES = """
rule_set: bands
subject: lead
attributes: {{clicks: {{type: number, min: 0}}}}
scores:
  intent:
    floor: 0
    ceiling: 100
    groups:
      - id: all
        mode: sum
        rules: [{{id: any, when: clicks > 0, points: clicks, bounds: [0, 100]}}]
grades:
  warmth: {{of: intent, {bands}}}
outcomes:
  - {{id: now, verdict: qualify, when: 'warmth == "hot"'}}
  - {{id: later, verdict: review}}
"""


@pytest.mark.parametrize(
    "bands", ["hot: 50, warm: 20, cold: null", "cold: null, hot: 50, warm: 20"]
)
def test_a_canonical_form_loads_whatever_its_bands_are_called(bands: str) -> None:
    """The canonical form sorts keys, so a band's place says nothing; its score does."""
    rules = load_rule_set(RULES.format(bands=bands))
    again = load_rule_set(rules.canonical)
    assert again.digest == rules.digest
    assert [name for name, _ in again.model.grades[0].bands] == ["hot", "warm", "cold"]


@pytest.mark.parametrize(
    "bands", ["hot: 50, warm: 20", "hot: 50, warm: 50, cold: null", "hot: null, cold: null"]
)
def test_bands_that_leave_a_score_in_doubt_are_refused(bands: str) -> None:
    """Two bands at one score, or none for what is left, are a problem."""
    with pytest.raises(InvalidRuleSet):
        load_rule_set(RULES.format(bands=bands))
