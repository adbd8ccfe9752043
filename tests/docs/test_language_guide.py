"""The guide to the language leaves no member and no operator out."""

from typing import Any

import pytest

from service.rules.document import RuleSetDocument
from service.rules.expression.functions import TREATY
from tests.docs.blocks import GUIDE

SPELLED = {"negate": "`-x`"}
PAGE = (GUIDE / "rule-sets.md").read_text()


def _members() -> set[str]:
    """Every key that an author may write, anywhere in a document."""
    schema: dict[str, Any] = RuleSetDocument.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    return {name for part in parts for name in part.get("properties", {})} - {"bands"}


@pytest.mark.parametrize("member", sorted(_members()))
def test_every_member_of_a_document_is_told(member: str) -> None:
    """What may be written is written about, in backticks or in an example."""
    assert f"`{member}" in PAGE or f"{member}:" in PAGE


@pytest.mark.parametrize("operator", sorted(TREATY))
def test_every_operator_of_the_treaty_is_told(operator: str) -> None:
    """An operator that the guide does not name would be found by nobody."""
    assert SPELLED.get(operator, operator) in PAGE


@pytest.mark.parametrize("verdict", ["qualify", "review", "disqualify", "undecided"])
def test_every_verdict_is_told(verdict: str) -> None:
    """The four words that machines branch on."""
    assert f"`{verdict}`" in PAGE
