"""For which days an answer holds: the kinds of day that rules which ask for ages tell apart.

Where everything that is asked of dates moves with the clock, every day is like every other:
the day and all dates may be moved by as many days, and nothing changes. Where ages stand beside
fixed days, or months beside days, what matters is in which order they begin; days on which that
is the same are of one kind, and one of them speaks for all.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from itertools import chain
from typing import Final, Literal

from service.rules.expression import ast
from service.rules.expression.ast import Kind, Node
from service.rules.expression.evaluate import months_between
from service.rules.lattice import cuts_of, lattice_of
from service.rules.solver.answers import EVERY_DAY, Answer, HoldsFor
from service.rules.solver.joint import Joint
from service.rules.uses import Probe, expressions

_RANGE: Final = timedelta(days=3_652)
_MOST_KINDS: Final = 40
_AGES: Final = frozenset({"age_days", "age_months"})

Moves = Literal["fixed", "days", "months"]
"""How a limit on a date moves with the clock: not at all, day by day, by whole months."""


class _OneDay(Exception):
    """Something asked of dates cannot be told for other days."""


@dataclass(frozen=True, slots=True)
class Days:
    """A day of each kind, the clock's own first, and what they stand for together."""

    of_each_kind: tuple[date, ...]
    holds_for: HoldsFor

    @property
    def is_one_of_many(self) -> bool:
        """Whether nothing is said of any day but one, and another might say otherwise."""
        return self.holds_for.first is not None and self.holds_for.first == self.holds_for.last


@dataclass(frozen=True, slots=True)
class _Limit:
    """The first day of those on which a check says something else than on the one before.

    *at* is its ordinal as of *today*; *months* the age that it has there, where it moves so.
    """

    moves: Moves
    at: int
    today: date
    months: int = 0

    def on(self, day: date) -> int:
        """Return its ordinal as of another *day*."""
        match self.moves:
            case "fixed":
                return self.at
            case "days":
                return self.at + (day - self.today).days
            case "months":
                return _last_of_age(self.months + 1, day) + 1


def days_of(joint: Joint) -> Days:
    """Return the kinds of day that *joint* tells apart, within ten years of its own day."""
    today = joint.today
    try:
        if _is_like_any(joint):
            return Days((today,), EVERY_DAY)
        mixed = _mixed(joint)
        if not mixed:
            return Days((today,), EVERY_DAY)
        kinds = _kinds(mixed, today)
    except _OneDay:
        kinds = ()
    if not 0 < len(kinds) <= _MOST_KINDS:
        day = today.isoformat()
        return Days((today,), HoldsFor(day, day, f"{day} only; another day may say otherwise"))
    first, last = (today - _RANGE).isoformat(), (today + _RANGE).isoformat()
    return Days(kinds, HoldsFor(first, last, f"every day from {first} to {last}"))


def moves_of(joint: Joint, name: str) -> frozenset[Moves] | None:
    """Return how the limits on the date *name* move; None where that cannot be told."""
    try:
        return frozenset(limit.moves for limit in _limits(joint, name))
    except _OneDay:
        return None


def _trees(joint: Joint) -> Iterator[Node]:
    for model in joint.models:
        yield from expressions(model)
    yield from joint.reader.formulas.values()


def _is_like_any(joint: Joint) -> bool:
    """Whether nothing asks for ages, or nothing of dates but ages in days and their order.

    Raises:
        _OneDay: If something asks for the age of a fixed day, which is no fact's.
    """
    parts = list(chain.from_iterable(map(ast.walk, _trees(joint))))
    ages = [part for part in parts if isinstance(part, ast.Apply) and part.operator in _AGES]
    if not ages:
        return True
    if not all(isinstance(part.arguments[0], ast.Attribute) for part in ages):
        raise _OneDay
    in_days = all(part.operator == "age_days" for part in ages)
    fixed = any(isinstance(part, ast.Constant) and part.type.kind is Kind.DATE for part in parts)
    return in_days and not fixed


def _mixed(joint: Joint) -> list[list[_Limit]]:
    """Return the limits of every date on which they do not all move alike."""
    return [
        own
        for name, attribute in joint.attributes.items()
        if attribute.type == "date"
        for own in [_limits(joint, name)]
        if len({limit.moves for limit in own}) > 1
    ]


def _kinds(mixed: list[list[_Limit]], today: date) -> tuple[date, ...]:
    """Return a day of each kind, those nearest to *today*."""
    found: dict[object, date] = {}
    for ahead in range(_RANGE.days + 1):
        for day in (today + timedelta(days=ahead), today - timedelta(days=ahead)):
            kind = tuple(_order([limit.on(day) for limit in own]) for own in mixed)
            found.setdefault(kind, day)
    return tuple(found.values())


def _order(places: list[int]) -> tuple[int, ...]:
    ranks = {place: rank for rank, place in enumerate(sorted(set(places)))}
    return tuple(ranks[place] for place in places)


def _last_of_age(months: int, day: date) -> int:
    """Return the last day that is at least so many months old on *day*."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        return 0 if year < MINYEAR else date.max.toordinal()
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])).toordinal()


def _limits(joint: Joint, name: str) -> list[_Limit]:
    """Return where checks on the date *name* alone turn.

    Raises:
        _OneDay: If something else computes with its age, or where that is cannot be told.
    """
    attribute, use = joint.attributes[name], joint.uses[name]
    reads = [tree for tree in _trees(joint) if name in joint.reader.attributes(tree)]
    is_aged = any(joint.reader.reads_clock(tree) for tree in reads)
    if use.is_loose and is_aged:
        raise _OneDay
    probe = Probe.of(joint.carrier, attribute, checks=use.checks, today=joint.today)
    lattice = lattice_of(attribute)
    found: list[_Limit] = []
    for check in use.checks:
        cuts = cuts_of(check, probe, lattice, joint.reader)
        if cuts is None:
            raise _OneDay
        moves = _moves(joint, check)
        for cut in sorted(cuts):
            if not lattice.first < cut <= lattice.last:
                continue
            age = months_between(joint.today, date.fromordinal(cut)) if moves == "months" else 0
            found.append(_Limit(moves, cut, joint.today, age))
    return found


def _moves(joint: Joint, check: Node) -> Moves:
    """Return how the limits of one check move.

    Raises:
        _OneDay: If it asks for ages in days and in months.
    """
    derived = [joint.reader.formulas[name] for name in joint.reader.derived(check)]
    parts = list(chain.from_iterable(map(ast.walk, [check, *derived])))
    ages = {part.operator for part in parts if isinstance(part, ast.Apply)} & _AGES
    if not ages:
        return "fixed"
    if len(ages) > 1:
        raise _OneDay
    return "days" if ages == {"age_days"} else "months"


def together(answers: Iterable[Answer]) -> list[Answer]:
    """Return one answer for each question, of those on several kinds of day.

    What was shown on one day is so; a proof needs every day.
    """
    groups: dict[tuple[object, ...], list[Answer]] = {}
    for one in answers:
        groups.setdefault((one.question, one.about), []).append(one)
    found: list[Answer] = []
    for (question, _), several in groups.items():
        if question == "holes":
            holes = {one.words: one for one in several if one.answer != "no"}
            found += list(holes.values()) or several[:1]
        elif question in {"lowest", "highest"}:
            found.append(_furthest(several, is_highest=question == "highest"))
        else:
            found.append(_loudest(several))
    return found


def _loudest(several: list[Answer]) -> Answer:
    shown = [one for one in several if one.witness is not None]
    # A rule that counts on one of the days is not one that never does.
    counts = [one for one in several if one.question == "shadowed" and one.answer == "no"]
    unsettled = [one for one in several if one.answer == "not_settled"]
    return next(iter([*shown, *unsettled, *counts, *several]))


def _furthest(several: list[Answer], *, is_highest: bool) -> Answer:
    reached = [one for one in several if one.number is not None]
    unsettled = [one for one in several if one.answer != "yes"]
    if unsettled or not reached:
        return unsettled[0]
    pick = max if is_highest else min
    return pick(reached, key=lambda one: one.number or 0.0)
