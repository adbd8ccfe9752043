"""The computing rows' halves of the treaty in generated code: numbers, texts, days.

They are only asked about known operands: whoever calls them guards the result. Each gives the
same bits as its half in `evaluate`, operation by operation.
"""

import ast as python
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from service.rules import ranges
from service.rules.expression import ast, text
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_parts import Block, Part, point, unknown_names
from service.rules.expression.evaluate import months_between
from service.rules.expression.text import MATCHED_LENGTH_LIMIT
from service.rules.ranges import Range

Computation = Callable[[Block, ast.Apply, list[Part]], Part]

_MIN: Final = python.Name("min", python.Load())
_MAX: Final = python.Name("max", python.Load())
_FLOAT: Final = python.Name("float", python.Load())
TODAY: Final = python.Name("today", python.Load())
REGISTRABLE: Final = python.Name("registrable", python.Load())
"""Two parameters of every generated function."""


def _sum(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return _chain(block, parts, _add)


def _product(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return _chain(block, parts, _multiply)


def _chain(block: Block, parts: list[Part], step: Callable[[Block, Part, Part], Part]) -> Part:
    """Combine from the left; a long chain goes through locals, so that nothing nests deep."""
    result = parts[0]
    for place, part in enumerate(parts[1:], start=1):
        unknown = (*result.unknown, *(name for name in part.unknown if name not in result.unknown))
        combined = step(block, result, part)
        result = Part(combined.low, combined.high, unknown)
        if place % pieces.LONGEST_CHAIN == 0:
            result = block.bind(result)
    return result


def _add(_block: Block, a: Part, b: Part) -> Part:
    return _ends(a, b, pieces.add(a.low, b.low), lambda: pieces.add(a.high, b.high))


def _difference(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    a, b = parts
    low = pieces.binary(a.low, python.Sub(), b.high)
    return _ends(a, b, low, lambda: pieces.binary(a.high, python.Sub(), b.low))


def _ends(a: Part, b: Part, low: python.expr, high: Callable[[], python.expr]) -> Part:
    return point(low) if a.is_point and b.is_point else Part(low, high())


def _multiply(block: Block, a: Part, b: Part) -> Part:
    if a.is_point and b.is_point:
        return point(pieces.binary(a.low, python.Mult(), b.low))
    return _extremes(block, python.Mult(), a, b)


def _quotient(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    a, b = parts
    if a.is_point and b.is_point:
        return point(pieces.binary(a.low, python.Div(), b.low))
    return _extremes(block, python.Div(), a, b)


def _extremes(block: Block, operator: python.operator, a: Part, b: Part) -> Part:
    """Return the range of `a operator b` by its ends, as `ranges.multiply` and `divide` do."""
    by, of = _literal(b), _literal(a)
    if by is not None:
        ends = [pieces.binary(end, operator, b.low) for end in (a.low, a.high)]
        return _in_order(ends, rises=by >= 0)
    if of is not None and isinstance(operator, python.Mult):
        ends = [pieces.binary(a.low, operator, end) for end in (b.low, b.high)]
        return _in_order(ends, rises=of >= 0)
    a, b = block.bind(a), block.bind(b)
    ends = [
        pieces.binary(x, operator, y)
        for x in ((a.low,) if a.is_point else (a.low, a.high))
        for y in ((b.low,) if b.is_point else (b.low, b.high))
    ]
    return Part(pieces.call(_MIN, *ends), pieces.call(_MAX, *ends))


def _literal(part: Part) -> float | None:
    """Return the number that *part* is, whatever the facts are, or None."""
    if part.is_point and isinstance(part.low, python.Constant):
        value = part.low.value
        return value if isinstance(value, float) else None
    return None


def _in_order(ends: list[python.BinOp], *, rises: bool) -> Part:
    """Return the range between *ends* where the sign of the constant says which is lower."""
    low, high = ends if rises else reversed(ends)
    return Part(low, high)


def _opposite(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    (a,) = parts
    if a.is_point:
        return point(pieces.negative(a.low))
    return Part(pieces.negative(a.high), pieces.negative(a.low))


def _ratio(block: Block, node: ast.Apply, parts: list[Part]) -> Part:
    x, y, otherwise = parts
    if x.is_point and y.is_point and otherwise.is_point:
        held = block.bind(y)
        quotient = pieces.binary(x.low, python.Div(), held.low)
        is_zero = pieces.compare(held.low, python.Eq(), pieces.constant(0.0))
        return point(pieces.choose(is_zero, otherwise.low, quotient))
    ends = [end for part in parts for end in (part.low, part.high)]
    return _called(block, parts, ratio_ends, [*ends, pieces.constant(node.least or 0.0)])


def _smallest(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return _picked(_MIN, parts)


def _largest(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return _picked(_MAX, parts)


def _picked(function: python.Name, parts: list[Part]) -> Part:
    low = pieces.call(function, *(part.low for part in parts))
    if all(part.is_point for part in parts):
        return point(low)
    return Part(low, pieces.call(function, *(part.high for part in parts)))


def _clamp(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return _picked(_MIN, [_picked(_MAX, parts[:2]), parts[2]])


def _magnitude(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    a = block.bind(parts[0])
    if not a.is_point:
        return _called(block, [a], magnitude_ends, [a.low, a.high])
    positive = pieces.compare(a.low, python.GtE(), pieces.constant(0.0))
    return point(pieces.choose(positive, a.low, pieces.negative(a.low)))


def _whole(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    (a,) = parts
    whole = block.names.bound(ranges.whole)
    low = pieces.call(whole, a.low)
    return point(low) if a.is_point else Part(low, pieces.call(whole, a.high))


def _called(
    block: Block, parts: list[Part], function: Callable[..., object], ends: list[python.expr]
) -> Part:
    """Return the two ends that *function* gives; for what is rare and not worth writing out."""
    pair = pieces.call(block.names.bound(function), *ends)
    held = block.bind(point(pair, unknown_names(parts)))
    low, high = (pieces.item(held.low, python.Constant(place)) for place in (0, 1))
    return Part(low, high)


def _contains(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    return point(pieces.compare(parts[1].low, python.In(), parts[0].low))


def _text_method(name: str) -> Computation:
    def compute(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
        receiver, *arguments = (part.low for part in parts)
        return point(pieces.method(receiver, name, *arguments))

    return compute


def _matches(block: Block, node: ast.Apply, parts: list[Part]) -> Part:
    pattern = node.arguments[1]
    if not isinstance(pattern, ast.Constant) or not isinstance(pattern.value, str):
        msg = f"not a pattern: {pattern!r}"
        raise TypeError(msg)
    compiled = block.names.bound(text.compile_pattern(pattern.value))
    start = python.Slice(upper=python.Constant(MATCHED_LENGTH_LIMIT))
    found = pieces.method(compiled, "search", pieces.item(parts[0].low, start))
    return point(pieces.compare(found, python.IsNot(), pieces.NONE))


def _text_function(function: Callable[[str], str]) -> Computation:
    def compute(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
        return point(pieces.call(block.names.bound(function), parts[0].low))

    return compute


def _registrable(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    """Ask at once, not where the answer is used: what was asked is stored with a decision."""
    asked = pieces.call(REGISTRABLE, parts[0].low)
    return point(block.bind(point(asked, parts[0].unknown)).low)


def _size(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    count = pieces.call(python.Name("len", python.Load()), parts[0].low)
    return point(pieces.call(_FLOAT, count))


def _days(_block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    passed = pieces.binary(TODAY, python.Sub(), parts[0].low)
    return point(pieces.call(_FLOAT, pieces.member(passed, "days")))


def _months(block: Block, _node: ast.Apply, parts: list[Part]) -> Part:
    passed = pieces.call(block.names.bound(months_between), TODAY, parts[0].low)
    return point(pieces.call(_FLOAT, passed))


COMPUTE: Final[Mapping[str, Computation]] = MappingProxyType(
    {
        "+": _sum,
        "-": _difference,
        "*": _product,
        "/": _quotient,
        "negate": _opposite,
        "ratio": _ratio,
        "min": _smallest,
        "max": _largest,
        "abs": _magnitude,
        "clamp": _clamp,
        "round": _whole,
        "contains": _contains,
        "startsWith": _text_method("startswith"),
        "endsWith": _text_method("endswith"),
        "matches": _matches,
        "size": _size,
        "lower": _text_method("lower"),
        "domain": _text_function(text.domain),
        "registrable_domain": _registrable,
        "age_days": _days,
        "age_months": _months,
    }
)
"""By row of the treaty."""


def ratio_ends(*ends: float) -> tuple[float, float]:
    """Return the ends of `ranges.ratio`; the last argument is its *least*."""
    x, y, otherwise = (Range(ends[place], ends[place + 1]) for place in (0, 2, 4))
    found = ranges.ratio(x, y, otherwise, least=ends[6])
    return found.low, found.high


def magnitude_ends(low: float, high: float) -> tuple[float, float]:
    """Return the ends of `ranges.magnitude`."""
    found = ranges.magnitude(Range(low, high))
    return found.low, found.high
