"""The fast meaning: a tree becomes Python code that must equal `evaluate`.

A `Writer` writes the statements of one generated function. It writes for one of three views:
every fact is known (plain values, Python's own `and` and `or`), open, or closed. In the last
two an unknown value is None; a condition is then True, False or None. A number that may be a
range has two locals, its ends; one that cannot has one.
"""

import ast as python
from collections.abc import Callable, Mapping

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.ast import Kind
from service.rules.expression.bounds import ANY_NUMBER, UNBOUNDED
from service.rules.expression.compile_comparisons import COMPARE
from service.rules.expression.compile_logic import at_least, every, negation, some
from service.rules.expression.compile_numbers import COMPUTE
from service.rules.expression.compile_parts import (
    Answer,
    Block,
    Part,
    View,
    guarded,
    is_unknown,
    point,
    unknown_names,
)
from service.rules.expression.compile_pieces import NONE, Names, constant
from service.rules.expression.compile_shape import asks_table, has_score, shape
from service.rules.expression.evaluate import Mode
from service.rules.ranges import Range, nearest_zero

Side = tuple[list[python.stmt], Part]
"""A branch of a ternary: the statements that compute it, and its value."""


class Writer(Block):
    """Writes one function's statements.

    Attributes:
        values: The local of each attribute.
        scores: Scores of the present view; *grades* the bands they touch.
        is_finished: Whether the scores are final: drawn into their open ranges.
    """

    def __init__(self, names: Names, attributes: Mapping[str, Attribute], view: View) -> None:
        """Begin an empty function that may read *attributes*."""
        super().__init__(names, view)
        self.values = {name: names.fresh("a") for name in attributes}
        self.is_finished = False
        self.scores: dict[str, Part] = {}
        self.grades: dict[str, Part] = {}
        self._attributes = attributes
        self._formulas: dict[str, ast.Node] = {}
        self._derived: dict[tuple[str, View | None], Part] = {}
        self._moving: set[str] = set()
        self._variables: dict[str, python.Name] = {}

    # --- conditions ---------------------------------------------------------------------------

    def truth(self, node: ast.Node) -> Answer:
        """Return the condition *node*; its single checks are kept in locals."""
        match node:
            case ast.Not(part=part):
                return negation(self, self.truth(part))
            case ast.Logic(operator=word, parts=parts):
                combine = every if word == "and" else some
                return combine(self, [self.truth(part) for part in parts])
            case ast.AtLeast(count=count, parts=parts):
                return at_least(self, count, [self.truth(part) for part in parts])
            case _:
                return self.check(node)

    def check(self, node: ast.Node) -> Answer:
        """Return a single check; what was asked before in this view is not asked again."""
        if self._variables or isinstance(node, ast.Constant):
            return self._check(node)
        return self.kept(node, lambda: self._check(node))

    def kept(self, node: ast.Node, write: Callable[[], Answer]) -> Answer:
        """Return the answer to *node* in a local, written only where it is not there yet."""
        key = (shape(node), (self.view, self.is_finished) if self._moves(node) else None)
        known = self.memory.get(key)
        if not isinstance(known, Answer):
            known = self.memory[key] = self.settled(write())
        return known

    def _check(self, node: ast.Node) -> Answer:
        match node:
            case ast.Not() | ast.Logic() | ast.AtLeast():
                return self.truth(node)
            case ast.Has(attribute=name):
                return self._has(name)
            case ast.Quantified():
                return self._quantified(node)
            case ast.Apply(operator=operator) if operator in COMPARE:
                mode = Mode.SCORED if has_score(node) else Mode.PLAIN
                parts = [self.part(argument, mode) for argument in node.arguments]
                return COMPARE[operator](self, node, parts)
            case _:
                return self.answer_of(self.part(node, Mode.PLAIN))

    def _has(self, name: str) -> Answer:
        if self.view is View.COMPLETE:
            return Answer(constant(value=True), sure=True)
        there = pieces.compare(self.values[name], python.IsNot(), NONE)
        if self.view is View.CLOSED:
            return Answer(there, sure=True)
        return Answer(pieces.choose(there, constant(value=True), NONE), sure=False)

    def _quantified(self, node: ast.Quantified) -> Answer:
        exists = node.quantifier == "exists"
        items = self.bind(self.part(node.items, Mode.PLAIN))
        result, variable = self.names.fresh("q"), self.names.fresh("v")
        outer = self._variables
        self._variables = {**outer, node.variable: variable}
        with self.nested() as body:
            answer = self.settled(self.truth(node.condition))
            self.emit(_step(answer, result, exists=exists, stop=not asks_table(node.condition)))
        self._variables = outer
        loop: list[python.stmt] = [
            pieces.assign(result, constant(value=not exists)),
            pieces.each(variable, items.low, body),
        ]
        if items.unknown:
            loop = [pieces.when(is_unknown(items.unknown), [pieces.assign(result, NONE)], loop)]
        self.emit(*loop)
        return Answer(result, sure=answer.sure and not items.unknown)

    # --- values -------------------------------------------------------------------------------

    def number(self, node: ast.Node) -> Part:
        """Return all values that points or a formula can take; never unknown."""
        return self.part(node, Mode.NUMERIC)

    def part(self, node: ast.Node, mode: Mode) -> Part:
        """Return the value of *node*."""
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Attribute(name=name):
                return self._attribute(name, mode)
            case ast.Derived():
                return self._named(node, mode)
            case ast.Score(name=name):
                return self.scores[name]
            case ast.Grade(name=name):
                return self.grades[name]
            case ast.Variable(name=name):
                return point(self._variables[name])
            case ast.Choose():
                return self._choose(node, mode)
            case ast.Apply(operator=operator) if operator in COMPUTE:
                return self._compute(node, mode)
            case (
                ast.Not() | ast.Logic() | ast.AtLeast() | ast.Has() | ast.Quantified() | ast.Apply()
            ):
                return self.part_of(self.truth(node))

    def _constant(self, node: ast.Constant) -> Part:
        if node.type.kind is Kind.GRADE and self.view is View.OPEN:
            bands = self.names.shared(("band", node.value), frozenset({node.value}))
            return point(self.names.bound(bands))
        if isinstance(node.value, bool | float | str):
            return point(constant(node.value))
        return point(self.names.bound(node.value))

    def _attribute(self, name: str, mode: Mode) -> Part:
        value = self.values[name]
        if self.view is View.COMPLETE:
            return point(value)
        declared = self._attributes[name]
        if mode is not Mode.NUMERIC or declared.type != "number":
            return point(value, (value.id,))
        key = ("filled", name, self.view)
        known = self.memory.get(key)
        if not isinstance(known, Part):
            low = ANY_NUMBER.low if declared.minimum is None else declared.minimum
            high = ANY_NUMBER.high if declared.maximum is None else declared.maximum
            known = self.memory[key] = self._filled(value, Range(low, high))
        return known

    def _filled(self, value: python.expr, span: Range) -> Part:
        """Return *value*, or where it is None all it can be (closed: the point nearest 0)."""
        if self.view is View.CLOSED:
            return point(self.local(_or(value, nearest_zero(span))))
        return Part(self.local(_or(value, span.low)), self.local(_or(value, span.high)))

    def derive(self, name: str, node: ast.Node) -> None:
        """Compute the derived *name* in the present view; what it needs came before."""
        self._formulas[name] = node
        if self._moves(node):
            self._moving.add(name)
        key = (name, self.view if name in self._moving else None)
        if key in self._derived:
            return
        part = self.part(node, Mode.PLAIN)
        if node.type.kind is Kind.NUMBER:
            part = self.rounded(part, node)
        self._derived[key] = self.bind(part, "d")

    def _named(self, node: ast.Derived, mode: Mode) -> Part:
        part = self._derived[node.name, self.view if node.name in self._moving else None]
        if mode is not Mode.NUMERIC or node.type.kind is not Kind.NUMBER or not part.unknown:
            return part
        key = ("expanded", node.name, self.view)
        known = self.memory.get(key)
        if not isinstance(known, Part):
            inner = self.part(self._formulas[node.name], mode)
            known = self.memory[key] = self.bind(self.rounded(inner))
        return known

    def _compute(self, node: ast.Apply, mode: Mode) -> Part:
        parts = [self.part(argument, mode) for argument in node.arguments]
        unknown = unknown_names(parts)
        result = COMPUTE[node.operator](self, node, parts)
        if unknown and mode is Mode.NUMERIC and node.operator in UNBOUNDED:
            held = self.bind(point(result.low, unknown))
            return self._filled(held.low, UNBOUNDED[node.operator])
        return Part(result.low, result.high, unknown)

    # --- the ternary --------------------------------------------------------------------------

    def _choose(self, node: ast.Choose, mode: Mode) -> Part:
        test = self.settled(self.truth(node.test))
        with self.nested() as yes:
            then = self.bind(self.part(node.then, mode))
        with self.nested() as no:
            otherwise = self.bind(self.part(node.otherwise, mode))
        if self.view is View.OPEN and not test.sure:
            is_range = node.type.kind is Kind.NUMBER and mode is not Mode.PLAIN
            return self._undecided(test.expr, (yes, then), (no, otherwise), is_range=is_range)
        is_range = not (then.is_point and otherwise.is_point)
        result = self._result(is_range=is_range)
        yes += _copy(result, then)
        no += _copy(result, otherwise)
        self.emit(pieces.when(test.expr, yes, no))
        return result if then.unknown or otherwise.unknown else Part(result.low, result.high)

    def _undecided(self, test: python.expr, yes: Side, no: Side, *, is_range: bool) -> Part:
        """Write a ternary whose test may be unknown; both branches are looked at then."""
        (then_block, then), (else_block, otherwise) = yes, no
        if then_block:
            self.emit(pieces.when(pieces.is_not_bool(test, value=False), then_block))
        if else_block:
            self.emit(pieces.when(pieces.is_not_bool(test, value=True), else_block))
        result = self._result(is_range=is_range)
        unknown = unknown_names([then, otherwise])
        if is_range:
            low = pieces.call(python.Name("min", python.Load()), then.low, otherwise.low)
            high = pieces.call(python.Name("max", python.Load()), then.high, otherwise.high)
            doubt = Part(guarded(unknown, low), guarded(unknown, high))
        else:
            alike = pieces.compare(then.low, python.Eq(), otherwise.low)
            doubt = point(pieces.choose(alike, then.low, NONE))
        is_no = pieces.is_bool(test, value=False)
        rest = pieces.when(is_no, _copy(result, otherwise), _copy(result, doubt))
        self.emit(pieces.when(test, _copy(result, then), [rest]))
        return result if unknown or not is_range else Part(result.low, result.high)

    def _result(self, *, is_range: bool) -> Part:
        low = self.names.fresh("c")
        return Part(low, self.names.fresh("c") if is_range else low, (low.id,))

    def _moves(self, node: ast.Node) -> bool:
        """Whether the open and the closed evaluation may read *node* differently."""
        for part in ast.walk(node):
            match part:
                case ast.Has() | ast.Choose() | ast.Score() | ast.Grade():
                    return True
                case ast.Derived(name=name) if name in self._moving:
                    return True
                case _:
                    continue
        return False


def _or(value: python.expr, otherwise: float) -> python.expr:
    return pieces.choose(pieces.is_none(value), constant(otherwise), value)


def _copy(result: Part, value: Part) -> list[python.stmt]:
    """Return the statements that put *value*, held in locals, into the locals of *result*."""
    ends = ((result.low, value.low), (result.high, value.high))
    return [
        pieces.assign(target, expr)
        for target, expr in (ends[:1] if result.is_point else ends)
        if isinstance(target, python.Name)
    ]


def _step(answer: Answer, result: python.Name, *, exists: bool, stop: bool) -> python.stmt:
    """Return what one item's *answer* does to the *result* of `exists` or `all`."""
    found = answer.expr if exists else answer.is_no
    settle: list[python.stmt] = [pieces.assign(result, constant(value=exists))]
    if stop:
        settle.append(python.Break())
    if answer.sure:
        return pieces.when(found, settle)
    still_open = pieces.negate(result) if exists else result
    doubt = pieces.both([pieces.is_none(answer.expr), still_open])
    return pieces.when(found, settle, [pieces.when(doubt, [pieces.assign(result, NONE)])])
