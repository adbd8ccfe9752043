"""A subject's number in generated code: its text in locals, made once for all that tell of it."""

import ast as python
from collections.abc import Iterator

from service.rules import json_text
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_pieces import Names
from service.rules.telling.places import Place
from service.rules.telling.values import SHORT_BELOW, SHORT_FROM, written

_POINT_ZERO = ".0"


class NumberText:
    """The text of one number: its words, and what a check shows."""

    def __init__(self, names: Names, place: Place) -> None:
        """Take the locals; `made` fills them."""
        self._names = names
        self._place = place
        self._words, self._json = names.fresh("w"), names.fresh("j")

    def made(self, fact: python.expr) -> Iterator[python.stmt]:
        """Yield what puts *fact* into words, which most numbers have as Python writes them."""
        value, words, json = self._names.fresh("n"), self._words, self._json
        yield pieces.assign(value, fact)
        limits = [python.Constant(limit) for limit in (SHORT_FROM, SHORT_BELOW)]
        is_short = python.Compare(limits[0], [python.LtE(), python.Lt()], [value, limits[1]])
        end = python.Slice(python.Constant(-len(_POINT_ZERO)), None, None)
        before = python.Slice(None, python.Constant(-len(_POINT_ZERO)), None)
        is_whole = pieces.compare(
            pieces.item(words, end), python.Eq(), python.Constant(_POINT_ZERO)
        )
        short = [
            pieces.assign(words, pieces.call(self._names.bound(repr), value)),
            pieces.when(is_whole, [pieces.assign(words, pieces.item(words, before))]),
            pieces.assign(json, words),
        ]
        otherwise = pieces.call(self._names.bound(written), value)
        yield pieces.when(is_short, short, [pieces.assign_pair(words, json, otherwise)])

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
