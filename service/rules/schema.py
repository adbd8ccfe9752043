"""The JSON Schema (2020-12) of a rule file, for editors that complete and validate.

It is generated from the document that `check` reads, so that the two cannot come apart.
It knows the shape; names, types of expressions and limits over several parts are for `check`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from service.rules.document import ID_PATTERN, RuleSetDocument
from service.rules.schema_words import WORDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TITLES: Final = {
    "RuleSetDocument": "A Goodfit rule set",
    "AttributeDocument": "An attribute",
    "MetricDocument": "A metric",
    "EventDocument": "An event",
    "GateDocument": "A gate",
    "RuleDocument": "A rule",
    "GroupDocument": "A group of rules",
    "ScoreDocument": "A score",
    "GradeDocument": "A grade",
    "OutcomeDocument": "An outcome",
    "SpanDocument": "A range",
    "ExpectDocument": "What a test expects",
    "TestDocument": "A test",
}
_NUMBER: Final = {"type": "number", "minimum": -(2**53), "maximum": 2**53}

Schema = dict[str, Any]


def rule_file_schema() -> Schema:
    """Return the schema of a whole rule file, as a JSON object."""
    made = RuleSetDocument.model_json_schema()
    parts = made.pop("$defs")
    parts["GradeDocument"] = _grade(parts["GradeDocument"])
    parts["EventDocument"] = _event(parts["EventDocument"])
    _require_one_form_of_score(parts["ScoreDocument"])
    _require_choices(parts["AttributeDocument"])
    named = {name: _told(name, _tidy(part)) for name, part in parts.items()}
    whole = _told("RuleSetDocument", _tidy(made))
    return {"$schema": DIALECT, **whole, "$defs": {name: named[name] for name in sorted(named)}}


def schema_text() -> str:
    """Return the schema as it stands in `docs/rule-set.schema.json`."""
    return json.dumps(rule_file_schema(), ensure_ascii=False, indent=2) + "\n"


def _told(name: str, part: Schema) -> Schema:
    """Return *part* with its title and a description of every member."""
    members = part.get("properties", {})
    words = WORDS.get(name, {})
    told = {key: {**value, "description": words[key]} if key in words else value
            for key, value in members.items()}  # fmt: skip
    return {**part, "title": _TITLES[name], "properties": told}


def _tidy(node: Any) -> Any:  # noqa: ANN401 - any JSON value, and again one
    """Return generated schema without its noise: titles of members, defaults of null.

    An optional member becomes one type that may be null, which editors show in one line,
    and the pattern of names holds for every name.
    """
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {
        key: {name: _tidy(one) for name, one in value.items()} if key == "properties"
        else _tidy(value)
        for key, value in node.items()
        if key != "title" and not (key == "default" and value is None)
    }  # fmt: skip
    for rewrite in (_nullable, _names, _not_blank):
        tidy = rewrite(tidy)
    return tidy


def _nullable(node: Schema) -> Schema:
    """Return `anyOf` of a plain type and null as one type."""
    options = node.get("anyOf")
    if not isinstance(options, list) or len(options) != 2 or options[1] != {"type": "null"}:
        return node
    option = options[0]
    if not isinstance(option.get("type"), str):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    merged = {**option, **rest, "type": [option["type"], "null"]}
    if "enum" in option:
        merged["enum"] = [*option["enum"], None]
    return merged


def _names(node: Schema) -> Schema:
    """Return a mapping by id so that no other name is let through."""
    by_pattern = node.get("patternProperties")
    if not isinstance(by_pattern, Mapping):
        return node
    (pattern, value), *_ = by_pattern.items()
    rest = {key: one for key, one in node.items() if key != "patternProperties"}
    return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": value}


def _not_blank(node: Schema) -> Schema:
    """Return the schema of an expression, which is trimmed before it must not be empty."""
    is_expression = node.get("minLength") == 1 and "maxLength" not in node
    return {**node, "pattern": r"\S"} if is_expression else node


def _grade(made: Schema) -> Schema:
    """Return the schema of a grade: `of`, and every other key is a band."""
    return {
        "type": "object",
        "description": made["description"],
        "properties": {
            "of": {"type": "string", "pattern": ID_PATTERN, "description": "The score it grades."}
        },
        "required": ["of"],
        "propertyNames": {"minLength": 1, "maxLength": 200},
        "additionalProperties": {
            **_NUMBER,
            "type": ["number", "null"],
            "description": "The band's lowest score; null for the band that takes the rest.",
        },
    }


def _event(made: Schema) -> Schema:
    """Return the schema of an event: its kind, its time, and every other key is a quantity."""
    own = {name: made["properties"][name] for name in ("event", "at")}
    said = {"anyOf": [{"type": "boolean"}, _NUMBER, {"type": "string"}]}
    return {
        "type": "object",
        "description": made["description"],
        "properties": own,
        "required": list(own),
        "propertyNames": {"pattern": ID_PATTERN},
        "additionalProperties": {**said, "description": "What the event says of this quantity."},
    }


def _require_one_form_of_score(score: Schema) -> None:
    """A score has groups or a formula, never both."""
    score["oneOf"] = [
        {"properties": {"groups": {"type": "array"}}, "required": ["groups"]},
        {"properties": {"formula": {"type": "string"}}, "required": ["formula"]},
    ]


def _require_choices(attribute: Schema) -> None:
    """A choice has choices."""
    attribute["if"] = {"properties": {"type": {"const": "choice"}}, "required": ["type"]}
    attribute["then"] = {
        "properties": {"choices": {"type": "array"}}, "required": ["choices"],
    }  # fmt: skip
