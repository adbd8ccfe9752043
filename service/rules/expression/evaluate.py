"""The reference meaning: a tree and what is known give a value, a range, or UNKNOWN.

Simple and slow on purpose: every other meaning must equal this one. Numbers are ranges
throughout; a known one is a range of one point.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import reduce
from typing import Final

from service.rules import ranges
from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast, text
from service.rules.expression.ast import Kind
from service.rules.expression.bounds import ANY_NUMBER, UNBOUNDED
from service.rules.ranges import Range, hull, nearest_zero, point
from service.rules.truth import NO, UNKNOWN, YES, Truth, at_least, every, known, negate, some

Value = Range | str | date | tuple[str, ...] | tuple[float, ...] | frozenset[str] | Truth
"""A number as a range; a text or choice; a day; a list; the bands of a grade; a truth, where
UNKNOWN also stands for any value that is missing.
"""


class Mode(Enum):
    """How numbers behave where facts are missing."""

    PLAIN = "a missing operand makes a comparison unknown"
    SCORED = "the same, but scores and undecided branches are ranges"
    NUMERIC = "points and formulas: a missing number is the range of all it can be"


@dataclass(frozen=True, slots=True)
class Known:
    """Everything an expression can see.

    Attributes:
        values: What the facts read as; a folded text is folded (see `reading`).
        attributes: Declarations, for the bounds of missing numbers.
        today: The decision clock's UTC day.
        is_open: Whether more answers may come.
        derived: Values of the derived names, and `formulas` their trees.
        scores: Finished scores; *grades* the bands they touch.
        registrable: The function behind `registrable_domain`.
    """

    values: Mapping[str, Fact]
    attributes: Mapping[str, Attribute]
    today: date
    is_open: bool
    derived: Mapping[str, Value] = field(default_factory=dict)
    formulas: Mapping[str, ast.Node] = field(default_factory=dict)
    scores: Mapping[str, Range] = field(default_factory=dict)
    grades: Mapping[str, frozenset[str]] = field(default_factory=dict)
    registrable: Callable[[str], str] = text.registrable_domain


def reading(values: Mapping[str, Fact], attributes: Mapping[str, Attribute]) -> dict[str, Fact]:
    """Return *values* as expressions read them: texts of folded attributes folded."""
    return {
        name: text.fold(value) if isinstance(value, str) and attributes[name].fold else value
        for name, value in values.items()
    }


def truth(node: ast.Node, known_: Known) -> Truth:
    """Return the result of a whole condition: in a closed evaluation, unknown counts as no."""
    result = _truth(node, known_, {})
    return NO if result is UNKNOWN and not known_.is_open else result


def check(node: ast.Node, known_: Known) -> Truth:
    """Return the result of a single check, unknown included."""
    return _truth(node, known_, {})


def number(node: ast.Node, known_: Known) -> Range:
    """Return all values that points or a formula can take; one point if closed."""
    value = _value(node, known_, Mode.NUMERIC, {})
    if not isinstance(value, Range):
        msg = f"not a number: {node!r}"
        raise TypeError(msg)
    return value


def derive(node: ast.Node, known_: Known) -> Value:
    """Return the value of a derived name; a number rounded to six places."""
    value = _value(node, known_, Mode.PLAIN, {})
    return value.rounded() if isinstance(value, Range) else value


Variables = Mapping[str, str]


def _truth(node: ast.Node, known_: Known, variables: Variables) -> Truth:
    value = _value(node, known_, Mode.PLAIN, variables)
    if not isinstance(value, Truth):
        msg = f"not a condition: {node!r}"
        raise TypeError(msg)
    return value


def _value(node: ast.Node, known_: Known, mode: Mode, variables: Variables) -> Value:
    match node:
        case ast.Constant(value=value):
            return frozenset({str(value)}) if node.type.kind is Kind.GRADE else _constant(value)
        case ast.Attribute(name=name):
            return _attribute(name, known_, mode)
        case ast.Derived(name=name):
            return _derived(node, name, known_, mode)
        case ast.Score(name=name):
            return known_.scores[name]
        case ast.Grade(name=name):
            return known_.grades[name]
        case ast.Variable(name=name):
            return variables[name]
        case ast.Not(part=part):
            return negate(_truth(part, known_, variables))
        case ast.Logic(operator=word, parts=parts):
            combine = every if word == "and" else some
            return combine([_truth(part, known_, variables) for part in parts])
        case ast.AtLeast(count=count, parts=parts):
            return at_least(count, [_truth(part, known_, variables) for part in parts])
        case ast.Has(attribute=name):
            if name in known_.values:
                return YES
            return UNKNOWN if known_.is_open else NO
        case ast.Choose():
            return _choose(node, known_, mode, variables)
        case ast.Quantified():
            return _quantified(node, known_, variables)
        case ast.Apply():
            return _apply(node, known_, mode, variables)


def _constant(value: ast.ConstantValue) -> Value:
    if isinstance(value, bool):
        return known(value)
    return point(value) if isinstance(value, float) else value


def _attribute(name: str, known_: Known, mode: Mode) -> Value:
    value = known_.values.get(name)
    if value is not None:
        return _constant(value)
    declared = known_.attributes[name]
    if mode is not Mode.NUMERIC or declared.type != "number":
        return UNKNOWN
    low = ANY_NUMBER.low if declared.minimum is None else declared.minimum
    high = ANY_NUMBER.high if declared.maximum is None else declared.maximum
    return _unless_closed(Range(low, high), known_)


def _derived(node: ast.Derived, name: str, known_: Known, mode: Mode) -> Value:
    value = known_.derived[name]
    if value is UNKNOWN and mode is Mode.NUMERIC and node.type.kind is Kind.NUMBER:
        inner = _value(known_.formulas[name], known_, mode, {})
        return inner.rounded() if isinstance(inner, Range) else inner
    return value


def _unless_closed(span: Range, known_: Known) -> Range:
    return span if known_.is_open else point(nearest_zero(span))


def _choose(node: ast.Choose, known_: Known, mode: Mode, variables: Variables) -> Value:
    test = _truth(node.test, known_, variables)
    if test is UNKNOWN and not known_.is_open:
        test = NO
    if test is YES:
        return _value(node.then, known_, mode, variables)
    if test is NO:
        return _value(node.otherwise, known_, mode, variables)
    first = _value(node.then, known_, mode, variables)
    second = _value(node.otherwise, known_, mode, variables)
    if first == second:
        return first
    if mode is not Mode.PLAIN and isinstance(first, Range) and isinstance(second, Range):
        return hull(first, second)
    return UNKNOWN


def _quantified(node: ast.Quantified, known_: Known, variables: Variables) -> Truth:
    items = _value(node.items, known_, Mode.PLAIN, variables)
    if not isinstance(items, tuple):
        return UNKNOWN
    results = [
        _truth(node.condition, known_, {**variables, node.variable: item})
        for item in items
        if isinstance(item, str)
    ]
    return some(results) if node.quantifier == "exists" else every(results)


def _apply(node: ast.Apply, known_: Known, mode: Mode, variables: Variables) -> Value:
    if node.operator in COMPARE:
        side = Mode.SCORED if known_.scores and _has_score(node) else Mode.PLAIN
        parts = [_value(part, known_, side, variables) for part in node.arguments]
        return COMPARE[node.operator](node, parts)
    parts = [_value(part, known_, mode, variables) for part in node.arguments]
    if any(part is UNKNOWN for part in parts):
        if mode is Mode.NUMERIC and node.operator in UNBOUNDED:
            return _unless_closed(UNBOUNDED[node.operator], known_)
        return UNKNOWN
    return COMPUTE[node.operator](node, parts, known_)


def _has_score(node: ast.Node) -> bool:
    return any(isinstance(part, ast.Score) for part in ast.walk(node))


def _both(test: Callable[[Range, Range], Truth]) -> Callable[[ast.Apply, list[Value]], Truth]:
    """Return the meaning of an order or equality: on ranges by *test*, else on plain values."""

    def compare(node: ast.Apply, parts: list[Value]) -> Truth:
        return _compare(test, node, parts[0], parts[1])

    return compare


def _compare(
    test: Callable[[Range, Range], Truth], node: ast.Apply, left: Value, right: Value
) -> Truth:
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if isinstance(left, frozenset) and isinstance(right, str):
        return _agree([test(*_ranks(node, band, right)) for band in left])
    if isinstance(left, str) and isinstance(right, frozenset):
        return _agree([test(*_ranks(node, left, band)) for band in right])
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return _agree([test(*_ranks(node, a, b)) for a in left for b in right])
    return test(*_ranks(node, left, right))


def _agree(results: list[Truth]) -> Truth:
    return results[0] if all(result is results[0] for result in results) else UNKNOWN


def _ranks(node: ast.Apply, left: Value, right: Value) -> tuple[Range, Range]:
    """Return both sides as ranges that compare as the values do."""
    if isinstance(left, Range) and isinstance(right, Range):
        return left.rounded(), right.rounded()
    members = node.arguments[0].type.members
    if members and isinstance(left, str) and isinstance(right, str):
        return point(_rank(left, members, 0)), point(_rank(right, members, 1))
    if isinstance(left, date) and isinstance(right, date):
        return point(float(left.toordinal())), point(float(right.toordinal()))
    return point(0.0), point(0.0 if left == right else 1.0)


def _rank(value: str, members: tuple[str, ...], side: int) -> float:
    """Return the place of a choice; one outside its list is equal to none, on either side."""
    return float(members.index(value)) if value in members else -1.0 - side


def _less(a: Range, b: Range) -> Truth:
    return YES if a.high < b.low else NO if a.low >= b.high else UNKNOWN


def _at_most(a: Range, b: Range) -> Truth:
    return negate(_less(b, a))


def _equal(a: Range, b: Range) -> Truth:
    if a.high < b.low or b.high < a.low:
        return NO
    return YES if a.is_point and b.is_point else UNKNOWN


def _in(_node: ast.Apply, parts: list[Value]) -> Truth:
    item, items = parts
    if item is UNKNOWN or not isinstance(items, tuple):
        return UNKNOWN
    if isinstance(item, frozenset):
        return _agree([known(band in items) for band in item])
    if not isinstance(item, Range):
        return known(item in items)
    rounded = item.rounded()
    numbers = (point(float(x)).rounded() for x in items)
    return some([_equal(rounded, x) for x in numbers])


def _between(node: ast.Apply, parts: list[Value]) -> Truth:
    x, low, high = parts
    return every([_compare(_at_most, node, low, x), _compare(_at_most, node, x, high)])


COMPARE: Final[Mapping[str, Callable[[ast.Apply, list[Value]], Truth]]] = {
    "==": _both(_equal),
    "!=": _both(lambda a, b: negate(_equal(a, b))),
    "<": _both(_less),
    "<=": _both(_at_most),
    ">": _both(lambda a, b: _less(b, a)),
    ">=": _both(lambda a, b: _at_most(b, a)),
    "in": _in,
    "between": _between,
}
"""The comparisons' halves of the treaty; they decide themselves what a missing side means."""

Compute = Callable[[ast.Apply, list[Value], Known], Value]


def _arithmetic(step: Callable[[Range, Range], Range]) -> Compute:
    def compute(_node: ast.Apply, parts: list[Value], _known: Known) -> Value:
        return reduce(step, [part for part in parts if isinstance(part, Range)])

    return compute


def _monotone(function: Callable[[Range], Range]) -> Compute:
    def compute(_node: ast.Apply, parts: list[Value], _known: Known) -> Value:
        return function(*[part for part in parts if isinstance(part, Range)])

    return compute


def _of_texts(function: Callable[..., bool | str]) -> Compute:
    def compute(_node: ast.Apply, parts: list[Value], _known: Known) -> Value:
        result = function(*parts)
        return known(result) if isinstance(result, bool) else result

    return compute


def _ratio(node: ast.Apply, parts: list[Value], _known: Known) -> Value:
    x, y, otherwise = (part for part in parts if isinstance(part, Range))
    return ranges.ratio(x, y, otherwise, least=node.least or 0.0)


def _clamp(_node: ast.Apply, parts: list[Value], _known: Known) -> Value:
    x, low, high = (part for part in parts if isinstance(part, Range))
    return ranges.smaller(ranges.larger(x, low), high)


def _registrable(_node: ast.Apply, parts: list[Value], known_: Known) -> Value:
    return known_.registrable(str(parts[0]))


def _age(measure: Callable[[date, date], int]) -> Compute:
    def compute(_node: ast.Apply, parts: list[Value], known_: Known) -> Value:
        day = parts[0]
        if not isinstance(day, date):
            msg = f"not a date: {day!r}"
            raise TypeError(msg)
        return point(float(measure(known_.today, day)))

    return compute


def months_between(today: date, day: date) -> int:
    """Return the whole months from *day* to *today*, as rule sets count them."""
    started = 1 if today.day < day.day else 0
    return 12 * (today.year - day.year) + (today.month - day.month) - started


AGES: Final[Mapping[str, Callable[[date, date], int]]] = {
    "age_days": lambda today, day: (today - day).days,
    "age_months": months_between,
}
"""How spans of time are counted, from today and a day."""

COMPUTE: Final[Mapping[str, Compute]] = {
    "+": _arithmetic(ranges.add),
    "-": _arithmetic(ranges.subtract),
    "*": _arithmetic(ranges.multiply),
    "/": _arithmetic(ranges.divide),
    "min": _arithmetic(ranges.smaller),
    "max": _arithmetic(ranges.larger),
    "negate": _monotone(ranges.negative),
    "abs": _monotone(ranges.magnitude),
    "round": _monotone(lambda a: Range(ranges.whole(a.low), ranges.whole(a.high))),
    "ratio": _ratio,
    "clamp": _clamp,
    "contains": _of_texts(operator.contains),
    "startsWith": _of_texts(str.startswith),
    "endsWith": _of_texts(str.endswith),
    "matches": _of_texts(text.matches),
    "size": lambda _node, parts, _known: point(float(len(parts[0]))),  # type: ignore[arg-type]
    "lower": _of_texts(str.lower),
    "domain": _of_texts(text.domain),
    "registrable_domain": _registrable,
    **{row: _age(measure) for row, measure in AGES.items()},
}
"""The other rows' halves; they are only asked about known operands."""
