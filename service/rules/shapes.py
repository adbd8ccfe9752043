"""Plain data to the document's shape, or what is wrong with the shape, in our words."""

import copy
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rfc8785 import CanonicalizationError

from service.rules.document import (
    AttributeDocument,
    ExpectDocument,
    GateDocument,
    GroupDocument,
    MetricDocument,
    OutcomeDocument,
    Part,
    RuleDocument,
    RuleSetDocument,
    ScoreDocument,
    TestDocument,
)
from service.rules.problems import Problem, did_you_mean
from service.rules.source import Source, pointer_to

_SHAPES: Final = {
    "missing": "is missing",
    "string_type": "must be a text",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of names",
    "model_type": "must be a mapping of names",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "finite_number": "must be a finite number",
    "greater_than_equal": "is past 2^53, where whole numbers are no longer exact",
    "less_than_equal": "is past 2^53, where whole numbers are no longer exact",
}

_ID: Final = "a lower-case id such as `fleet_size` (letters, digits, `_`; at most 64)"
_PATTERNS: Final = {
    "url": "an address that starts with https:// or /",
    "window": "a number of days or months, such as `90 days` or `12 months`",
}


def read_document(read: Source) -> tuple[RuleSetDocument | None, list[Problem]]:
    """Return the document in *read*, and the problems of its shape.

    With problems there may still be a document: unknown keys left out and misspelt options
    replaced, so that the rest of it can be searched for problems too.
    """
    try:
        return _validated(read.data), []
    except ValidationError as error:
        problems = _shape_problems(error, read)
        return _mended(read.data, error), problems
    except CanonicalizationError:
        message = "a number of the tests is past 2^53; shorten it or put it in quotes"
        return None, [read.problem("limit", message, "/tests")]


def _validated(data: object) -> RuleSetDocument:
    document = RuleSetDocument.model_validate(data)
    document.digest  # noqa: B018  numbers that have no canonical form show themselves here
    return document


def _mended(data: object, error: ValidationError) -> RuleSetDocument | None:
    data = copy.deepcopy(data)
    for detail in _details(error):
        steps = _existing(detail["loc"], data)
        if not steps:
            continue
        *above, last = steps
        part = data
        for step in above:
            part = part[step] if isinstance(part, dict | list) else None  # type: ignore[index]
        if isinstance(part, dict) and last in part:
            if detail["type"] == "literal_error":
                part[last] = _options(detail)[0]
                continue
            meant = _meant_key(detail)
            if meant is not None:
                part.setdefault(meant, part[last])
            del part[last]
    try:
        return _validated(data)
    except (ValidationError, CanonicalizationError):
        return None


def _details(error: ValidationError) -> list[ErrorDetails]:
    """Return pydantic's findings without those that only follow from others.

    A list whose items are all wrong is reported as too short besides.
    """
    found = error.errors(include_url=False)
    return [d for d in found if not (d["type"] == "too_short" and d["input"])]


def _options(detail: Mapping[str, object]) -> list[str]:
    context = detail.get("ctx")
    expected = str(context.get("expected", "")) if isinstance(context, dict) else ""
    return [option.strip("' ") for option in expected.replace(" or ", ", ").split(",")]


def _shape_problems(error: ValidationError, read: Source) -> list[Problem]:
    """Return pydantic's findings in our words, one per place, without repeating values."""
    found: dict[str, Problem] = {}
    details = _details(error)
    misspelt = {(*d["loc"][:-1], _meant_key(d)) for d in details}
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in misspelt:
            continue
        parts = _existing(detail["loc"], read.data)
        pointer = pointer_to(*parts)
        name = str(parts[-1]) if parts else "rule set"
        kind = detail["type"]
        problem = _shape_problem(kind, name, pointer, detail, read)
        known = found.get(pointer)
        if known is None or (known.code == "type" and problem.code != "type"):
            found[pointer] = problem
    return list(found.values())


def _shape_problem(
    kind: str, name: str, pointer: str, detail: Mapping[str, object], read: Source
) -> Problem:
    context = detail.get("ctx")
    context = context if isinstance(context, dict) else {}
    if kind == "extra_forbidden":
        hint, meant = did_you_mean(name, _known_keys(detail["loc"]))
        message = f"`{name}` is not a key here{hint}"
        return read.at_key(read.problem("unknown-key", message, pointer, suggestion=meant))
    if kind == "literal_error":
        expected = str(context.get("expected", "")).replace("'", "`")
        written, options = detail.get("input"), _options(detail)
        hint, meant = did_you_mean(written, options) if isinstance(written, str) else ("", None)
        return read.problem(
            "value", f"`{name}` must be {expected}{hint}", pointer, suggestion=meant
        )
    if kind == "string_pattern_mismatch":
        rule = _PATTERNS.get(name, _ID)
        return read.problem("value", f"`{name}` must be {rule}", pointer)
    if kind == "string_too_long":
        message = f"`{name}` is longer than {context.get('max_length')} characters"
        return read.problem("limit", message, pointer)
    code = "missing-key" if kind == "missing" else "type"
    return read.problem(code, f"`{name}` {_SHAPES.get(kind, 'has the wrong shape')}", pointer)


def _meant_key(detail: ErrorDetails) -> str | None:
    """Return the key that an unknown one was probably meant to be."""
    if detail["type"] != "extra_forbidden":
        return None
    return did_you_mean(str(detail["loc"][-1]), _known_keys(detail["loc"]))[1]


def _existing(location: object, data: object) -> list[str | int]:
    """Return *location* without the names of union members that pydantic puts into it."""
    parts: list[str | int] = []
    current = data
    steps = location if isinstance(location, tuple) else ()
    for index, step in enumerate(steps):
        if step == "[key]":
            break
        is_last = index == len(steps) - 1
        if isinstance(current, dict) and (step in current or is_last):
            parts.append(step)
            current = current.get(step)
        elif isinstance(current, list) and isinstance(step, int) and step < len(current):
            parts.append(step)
            current = current[step]
    return parts


_KEYS_OF: Final[Mapping[str, type[Part]]] = {
    "attributes": AttributeDocument,
    "metrics": MetricDocument,
    "gates": GateDocument,
    "scores": ScoreDocument,
    "groups": GroupDocument,
    "rules": RuleDocument,
    "outcomes": OutcomeDocument,
    "tests": TestDocument,
    "expect": ExpectDocument,
}


def _known_keys(location: object) -> list[str]:
    """Return the keys that the part at *location* may have."""
    steps = location[:-1] if isinstance(location, tuple) else ()
    parts = (_KEYS_OF[step] for step in reversed(steps) if step in _KEYS_OF)
    return list(next(parts, RuleSetDocument).model_fields)
