"""The JSON Schema of rule files: committed as generated, and neither too strict nor blind."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import check_rule_set, read_source
from service.rules.schema import rule_file_schema, schema_text
from service.rules.schema_words import WORDS
from service.rules.templates import read_template, template_names

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted((ROOT / "tests" / "cases").glob("*.yaml"))
EDITOR = jsonschema_rs.Draft202012Validator(rule_file_schema())

Steps = tuple[str | int, ...]


def read(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the plain data of YAML text, as `check` reads it."""
    return read_source(text).data


FLEET = read((ROOT / "tests" / "cases" / "fleet_leads.yaml").read_text())
RULE: Steps = ("scores", "fit", "groups", 0, "rules", 0)


def changed(path: Steps, value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return the fleet rules with *value* put at *path*."""
    document = copy.deepcopy(FLEET)
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return document


def test_the_committed_schema_is_the_generated_one() -> None:
    """`goodfit schema > docs/rule-set.schema.json` renews it after a change of the document."""
    assert (ROOT / "docs" / "rule-set.schema.json").read_text() == schema_text()


def test_the_schema_is_one() -> None:
    """It keeps to the dialect that it names."""
    jsonschema_rs.meta.validate(rule_file_schema())
    assert json.loads(schema_text()) == rule_file_schema()


@pytest.mark.parametrize("name", template_names())
def test_templates_fit_the_schema(name: str) -> None:
    """An editor has nothing to say about a rule set that comes with Goodfit."""
    assert [error.message for error in EDITOR.iter_errors(read(read_template(name)))] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_cases_fit_the_schema(case: Path) -> None:
    """Nor about the worked examples, as written and in their canonical form."""
    assert [error.message for error in EDITOR.iter_errors(read(case.read_text()))] == []
    rules = check_rule_set(case.read_text()).rules
    assert rules is not None
    assert EDITOR.is_valid(json.loads(rules.canonical))


BROKEN: list[tuple[str, Steps, object]] = [
    ("an unknown member", ("scorse",), {}),
    ("a rule set without a proper id", ("rule_set",), "Fleet leads"),
    ("an unknown subject", ("subject",), "customer"),
    ("no attributes", ("attributes",), {}),
    ("an attribute with a bad name", ("attributes", "Fleet Size"), {"type": "number"}),
    ("an unknown type", ("attributes", "vehicles", "type"), "integer"),
    ("a misspelt option", ("attributes", "vehicles", "minimum"), 0),
    ("a limit in quotes", ("attributes", "vehicles", "min"), "0"),
    ("a limit past 2^53", ("attributes", "vehicles", "max"), 2**54),
    ("a choice without choices", ("attributes", "country"), {"type": "choice"}),
    ("choices that are numbers", ("attributes", "country", "choices"), [1, 2]),
    ("a flag in quotes", ("attributes", "email", "pii"), "true"),
    ("a list of both kinds", ("lists", "free_mail"), ["gmail.com", 3]),
    ("a derived name without an expression", ("derived", "mail_domain"), " "),
    ("points that are a list", (*RULE, "points"), [1]),
    ("points that are a flag", (*RULE, "points"), True),
    ("bounds with one end", (*RULE, "bounds"), [0]),
    ("bounds with three ends", (*RULE, "bounds"), [0, 1, 2]),
    ("a rule that is a text", RULE, "vehicles >= 200"),
    ("a rule without a condition", RULE, {"id": "large", "points": 40}),
    ("an unknown mode", ("scores", "fit", "groups", 0, "mode"), "last"),
    ("a group without rules", ("scores", "fit", "groups", 0, "rules"), []),
    ("a score with groups and formula", ("scores", "fit", "formula"), "1"),
    ("a score with neither", ("scores", "fit"), {"floor": 0}),
    ("a band that is a text", ("grades", "fit_grade", "A"), "60"),
    ("a grade of nothing", ("grades", "fit_grade"), {"A": 60, "B": None}),
    ("no outcomes", ("outcomes",), []),
    ("a verdict that authors cannot give", ("outcomes", 0, "verdict"), "undecided"),
    ("an address without its scheme", ("outcomes", 0, "url"), "www.example.com"),
    ("a test without facts", ("tests", 0), {"name": "x", "expect": {}}),
    ("an expectation of nothing we know", ("tests", 0, "expect", "result"), "tier_a"),
    ("a range without an end", ("tests", 0, "expect", "scores", "fit"), {"low": 0}),
    ("a rule that is maybe", ("tests", 0, "expect", "rules"), {"large": "maybe"}),
]


@pytest.mark.parametrize(("path", "value"), [row[1:] for row in BROKEN], ids=[r[0] for r in BROKEN])
def test_broken_shapes_do_not_fit(path: Steps, value: object) -> None:
    """What `check` refuses for its shape, an editor underlines."""
    document = changed(path, value)
    assert not EDITOR.is_valid(document)
    assert check_rule_set(document).errors


def test_every_member_is_described() -> None:
    """An editor has a sentence for each member; none is about a member there is not."""
    schema = rule_file_schema()
    parts = {"RuleSetDocument": schema, **schema["$defs"]}
    members = {name: set(part["properties"]) for name, part in parts.items()}
    for name, part in parts.items():
        assert all(one.get("description") for one in part["properties"].values()), name
    assert {name: set(words) for name, words in WORDS.items()} == {
        name: found for name, found in members.items() if name != "GradeDocument"
    }


def _paths(node: object, path: Steps = ()) -> Iterator[Steps]:
    if path:
        yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _paths(value, (*path, key))
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from _paths(value, (*path, index))


PATHS = list(_paths(FLEET))
JUNK = st.sampled_from(
    [None, True, 0, -1.5, 2**60, "", " ", "x", "A b", "fit >= 1", [], ["a"], [1], {}, {"a": 1}]
)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), value=JUNK)
def test_an_editor_underlines_nothing_that_check_accepts(path: Steps, value: object) -> None:
    """Whatever stands in whatever place: a file that `check` takes fits the schema."""
    document = changed(path, value)
    assert EDITOR.is_valid(document) or check_rule_set(document).errors
