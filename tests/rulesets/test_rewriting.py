"""A text made to say another document says exactly that, and keeps its comments."""

import pytest
import yaml
from hypothesis import given

from service.rules import read_source
from service.rules.merge import is_same
from service.rulesets.rewriting import rewritten
from tests.rules.edits import FLEET_TEXT, Document, edits
from tests.sizes import looking

COMMENTED = """\
# Whom we serve.
rule_set: small   # the name
attributes:
  # how many
  vehicles: {type: number, min: 0}
  country: {type: choice, choices: [DE, "NO"]}
outcomes:
  # the good ones
  - id: good
    verdict: qualify   # machines read this
    when: vehicles >= 20
  # everybody else
  - {id: poor, verdict: disqualify}
"""


@looking(150)
@given(document=edits())
def test_a_rewritten_text_says_what_it_should(document: Document) -> None:
    """Whatever was edited, and it is still YAML in its author's layout."""
    text = rewritten(FLEET_TEXT, document)
    assert is_same(read_source(text).data, document)
    assert text.startswith(FLEET_TEXT.splitlines()[0]), "the author's YAML, not JSON"


@looking(50)
@given(document=edits())
def test_a_rewritten_text_reads_alike_in_older_yaml(document: Document) -> None:
    """PyYAML, which takes `NO` for false, finds the same document."""
    assert is_same(yaml.safe_load(rewritten(FLEET_TEXT, document)), document)


def test_comments_stay_with_what_they_speak_of() -> None:
    """A changed value, a new rule and a new member leave every comment where it was."""
    document = read_source(COMMENTED).data
    assert isinstance(document, dict)
    document["title"] = "Small"
    document["outcomes"][0]["when"] = "vehicles >= 30"
    document["outcomes"].insert(1, {"id": "maybe", "verdict": "review", "when": "vehicles > 9"})
    document["attributes"]["country"]["choices"].append("SE")
    text = rewritten(COMMENTED, document)
    assert is_same(read_source(text).data, document)
    assert [line for line in COMMENTED.splitlines() if "#" in line] == [
        line for line in text.splitlines() if "#" in line
    ]
    assert '[DE, "NO", SE]' in text


@pytest.mark.parametrize("word", ["NO", "on", "12", "1:30", "2026-01-31", "~", "a: b", "# x", ""])
def test_texts_that_look_like_something_else_are_quoted(word: str) -> None:
    """A new text stays a text for every reader."""
    document = {"rule_set": "small", "title": word}
    text = rewritten("rule_set: small # ours\n", document)
    assert is_same(yaml.safe_load(text), document)
    assert "# ours" in text


def test_json_stays_json() -> None:
    """Who wrote JSON gets JSON back."""
    assert rewritten('{"rule_set": "a"}', {"rule_set": "b"}) == '{\n  "rule_set": "b"\n}\n'


def test_a_text_without_a_document_is_replaced() -> None:
    """Where there is nothing to keep, the document comes as JSON, which is YAML too."""
    assert read_source(rewritten("# nothing yet\n", {"rule_set": "b"})).data == {"rule_set": "b"}
