"""Rule sets side by side: one list of attributes, whatever each of them declares.

Two versions are asked about the same raw facts, so an attribute of both is one thing wherever
both let the same values through or the difference can be named value by value. Derived names
are told apart; so are attributes of one name that have nothing in common but the name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.model import Condition, Derived, Formula, Model, Rule
from service.rules.uses import Reader, Use, expressions, uses_of


@dataclass(frozen=True, slots=True)
class Joint:
    """Some rule sets on the same facts, at one day.

    Attributes:
        models: The rule sets, with names that mean one thing in all of them.
        attributes: Of all of them; what one declares otherwise lets through what any does.
        own: By rule set, its own declaration of each of its attributes.
        reader: Knows every derived name.
        uses: How all of them together read each attribute.
        today: The UTC day of the clock.
    """

    models: tuple[Model, ...]
    attributes: Mapping[str, Attribute]
    own: tuple[Mapping[str, Attribute], ...]
    reader: Reader
    uses: Mapping[str, Use]
    today: date

    @property
    def derived(self) -> tuple[Derived, ...]:
        """Every derived name, in an order in which each needs only what came before."""
        return tuple(derived for model in self.models for derived in model.derived)

    @property
    def carrier(self) -> Model:
        """A model with all attributes and derived names, for what reads no more than those."""
        return replace(self.models[0], attributes=self.attributes, derived=self.derived)


def joined(models: tuple[Model, ...], *, today: date) -> Joint:
    """Return *models* side by side; raw names of facts are what stands after the last `:`."""
    attributes: dict[str, Attribute] = {}
    renamed: list[Model] = []
    own: list[Mapping[str, Attribute]] = []
    for place, model in enumerate(models):
        names: dict[str, str] = {}
        mine: dict[str, Attribute] = {}
        for name, declared in model.attributes.items():
            before = attributes.get(name)
            united = declared if before is None else _united(before, declared)
            if united is None:
                names[name] = f"{place}:{name}"
                united = replace(declared, name=names[name])
            attributes[united.name] = united
            mine[united.name] = replace(declared, name=united.name)
        names |= {derived.name: f"{place}:{derived.name}" for derived in model.derived if place}
        renamed.append(_renamed(model, names))
        own.append(mine)
    everything = tuple(derived for model in renamed for derived in model.derived)
    carrier = replace(renamed[0], attributes=attributes, derived=everything)
    nodes = [node for model in renamed for node in expressions(model)]
    return Joint(
        tuple(renamed), attributes, tuple(own), Reader.of(carrier), uses_of(carrier, nodes), today
    )


def raw_name(name: str) -> str:
    """Return the key under which facts hold the attribute *name* of a joint."""
    return name.rpartition(":")[2]


def _united(one: Attribute, other: Attribute) -> Attribute | None:
    """Return a declaration that lets through what either does; None where that is not one."""
    if one.type != other.type or one.fold != other.fold:
        return None
    if one.type in {"flag", "list", "date"} and one.missing_values != other.missing_values:
        return None
    low = None if None in {one.minimum, other.minimum} else _least(one.minimum, other.minimum)
    high = None if None in {one.maximum, other.maximum} else _most(one.maximum, other.maximum)
    if one.type == "number" and one.missing_values != other.missing_values:
        return None
    return replace(
        one,
        minimum=low,
        maximum=high,
        choices=tuple(dict.fromkeys((*one.choices, *other.choices))),
        ordered=one.ordered and other.ordered,
        other=one.other or other.other,
        missing_values=one.missing_values & other.missing_values,
    )


def _least(one: float | None, other: float | None) -> float | None:
    return min(x for x in (one, other) if x is not None)


def _most(one: float | None, other: float | None) -> float | None:
    return max(x for x in (one, other) if x is not None)


def _renamed(model: Model, names: Mapping[str, str]) -> Model:
    if not names:
        return model

    def node(tree: ast.Node) -> ast.Node:
        return renamed(tree, names)

    return replace(
        model,
        attributes={names.get(name, name): one for name, one in model.attributes.items()},
        derived=tuple(
            replace(one, name=names.get(one.name, one.name), node=node(one.node))
            for one in model.derived
        ),
        gates=tuple(replace(g, condition=_condition(g.condition, node)) for g in model.gates),
        rules=tuple(_of_rule(rule, node) for rule in model.rules),
        scores=tuple(
            replace(
                score,
                formula=_formula(score.formula, node),
                groups=tuple(
                    replace(group, rules=tuple(_of_rule(rule, node) for rule in group.rules))
                    for group in score.groups
                ),
            )
            for score in model.scores
        ),
        outcomes=tuple(
            outcome
            if outcome.condition is None
            else replace(outcome, condition=_condition(outcome.condition, node))
            for outcome in model.outcomes
        ),
    )


Rename = Callable[[ast.Node], ast.Node]


def _of_rule(rule: Rule, node: Rename) -> Rule:
    points = replace(rule.points, formula=_formula(rule.points.formula, node))
    return replace(rule, condition=_condition(rule.condition, node), points=points)


def _condition(condition: Condition, node: Rename) -> Condition:
    checks = tuple(node(check) for check in condition.checks)
    return replace(condition, node=node(condition.node), checks=checks)


def _formula(formula: Formula | None, node: Rename) -> Formula | None:
    return None if formula is None else replace(formula, node=node(formula.node))


def renamed(node: ast.Node, names: Mapping[str, str]) -> ast.Node:  # noqa: PLR0911 - one arm a node
    """Return *node* with its attributes and derived names called as *names* says."""
    match node:
        case ast.Attribute(name=name) | ast.Derived(name=name):
            return replace(node, name=names.get(name, name))
        case ast.Has(attribute=name):
            return replace(node, attribute=names.get(name, name))
        case ast.Not(part=part):
            return replace(node, part=renamed(part, names))
        case ast.Logic(parts=parts) | ast.AtLeast(parts=parts):
            return replace(node, parts=tuple(renamed(part, names) for part in parts))
        case ast.Choose(test=test, then=then, otherwise=otherwise):
            return replace(
                node,
                test=renamed(test, names),
                then=renamed(then, names),
                otherwise=renamed(otherwise, names),
            )
        case ast.Quantified(items=items, condition=condition):
            return replace(node, items=renamed(items, names), condition=renamed(condition, names))
        case ast.Apply(arguments=arguments):
            return replace(node, arguments=tuple(renamed(part, names) for part in arguments))
        case ast.Constant() | ast.Score() | ast.Grade() | ast.Variable():
            return node
        case unknown:
            assert_never(unknown)
