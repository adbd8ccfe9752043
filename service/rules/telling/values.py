"""The subject's own values in words and as JSON, each made once per decision.

Words that are otherwise the same for everybody have numbered slots for them. A value has
some slots in a row, which are filled together when one of them is first looked at.
"""

from collections.abc import Callable, Mapping
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
from service.rules.telling.places import SLOTS, Place, token_text
from service.rules.told import told_of

_MISSING_INSIDE: Final = json_text.inside(MISSING)
SHORT_FROM: Final = 0.0001
SHORT_BELOW: Final = 10_000
"""From here and below here people, JSON and Python write a number alike."""


class Values(dict[int, str]):
    """The texts of one decision's values by slot."""

    __slots__ = ("_decide", "_decision", "_makers", "_teller", "checks", "facts", "scores")

    def __init__(
        self,
        slots: "Slots",
        facts: Mapping[str, Fact],
        *,
        scores: Mapping[str, float],
        checks: str,
        decide: Callable[[], Decided],
    ) -> None:
        """Begin with nothing made; *decide* gives the whole decision, should a value need it."""
        self._makers = slots.makers
        self._teller: Teller | None = None
        self._decide = decide
        self._decision: Decided | None = None
        self.facts = facts
        self.scores = scores
        self.checks = checks

    @classmethod
    def of(cls, slots: "Slots", decision: Decided) -> "Values":
        """Return the values of *decision*, of which nothing is made yet."""
        return cls(
            slots,
            decision.facts.values,
            scores={name: span.value for name, span in decision.scores.items()},
            checks=decision.trace.checks,
            decide=lambda: decision,
        )

    def __missing__(self, slot: int) -> str:
        """Make the texts of the value that *slot* belongs to, and keep them."""
        self._makers[slot // SLOTS](self)
        return self[slot]

    @property
    def decision(self) -> Decided:
        """The whole decision."""
        if self._decision is None:
            self._decision = self._decide()
        return self._decision

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
        self._places: dict[_Key, Place] = {}
        self._taken: list[tuple[Place, ast.Node | None]] = []

    def of(self, hole: Hole) -> "Place":
        """Return the place of the value that belongs into *hole*."""
        key = (id(hole.node), hole.text) if hole.name is None else hole.name
        found = self._places.get(key)
        return self._take(key, hole) if found is None else found

    def read(self, name: str, node: ast.Node) -> "Place":
        """Return the place of *name*, which is *node*."""
        found = self._places.get(name)
        if found is not None:
            return found
        if isinstance(node, ast.Has):
            node = ast.Attribute(name, node.type, node.span)
        return self.of(self._book.hole(node))

    def number_at(self, slot: int) -> "tuple[str, Place] | None":
        """Return the name and the place of the number that *slot* belongs to, if it is one."""
        place, node = self._taken[slot // SLOTS]
        match node:
            case ast.Attribute(name=name) if self._model.attributes[name].type == "number":
                return name, place
            case ast.Score(name=name):
                return name, place
            case _:
                return None

    def _take(self, key: _Key, hole: Hole) -> "Place":
        place = self._places[key] = Place.of(len(self.makers) * SLOTS, hole)
        self.makers.append(self._maker(hole, place))
        self._taken.append((place, hole.node))  # and no other node can take its identity
        return place

    def _maker(self, hole: Hole, place: Place) -> _Maker:
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

    def _of_derived(self, derived: str, hole: Hole, place: Place) -> _Maker:
        match self._book.formulas[derived]:
            case ast.Apply(operator=row, arguments=(ast.Attribute(name=name),)) if row in _TEXTS:
                return _of_text(_TEXTS[row], self._model.attributes[name], place)
            case _:
                return _by_reference(hole, place)


def whole_or_not(x: float) -> str:
    """Return *x* as JSON, without a point where it is a whole number that JSON can hold."""
    if x.is_integer() and -LARGEST_EXACT <= x <= LARGEST_EXACT:
        return str(int(x))
    return json_text.number(x)


def written(x: float) -> tuple[str, str]:
    """Return any number in words, and as JSON."""
    return number(x), whole_or_not(x)


def _of_attribute(attribute: Attribute, place: Place) -> _Maker:
    name, fill = attribute.name, place.filler()
    if attribute.type == "number":
        return _of_number(place, lambda values: values.facts.get(name))

    def make(values: Values) -> None:
        fact = values.facts.get(name)
        if fact is None:
            fill(values, MISSING, _MISSING_INSIDE, "null")
        elif isinstance(fact, str) and fact:
            quoted = json_text.quoted(fact)
            fill(values, fact, quoted[1:-1], quoted)
        else:
            words = shown(fact)
            fill(values, words, json_text.inside(words), json_text.value(_plain(fact)))

    return make


def _plain(fact: Fact) -> object:
    if isinstance(fact, date):
        return fact.isoformat()
    return list(fact) if isinstance(fact, tuple) else fact


def _of_score(name: str, place: Place) -> _Maker:
    return _of_number(place, lambda values: values.scores[name])


def _of_number(place: Place, find: Callable[[Values], object]) -> _Maker:
    """Return what makes the texts of a number, which has up to six places.

    Most are so short that people, JSON and Python write them alike.
    """
    fill, is_alone = place.filler(), place.units is None
    bare, inside, json = place.bare, place.inside, place.json

    def make(values: Values) -> None:
        x = find(values)
        if not isinstance(x, float):
            words, shown_as = MISSING, "null"
        elif SHORT_FROM <= abs(x) < SHORT_BELOW:
            words = shown_as = repr(x).removesuffix(".0")
        else:
            words, shown_as = written(x)
        if is_alone:
            values[bare] = values[inside] = words
            values[json] = shown_as
        else:
            fill(values, words, words, shown_as)

    return make


def _of_grade(grade: Grade, place: Place) -> _Maker:
    fill = place.filler()

    def make(values: Values) -> None:
        (band,) = bands(grade.bands, point(values.scores[grade.of]))
        quoted = json_text.quoted(band)
        fill(values, band, quoted[1:-1], quoted)

    return make


def _of_age(name: str, unit: str, row: str, place: Place) -> _Maker:
    """Return what makes the texts of a span of time since a fact."""
    fill, measure = _age_filler(place), AGES[row]

    def make(values: Values) -> None:
        day = values.facts.get(name)
        words = MISSING
        if isinstance(day, date):
            words = number(float(measure(values.today, day)))
        fill(values, *aged(words, unit))

    return make


def _age_filler(place: Place) -> Callable[[Values, str, str], None]:
    """Return what fills the slots of a span of time: a value, and a unit that follows it."""

    def fill(values: Values, span: str, follows: str) -> None:
        within, unit = json_text.inside(span), token_text(Token("unit", follows))
        values[place.bare] = span
        values[place.read] = f"{span} {follows}"
        values[place.inside] = json_text.inside(values[place.read])
        values[place.told] = f"{place.front}{within}{place.backs[0]},{unit}"

    return fill


_TEXTS: Final[dict[str, Callable[[Values, str], str]]] = {
    "lower": lambda _, words: words.lower(),
    "domain": lambda _, words: text.domain(words),
    "registrable_domain": lambda values, words: values.look_up(words),
}


def _of_text(function: Callable[[Values, str], str], attribute: Attribute, place: Place) -> _Maker:
    """Return what makes the texts of a derived name that is a *function* of one text."""
    name, fold, fill = attribute.name, attribute.fold, place.filler()

    def make(values: Values) -> None:
        fact = values.facts.get(name)
        if not isinstance(fact, str):
            fill(values, MISSING, _MISSING_INSIDE, "null")
            return
        made = function(values, text.fold(fact) if fold else fact)
        words = made or "empty"
        fill(values, words, json_text.inside(words), json_text.quoted(made))

    return make


def _by_reference(hole: Hole, place: Place) -> _Maker:
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
        fill(values, words, json_text.inside(words), json)

    return make
