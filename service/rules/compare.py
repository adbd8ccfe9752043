"""Two versions beside each other: what changed in the text, and why a decision moved.

What changed is told by id, field by field, and whether only words did. Why one subject's
decision moved is told exactly: how much came from new rules, new data and the passing of
time, as the Shapley value over the three (Shapley 1953), from all eight combinations.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import product
from typing import Final, Literal

from service.rules.decision import Decision
from service.rules.document import Part, RuleSetDocument, ScoreDocument
from service.rules.ruleset import RuleSet

Kind = Literal["added", "removed", "changed", "moved"]
Cause = Literal["rules", "data", "time"]
CAUSES: Final[tuple[Cause, ...]] = ("rules", "data", "time")

_WORDS: Final = frozenset({"title", "description", "label", "unit", "note", "reason", "message"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member's value before and after; None where it was or is left out."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Change:
    """One part that is not as it was.

    Attributes:
        kind: `moved` where only its place among its neighbours changed.
        part: `rule`, `gate`, `group`, `score`, `grade`, `outcome`, `attribute`, `list`,
            `derived name`, `metric`, `test`, or `setting` for what stands at the top.
        id: Its id, or its name.
        fields: What changed in it; all its members where it was added or removed.
        is_only_words: Whether no decision can differ by it.
        is_moved: Whether its place among its neighbours changed, whatever else did.
    """

    kind: Kind
    part: str
    id: str
    fields: tuple[FieldChange, ...]
    is_only_words: bool
    is_moved: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that changed from one rule set to another, in document order."""

    changes: tuple[Change, ...]
    is_same: bool
    is_same_logic: bool


def compare(before: RuleSet, after: RuleSet) -> Comparison:
    """Return what changed from *before* to *after*, part by part and field by field."""
    return Comparison(
        changes=tuple(_changes(before.document, after.document)),
        is_same=before.digest == after.digest,
        is_same_logic=before.logic_digest == after.logic_digest,
    )


Placed = tuple[int, Mapping[str, object]]


def _changes(before: RuleSetDocument, after: RuleSetDocument) -> Iterator[Change]:
    old, new = dict(_parts(before)), dict(_parts(after))
    stays = [key for key in old if key in new]
    kept_order = sorted(stays, key=lambda key: new[key][0])
    moved = _out_of_order(stays, {key: place for place, key in enumerate(kept_order)})
    for key, (_, members) in new.items():
        part, name = key
        if key not in old:
            yield Change("added", part, name, _fields({}, members), part == "test")
            continue
        fields = _fields(old[key][1], members)
        if fields or key in moved:
            is_moved = key in moved
            is_words = all(field.field in _WORDS for field in fields) and not is_moved
            kind: Kind = "changed" if fields else "moved"
            yield Change(kind, part, name, fields, part == "test" or is_words, is_moved)
    for (part, name), (_, members) in old.items():
        if (part, name) not in new:
            yield Change("removed", part, name, _fields(members, {}), part == "test")


def _out_of_order(
    keys: list[tuple[str, str]], place: Mapping[tuple[str, str], int]
) -> set[tuple[str, str]]:
    """Return the fewest keys whose move explains the new order: all but a longest rising run.

    Only rules, gates and outcomes can move; the order of keys elsewhere has no meaning.
    """
    ordered = [key for key in keys if key[0] in {"rule", "gate", "outcome"}]
    best: list[tuple[int, int | None]] = []
    for index, key in enumerate(ordered):
        earlier = [
            (best[other][0], other) for other in range(index) if place[ordered[other]] < place[key]
        ]
        length, link = max(earlier, default=(0, None), key=lambda entry: entry[0])
        best.append((length + 1, link))
    keep: set[tuple[str, str]] = set()
    at = max(range(len(best)), key=lambda index: best[index][0], default=None)
    while at is not None:
        keep.add(ordered[at])
        at = best[at][1]
    return set(ordered) - keep


def _parts(document: RuleSetDocument) -> Iterator[tuple[tuple[str, str], Placed]]:
    """Yield every part under its kind and id, with its place and its own members."""
    for place, (key, members) in enumerate(_named(document)):
        yield key, (place, members)


Named = tuple[tuple[str, str], Mapping[str, object]]


def _named(document: RuleSetDocument) -> Iterator[Named]:
    for setting in ("subject", "title", "description", "missing"):
        yield ("setting", setting), {setting: getattr(document, setting)}
    yield from _parts_by_name("attribute", document.attributes)
    for name in sorted(document.lists):
        yield ("list", name), {"items": list(document.lists[name])}
    for name in sorted(document.derived):
        yield ("derived name", name), {"expression": document.derived[name]}
    yield from _parts_by_name("metric", document.metrics or {})
    for gate in document.gates:
        yield ("gate", gate.id), _members(gate)
    for name in sorted(document.scores):
        yield from _of_score(name, document.scores[name])
    for name in sorted(document.grades):
        grade = document.grades[name]
        yield ("grade", name), {"of": grade.of, **grade.bands}
    for outcome in document.outcomes:
        yield ("outcome", outcome.id), _members(outcome)
    for test in document.tests:
        yield ("test", test.name), _members(test)


def _parts_by_name(kind: str, parts: Mapping[str, Part]) -> Iterator[Named]:
    for name in sorted(parts):
        yield (kind, name), _members(parts[name])


def _of_score(name: str, score: ScoreDocument) -> Iterator[Named]:
    yield ("score", name), _members(score, leave_out=("groups",))
    for group in score.groups or ():
        yield ("group", group.id), {"score": name, **_members(group, leave_out=("rules",))}
        for rule in group.rules:
            yield ("rule", rule.id), {"group": group.id, **_members(rule)}


def _members(part: Part, *, leave_out: Collection[str] = ("id",)) -> Mapping[str, object]:
    members = part.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in members.items() if name not in {"id", *leave_out}}


def _fields(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        FieldChange(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """What one decision stood on: a version, raw or stored facts, and the clock."""

    rules: RuleSet
    facts: Mapping[str, object]
    at: datetime
    tabled: Mapping[str, str] | None = None
    suspended: tuple[str, ...] = ()
    """Goes with the rules."""
    final: bool | None = None
    """Whether nothing more will be said; goes with the data."""

    def decide(self, *, final: bool) -> Decision:
        """Return the decision in this situation; *final* where it does not say itself."""
        return self.rules.decide(
            self.facts,
            at=self.at,
            final=final if self.final is None else self.final,
            suspended=self.suspended,
            tabled=self.tabled,
        )


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much of a move came from each cause; the shares of one entry add up exactly.

    Attributes:
        outcome: Of the step to the new outcome (1 in all where it changed, else nothing).
        scores: Of the change of each score's value that both versions have.
        verdict: As *outcome*, of the step to the new verdict.
    """

    outcome: Mapping[Cause, Fraction]
    scores: Mapping[str, Mapping[Cause, Fraction]]
    verdict: Mapping[Cause, Fraction]


Chosen = tuple[bool, ...]
"""Of each cause, in the order of `CAUSES`, whether it is as after."""


def why(
    before: Situation,
    after: Situation,
    *,
    final: bool = True,
    facts_of: Callable[[Chosen], Mapping[str, object]] | None = None,
) -> Attribution:
    """Return what made the decision move from *before* to *after*: rules, data or time.

    All eight mixtures of the two situations are decided. A cause's share is its mean effect
    over the orders in which the three could have changed, in exact fractions, so that the
    shares add up to the whole move and a cause that changed nothing has none. Facts go with
    the data, unless *facts_of* gives those of each mixture.
    """
    mixtures = {
        chosen: _mixed(before, after, chosen, facts_of).decide(final=final)
        for chosen in product((False, True), repeat=len(CAUSES))
    }
    ends = mixtures[False, False, False], mixtures[True, True, True]
    arrived = {
        chosen: Fraction(decision.outcome == ends[1].outcome)
        for chosen, decision in mixtures.items()
    }
    judged = {
        chosen: Fraction(decision.verdict == ends[1].verdict)
        for chosen, decision in mixtures.items()
    }
    shared = [name for name in ends[1].scores if name in ends[0].scores]
    return Attribution(
        outcome=_shares(arrived),
        scores={
            name: _shares({c: Fraction(d.scores[name].value) for c, d in mixtures.items()})
            for name in shared
        },
        verdict=_shares(judged),
    )


def _mixed(
    before: Situation,
    after: Situation,
    chosen: Chosen,
    facts_of: Callable[[Chosen], Mapping[str, object]] | None,
) -> Situation:
    rules, data, time = (after if is_new else before for is_new in chosen)
    facts = data.facts if facts_of is None else facts_of(chosen)
    return Situation(
        rules.rules, facts, time.at, data.tabled, suspended=rules.suspended, final=data.final
    )


def _shares(worth: Mapping[Chosen, Fraction]) -> dict[Cause, Fraction]:
    """Return the Shapley value of each of the three causes for the game *worth*."""
    weights = {0: Fraction(1, 3), 1: Fraction(1, 6), 2: Fraction(1, 3)}
    shares: dict[Cause, Fraction] = {}
    for index, cause in enumerate(CAUSES):
        total = Fraction(0)
        for chosen, value in worth.items():
            if chosen[index]:
                continue
            joined = (*chosen[:index], True, *chosen[index + 1 :])
            total += weights[sum(chosen)] * (worth[joined] - value)
        shares[cause] = total
    return shares
