"""The subject's own values in words and as JSON, each made once per decision.

Words that are otherwise the same for everybody have numbered slots for them. A value takes
four slots in a row, which are filled together when one of them is first looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date
from typing import Final

from service.rules import json_text
from service.rules.attributes import Attribute, Fact
from service.rules.decided import Decided
from service.rules.explain import Teller
from service.rules.expression import ast, text
from service.rules.expression.evaluate import AGES
from service.rules.expression.nouns import MISSING, aged, filled
from service.rules.expression.phrasebook import Hole
from service.rules.expression.tokens import Token, number, shown
from service.rules.model import Grade, Model
from service.rules.ranges import LARGEST_EXACT, point
from service.rules.scores import bands
from service.rules.sight import looked_up
from service.rules.told import told_of

BARE: Final = 0
"""The place of the value itself, in words."""
READ: Final = 1
"""The place of the value with its unit."""
TOKENS: Final = 2
"""The place of the same as typed tokens, in JSON."""
JSON: Final = 3
"""The place of the value as a check shows it."""
_SLOTS: Final = 4
_QUOTED_MISSING: Final = json_text.quoted(MISSING)
_SHORT_BELOW: Final = 10_000


class Values(dict[int, str]):
    """The texts of one decision's values by slot."""

    __slots__ = ("_makers", "_teller", "checks", "decision", "facts", "scores")

    def __init__(self, slots: "Slots", decision: Decided) -> None:
        """Begin with nothing made."""
        self._makers = slots.makers
        self._teller: Teller | None = None
        self.decision = decision
        self.facts = decision.facts.values
        self.scores = decision.scores
        self.checks = decision.trace.checks

    def __missing__(self, slot: int) -> str:
        """Make the texts of the value that *slot* belongs to, and keep them."""
        self._makers[slot // _SLOTS](self)
        return self[slot]

    @property
    def today(self) -> date:
        """The decision clock's UTC day."""
        return self.decision.at.astimezone(UTC).date()

    def look_up(self, words: str) -> str:
        """Return the registrable domain as it was when the decision was made."""
        return looked_up(words, self.decision)

    @property
    def teller(self) -> Teller:
        """The reference explanation of the decision, for what has no slot."""
        if self._teller is None:
            self._teller = Teller.of(self.decision)
        return self._teller


_Maker = Callable[[Values], None]
_Key = str | tuple[int, str]


class Slots:
    """Gives out the slots of one rule set."""

    def __init__(self, model: Model) -> None:
        """Begin with none given out."""
        self.makers: list[_Maker] = []
        self._model = model
        self._book = told_of(model).book
        self._grades = {grade.name: grade for grade in model.grades}
        self._firsts: dict[_Key, int] = {}
        self._nodes: list[ast.Node | None] = []

    def of(self, hole: Hole) -> int:
        """Return the first slot of the value that belongs into *hole*."""
        key = (id(hole.node), hole.text) if hole.name is None else hole.name
        found = self._firsts.get(key)
        return self._take(key, hole) if found is None else found

    def read(self, name: str, node: ast.Node) -> int:
        """Return the first slot of *name*, which is *node*."""
        found = self._firsts.get(name)
        if found is not None:
            return found
        if isinstance(node, ast.Has):
            node = ast.Attribute(name, node.type, node.span)
        return self.of(self._book.hole(node))

    def _take(self, key: _Key, hole: Hole) -> int:
        first = len(self.makers) * _SLOTS
        self.makers.append(self._maker(hole, _Place.of(first, hole)))
        self._nodes.append(hole.node)  # so that no other node can take its identity
        self._firsts[key] = first
        return first

    def _maker(self, hole: Hole, place: "_Place") -> _Maker:
        match hole.node:
            case ast.Attribute(name=name):
                return _of_attribute(self._model.attributes[name], place)
            case ast.Score(name=name):
                return _of_score(name, place)
            case ast.Grade(name=name):
                return _of_grade(self._grades[name], place)
            case ast.Derived(name=name):
                return self._of_derived(name, hole, place)
            case ast.Apply(operator=row, arguments=(ast.Attribute(name=name),)) if hole.age:
                return _of_age(name, hole.age, row, place)
            case _:
                return _by_reference(hole, place)

    def _of_derived(self, derived: str, hole: Hole, place: "_Place") -> _Maker:
        match self._book.formulas[derived]:
            case ast.Apply(operator=row, arguments=(ast.Attribute(name=name),)) if row in _TEXTS:
                return _of_text(_TEXTS[row], self._model.attributes[name], place)
            case _:
                return _by_reference(hole, place)


@dataclass(frozen=True, slots=True)
class _Place:
    """The four slots of a value, and what stands around it in them.

    Attributes:
        front: What comes before the value in its token.
        backs: What comes after it there, and after a 1, units included.
        units: What follows the value, and a 1, in a sentence.
    """

    slots: range
    front: str
    backs: tuple[str, str]
    units: tuple[str, str]

    @classmethod
    def of(cls, first: int, hole: Hole) -> "_Place":
        front, _, back = token_text(Token("value", "", hole.attribute, hole.pii)).partition('""')
        slots = range(first, first + _SLOTS)
        if hole.unit is None or hole.unit_of_one is None:
            return cls(slots, front, (back, back), ("", ""))
        units = hole.unit, hole.unit_of_one
        many, one = (f"{back},{token_text(unit)}" for unit in units)
        return cls(slots, front, (many, one), (f" {units[0].text}", f" {units[1].text}"))

    def filler(self) -> "_Fill":
        """Return what fills the slots."""
        bare, read, tokens, json = self.slots
        front, (back, back_of_one), (unit, unit_of_one) = self.front, self.backs, self.units

        def fill(values: Values, words: str, quoted: str, shown_as: str) -> None:
            is_one = words == "1"
            values[bare] = words
            values[read] = f"{words}{unit_of_one if is_one else unit}"
            values[tokens] = f"{front}{quoted}{back_of_one if is_one else back}"
            values[json] = shown_as

        return fill


_Fill = Callable[[Values, str, str, str], None]
"""Fills the slots of a value: with its words, the same quoted, and the value as JSON."""


def whole_or_not(x: float) -> str:
    """Return *x* as JSON, without a point where it is a whole number that JSON can hold."""
    if x.is_integer() and -LARGEST_EXACT <= x <= LARGEST_EXACT:
        return str(int(x))
    return json_text.number(x)


def token_text(token: Token) -> str:
    """Return one typed token as JSON."""
    said = json_text.quoted(token.text)
    attribute = token.attribute
    belongs = "" if attribute is None else f',"attribute":{json_text.quoted(attribute)}'
    personal = ',"pii":true' if token.pii else ""
    return f'{{"kind":"{token.kind}","text":{said}{belongs}{personal}}}'


def _of_attribute(attribute: Attribute, place: _Place) -> _Maker:
    name, fill = attribute.name, place.filler()
    if attribute.type == "number":
        return _of_number(place, lambda values: values.facts.get(name))

    def make(values: Values) -> None:
        fact = values.facts.get(name)
        if fact is None:
            fill(values, MISSING, _QUOTED_MISSING, "null")
        elif isinstance(fact, str) and fact:
            quoted = json_text.quoted(fact)
            fill(values, fact, quoted, quoted)
        else:
            words = shown(fact)
            fill(values, words, json_text.quoted(words), json_text.value(_plain(fact)))

    return make


def _plain(fact: Fact) -> object:
    if isinstance(fact, date):
        return fact.isoformat()
    return list(fact) if isinstance(fact, tuple) else fact


def _of_score(name: str, place: _Place) -> _Maker:
    return _of_number(place, lambda values: values.scores[name].value)


def _of_number(place: _Place, find: Callable[[Values], object]) -> _Maker:
    """Return what makes the texts of a number; most are short and whole."""
    bare, read, tokens, json = place.slots
    front, (back, back_of_one), (unit, unit_of_one) = place.front, place.backs, place.units
    front, back, back_of_one = f'{front}"', f'"{back}', f'"{back_of_one}'

    def make(values: Values) -> None:
        x = find(values)
        if not isinstance(x, float):
            words, shown_as = MISSING, "null"
        elif x.is_integer() and -_SHORT_BELOW < x < _SHORT_BELOW:
            words = shown_as = str(int(x))
        else:
            words, shown_as = number(x), whole_or_not(x)
        is_one = words == "1"
        values[bare] = words
        values[read] = f"{words}{unit_of_one if is_one else unit}"
        values[tokens] = f"{front}{words}{back_of_one if is_one else back}"
        values[json] = shown_as

    return make


def _of_grade(grade: Grade, place: _Place) -> _Maker:
    fill = place.filler()

    def make(values: Values) -> None:
        (band,) = bands(grade.bands, point(values.scores[grade.of].value))
        quoted = json_text.quoted(band)
        fill(values, band, quoted, quoted)

    return make


def _of_age(name: str, unit: str, row: str, place: _Place) -> _Maker:
    """Return what makes the texts of a span of time since a fact."""
    fill, measure = _age_filler(place), AGES[row]

    def make(values: Values) -> None:
        day = values.facts.get(name)
        words = MISSING
        if isinstance(day, date):
            words = number(float(measure(values.today, day)))
        fill(values, *aged(words, unit))

    return make


def _age_filler(place: _Place) -> Callable[[Values, str, str], None]:
    """Return what fills the slots of a span of time: a value, and a unit that follows it."""
    bare, read, tokens, _ = place.slots
    front, (back, _) = place.front, place.backs

    def fill(values: Values, span: str, follows: str) -> None:
        values[bare] = span
        values[read] = f"{span} {follows}"
        unit = token_text(Token("unit", follows))
        values[tokens] = f"{front}{json_text.quoted(span)}{back},{unit}"

    return fill


_TEXTS: Final[dict[str, Callable[[Values, str], str]]] = {
    "lower": lambda _, words: words.lower(),
    "domain": lambda _, words: text.domain(words),
    "registrable_domain": lambda values, words: values.look_up(words),
}


def _of_text(function: Callable[[Values, str], str], attribute: Attribute, place: _Place) -> _Maker:
    """Return what makes the texts of a derived name that is a *function* of one text."""
    name, fold, fill = attribute.name, attribute.fold, place.filler()

    def make(values: Values) -> None:
        fact = values.facts.get(name)
        if not isinstance(fact, str):
            fill(values, MISSING, _QUOTED_MISSING, "null")
            return
        made = function(values, text.fold(fact) if fold else fact)
        words = made or "empty"
        fill(values, words, json_text.quoted(words), json_text.quoted(made))

    return make


def _by_reference(hole: Hole, place: _Place) -> _Maker:
    if hole.age is not None:
        fill_age = _age_filler(place)

        def make_age(values: Values) -> None:
            value, unit = filled(hole, values.teller.seen)
            fill_age(values, value.text, unit.text)

        return make_age
    fill = place.filler()

    def make(values: Values) -> None:
        teller = values.teller
        words = filled(hole, teller.seen)[0].text
        json = "null"
        if hole.name is not None and hole.node is not None:
            json = json_text.value(teller.value(hole.name, hole.node))
        fill(values, words, json_text.quoted(words), json)

    return make
