"""Every way in which a few conditions can come out together, by trying each class once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from service.rules.advising.found import DAY
from service.rules.attributes import Fact
from service.rules.classes import AttributeClasses, classes_among
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Node
from service.rules.expression.derived import DerivedValues
from service.rules.expression.evaluate import Known
from service.rules.model import Model
from service.rules.truth import NO, UNKNOWN, YES, Truth, at_least, every, negate, some
from service.rules.uses import Reader

_MOST_CASES: Final = 4_096
_MOST_RESULTS: Final = 40_000
_MOST_NODES: Final = 100


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
    if len(nodes) > _MOST_NODES:
        return None
    classes = classes_among(model, nodes, today=DAY)
    if not all(found.finite for found in classes.values()):
        return None
    count = prod(len(found.values) + 1 for found in classes.values())
    if count > _MOST_CASES or count * len(nodes) > _MOST_RESULTS:
        return None
    table = _Table.of(model, nodes, classes, reader)
    return tuple(table.case(chosen, nodes) for chosen in product(*table.options))


Option = tuple[str, Fact | None]
"""An attribute, and one value of a class or None where it is missing."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Every single check's result for every option, so that cases are only put together.

    *answers* holds the checks that read one attribute alone, by node and that option.
    """

    model: Model
    options: tuple[tuple[Option, ...], ...]
    answers: dict[tuple[int, Option], Truth]
    readers: dict[int, str]

    @classmethod
    def of(
        cls,
        model: Model,
        nodes: Sequence[Node],
        classes: Mapping[str, AttributeClasses],
        reader: Reader,
    ) -> "_Table":
        options = tuple(
            tuple((name, value) for value in (*found.values, None))
            for name, found in classes.items()
        )
        leaves = [leaf for node in nodes for leaf in _leaves(node)]
        readers = {id(leaf): name for leaf in leaves if (name := _only(leaf, reader)) is not None}
        answers: dict[tuple[int, Option], Truth] = {}
        for each in options:
            for option in each:
                name, value = option
                known = known_of(model, {} if value is None else {name: value})
                for leaf in leaves:
                    if readers.get(id(leaf)) == name:
                        answers[id(leaf), option] = evaluate.check(leaf, known)
        return cls(model, options, answers, readers)

    def case(self, chosen: tuple[Option, ...], nodes: Sequence[Node]) -> Case:
        """Return the results where the facts are as *chosen*."""
        by_name = {option[0]: option for option in chosen}
        facts = {name: value for name, value in chosen if value is not None}
        known = known_of(self.model, facts)

        def answer(leaf: Node) -> Truth:
            name = self.readers.get(id(leaf))
            if name is None:
                return evaluate.check(leaf, known)
            return self.answers[id(leaf), by_name[name]]

        results = tuple(NO if (r := _result(n, answer)) is UNKNOWN else r for n in nodes)
        return Case(facts, results, len(facts) == len(chosen))


def _leaves(node: Node) -> Iterator[Node]:
    match node:
        case ast.Not() | ast.Logic() | ast.AtLeast():
            for part in ast.children(node):
                yield from _leaves(part)
        case _:
            yield node


def _only(leaf: Node, reader: Reader) -> str | None:
    names = reader.attributes(leaf)
    return next(iter(names)) if len(names) == 1 else None


def _result(node: Node, answer: Callable[[Node], Truth]) -> Truth:
    match node:
        case ast.Not(part=part):
            return negate(_result(part, answer))
        case ast.Logic(operator=word, parts=parts):
            combine = every if word == "and" else some
            return combine([_result(part, answer) for part in parts])
        case ast.AtLeast(count=count, parts=parts):
            return at_least(count, [_result(part, answer) for part in parts])
        case _:
            return answer(node)


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
