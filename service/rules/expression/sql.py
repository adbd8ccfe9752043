"""A tree becomes SQL that must equal `evaluate`, or is refused by name.

A `Translator` turns trees into pieces over columns that it defines as it goes. A condition
is a nullable boolean: SQL's AND, OR and NOT are Kleene's. A number that may be a range has
two columns, its ends. What SQL would compute differently is an input column that we compute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar, cast

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.expression import sql_pieces as pieces
from service.rules.expression.ast import Kind
from service.rules.expression.bounds import ANY_NUMBER, UNBOUNDED
from service.rules.expression.compile_shape import is_rounded, shape
from service.rules.expression.evaluate import Mode
from service.rules.expression.sql_columns import Columns, item_key, prepared_column, value_column
from service.rules.expression.sql_comparisons import COMPARE, TESTS
from service.rules.expression.sql_dialects import Dialect, Loop
from service.rules.expression.sql_numbers import COMPUTE, MEASURE, Reckoner, hull
from service.rules.expression.sql_parts import FALSE, TRUE, Answer, Part, Refusals, point
from service.rules.expression.sql_pieces import Sql
from service.rules.expression.sql_prepared import PREPARED, Preparing, computed
from service.rules.ranges import Range, nearest_zero, six_places

T = TypeVar("T")


@dataclass(slots=True)
class _Items:
    """A list that a condition is looking through: its tree, and what it needs beside it."""

    node: ast.Node
    beside: dict[object, tuple[str, Sql]] = field(default_factory=dict)


@dataclass(slots=True)
class Translator:
    """Turns the trees of one rule set into pieces of one dialect.

    Attributes:
        values: The column of each attribute.
        is_open: Whether more answers may come; *is_finished* whether scores are drawn into
            their open ranges.
        today: The decision's day, or the column that holds it.
        scores: Of the present view; *grades* the places of their best and worst band.
    """

    dialect: Dialect
    today: date | str
    attributes: Mapping[str, Attribute]
    formulas: Mapping[str, ast.Node]
    columns: Columns = field(default_factory=Columns)
    refusals: Refusals = field(default_factory=Refusals)
    is_open: bool = True
    is_finished: bool = False
    scores: dict[str, Part] = field(default_factory=dict)
    grades: dict[str, Part] = field(default_factory=dict)
    preparing: Preparing = field(init=False)
    _memory: dict[object, object] = field(default_factory=dict)
    _items: dict[str, _Items] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin without any prepared column."""
        self.preparing = Preparing(self.attributes, {})
        self.columns.given |= {value_column(name) for name in self.attributes}

    @property
    def reckoner(self) -> Reckoner:
        """What operations on numbers need."""
        return Reckoner(self.columns, self.dialect, self.today)

    # --- conditions ---------------------------------------------------------------------------

    def whole(self, node: ast.Node) -> Answer:
        """Return a whole condition; closed, NULL counts as no, as it does after CASE WHEN."""
        answer = self.truth(node)
        return answer if self.is_open else Answer(answer.piece, sure=True)

    def truth(self, node: ast.Node) -> Answer:
        """Return the condition *node*; what was asked before in this view is not asked again."""
        if isinstance(node, ast.Constant):
            return TRUE if node.value else FALSE
        return self._kept((shape(node), "truth"), node, lambda: self._truth(node))

    def _truth(self, node: ast.Node) -> Answer:
        match node:
            case ast.Not(part=part):
                inner = self.truth(part)
                return self._bound(pieces.negation(inner.piece), sure=inner.sure)
            case ast.Logic(operator=word, parts=parts):
                answers = [self.truth(part) for part in parts]
                combine = pieces.both if word == "and" else pieces.either
                sure = all(answer.sure for answer in answers)
                return self._bound(combine([answer.piece for answer in answers]), sure=sure)
            case ast.AtLeast(count=count, parts=parts):
                return self._at_least(count, [self.truth(part) for part in parts])
            case ast.Has(attribute=name):
                return self._has(name)
            case ast.Quantified():
                return self._quantified(node)
            case ast.Apply(operator=operator) if operator in COMPARE:
                return self._bound(COMPARE[operator](self, node), sure=False)
            case _:
                return self._bound(self.value(node), sure=False)

    def _bound(self, piece: Sql, *, sure: bool) -> Answer:
        return Answer(self.columns.bind(piece), sure)

    def _at_least(self, count: int, answers: Sequence[Answer]) -> Answer:
        one, none = pieces.whole(1), pieces.whole(0)
        sure = pieces.total([pieces.case((a.piece, one), otherwise=none) for a in answers])
        is_sure = pieces.binary(">=", sure, pieces.whole(count))
        if all(answer.sure for answer in answers):
            return self._bound(is_sure, sure=True)
        possible = pieces.total(
            [pieces.case((pieces.negation(a.piece), none), otherwise=one) for a in answers]
        )
        is_out = pieces.binary("<", possible, pieces.whole(count))
        return self._bound(pieces.case((is_sure, TRUE.piece), (is_out, FALSE.piece)), sure=False)

    def _has(self, name: str) -> Answer:
        there = pieces.is_known(pieces.column(value_column(name)))
        if not self.is_open:
            return Answer(there, sure=True)
        return Answer(pieces.case((there, TRUE.piece)), sure=False)

    # --- lists looked at item by item ---------------------------------------------------------

    def _quantified(self, node: ast.Quantified) -> Answer:
        if self.dialect.quantified is None:
            why = f"{self.dialect.name} has no loop over a list that we trust with three values"
            self.refusals.refuse(node.quantifier, why, "keep the answer in an attribute of its own")
            return FALSE
        items = self.columns.bind(self.value(node.items))
        item = f"_i{len(self._items) + 1}_{len(self.columns.scoped) + 1}"
        looking = _Items(node.items)
        outer, scoped = self._items, set(self.columns.scoped)
        self._items = {**outer, node.variable: looking}
        self._memory[item_key(node.variable)] = item
        self.columns.scoped.add(item)
        answer = self.truth(node.condition)
        self._items = outer
        self.columns.scoped &= scoped
        loop = Loop(node.quantifier, items, item, tuple(looking.beside.values()), answer.piece)
        if loop.beside and not self.dialect.sees_beside:
            why = f"{self.dialect.name} looks at one list at a time"
            self.refusals.refuse(node.quantifier, why, "keep the answer in an attribute of its own")
        return self._bound(self.dialect.quantified(loop), sure=False)

    def _variable(self, name: str) -> Sql:
        return pieces.column(str(self._memory[item_key(name)]))

    # --- values: texts, choices, days, lists, and truths that are not conditions --------------

    def value(self, node: ast.Node) -> Sql:
        """Return a value that is no number: NULL where it is unknown."""
        match node:
            case ast.Constant(value=value):
                return pieces.constant(value)
            case ast.Attribute(name=name):
                if self.attributes[name].fold and node.type.kind is Kind.TEXT:
                    return self._prepared(node, name)
                return pieces.column(value_column(name))
            case ast.Derived(name=name):
                formula = self.formulas[name]
                if node.type.kind is Kind.TRUTH:
                    return self.truth(formula).piece
                return self._kept(
                    (name, "derived"), formula, lambda: self.columns.bind(self.value(formula))
                )
            case ast.Variable(name=name):
                return self._variable(name)
            case ast.Choose():
                return self._kept((shape(node), "value"), node, lambda: self._ternary(node))
            case ast.Apply(operator=operator) if operator in PREPARED:
                return self.pushed(node, lambda leaf: leaf)
            case ast.Apply(operator=operator) if operator in TESTS:
                return TESTS[operator](self, node)
            case _:
                return self.truth(node).piece

    def _ternary(self, node: ast.Choose) -> Sql:
        branches = (node.then, node.otherwise)
        first, second = (self.columns.bind(self.value(branch)) for branch in branches)
        same = self._same(node, first, second)
        return self.columns.bind(self._chosen(node, first, second, same))

    def _same(self, node: ast.Choose, first: Sql, second: Sql) -> Sql:
        if node.type.kind is Kind.LIST and not self.dialect.compares_lists:
            why = f"{self.dialect.name} does not compare lists"
            self.refusals.refuse("? :", why, "choose between texts, or ask each list apart")
        return pieces.binary("==", first, second)

    def _chosen(self, node: ast.Choose, first: Sql, second: Sql, same: Sql) -> Sql:
        """Return a ternary; where its test is unknown, what both branches agree on."""
        test = self.truth(node.test)
        if not self.is_open or test.sure:
            return pieces.case((test.piece, first), otherwise=second)
        no = pieces.negation(test.piece)
        return pieces.case((test.piece, first), (no, second), (same, first))

    def pushed(self, node: ast.Node, wrap: Callable[[ast.Node], ast.Node]) -> Sql:
        """Return the function *wrap* of *node*, computed by us where a fact is read.

        A ternary is unknown where its test is and its branches differ, whatever the function
        makes of them.
        """
        match node:
            case ast.Apply(operator=operator, arguments=(part,)) if operator in PREPARED:
                return self.pushed(part, lambda leaf: wrap(replace(node, arguments=(leaf,))))
            case ast.Derived(name=name):
                return self.pushed(self.formulas[name], wrap)
            case ast.Choose(then=then, otherwise=otherwise):
                first, second = (self.pushed(branch, wrap) for branch in (then, otherwise))
                same = pieces.binary("==", self.value(then), self.value(otherwise))
                return self.columns.bind(self._chosen(node, first, second, same))
            case ast.Attribute(name=name):
                return self._prepared(wrap(node), name)
            case ast.Variable(name=name):
                return self._beside(wrap(node), name)
            case _:
                return pieces.constant(computed(wrap(node)))

    def _prepared(self, node: ast.Node, name: str, *, by_item: bool = False) -> Sql:
        found = self.preparing.column(shape(node), node, name, by_item=by_item)
        column = prepared_column(found.name)
        self.columns.given.add(column)
        return pieces.column(column)

    def _beside(self, node: ast.Node, variable: str) -> Sql:
        """Return what *node* says of a list's item, from a list of the same length."""
        looking = self._items[variable]
        key = shape(node)
        if key not in looking.beside:
            outer, self._items = self._items, {}
            listed = self.columns.bind(self._listed(looking.node, node))
            self._items = outer
            name = f"{self._memory[item_key(variable)]}_b{len(looking.beside) + 1}"
            looking.beside[key] = (name, listed)
        name, _ = looking.beside[key]
        self.columns.scoped.add(name)
        return pieces.column(name)

    def _listed(self, items: ast.Node, node: ast.Node) -> Sql:
        match items:
            case ast.Attribute(name=name):
                return self._prepared(node, name, by_item=True)
            case ast.Derived(name=name):
                return self._listed(self.formulas[name], node)
            case ast.Choose(then=then, otherwise=otherwise):
                first, second = (self._listed(branch, node) for branch in (then, otherwise))
                same = self._same(items, self.value(then), self.value(otherwise))
                return self._chosen(items, first, second, same)
            case _:
                msg = f"not a list of facts: {items!r}"
                raise TypeError(msg)

    # --- numbers and grades -------------------------------------------------------------------

    def number(self, node: ast.Node) -> Part:
        """Return all values that points or a formula can take."""
        return self.part(node, Mode.NUMERIC)

    def part(self, node: ast.Node, mode: Mode) -> Part:
        """Return a number, or the places of a grade's bands; NULL where it is unknown."""
        match node:
            case ast.Constant(value=value):
                return point(self._place(node, value))
            case ast.Score(name=name):
                return self.scores[name]
            case ast.Grade(name=name):
                return self.grades[name]
            case ast.Attribute(name=name):
                return self._attribute(name, mode)
            case _:
                return self._kept((shape(node), mode), node, lambda: self._part(node, mode), mode)

    def _part(self, node: ast.Node, mode: Mode) -> Part:
        reckoner = self.reckoner
        match node:
            case ast.Derived(name=name):
                return self._derived(name, mode)
            case ast.Choose():
                return self._choose(node, mode)
            case ast.Apply(operator=operator, arguments=(argument,)) if operator in MEASURE:
                value = self.columns.bind(self.value(argument))
                measured = point(self.columns.bind(MEASURE[operator](reckoner, value)))
                return self._filled(measured, UNBOUNDED[operator], mode)
            case ast.Apply(operator=operator, arguments=arguments) if operator in COMPUTE:
                parts = [reckoner.bind(self.part(argument, mode)) for argument in arguments]
                return COMPUTE[operator](reckoner, node, parts)
            case _:
                msg = f"not a number: {node!r}"
                raise TypeError(msg)

    def _place(self, node: ast.Constant, value: ast.ConstantValue) -> Sql:
        if node.type.kind is Kind.GRADE:
            return pieces.whole(node.type.members.index(str(value)))
        return pieces.constant(value)

    def _attribute(self, name: str, mode: Mode) -> Part:
        declared = self.attributes[name]
        low = ANY_NUMBER.low if declared.minimum is None else declared.minimum
        high = ANY_NUMBER.high if declared.maximum is None else declared.maximum
        return self._filled(point(pieces.column(value_column(name))), Range(low, high), mode)

    def _filled(self, part: Part, span: Range, mode: Mode) -> Part:
        """Return *part*, in points and formulas with all it can be where it is missing."""
        if mode is not Mode.NUMERIC:
            return part
        if not self.is_open:
            filled = pieces.coalesce(part.low, pieces.number(nearest_zero(span)))
            return point(self.columns.bind(filled))
        ends = (
            self.columns.bind(pieces.coalesce(part.low, pieces.number(end)))
            for end in (span.low, span.high)
        )
        return Part(*ends)

    def _derived(self, name: str, mode: Mode) -> Part:
        formula = self.formulas[name]
        known = self._kept((name, "derived"), formula, lambda: self._rounded(formula, Mode.PLAIN))
        if mode is not Mode.NUMERIC:
            return known
        wide = self._rounded(formula, mode)
        low = self.columns.bind(pieces.coalesce(known.low, wide.low))
        if wide.is_point:
            return point(low)
        return Part(low, self.columns.bind(pieces.coalesce(known.low, wide.high)))

    def _rounded(self, node: ast.Node, mode: Mode) -> Part:
        part = self.reckoner.bind(self.part(node, mode))
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            return point(pieces.number(six_places(node.value)))
        keeps = node.type.kind is not Kind.NUMBER or (is_rounded(node) and mode is not Mode.NUMERIC)
        return part if keeps else self.reckoner.rounded(part)

    def _choose(self, node: ast.Choose, mode: Mode) -> Part:
        reckoner = self.reckoner
        a, b = (reckoner.bind(self.part(part, mode)) for part in (node.then, node.otherwise))
        test = self.truth(node.test)
        is_open = self.is_open and not test.sure
        if is_open and mode is not Mode.PLAIN and node.type.kind is Kind.NUMBER:
            both = hull(reckoner, a, b)
            no = pieces.negation(test.piece)
            low = pieces.case((test.piece, a.low), (no, b.low), otherwise=both.low)
            high = pieces.case((test.piece, a.high), (no, b.high), otherwise=both.high)
            return Part(self.columns.bind(low), self.columns.bind(high))
        same = [pieces.binary("==", a.low, b.low)]
        if not (a.is_point and b.is_point):
            same.append(pieces.binary("==", a.high, b.high))
        agree = pieces.both(same)
        low = self.columns.bind(self._chosen(node, a.low, b.low, agree))
        if a.is_point and b.is_point:
            return point(low)
        return Part(low, self.columns.bind(self._chosen(node, a.high, b.high, agree)))

    # --- what was translated before -----------------------------------------------------------

    def _kept(
        self, key: object, node: ast.Node, write: Callable[[], T], mode: Mode = Mode.PLAIN
    ) -> T:
        """Return what *write* gives, and the same again wherever it would be the same."""
        if self._items and any(isinstance(part, ast.Variable) for part in ast.walk(node)):
            return write()
        view = (self.is_open, self.is_finished) if self._moves(node, mode) else None
        place = (key, view)
        if place not in self._memory:
            self._memory[place] = write()
        return cast("T", self._memory[place])

    def _moves(self, node: ast.Node, mode: Mode) -> bool:
        """Whether *node* may differ between the open and the closed evaluation."""
        for part in ast.walk(node):
            match part:
                case ast.Has() | ast.Choose() | ast.Score() | ast.Grade():
                    return True
                case ast.Attribute() if mode is Mode.NUMERIC:
                    return True
                case ast.Derived(name=name) if self._moves(self.formulas[name], mode):
                    return True
                case _:
                    continue
        return False
