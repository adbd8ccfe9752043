"""Every way in which a few conditions can come out together, by trying each class once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from service.rules.advising.found import DAY
from service.rules.attributes import Fact
from service.rules.classes import classes_among
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Node
from service.rules.expression.derived import DerivedValues
from service.rules.expression.evaluate import Known
from service.rules.model import Model
from service.rules.truth import YES, Truth
from service.rules.uses import Reader

_MOST_CASES: Final = 4_096
_MOST_RESULTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """Facts of one sort, and the closed result of each condition on them.

    *is_whole* says that nothing the conditions read is missing.
    """

    facts: dict[str, Fact]
    results: tuple[Truth, ...]
    is_whole: bool

    def yes(self, place: int) -> bool:
        """Whether the condition at *place* is yes here."""
        return self.results[place] is YES


def cases_of(model: Model, nodes: Sequence[Node]) -> tuple[Case, ...] | None:
    """Return a case for every sort of facts that *nodes* tell apart, missing ones included.

    None where the sorts cannot all be named (an attribute with endlessly many, a score)
    or are too many to try.
    """
    reader = Reader.of(model)
    if not all(reader.is_closed(node) and not _has_fixed_age(node, reader) for node in nodes):
        return None
    classes = classes_among(model, nodes, today=DAY)
    if not all(found.finite for found in classes.values()):
        return None
    count = prod(len(found.values) + 1 for found in classes.values())
    if count > _MOST_CASES or count * len(nodes) > _MOST_RESULTS:
        return None
    options = [(*found.values, None) for found in classes.values()]
    cases: list[Case] = []
    for chosen in product(*options):
        pairs = zip(classes, chosen, strict=True)
        facts = {name: value for name, value in pairs if value is not None}
        known = known_of(model, facts)
        results = tuple(evaluate.truth(node, known) for node in nodes)
        cases.append(Case(facts, results, len(facts) == len(classes)))
    return tuple(cases)


def known_of(model: Model, facts: dict[str, Fact]) -> Known:
    """Return what a closed evaluation of *model* on *facts* sees, without scores."""
    derived = DerivedValues()
    known = Known(
        values=evaluate.reading(facts, model.attributes),
        attributes=model.attributes,
        today=DAY,
        is_open=False,
        derived=derived,
        formulas={name.name: name.node for name in model.derived},
    )
    derived.known = known
    return known


def _has_fixed_age(node: Node, reader: Reader) -> bool:
    """Whether *node* holds the age of a day written in the rule: true today, not tomorrow."""
    inside = [node, *(reader.formulas[name] for name in reader.derived(node))]
    return any(
        isinstance(part, ast.Apply)
        and part.operator in {"age_days", "age_months"}
        and not reader.attributes(part)
        for tree in inside
        for part in ast.walk(tree)
    )
