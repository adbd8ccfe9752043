"""The verdict and the scores alone: in the quickest of several ways, and nothing kept."""

import ast as python
import functools
from collections.abc import Sequence
from operator import getitem
from typing import Final

from service.rules.compiled_body import Body, Judged
from service.rules.compiled_masks import Bits, Cut, add_exactly, bits_of
from service.rules.compiled_nested import nested
from service.rules.compiled_scores import Member, fixed, limited
from service.rules.compiled_table import Table, return_brief, table_of
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_inline import inlined
from service.rules.expression.compile_parts import Answer, Part, View, point
from service.rules.expression.compile_pieces import Names, constant
from service.rules.expression.evaluate import Mode
from service.rules.model import Group, Model, Score

__all__ = ["BriefBody"]

_SLICE: Final = 10
"""How many bits are looked up at once where a group has few rules."""
_FEW: Final = 3 * _SLICE
_BYTE: Final = 8


class BriefBody(Body):
    """Writes a function that wants no more of the rules than what their groups come to.

    What each rule adds to its group is not worked out: a rule that is no is not even added as 0,
    which changes no sum that begins with 0.
    """

    def __init__(self, names: Names, model: Model) -> None:
        """Begin an empty body for facts of which none is missing."""
        super().__init__(names, model, View.COMPLETE)
        self._bits: Bits | None = bits_of(model)
        self._briefs: Table | None = None if self._bits is not None else table_of(model)
        self._mask = names.fresh("m")
        self._sums: dict[float, float] = {}
        self._bound = names.bound
        self._place = names.fresh("s")
        self._exact = {self._place.id}

    def rules(self) -> tuple[Answer, ...]:
        """Write the masks, and the rules that are none of their bits."""
        if self._bits is None:
            return super().rules()
        self.emit(pieces.assign(self._mask, python.Constant((1 << len(self._bits.places)) - 1)))
        for cut in self._bits.cuts:
            self.emit(*self._masked(cut))
        return tuple(
            self._bit(self._bits, place)
            if place in self._bits.places
            else self.whole(rule.condition)
            for place, rule in enumerate(self.model.rules)
        )

    def tell(self) -> None:
        """Write everything: what is judged, and the brief that comes of it."""
        if self._briefs is None:
            return_brief(self, self.judge())
        else:
            self.emit(pieces.assign(self._place, python.Constant(self._briefs.start)))
            self._look_up(self._briefs, self.judge())
        self.body[:] = nested(inlined(self.body), self._exact)

    def _look_up(self, table: Table, judged: Judged) -> None:
        for briefs, gate in zip(table.by_gate, judged.gates, strict=True):
            found = pieces.item(self._bound(briefs), self._place)
            self.emit(pieces.when(gate.expr, [python.Return(found)]))
        self.emit(python.Return(pieces.item(self._bound(table.by_outcome), self._place)))

    def _score(self, score: Score, members: Sequence[Member], effects: list[python.expr]) -> Part:
        """Return the score; where a table has it, go to its place there and return nothing."""
        if self._briefs is None:
            return super()._score(score, members, effects)
        for group in score.groups:
            for place in range(group.first_rule, group.first_rule + len(group.rules)):
                step = pieces.add(self._place, python.Constant(self._briefs.steps[place]))
                move = pieces.assign(self._place, step)
                self.emit(pieces.when(members[place].result.expr, [move]))
        return fixed(0.0)

    def _bit(self, bits: Bits, place: int) -> Answer:
        one = python.Constant(1 << bits.places[place])
        operator = python.Eq() if place in bits.inverted else python.NotEq()
        both = pieces.binary(self._mask, python.BitAnd(), one)
        return Answer(pieces.compare(both, operator, python.Constant(0)), sure=True)

    def _masked(self, cut: Cut) -> list[python.stmt]:
        """Return the statements that find the number's stretch and take its mask."""
        value = self.part(cut.number, Mode.PLAIN).low
        mask = python.Name(self._mask.id, python.Store())

        def found(first: int, last: int) -> list[python.stmt]:
            if first == last:
                return [python.AugAssign(mask, python.BitAnd(), python.Constant(cut.masks[first]))]
            middle = (first + last) // 2
            end, is_closed = cut.ends[middle]
            operator = python.LtE() if is_closed else python.Lt()
            is_below = pieces.compare(value, operator, constant(end))
            return [pieces.when(is_below, found(first, middle), found(middle + 1, last))]

        return found(0, len(cut.masks) - 1)

    def _group(self, group: Group, members: Sequence[Member], effects: list[python.expr]) -> Part:
        if group.mode != "sum":
            return super()._group(group, members, effects)
        places = range(group.first_rule, group.first_rule + len(group.rules))
        bits = self._bits
        of_bits = [] if bits is None else [rule for rule in places if rule in bits.places]
        total = self.names.fresh("s")
        if add_exactly(group.rules):
            self._exact.add(total.id)
        nothing = constant(0.0)
        start = self._of_bits(of_bits, bits) if bits is not None and of_bits else nothing
        self.emit(pieces.assign(total, start))
        for place in places:
            member = members[place]
            if place not in of_bits:
                more = pieces.assign(total, pieces.add(total, member.points.low))
                self.emit(pieces.when(member.result.expr, [more]))
        return self.bind(limited(self, point(total), group.floor, group.cap))

    def _of_bits(self, places: Sequence[int], bits: Bits) -> python.expr:
        """Return what the rules at *places*, which are neighbours as bits, add."""
        first, count = bits.places[places[0]], len(places)
        mask: python.expr = self._mask
        if first:
            mask = pieces.binary(mask, python.RShift(), python.Constant(first))
        if first + count < len(bits.places):
            mask = pieces.binary(mask, python.BitAnd(), python.Constant((1 << count) - 1))
        size = _SLICE if count <= _FEW else _BYTE
        tables = [
            self._table(places[start : start + size], bits) for start in range(0, count, size)
        ]
        if count > _FEW:
            octets = pieces.method(mask, "to_bytes", constant(len(tables)), constant("little"))
            looked_up = pieces.call(self._bound(map), *map(self._bound, (getitem, tables)), octets)
            return pieces.call(self._bound(sum), looked_up, constant(0.0))
        mask = self.local(mask)
        shares: list[python.expr] = []
        for number, table in enumerate(tables):
            part = mask
            if number:
                part = pieces.binary(part, python.RShift(), python.Constant(number * size))
            if number < len(tables) - 1:
                part = pieces.binary(part, python.BitAnd(), python.Constant((1 << size) - 1))
            shares.append(pieces.item(self._bound(table), part))
        return functools.reduce(pieces.add, shares)

    def _table(self, places: Sequence[int], bits: Bits) -> tuple[float, ...]:
        """Return what each pattern of these bits adds."""
        sums = [0.0]
        for place in places:
            points = self.model.rules[place].points.fixed
            more = [total + points for total in sums]
            sums = [*more, *sums] if place in bits.inverted else [*sums, *more]
        return tuple(map(self._sums.setdefault, sums, sums))
