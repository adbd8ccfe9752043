"""CEL's own conformance cases: what of them is in our subset has CEL's value.

The cases are not part of the project: they are read from `../shared/data` (or the folder that
`GOODFIT_SHARED_DATA` names) and the tests are skipped, visibly, where they are absent.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.rules import Attribute, InvalidRuleSet, evaluate
from service.rules.attributes import AttributeType, admit
from service.rules.expression.compile_alone import compile_expression
from service.rules.expression.compile_parts import View
from service.rules.standalone import typed

SHARED = Path(
    os.environ.get("GOODFIT_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data"
)
CASES = SHARED / "cel_conformance" / "cel_simple.jsonl"
AT = datetime(2026, 1, 1, tzinfo=UTC)
TYPES: Mapping[str, AttributeType] = {
    "int": "number", "uint": "number", "double": "number", "bool": "flag", "string": "text",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"no conformance cases at {CASES}")

DIFFERENT = {
    "eq_literal/no_string_normalization": "texts are compared in NFC, as the door keeps facts",
    "lt_literal/lt_double": "numbers are compared at six places",
    "int64_math/int64_overflow_mul_positive": "the one number type is a double",
    "int64_math/int64_overflow_mul_negative": "the one number type is a double",
}
"""The cases we run and answer otherwise, by section and name, each with the reason."""

COUNTS = {
    "unsupported": 1099,
    "unknown-function": 640,
    "run": 243,
    "type": 125,
    "a binding of another type": 94,
    "syntax": 85,
    "limit": 78,
    "unknown-name": 42,
    "a binding with a dot": 20,
    "empty-list": 15,
    "division": 15,
}
"""How many cases are run, and how many declined for each reason (the code of the problem)."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case: declined for a reason, or run with or without CEL's value."""

    name: str
    declined: str | None
    agrees: bool
    found: object = None


@cache
def outcomes() -> tuple[Outcome, ...]:
    """Return what became of every case."""
    lines = CASES.read_text(encoding="utf-8").splitlines()
    return tuple(outcome_of(json.loads(line)) for line in lines)


def outcome_of(case: Mapping[str, Any]) -> Outcome:
    """Run one case in both meanings, unless its bindings or its expression are declined."""
    name = f"{case['section']}/{case['name']}"
    bindings = case.get("bindings", {})
    if any("." in name for name in bindings):
        return Outcome(name, "a binding with a dot", agrees=False)
    if any(value["type"] not in TYPES for value in bindings.values()):
        return Outcome(name, "a binding of another type", agrees=False)
    attributes = {
        name: Attribute(name=name, type=TYPES[value["type"]], label=name)
        for name, value in bindings.items()
    }
    facts = {name: value["value"] for name, value in bindings.items()}
    try:
        found = {
            "reference": evaluate(case["expr"], attributes, facts, at=AT),
            **compiled(case["expr"], attributes, facts),
        }
    except InvalidRuleSet as refused:
        return Outcome(name, refused.problems[0].code, agrees=False)
    agrees = all(is_cels(value, case["expect"]) for value in found.values())
    return Outcome(name, None, agrees=agrees, found=found)


def compiled(
    expression: str, attributes: Mapping[str, Attribute], facts: Mapping[str, object]
) -> dict[str, object]:
    """Return the value in each view of the compiled form."""
    form = compile_expression(typed(expression, attributes), attributes)
    values = admit(facts, attributes).values
    return {view.name: form.value(values, today=AT.date(), view=view) for view in View}


def is_cels(found: object, expected: Mapping[str, Any]) -> bool:
    """Whether *found* is the value that CEL gives; a number is one whatever its type there."""
    if "value" not in expected:
        return False
    kind, value = expected["value"]["type"], expected["value"].get("value")
    if kind == "list":
        value = tuple(item.get("value") for item in value)
    return bool(found == value) and isinstance(found, bool) == (kind == "bool")


def test_what_is_in_the_subset_has_cels_value() -> None:
    """Reference and compiled code agree with CEL, except where we mean something else."""
    differing = {o.name: o.found for o in outcomes() if o.declined is None and not o.agrees}
    assert differing.keys() == DIFFERENT.keys(), differing


def test_no_case_moves_in_or_out_of_the_subset_unnoticed() -> None:
    """How many cases are run, and how many are declined for which reason, is settled."""
    assert Counter(outcome.declined or "run" for outcome in outcomes()) == COUNTS
