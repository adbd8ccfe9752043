"""The numbers of usual decisions as text: all made together, once for whoever tells of them."""

import ast as python
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import orjson

from service.rules import json_text
from service.rules.attributes import Fact, Facts, storable
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_pieces import Names
from service.rules.expression.nouns import MISSING
from service.rules.model import Model
from service.rules.telling.places import Place
from service.rules.telling.values import SHORT_BELOW, written

_WORDS, _SHOWN = (python.Name(name, python.Load()) for name in ("words", "shown"))
_UNKNOWN: Final = (MISSING, "null")


class Numbers:
    """The numbers that a rule set's words may speak of: attributes, then the scores."""

    def __init__(self, model: Model) -> None:
        """Give each number its place."""
        self.attributes = tuple(a.name for a in model.attributes.values() if a.type == "number")
        names = [*self.attributes, *(score.name for score in model.scores)]
        self.places = {name: place for place, name in enumerate(names)}
        self._all = tuple(model.attributes)
        members = (f"{json_text.quoted(name)}:%s" for name in self._all)
        self._stored = f"{{{','.join(members)}}}"

    def texts(
        self, facts: Mapping[str, Fact], scores: Sequence[float]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return each number in words and as a check shows it.

        Nearly always all are known and short, and people, JSON and Python write them alike.
        """
        numbers = [*map(facts.get, self.attributes), *scores]
        try:
            if max(numbers) < SHORT_BELOW:  # type: ignore[type-var, operator]  # see below
                joined = orjson.dumps(numbers).decode()
                if "-" not in joined:  # none is negative or has an exponent
                    short = joined[1:-1].replace(".0,", ",").removesuffix(".0").split(",")
                    return short, short
        except TypeError:  # one of them is not known
            pass
        each = [written(one) if isinstance(one, float) else _UNKNOWN for one in numbers]
        return [words for words, _ in each], [shown for _, shown in each]

    def stored(self, facts: Mapping[str, Fact], shown: Sequence[str]) -> str:
        """Return *facts* as they are stored, of which the numbers are *shown* so."""
        if len(facts) == len(self._all):
            given = len(self.attributes)
            if given == len(facts):
                return self._stored % tuple(shown[:given])
            numbers = iter(shown)
            return self._stored % tuple(
                next(numbers) if name in self.places else json_text.value(storable(facts[name]))
                for name in self._all
            )
        return json_text.value(Facts(facts).to_json())


class NumberText:
    """The text of one number in generated code: its words, and what a check shows."""

    def __init__(self, names: Names, place: Place, at: int) -> None:
        """Take the locals, which `made` fills with what stands *at* this place of the texts."""
        self._place = place
        self._at = python.Constant(at)
        self._words, self._json = names.fresh("w"), names.fresh("j")

    def made(self) -> Iterator[python.stmt]:
        """Yield what puts the number's texts into the locals."""
        yield pieces.assign(self._words, pieces.item(_WORDS, self._at))
        yield pieces.assign(self._json, pieces.item(_SHOWN, self._at))

    def in_slot(self, slot: int) -> Iterator[python.expr]:
        """Yield what stands in *slot*, one after another."""
        place, words = self._place, self._words
        if slot == place.json:
            yield self._json
        elif slot == place.told:
            yield python.Constant(place.front)
            yield words
            yield self._after(*place.backs)
        else:
            yield words
            if place.units is not None and slot == place.inside:
                yield self._after(*map(json_text.inside, place.units))
            elif place.units is not None and slot == place.read:
                yield self._after(*place.units)

    def _after(self, many: str, one: str) -> python.expr:
        is_one = pieces.compare(self._words, python.Eq(), python.Constant("1"))
        return pieces.choose(is_one, python.Constant(one), python.Constant(many))
