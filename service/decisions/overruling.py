"""Which rules people overrule, and how often of all the times they spoke.

A decision counts once, however often people changed their minds about it, and by their
newest word. A word that only holds on to what the rules said overrules nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from service.decisions import overruled_store
from service.decisions.desk import Desk
from service.decisions.override_showing import state_of
from service.decisions.speaking import Part, decided_by
from service.rules.model import Group, Model
from service.rules.ranges import point
from service.rules.scores import counted
from service.rules.truth import NO, YES
from service.storage import transaction

__all__ = ["Counted", "OverruledPart", "count_overruled", "in_model"]

_TRUTHS: Final = {"y": YES, "n": NO}


@dataclass(slots=True)
class OverruledPart:
    """A gate, rule or outcome, and the overrides of decisions it spoke in."""

    part: Part
    overruled: int = 0
    withdrawn: int = 0
    decisions: int = 0
    directions: Counter[tuple[str, str]] = field(default_factory=Counter)
    overrides: list[UUID] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Overruled decisions of all it spoke in."""
        return self.overruled / self.decisions if self.decisions else 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted in a window, the most overruled part first."""

    decisions: int
    overruled: int
    parts: tuple[OverruledPart, ...]


async def count_overruled(
    desk: Desk, rule_set: str, *, since: datetime, until: datetime, at: datetime
) -> Counted:
    """Count over the decisions of *rule_set* made from *since* on and before *until*."""
    async with transaction(desk.house.engine) as connection:
        rows = await overruled_store.list_overruled(connection, rule_set, since=since, until=until)
        letters = await overruled_store.count_letters(
            connection, rule_set, since=since, until=until
        )
    parts = _overruled(rows, at=at)
    versions = sorted({row.version for row in letters})
    models = {
        number: (await desk.live.version(rule_set, number)).rules.model for number in versions
    }
    _add_decided(parts, letters, models)
    places = {place for model in models.values() for place in _open_places(model, parts)}
    if places:
        async with transaction(desk.house.engine) as connection:
            moved = await overruled_store.count_moved(
                connection, rule_set, since=since, until=until, places=sorted(places)
            )
        _add_moved(parts, moved, models)
    order = sorted(parts.values(), key=lambda one: (-one.overruled, -one.share, one.part))
    return Counted(
        decisions=sum(row.decisions for row in letters),
        overruled=sum(_is_otherwise(row) for row in rows),
        parts=tuple(order),
    )


def in_model(part: Part, model: Model) -> bool:
    """Return whether *model* has a gate, rule or outcome of this id."""
    named = {
        "gate": {gate.id for gate in model.gates},
        "points": {rule.id for rule in model.rules},
        "outcome": {outcome.id for outcome in model.outcomes},
    }
    return part.id in named[part.kind]


def _is_otherwise(row: Row[Any]) -> bool:
    is_other_outcome = row.outcome not in {None, row.rules_outcome}
    return row.verdict != row.rules_verdict or is_other_outcome


def _overruled(rows: Sequence[Row[Any]], *, at: datetime) -> dict[Part, OverruledPart]:
    """Return the parts that spoke in overruled decisions, with their overrides."""
    parts: dict[Part, OverruledPart] = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        if not _is_otherwise(row):
            continue
        for spoken in row.rules:
            part = Part(**spoken)
            found = parts.setdefault(part, OverruledPart(part))
            found.overruled += 1
            found.withdrawn += state_of(row, at=at) == "withdrawn"
            found.directions[row.rules_verdict, row.verdict] += 1
            found.overrides.append(row.id)
    return parts


def _add_decided(
    parts: Mapping[Part, OverruledPart], letters: Sequence[Row[Any]], models: Mapping[int, Model]
) -> None:
    """Add how many decisions each part spoke in, as far as letters tell."""
    wanted = {number: tuple(_groups(model, parts)) for number, model in models.items()}
    points = {
        number: tuple(point(rule.points.fixed) for rule in model.rules)
        for number, model in models.items()
    }
    for row in letters:
        model = models[row.version]
        decider = decided_by(
            model,
            verdict=row.verdict,
            outcome=row.outcome,
            gates=row.gates,
            outcomes=row.outcomes,
        )
        if decider is not None and decider in parts:
            parts[decider].decisions += row.decisions
        if decider is not None and decider.kind == "gate":
            continue
        truths = tuple(_TRUTHS[letter] for letter in row.rules)
        for group in wanted[row.version]:
            for place in counted(group, truths, points[row.version]):
                if points[row.version][place].low:
                    _add(parts, model, place, row.decisions)


def _add_moved(
    parts: Mapping[Part, OverruledPart], moved: Sequence[Row[Any]], models: Mapping[int, Model]
) -> None:
    """Add how many decisions the rules spoke in whose effects had to be looked at."""
    for row in moved:
        model = models.get(row.version)
        if model is None:  # the version's first decision was made since the letters were read
            continue
        decider = decided_by(
            model, verdict=row.verdict, outcome=row.outcome, gates=row.gates, outcomes=""
        )
        if decider is None:
            for place in _open_places(model, parts):
                _add(parts, model, place, getattr(row, f"place_{place}"))


def _add(parts: Mapping[Part, OverruledPart], model: Model, place: int, decisions: int) -> None:
    found = parts.get(Part("points", model.rules[place].id))
    if found is not None:
        found.decisions += decisions


def _groups(model: Model, parts: Collection[Part], *, is_open: bool = False) -> Iterator[Group]:
    """Yield the groups with a rule among *parts*.

    Where points are fixed, letters say which rules counted. Of an open group a formula
    computes some: only the effects that were stored can tell.
    """
    for score in model.scores:
        for group in score.groups:
            has_formula = any(rule.points.formula is not None for rule in group.rules)
            is_wanted = any(Part("points", rule.id) in parts for rule in group.rules)
            if is_wanted and has_formula is is_open:
                yield group


def _open_places(model: Model, parts: Collection[Part]) -> list[int]:
    return [
        place
        for group in _groups(model, parts, is_open=True)
        for place, rule in enumerate(group.rules, group.first_rule)
        if Part("points", rule.id) in parts
    ]
