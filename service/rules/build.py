"""A document to its model: every expression checked, every reference resolved."""

from dataclasses import replace
from typing import Final

from service.rules import names
from service.rules.attributes import Attribute, clean_text
from service.rules.document import AttributeDocument, GroupDocument, RuleDocument, RuleSetDocument
from service.rules.expression import ast, bounds
from service.rules.expression.ast import Kind, Type
from service.rules.expression.check import Scope
from service.rules.expressions import Expressions, is_endless, type_of
from service.rules.metrics.build import attributes_of, build_metrics
from service.rules.model import (
    Derived,
    Formula,
    Gate,
    Grade,
    Group,
    Model,
    Outcome,
    Points,
    Rule,
    Score,
)
from service.rules.names import humanised
from service.rules.ordering import first_read, in_order_of_need
from service.rules.problems import Problem, did_you_mean
from service.rules.scoring_bounds import of_score
from service.rules.source import Source, pointer_to

_IN_RULES: Final = "is a score or grade; only formulas and outcomes can ask about it"
_IN_FORMULAS: Final = "is a grade; only outcomes can ask about it"


def build_model(document: RuleSetDocument, source: Source) -> tuple[Model | None, list[Problem]]:
    """Return the model of *document*, or None and the errors that stand in its way."""
    builder = _Builder(document, source)
    model = builder.build()
    return (None if builder.problems else model), builder.problems


class _Builder:
    """Builds one model part by part, gathering every problem on the way."""

    def __init__(self, document: RuleSetDocument, source: Source) -> None:
        self._document = document
        self._source = source
        self.problems = names.name_problems(document, source)
        self._expressions = Expressions(source, self.problems)
        self._places = {outcome.id: index for index, outcome in enumerate(document.outcomes)}
        self._rule_count = 0
        self._attributes: dict[str, Attribute] = {}
        self._derived_nodes: dict[str, ast.Node] = {}

    def _complain(
        self, code: str, message: str, pointer: str, suggestion: str | None = None
    ) -> None:
        problem = self._source.problem(code, message, pointer, suggestion=suggestion)
        self.problems.append(problem)

    def build(self) -> Model | None:
        document = self._document
        attributes = {name: self._attribute(name, a) for name, a in document.attributes.items()}
        metrics = build_metrics(document, self._source, self._expressions, self.problems)
        attributes |= attributes_of(document.metrics or {})
        self._attributes = attributes
        hidden = dict.fromkeys([*document.scores, *document.grades], _IN_RULES)
        types = {name: type_of(attribute) for name, attribute in attributes.items()}
        measures = {
            name: bounds.of_attribute(attribute.minimum, attribute.maximum)
            for name, attribute in attributes.items()
            if attribute.type == "number"
        }
        scope = Scope(types, {}, document.lists, measures=measures, elsewhere=hidden)
        derived, scope = self._derived(scope)
        gates = tuple(self._gate(index, scope) for index in range(len(document.gates)))
        scores, order, scope = self._scores(scope)
        grades, scope = self._grades(scope)
        outcomes = tuple(self._outcome(index, scope) for index in range(len(document.outcomes)))
        self._last_outcome()
        self._expressions.check_limits()
        if self.problems:
            return None
        model = Model(
            id=document.rule_set,
            subject=document.subject,
            missing=document.missing,
            title=document.title or humanised(document.rule_set),
            attributes=attributes,
            lists=document.lists,
            derived=derived,
            gates=tuple(gate for gate in gates if gate),
            scores=scores,
            score_order=order,
            grades=grades,
            outcomes=tuple(outcome for outcome in outcomes if outcome),
            check_count=self._expressions.check_count,
            rules=tuple(rule for score in scores for group in score.groups for rule in group.rules),
            metrics=metrics,
        )
        return first_read(model)

    def _attribute(self, name: str, declared: AttributeDocument) -> Attribute:
        pointer = pointer_to("attributes", name)
        is_choice, is_number = declared.type == "choice", declared.type == "number"
        if is_choice and not declared.choices:
            self._complain("missing-key", f"the choice `{name}` needs `choices`", pointer)
        misplaced = {
            "choices": declared.choices is not None and not is_choice,
            "ordered": declared.ordered and not is_choice,
            "other": declared.other and not is_choice,
            "fold": declared.fold and declared.type != "text",
            "min": declared.min is not None and not is_number,
            "max": declared.max is not None and not is_number,
            "unit": declared.unit is not None and not is_number,
        }
        for key, is_misplaced in misplaced.items():
            if is_misplaced:
                message = f"`{key}` does not go with a {declared.type}"
                self._complain("value", message, f"{pointer}/{key}")
        if declared.ordered and declared.other:
            message = (
                "`other` does not go with `ordered`; a value outside has no place in the order"
            )
            self._complain("value", message, f"{pointer}/other")
        if declared.min is not None and declared.max is not None and declared.min > declared.max:
            self._complain("value", "`min` is above `max`", f"{pointer}/min")
        self._check_changeable(declared, pointer)
        choices = tuple(clean_text(choice) for choice in declared.choices or ())
        if len(set(choices)) < len(choices):
            self._complain("value", "a choice stands twice", f"{pointer}/choices")
        return Attribute(
            name=name,
            type=declared.type,
            label=declared.label or humanised(name),
            ask=declared.ask,
            unit=declared.unit,
            minimum=declared.min,
            maximum=declared.max,
            choices=choices,
            ordered=declared.ordered,
            other=declared.other,
            fold=declared.fold,
            pii=declared.pii,
            missing_values=frozenset(clean_text(value) for value in declared.missing_values),
            changeable=declared.changeable,
            change_cost=declared.change_cost or 1.0,
        )

    def _check_changeable(self, declared: AttributeDocument, pointer: str) -> None:
        if declared.changeable in {None, "no"}:
            return
        message = None
        if declared.type in {"text", "list", "date"}:
            message = f"a {declared.type} is never proposed to be changed; say `no`, or nothing"
        elif declared.changeable != "yes" and declared.type == "choice" and not declared.ordered:
            message = "choices without an order have no up and down; say `yes`, or `ordered: true`"
        if message is not None:
            self._complain("value", message, f"{pointer}/changeable")

    def _derived(self, scope: Scope) -> tuple[tuple[Derived, ...], Scope]:
        texts = self._document.derived
        order, circle = in_order_of_need(texts)
        if circle:
            message = f"{' -> '.join(f'`{name}`' for name in circle)} go in a circle"
            self._complain("circle", message, pointer_to("derived", circle[0]))
        found: list[Derived] = []
        for name in order:
            pointer = pointer_to("derived", name)
            node = self._expressions.check(texts[name], pointer, scope)
            if node is None:
                scope = scope.knowing(elsewhere={name: "has a problem of its own"})
                continue
            if node.type.kind not in {Kind.NUMBER, Kind.TEXT, Kind.TRUTH, Kind.LIST}:
                message = f"a derived name is a number, text, condition or list; `{name}` is a"
                self._complain("type", f"{message} {node.type.kind.value}", pointer)
                continue
            found.append(Derived(name, texts[name], node))
            self._derived_nodes[name] = node
            scope = scope.knowing(derived={name: node.type})
            if node.type.kind is Kind.NUMBER:
                measure = bounds.rounded(bounds.measure(node, scope.measures))
                scope = scope.knowing(measures={name: measure})
        return tuple(found), scope

    def _gate(self, index: int, scope: Scope) -> Gate | None:
        gate = self._document.gates[index]
        pointer = f"/gates/{index}"
        condition = self._expressions.condition(gate.when, f"{pointer}/when", scope)
        outcome = self._places.get(gate.then)
        if outcome is None:
            hint, meant = did_you_mean(gate.then, self._places)
            message = f"`{gate.then}` is not an outcome{hint}"
            self._complain("unknown-outcome", message, f"{pointer}/then", meant)
        if condition is None or outcome is None:
            return None
        return Gate(gate.id, condition, outcome, gate.reason)

    def _scores(self, scope: Scope) -> tuple[tuple[Score, ...], tuple[int, ...], Scope]:
        declared = self._document.scores
        ordered = sorted(declared)
        grouped = {name: self._groups(name, scope) for name in ordered}
        formulas = {name: declared[name].formula or "" for name in ordered}
        order, circle = in_order_of_need(formulas)
        if circle:
            message = f"{' -> '.join(f'`{name}`' for name in circle)} go in a circle"
            self._complain("circle", message, pointer_to("scores", circle[0], "formula"))
        hidden = dict.fromkeys(self._document.grades, _IN_FORMULAS)
        seen = replace(scope, elsewhere=hidden)
        scores: dict[str, Score] = {}
        for name in order:
            formula = self._formula(name, seen)
            score = declared[name]
            label = score.label or humanised(name)
            scores[name] = Score(name, score.floor, score.ceiling, grouped[name], formula, label)
            measure = bounds.rounded(of_score(scores[name], seen.measures))
            seen = seen.knowing(scores=[name], measures={name: measure})
        for name in set(ordered) - set(scores):
            seen = seen.knowing(elsewhere={name: "is part of a circle"})
        found = tuple(scores[name] for name in ordered if name in scores)
        positions = {score.name: index for index, score in enumerate(found)}
        return found, tuple(positions[name] for name in order), seen

    def _groups(self, name: str, scope: Scope) -> tuple[Group, ...]:
        score = self._document.scores[name]
        pointer = pointer_to("scores", name)
        if (score.groups is None) is (score.formula is None):
            message = f"the score `{name}` needs either `groups` or `formula`"
            self._complain("missing-key", message, pointer)
        if score.floor is not None and score.ceiling is not None and score.floor > score.ceiling:
            self._complain("value", "`floor` is above `ceiling`", f"{pointer}/floor")
        return tuple(
            self._group(group, f"{pointer}/groups/{index}", scope)
            for index, group in enumerate(score.groups or ())
        )

    def _group(self, group: GroupDocument, pointer: str, scope: Scope) -> Group:
        if group.cap is not None and group.cap < 0:
            self._complain(
                "value", "`cap` must not be negative; it is an upper limit", f"{pointer}/cap"
            )
        if group.cap is not None and group.floor is not None and group.floor > group.cap:
            self._complain("value", "`floor` is above `cap`", f"{pointer}/floor")
        first = self._rule_count
        self._rule_count += len(group.rules)
        rules = [
            self._rule(rule, f"{pointer}/rules/{index}", scope)
            for index, rule in enumerate(group.rules)
        ]
        whole = tuple(rule for rule in rules if rule is not None)
        return Group(group.id, group.mode, group.floor, group.cap, whole, first)

    def _rule(self, rule: RuleDocument, pointer: str, scope: Scope) -> Rule | None:
        condition = self._expressions.condition(rule.when, f"{pointer}/when", scope)
        points = self._points(rule, pointer, scope)
        if condition is None or points is None:
            return None
        return Rule(rule.id, condition, points, rule.reason)

    def _points(self, rule: RuleDocument, pointer: str, scope: Scope) -> Points | None:
        if isinstance(rule.points, float):
            if rule.bounds is not None:
                message = "`bounds` go with points that are an expression"
                self._complain("value", message, f"{pointer}/bounds")
            return Points(rule.points)
        node = self._expressions.check(rule.points, f"{pointer}/points", scope, Kind.NUMBER)
        if rule.bounds is None:
            message = "points that are an expression need `bounds: [lowest, highest]`"
            self._complain("missing-key", message, f"{pointer}/points")
            return None
        low, high = rule.bounds
        if low > high:
            self._complain("value", "the lower bound comes first", f"{pointer}/bounds")
        return None if node is None else Points(0.0, Formula(rule.points, node), low, high)

    def _formula(self, name: str, scope: Scope) -> Formula | None:
        score = self._document.scores[name]
        if score.formula is None:
            return None
        pointer = pointer_to("scores", name, "formula")
        node = self._expressions.check(score.formula, pointer, scope, Kind.NUMBER)
        if node is None:
            return None
        is_limited = score.floor is not None and score.ceiling is not None
        if not is_limited and is_endless(node, self._attributes, self._derived_nodes):
            message = f"a missing number leaves `{name}` without end; give it `floor` and `ceiling`"
            self._complain("endless", message, pointer)
        return Formula(score.formula, node)

    def _grades(self, scope: Scope) -> tuple[tuple[Grade, ...], Scope]:
        grades: list[Grade] = []
        types: dict[str, Type] = {}
        for name in sorted(self._document.grades):
            grade = self._document.grades[name]
            pointer = pointer_to("grades", name)
            if grade.of not in self._document.scores:
                hint, meant = did_you_mean(grade.of, self._document.scores)
                message = f"`{grade.of}` is not a score{hint}"
                self._complain("unknown-name", message, f"{pointer}/of", meant)
            # Not by their order: the canonical form sorts keys.
            levels = {level for level in grade.bands.values() if level is not None}
            if len(levels) != len(grade.bands) - 1 or None not in grade.bands.values():
                message = "a grade's bands begin at different scores, and one takes the rest"
                self._complain("value", f"{message} (`C: null`)", pointer)
            bands = tuple(sorted(grade.bands.items(), key=lambda band: _falling(band[1])))
            grades.append(Grade(name, grade.of, bands))
            types[name] = Type(Kind.GRADE, tuple(band for band, _ in bands))
        return tuple(grades), scope.knowing(grades=types)

    def _outcome(self, index: int, scope: Scope) -> Outcome | None:
        outcome = self._document.outcomes[index]
        pointer = f"/outcomes/{index}"
        condition = None
        if outcome.when is not None:
            condition = self._expressions.condition(outcome.when, f"{pointer}/when", scope)
            if outcome.only_by_gate:
                message = "an outcome has `when` or `only_by_gate`, not both"
                self._complain("value", message, f"{pointer}/only_by_gate")
            if condition is None:
                return None
        return Outcome(
            id=outcome.id,
            verdict=outcome.verdict,
            condition=condition,
            only_by_gate=outcome.only_by_gate,
            action=outcome.action,
            url=outcome.url,
            message=outcome.message,
            assign=outcome.assign,
            reason=outcome.reason,
            label=outcome.label or humanised(outcome.id),
        )

    def _last_outcome(self) -> None:
        *others, last = self._document.outcomes
        pointer = f"/outcomes/{len(others)}"
        if last.when is not None or last.only_by_gate:
            message = "the last outcome takes whatever is left, so it has no `when`"
            self._complain("last-outcome", message, pointer)
        for index, outcome in enumerate(others):
            if outcome.when is None and not outcome.only_by_gate:
                message = f"`{outcome.id}` has no `when`; only the last outcome goes without"
                self._complain("last-outcome", message, f"/outcomes/{index}")


def _falling(level: float | None) -> float:
    return float("inf") if level is None else -level
