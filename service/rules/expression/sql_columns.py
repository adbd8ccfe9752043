"""The columns a query works out step by step, each from those before it.

SQL has no variables: what is used twice must be a column of a subselect, or it is computed,
and written, as often as it is used. A column that is used once is put where it is used.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql_pieces import Sql

DEEPEST: Final = 200
"""How deep an expression may nest before it stays a column of its own."""

_OUTPUT: Final = "output "


@dataclass(frozen=True, slots=True)
class Step:
    """One subselect: the columns it passes on and those it adds."""

    kept: tuple[str, ...]
    added: tuple[tuple[str, Sql], ...]


@dataclass(slots=True)
class Columns:
    """Columns in the order in which they were defined.

    Attributes:
        given: The names that the innermost subselect has.
        scoped: Names that only exist inside the expression being written: a list's items.
    """

    given: set[str] = field(default_factory=set)
    scoped: set[str] = field(default_factory=set)
    _defined: dict[str, Sql] = field(default_factory=dict)

    def bind(self, piece: Sql) -> Sql:
        """Return *piece* as something that may be used several times.

        What speaks of a list's item cannot leave the list: it is returned as it is.
        """
        if isinstance(piece, exp.Column | exp.Boolean | exp.Null) or _is_literal(piece):
            return piece
        if self.scoped and not self.scoped.isdisjoint(used(piece)):
            return piece
        name = f"_c{len(self._defined) + 1}"
        self._defined[name] = pieces.own(piece)
        return pieces.column(name)

    def steps(self, outputs: Mapping[str, Sql], *, kept: Sequence[str]) -> tuple[Step, ...]:
        """Return the subselects, innermost first; the last one adds exactly *outputs*.

        *kept* are given columns that every step passes on.
        """
        last = {name: pieces.own(piece) for name, piece in outputs.items()}
        below = self._inline(last)
        levels = self._levels(below)
        wanted = {name for output in last for name in below[_output(output)]}
        steps = [Step(tuple(kept), tuple(last.items()))]
        for level in range(max((levels[name] for name in wanted), default=0), 0, -1):
            added = tuple(
                (name, piece)
                for name, piece in self._defined.items()
                if levels[name] == level and name in wanted
            )
            wanted.difference_update(name for name, _ in added)
            wanted.update(*(below[name] for name, _ in added))
            passed = [name for name in levels if name in wanted and name not in kept]
            steps.append(Step((*kept, *passed), added))
        return tuple(reversed(steps))

    def _levels(self, below: Mapping[str, set[str]]) -> dict[str, int]:
        levels = dict.fromkeys(sorted(self.given), 0)
        for name in self._defined:
            levels[name] = 1 + max((levels[other] for other in below[name]), default=0)
        return levels

    def _inline(self, outputs: dict[str, Sql]) -> dict[str, set[str]]:
        """Put each column that is used once where it is used, unless that nests too deep.

        Returns what each column and each output then reads.
        """
        places = {name: _survey(piece) for name, piece in self._defined.items()}
        places |= {_output(name): _survey(piece) for name, piece in outputs.items()}
        uses = Counter(place.name for found, _ in places.values() for place, _ in found)
        below: dict[str, set[str]] = {}
        depths: dict[str, int] = {}
        for name, (found, depth) in places.items():
            below[name], depths[name] = set(), depth
            for place, at in found:
                other = place.name
                if other not in self._defined and other not in self.given:
                    continue  # an item of a list
                is_single = uses[other] == 1 and other in self._defined
                if not is_single or at + depths[other] > DEEPEST or _in_lambda(place):
                    below[name].add(other)
                    continue
                depths[name] = max(depths[name], at + depths[other])
                below[name] |= below.pop(other)
                inner = self._defined.pop(other)
                if place.parent is not None:
                    place.replace(pieces.bracketed(inner))
                elif name in self._defined:
                    self._defined[name] = inner
                else:
                    outputs[name.removeprefix(_OUTPUT)] = inner
        return below


def value_column(name: str) -> str:
    """Return the name, inside the query, of the attribute *name*."""
    return f"_a_{name}"


def prepared_column(name: str) -> str:
    """Return the name, inside the query, of the prepared column *name*."""
    return f"_p_{name}"


def item_key(variable: str) -> tuple[str, str]:
    """Return where a translator remembers the name of a list's item."""
    return ("item", variable)


def used(piece: Sql) -> set[str]:
    """Return the names of the columns in *piece*."""
    return {place.name for place, _ in _survey(piece)[0]}


def _output(name: str) -> str:
    return f"{_OUTPUT}{name}"


def _is_literal(piece: Sql) -> bool:
    return isinstance(piece, exp.Literal) or (
        isinstance(piece, exp.Cast) and isinstance(piece.this, exp.Literal)
    )


def _in_lambda(place: Sql) -> bool:
    """Whether *place* is worked out once per item of a list."""
    return place.find_ancestor(exp.Lambda, exp.Subquery) is not None


def _survey(piece: Sql) -> tuple[list[tuple[exp.Column, int]], int]:
    """Return the columns in *piece* with how deep each stands, and how deep it nests."""
    found: list[tuple[exp.Column, int]] = []
    deepest = 0
    waiting: list[tuple[exp.Expr, int]] = [(piece, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(node, exp.Column):
            found.append((node, depth))
        else:
            waiting.extend((child, depth + 1) for child in node.iter_expressions())
    return found, deepest
