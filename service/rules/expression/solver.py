"""The solver's meaning: a tree becomes terms that z3 can reason about.

A condition is two truths, whether it is yes and whether it is no; neither is unknown. It stands
for a closed evaluation. A check on facts whose classes are known is a table of what the
evaluator says of each; numbers that are computed are terms of their own. What is neither is a
condition of which nothing is known: the solver may then find what is not there, never miss what
is, so that a proof holds and a find has to be tried out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, assert_never

import z3

from service.rules.expression import ast
from service.rules.expression.ast import Kind, Node
from service.rules.expression.bounds import ANY_NUMBER, UNBOUNDED
from service.rules.expression.solver_numbers import COMPARE, COMPUTE
from service.rules.expression.solver_parts import (
    FALSE,
    TRUE,
    Guesses,
    Three,
    Wish,
    real,
    sure,
    written,
)
from service.rules.expression.solver_tables import Tables
from service.rules.model import Model
from service.rules.ranges import Range, nearest_zero
from service.rules.solver import numbers
from service.rules.solver.joint import Joint
from service.rules.solver.logic import all_of, any_of
from service.rules.solver.numbers import MILLIONTH, Number
from service.rules.solver.slots import Slot, exact
from service.rules.uses import Reader

MEASURE: Final = frozenset({"age_days", "age_months", "size"})
"""The rows that measure; the age in months and the size are whole numbers of which no more is
known where something computes with them.
"""

OPAQUE: Final = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "lower", "domain", "registrable_domain"}
)
"""The rows whose results are told for each class of text, and else not known at all."""


@dataclass
class Terms:
    """Makes terms of the trees of one rule set for one subject.

    Attributes:
        joint: What the names mean.
        place: Which of its rule sets this is.
        slots: The subject's attributes.
        scores, grades: What outcomes see, once they are known; *made_of* tells scores apart
            that are made of other things, or in another order.
    """

    joint: Joint
    place: int
    slots: Mapping[str, Slot]
    guesses: Guesses
    scores: dict[str, Number] = field(default_factory=dict)
    made_of: dict[str, int] = field(default_factory=dict)
    grades: dict[str, tuple[tuple[str, z3.BoolRef], ...]] = field(default_factory=dict)
    _truths: dict[object, Three] = field(default_factory=dict)
    _numbers: dict[object, Number] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """What the trees read."""
        return self.joint.reader

    @property
    def model(self) -> Model:
        """The rule set."""
        return self.joint.models[self.place]

    def whole(self, node: Node) -> z3.BoolRef:
        """Return whether a whole condition is yes; unknown counts as no."""
        return self.truth(node).yes

    def truth(self, node: Node) -> Three:
        """Return the condition *node*."""
        key = self.key(node)
        found = self._truths.get(key)
        if found is None:
            found = self._truths[key] = self._truth(node)
        return found

    def _truth(self, node: Node) -> Three:
        match node:
            case ast.Constant(value=value):
                return Three(TRUE, FALSE) if value else Three(FALSE, TRUE)
            case ast.Not(part=part):
                inner = self.truth(part)
                return Three(inner.no, inner.yes)
            case ast.Logic(operator=word, parts=parts):
                every = [self.truth(part) for part in parts]
                yes, no = [each.yes for each in every], [each.no for each in every]
                if word == "and":
                    return Three(all_of(*yes), any_of(*no))
                return Three(any_of(*yes), all_of(*no))
            case ast.AtLeast(count=count, parts=parts):
                every = [self.truth(part) for part in parts]
                short = len(every) - count + 1
                return Three(
                    z3.AtLeast(*[each.yes for each in every], count),
                    z3.AtLeast(*[each.no for each in every], short),
                )
            case ast.Has(attribute=name):
                known = self.slots[name].known_to(self.place)
                return Three(known, z3.Not(known))
            case ast.Derived(name=name):
                return self.truth(self.reader.formulas[name])
            case ast.Choose(test=test, then=then, otherwise=otherwise):
                chosen, one, other = self.whole(test), self.truth(then), self.truth(otherwise)
                return Three(z3.If(chosen, one.yes, other.yes), z3.If(chosen, one.no, other.no))
            case ast.Attribute() | ast.Quantified():
                return self._told(node) or self._opaque(node)
            case ast.Apply():
                return self._told(node) or self._compared(node) or self._opaque(node)
            case ast.Score() | ast.Grade() | ast.Variable():
                msg = f"not a condition: {node!r}"
                raise TypeError(msg)
            case unknown:
                assert_never(unknown)

    def _told(self, node: Node) -> Three | None:
        """Return *node* as a table over the classes of what it reads; None where it is none."""
        tables = Tables(self.joint, self.place, self.slots, self.grades, self.guesses)
        cases = tables.cases(node)
        if cases is None:
            return None
        results = tables.results(node, cases, self.key(node))
        free = self._free(node, is_known=len(cases.slots) == 1) if None in results else None
        return cases.spread(results, free)

    # --- what is not known ----------------------------------------------------------------------

    def _opaque(self, node: Node) -> Three:
        """Return a condition of which only that it needs what it reads is known."""
        free = self._free(node, is_known=not self._may_settle_early(node))
        if self._may_settle_early(node):
            return free
        known = [self.slots[name].known_to(self.place) for name in self.reader.attributes(node)]
        return Three(z3.And(*known, free.yes), z3.And(*known, free.no))

    def _may_settle_early(self, node: Node) -> bool:
        """Whether *node* may have a value though something that it reads is missing."""
        trees = [node, *(self.reader.formulas[name] for name in self.reader.derived(node))]
        return any(
            isinstance(part, ast.Choose | ast.Has | ast.Quantified | ast.Logic | ast.AtLeast)
            or (isinstance(part, ast.Apply) and part.operator == "between")
            for tree in trees
            for part in ast.walk(tree)
        )

    def _free(self, node: Node, *, is_known: bool) -> Three:
        """Return a condition that stands for *node*, the same wherever it is asked of the same."""
        key = ("free", self.key(node), self.subject(node), is_known)
        if key not in self.guesses.made:
            yes = z3.FreshBool("opaque")
            no = z3.Not(yes) if is_known else z3.FreshBool("opaque")
            self.guesses.laws.append(z3.Not(z3.And(yes, no)))
            self.guesses.opaque[written(node)] = None
            self.guesses.made[key] = Three(yes, no)
        found: Three = self.guesses.made[key]
        return found

    def subject(self, node: Node) -> tuple[str, ...]:
        """Return the variables that *node* reads."""
        return tuple(sorted(self.slots[name].key for name in self.reader.attributes(node)))

    def near(self, key: object, about: Number) -> Number:
        """Return *about* rounded to six places, of which we know only that it is near."""
        if about.is_on_grid:
            return about
        if key not in self.guesses.made:
            rounded = z3.FreshReal("rounded")
            slack = float(MILLIONTH) * 0.51 + about.error
            plain = real(about.plain())
            room = z3.RealVal(Fraction(slack))
            self.guesses.laws += [rounded >= plain - room, rounded <= plain + room]
            self.guesses.wishes.append(rounded == plain)
            self.guesses.made[key] = rounded
        value = self.guesses.made[key]
        low, high = about.low - float(MILLIONTH), about.high + float(MILLIONTH)
        return Number(about.known, value, low, high, None, is_rounded=True)

    def key(self, node: Node) -> object:
        """Return what is equal for trees that mean the same in the same words."""
        match node:
            case ast.Derived(name=name):
                kind = node.type.kind
                inner = self.key(self.reader.formulas[name])
                return ("rounded", inner) if kind is Kind.NUMBER else inner
            case ast.Score(name=name):
                return "score", self.made_of[name]
            case ast.Grade(name=name):
                return "grade", self.made_of[name]
            case ast.Constant(value=value):
                return type(value), value
            case ast.Attribute(name=name) | ast.Has(attribute=name):
                own = self.joint.own[self.place][name]
                return type(node), name, own.minimum, own.maximum, own.missing_values, own.choices
            case ast.Variable(name=name):
                return "variable", name
            case ast.Not():
                extra: tuple[object, ...] = ()
            case ast.Logic(operator=word):
                extra = (word,)
            case ast.AtLeast(count=count):
                extra = (count,)
            case ast.Choose():
                extra = ()
            case ast.Quantified(quantifier=word, variable=name):
                extra = (word, name)
            case ast.Apply(operator=word):
                extra = (word,)
            case unknown:
                assert_never(unknown)
        return (type(node), *extra, *(self.key(part) for part in ast.children(node)))

    # --- comparisons of what is computed --------------------------------------------------------

    def _compared(self, node: ast.Apply) -> Three | None:
        """Return a comparison of numbers, days or truths; None where it is none of these."""
        if node.operator not in COMPARE:
            return None
        kinds = {part.type.kind for part in node.arguments}
        if kinds == {Kind.TRUTH}:
            return self._same_truth(node)
        if kinds <= {Kind.NUMBER, Kind.NUMBERS}:
            sides = [self._side(part) for part in node.arguments if part.type.kind is Kind.NUMBER]
            if node.operator == "in":
                match node.arguments[1]:
                    case ast.Constant(value=tuple(values)):
                        sides += [self._rounded_constant(float(value)) for value in values]
                    case _:
                        return None
            return COMPARE[node.operator](sides)
        if kinds == {Kind.DATE}:
            days = [self._day(part) for part in node.arguments]
            return COMPARE[node.operator](days)
        return None

    def _same_truth(self, node: ast.Apply) -> Three:
        one, other = (self.truth(part) for part in node.arguments)
        both = z3.And(z3.Or(one.yes, one.no), z3.Or(other.yes, other.no))
        same = z3.And(both, one.yes == other.yes)
        differ = z3.And(both, one.yes != other.yes)
        return Three(same, differ) if node.operator == "==" else Three(differ, same)

    def _side(self, node: Node) -> Number:
        found = self.number(node, is_numeric=False)
        if isinstance(node, ast.Constant):
            return self._rounded_constant(float(node.value))  # type: ignore[arg-type]
        return self.near(("rounded side", self.key(node), self.subject(node)), found)

    def _rounded_constant(self, value: float) -> Number:
        return Number(TRUE, exact(value), value, value, None, is_rounded=True)

    def _day(self, node: Node) -> Number:
        if isinstance(node, ast.Constant):
            return Number(TRUE, exact(node.value), 0, 0, Fraction(1), is_rounded=True)
        if not isinstance(node, ast.Attribute):
            return self._unknown(node, Range(0.0, 4e6))
        slot = self.slots[node.name]
        if slot.number is None:
            return self._unknown(node, Range(0.0, 4e6))
        return Number(slot.known_to(self.place), slot.number, 0, 4e6, Fraction(1), is_rounded=True)

    # --- numbers --------------------------------------------------------------------------------

    def number(self, node: Node, *, is_numeric: bool) -> Number:
        """Return the number *node*; in points and formulas, *is_numeric*, nothing is missing."""
        key = (self.key(node), is_numeric)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = self._number(node, is_numeric=is_numeric)
        return found

    def _number(self, node: Node, *, is_numeric: bool) -> Number:
        match node:
            case ast.Constant(value=float(value)):
                return numbers.constant(value, known=TRUE)
            case ast.Attribute():
                return self._of_attribute(node, is_numeric=is_numeric)
            case ast.Derived(name=name):
                return self._of_derived(name, is_numeric=is_numeric)
            case ast.Score(name=name):
                return self.scores[name]
            case ast.Choose(test=test, then=then, otherwise=otherwise):
                one = self.number(then, is_numeric=is_numeric)
                other = self.number(otherwise, is_numeric=is_numeric)
                return numbers.either(self.whole(test), one, other)
            case ast.Apply(operator=row, arguments=parts):
                if row in COMPUTE:
                    sides = [self.number(part, is_numeric=is_numeric) for part in parts]
                    return COMPUTE[row](self, node, sides)
                return self._measured(node, is_numeric=is_numeric)
            case _:
                msg = f"not a number: {node!r}"
                raise TypeError(msg)

    def _of_attribute(self, node: ast.Attribute, *, is_numeric: bool) -> Number:
        name = node.name
        slot, declared = self.slots[name], self.joint.own[self.place][name]
        low = ANY_NUMBER.low if declared.minimum is None else declared.minimum
        high = ANY_NUMBER.high if declared.maximum is None else declared.maximum
        if slot.number is None:
            return self._unknown(node, Range(low, high))
        known = slot.known_to(self.place)
        found = Number(known, slot.number, low, high, MILLIONTH, is_rounded=True)
        if not is_numeric:
            return found
        absent = numbers.constant(nearest_zero(Range(low, high)), known=TRUE)
        return numbers.either(known, sure(found), absent)

    def _of_derived(self, name: str, *, is_numeric: bool) -> Number:
        formula = self.reader.formulas[name]
        subject = self.subject(formula)
        plain = self.near(
            ("derived", self.key(formula), subject), self.number(formula, is_numeric=False)
        )
        if not is_numeric:
            return plain
        filled = self.near(
            ("filled", self.key(formula), subject), self.number(formula, is_numeric=True)
        )
        return numbers.either(plain.known, sure(plain), sure(filled))

    def _measured(self, node: ast.Apply, *, is_numeric: bool) -> Number:
        """Return an age or a size."""
        (of,) = node.arguments
        if node.operator == "age_days" and isinstance(of, ast.Attribute | ast.Constant):
            day = self._day(of)
            age = z3.IntVal(self.joint.today.toordinal()) - day.value
            span = UNBOUNDED["age_days"]
            found = Number(day.known, age, span.low, span.high, Fraction(1), is_rounded=True)
        else:
            span = UNBOUNDED[node.operator]
            found = self._unknown(node, span)
            self.guesses.laws.append(z3.IsInt(found.value))
            found = Number(
                found.known, found.value, span.low, span.high, Fraction(1), is_rounded=True
            )
        if not is_numeric:
            return found
        absent = numbers.constant(nearest_zero(UNBOUNDED[node.operator]), known=TRUE)
        return numbers.either(found.known, sure(found), absent)

    def _unknown(self, node: Node, span: Range) -> Number:
        """Return a number of which only its bounds are known, and that it needs what it reads."""
        key = ("number", self.key(node), self.subject(node))
        if key not in self.guesses.made:
            value = z3.FreshReal("opaque")
            self.guesses.laws += [value >= z3.RealVal(Fraction(span.low)),
                                  value <= z3.RealVal(Fraction(span.high))]  # fmt: skip
            self.guesses.opaque[written(node)] = None
            self.guesses.made[key] = value
        value = self.guesses.made[key]
        if self._may_settle_early(node):
            known = self.guesses.made.setdefault(("known", *key), z3.FreshBool("opaque"))
        else:
            names = self.reader.attributes(node)
            known = z3.And([self.slots[name].known_to(self.place) for name in names])
        return Number(known, value, span.low, span.high, None)

    def of_two(self, node: ast.Apply, sides: list[Number], span: Range, wish: Wish) -> Number:
        """Return a number bounded by *span*, of which *wish* says what makes it right."""
        key = ("of two", self.key(node), self.subject(node), tuple(str(s.known) for s in sides))
        if key not in self.guesses.made:
            value = z3.FreshReal("opaque")
            self.guesses.laws += [value >= z3.RealVal(Fraction(span.low)),
                                  value <= z3.RealVal(Fraction(span.high))]  # fmt: skip
            self.guesses.wishes.append(wish(value))
            self.guesses.opaque[written(node)] = None
            self.guesses.made[key] = value
        known = z3.And([side.known for side in sides])
        return Number(known, self.guesses.made[key], span.low, span.high, None)
