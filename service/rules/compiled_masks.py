"""Rules as bits: what each number's interval says of every rule at once.

Where many rules compare the same numbers with constants, the constants cut each number's line
into intervals, and within one no comparison changes. So the interval that a value is in, found
by halves, stands for all comparisons with it: a mask with a bit for each rule. The masks of all
numbers, taken together with `&`, are the results of the rules.

The bit of a rule that asks for *all* of its tests is 1 where it is yes. The bit of one that asks
for *any* of them is 1 where it is no, so that one `&` serves both.
"""

import operator as operators
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.rules.expression import ast
from service.rules.expression.ast import Kind
from service.rules.model import Condition, Model, Rule
from service.rules.ranges import six_places

__all__ = ["Bits", "Number", "add_exactly", "bits_of"]

Number = ast.Attribute | ast.Derived

_TWO_SIDED: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_FINEST: Final = 2.0**20
"""Points that are whole times 2 to the -20 add up to the same in any order, while small."""
_SMALL: Final = 2.0**32

_OF_A_NUMBER: Final = 3.0
_OF_A_RULE: Final = 1.0
"""What the mask of a number costs beside finding it, and what a rule costs without, as measured."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A number's line, cut into stretches of equal masks.

    Attributes:
        masks: From the lowest stretch to the highest; one more than there are *ends*.
        ends: Where each but the last stretch ends, and whether the end is in it.
    """

    number: Number
    masks: tuple[int, ...]
    ends: tuple[tuple[float, bool], ...]


@dataclass(frozen=True, slots=True)
class Bits:
    """The rules that are bits.

    Attributes:
        places: The bit of a rule, by its place in the model; rules of one group are neighbours.
        inverted: Those places whose bit is 1 where the rule is no.
        cuts: The masks; all of them taken together are the results.
    """

    places: Mapping[int, int]
    inverted: frozenset[int]
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition as tests of single numbers, of which it asks for all or for any."""

    tests: tuple[tuple[Number, ast.Node], ...]
    is_any: bool


def bits_of(model: Model) -> Bits | None:
    """Return the rules of *model* as bits; None where that is not worth it.

    They are in groups that add up points whose order of adding cannot matter.
    """
    asked: dict[int, _Asked] = {}
    for group in (group for score in model.scores for group in score.groups):
        if group.mode == "sum" and add_exactly(group.rules):
            for place in range(group.first_rule, group.first_rule + len(group.rules)):
                found = _asked(model.rules[place].condition)
                if found is not None:
                    asked[place] = found
    bits = {place: bit for bit, place in enumerate(sorted(asked))}
    cuts = tuple(_cuts(asked, bits))
    cost = sum(_OF_A_NUMBER + len(cut.ends).bit_length() for cut in cuts)
    if cost >= _OF_A_RULE * len(bits):
        return None
    return Bits(bits, frozenset(place for place, one in asked.items() if one.is_any), cuts)


def add_exactly(rules: Sequence[Rule]) -> bool:
    """Return whether these points add up to the same in every order, without an error."""
    if any(rule.points.formula is not None for rule in rules):
        return False
    points = [rule.points.fixed for rule in rules]
    return all((x * _FINEST).is_integer() for x in points) and sum(map(abs, points)) < _SMALL


def _asked(condition: Condition) -> _Asked | None:
    """Return *condition* as tests of single numbers, or None where it is something else."""
    node = condition.node
    parts = node.parts if isinstance(node, ast.Logic) else (node,)
    tests = [(number, part) for part in parts if (number := _number_of(part)) is not None]
    if len(tests) < len(parts):
        return None
    return _Asked(tuple(tests), isinstance(node, ast.Logic) and node.operator == "or")


def _number_of(node: ast.Node) -> Number | None:
    """Return the one number that *node* reads, if it does no more than compare it."""
    match node:
        case ast.Not(part=part):
            return _number_of(part)
        case ast.Logic(parts=parts):
            numbers = [_number_of(part) for part in parts]
            return numbers[0] if len(set(map(_key, numbers))) == 1 else None
        case ast.Apply(operator=operator, arguments=arguments):
            one, *others = arguments
            if operator in _TWO_SIDED and isinstance(one, ast.Constant):
                one, others = others[0], [one]
            fits = operator in _TWO_SIDED or operator in {"in", "between"}
            if (
                fits
                and isinstance(one, ast.Attribute | ast.Derived)
                and one.type.kind is Kind.NUMBER
                and all(isinstance(other, ast.Constant) for other in others)
            ):
                return one
            return None
        case _:
            return None


def _key(number: Number | None) -> tuple[bool, str]:
    """Return what two nodes share that are the same number, wherever they stand."""
    return (isinstance(number, ast.Attribute), number.name if number else "")


def _cuts(asked: Mapping[int, _Asked], bits: Mapping[int, int]) -> Iterator[Cut]:
    """Yield the masks of each number that is *asked* for."""
    numbers: dict[tuple[bool, str], Number] = {}
    tests: dict[tuple[bool, str], dict[int, list[ast.Node]]] = {}
    for place, one in asked.items():
        for number, test in one.tests:
            numbers.setdefault(_key(number), number)
            tests.setdefault(_key(number), {}).setdefault(place, []).append(test)
    for key, number in numbers.items():
        turns: dict[tuple[float, bool], int] = {}
        mask = (1 << len(bits)) - 1
        for place, nodes in tests[key].items():
            line = _Line(sorted({value for node in nodes for value in _constants(node)}))
            was_set = True
            for stretch in range(line.stretches):
                found = (line.holds(node, stretch) for node in nodes)
                is_set = not any(found) if asked[place].is_any else all(found)
                if is_set != was_set and stretch:
                    end = line.end(stretch - 1)
                    turns[end] = turns.get(end, 0) ^ 1 << bits[place]
                elif is_set != was_set:
                    mask ^= 1 << bits[place]
                was_set = is_set
        masks = [mask]
        for end in sorted(turns):
            masks.append(masks[-1] ^ turns[end])
        yield Cut(number, tuple(masks), tuple(sorted(turns)))


@dataclass(frozen=True, slots=True)
class _Line:
    """The numbers, as stretches between *constants* and the constants themselves, in turns.

    Stretch 0 is what is below the first constant, 1 the first constant, 2 what is between it
    and the second, and so on.
    """

    constants: Sequence[float]

    @property
    def stretches(self) -> int:
        """How many there are."""
        return 2 * len(self.constants) + 1

    def end(self, stretch: int) -> tuple[float, bool]:
        """Return where *stretch* ends, and whether that is part of it."""
        return self.constants[stretch // 2], stretch % 2 == 1

    def holds(self, node: ast.Node, stretch: int) -> bool:
        """Return whether *node* holds of whatever is in *stretch*."""
        match node:
            case ast.Not(part=part):
                return not self.holds(part, stretch)
            case ast.Logic(operator=word, parts=parts):
                found = (self.holds(part, stretch) for part in parts)
                return all(found) if word == "and" else any(found)
            case ast.Apply(operator=operator, arguments=arguments):
                sides = [self._stretch_of(side, stretch) for side in arguments]
                return _HOLDS[operator](*sides)
            case _:
                msg = f"no test of a number: {node!r}"
                raise TypeError(msg)

    def _stretch_of(self, side: ast.Node, stretch: int) -> Any:  # noqa: ANN401  one, or many
        if not isinstance(side, ast.Constant):
            return stretch
        places = [2 * bisect_left(self.constants, value) + 1 for value in _values(side)]
        return places if isinstance(side.value, tuple) else places[0]


def _between(one: int, low: int, high: int) -> bool:
    return low <= one <= high


def _in(one: int, places: Sequence[int]) -> bool:
    return one in places


_HOLDS: Final[Mapping[str, Callable[..., bool]]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
    "==": operators.eq,
    "!=": operators.ne,
    "in": _in,
    "between": _between,
}


def _constants(node: ast.Node) -> Iterator[float]:
    """Yield the numbers that *node* compares with, rounded as comparisons round."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant):
            yield from _values(part)


def _values(node: ast.Constant) -> Iterator[float]:
    for value in node.value if isinstance(node.value, tuple) else (node.value,):
        if isinstance(value, float):
            yield six_places(value)
