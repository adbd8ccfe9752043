"""Every id of a rule set stands once in its space, and is nobody's reserved word."""

from collections.abc import Iterable, Iterator
from typing import Final

from service.rules.document import RuleDocument, RuleSetDocument
from service.rules.expression.parse import RESERVED
from service.rules.problems import Problem
from service.rules.source import Source, pointer_to

RULE_LIMIT: Final = 500
LIST_LIMIT: Final = 10_000
METRIC_LIMIT: Final = 100

Named = tuple[str, str, str]
"""An id, the pointer to where it stands, and what it names."""


def humanised(name: str) -> str:
    """Return an id as words: `company_size` reads "Company size"."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def rules_of(document: RuleSetDocument) -> Iterator[tuple[RuleDocument, str]]:
    """Yield every rule with points and its pointer; scores in order of their names."""
    for name in sorted(document.scores):
        for number, group in enumerate(document.scores[name].groups or ()):
            for index, rule in enumerate(group.rules):
                yield rule, pointer_to("scores", name, "groups", number, "rules", index)


def name_problems(document: RuleSetDocument, source: Source) -> list[Problem]:
    """Return the problems of ids: twice in one space, or reserved; and of too many rules."""
    rules = [
        *((gate.id, f"/gates/{i}/id", "gate") for i, gate in enumerate(document.gates)),
        *((rule.id, pointer + "/id", "rule") for rule, pointer in rules_of(document)),
    ]
    values = [
        *((name, pointer_to("attributes", name), "attribute") for name in document.attributes),
        *((name, pointer_to("derived", name), "derived name") for name in document.derived),
        *((name, pointer_to("metrics", name), "metric") for name in document.metrics or ()),
        *((name, pointer_to("scores", name), "score") for name in document.scores),
        *((name, pointer_to("grades", name), "grade") for name in document.grades),
    ]
    outcomes = [(o.id, f"/outcomes/{i}/id", "outcome") for i, o in enumerate(document.outcomes)]
    groups = [
        (group.id, pointer_to("scores", name, "groups", index, "id"), "group")
        for name in sorted(document.scores)
        for index, group in enumerate(document.scores[name].groups or ())
    ]
    problems = [
        problem for space in (rules, values, outcomes, groups) for problem in _twice(space, source)
    ]
    problems += [
        source.problem("reserved", f"`{name}` is reserved by the language; use another", pointer)
        for name, pointer, _ in values
        if name in RESERVED or name == "lists"
    ]
    if len(rules) > RULE_LIMIT:
        message = f"the rule set has {len(rules)} rules and gates; at most {RULE_LIMIT} are allowed"
        problems.append(source.problem("limit", message, "/scores"))
    if document.metrics is not None and len(document.metrics) > METRIC_LIMIT:
        count = len(document.metrics)
        message = f"the rule set has {count} metrics; at most {METRIC_LIMIT} are allowed"
        problems.append(source.problem("limit", message, "/metrics"))
    for name, items in document.lists.items():
        if not 0 < len(items) <= LIST_LIMIT:
            message = f"the list `{name}` must have 1 to {LIST_LIMIT:,} items"
            problems.append(source.problem("limit", message, pointer_to("lists", name)))
    return problems


def _twice(space: Iterable[Named], source: Source) -> Iterator[Problem]:
    placed = [(source.place(pointer), name, pointer, kind) for name, pointer, kind in space]
    placed.sort(key=lambda entry: (entry[0].line or 0, entry[0].column or 0))
    first: dict[str, tuple[str, str]] = {}
    for place, name, pointer, kind in placed:
        if name not in first:
            where = f"in line {place.line}" if place.line is not None else f"at {pointer}"
            first[name] = (kind, where)
            continue
        other, where = first[name]
        message = f"`{name}` is already the id of the {other} {where}"
        yield source.problem("duplicate-id", message, pointer)
