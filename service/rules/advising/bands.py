"""Bands on one number: values in two of them, or between two; and outcomes on one score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from service.rules.advising.conditions import Placed, groups_of, rules_of
from service.rules.advising.found import DAY, Advice
from service.rules.attributes import Attribute
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Node
from service.rules.expression.tokens import number
from service.rules.expressions import checks_of
from service.rules.lattice import Lattice, lattice_of, stretches
from service.rules.model import Group, Model, Score
from service.rules.scores import judge
from service.rules.truth import YES
from service.rules.uses import Probe, Reader


@dataclass(frozen=True, slots=True)
class Held:
    """Neighbouring values, from place *first* to *last*, and the bands that hold them all."""

    first: int
    last: int
    bands: frozenset[int]


@dataclass(frozen=True, slots=True)
class Scale:
    """One number or date, and conditions on it alone."""

    name: str
    lattice: Lattice
    placed: tuple[Placed, ...]
    stretches: tuple[Held, ...]

    def at(self, place: int) -> str:
        """Return the value at *place* in words."""
        value = self.lattice.at(place)
        return value.isoformat() if isinstance(value, date) else number(value)

    def span(self, first: int, last: int) -> str:
        """Return the values from *first* to *last* in words, ends by their round neighbours."""
        if first == last:
            return self.at(first)
        low = self.at(first) if self._is_round(first) else f"over {self.at(first - 1)}"
        high = self.at(last) if self._is_round(last) else f"under {self.at(last + 1)}"
        if first == self.lattice.first:
            return f"up to {high}"
        return f"from {low}" if last == self.lattice.last else f"{low} to {high}"

    def holes(self) -> Iterator[tuple[int, int]]:
        """Yield the first and last place of what lies between bands and in none."""
        taken = [place for place, held in enumerate(self.stretches) if held.bands]
        for held in self.stretches[taken[0] : taken[-1]] if taken else ():
            if not held.bands:
                yield held.first, held.last

    def _is_round(self, place: int) -> bool:
        value = self.lattice.at(place)
        return isinstance(value, date) or round(value, 4) == value


def banded_rules(model: Model) -> Iterator[Advice]:
    """Yield `overlap` and `gap` for the rules of a group that ask about one number alone."""
    for group, scale, is_alone in _scales_of_rules(model):
        yield from _overlaps(scale, group)
        if is_alone:
            yield from _gaps(scale, f"no rule of `{group.id}` takes it")


def rule_scales(model: Model) -> Iterator[tuple[Group, Scale]]:
    """Yield each group with each number that two of its rules or more ask about alone."""
    for group, scale, is_alone in _scales_of_rules(model):
        if is_alone and len(scale.placed) > 1:
            yield group, scale


def _scales_of_rules(model: Model) -> Iterator[tuple[Group, Scale, bool]]:
    """Yield groups and numbers, and whether no rule of the group asks of it beside others."""
    for group, pointer in groups_of(model):
        rules = rules_of(group, pointer)
        for name in _numbers(model, rules):
            scale = _scale_of_rules(model, name, rules)
            if scale is not None:
                yield group, scale, not _is_read_beside(model, name, rules)


def _numbers(model: Model, rules: Sequence[Placed]) -> list[str]:
    """Return the numbers and dates that some rule asks about alone."""
    alone = [_alone(model, rule.condition.node) for rule in rules]
    return list(dict.fromkeys(name for name in alone if name is not None))


def _alone(model: Model, node: Node) -> str | None:
    names = Reader.of(model).attributes(node)
    if len(names) != 1:
        return None
    (name,) = names
    return name if model.attributes[name].type in {"number", "date"} else None


def _is_read_beside(model: Model, name: str, rules: Sequence[Placed]) -> bool:
    reader = Reader.of(model)
    return any(
        name in reader.attributes(rule.condition.node)
        and _alone(model, rule.condition.node) is None
        for rule in rules
    )


def _scale_of_rules(model: Model, name: str, rules: Sequence[Placed]) -> Scale | None:
    mine = tuple(rule for rule in rules if _alone(model, rule.condition.node) == name)
    nodes = [rule.condition.node for rule in mine]
    return _scale(model, model.attributes[name], mine, nodes)


def _scale(
    model: Model, attribute: Attribute, placed: tuple[Placed, ...], nodes: Sequence[Node]
) -> Scale | None:
    """Return how *nodes* cut the values of *attribute*, or None where that is not certain."""
    checks = [check for node in nodes for check in checks_of(node)]
    probe = Probe.of(model, attribute, checks=checks, today=DAY)
    lattice = lattice_of(attribute)
    found, is_complete = stretches(probe, lattice, Reader.of(model))
    if not is_complete or not placed:
        return None
    held: list[Held] = []
    for stretch in found:
        known = replace(probe.knowing(lattice.at(stretch.first)), is_open=False)
        bands = frozenset(i for i, node in enumerate(nodes) if evaluate.truth(node, known) is YES)
        if held and held[-1].bands == bands:
            held[-1] = Held(held[-1].first, stretch.last, bands)
        else:
            held.append(Held(stretch.first, stretch.last, bands))
    return Scale(attribute.name, lattice, placed, tuple(held))


def _overlaps(scale: Scale, group: Group) -> Iterator[Advice]:
    """Yield the pairs of bands that share values though neither holds the other."""
    for later in range(1, len(scale.placed)):
        for earlier in range(later):
            both = [s for s in scale.stretches if {earlier, later} <= s.bands]
            alone = [s.bands & {earlier, later} for s in scale.stretches]
            if not both or {earlier} not in alone or {later} not in alone:
                continue
            first, second = scale.placed[earlier].id, scale.placed[later].id
            shared = scale.span(both[0].first, both[-1].last)
            ends = {
                "first": f"`{first}` takes it",
                "sum": "both add their points",
                "max": "the larger points count",
            }
            message = f"`{scale.name}` {shared} is in both `{first}` and `{second}`"
            yield Advice("overlap", f"{message}; {ends[group.mode]}", scale.placed[later].pointer)


def _gaps(scale: Scale, ends_in: str) -> Iterator[Advice]:
    """Yield the single values that lie between two bands and in none."""
    neighbours = zip(scale.stretches, scale.stretches[1:], scale.stretches[2:], strict=False)
    for before, hole, after in neighbours:
        if hole.bands or hole.first != hole.last or not before.bands or not after.bands:
            continue
        low, high = scale.placed[min(before.bands)], scale.placed[min(after.bands)]
        value = scale.at(hole.first)
        sides = f"`{low.id}` (below {value}) and `{high.id}` (above {value})"
        later = max(min(before.bands), min(after.bands))
        message = f"{scale.name} {value} falls between {sides}; {ends_in}"
        yield Advice("gap", message, scale.placed[later].pointer)


def banded_outcomes(model: Model) -> Iterator[Advice]:
    """Yield `gap` and `unreachable` for outcomes that ask about one score alone."""
    for _, scale in _scales_of_outcomes(model):
        if _others_are_unconditional(model, scale.placed):
            yield from _gaps(scale, f"it ends in `{model.outcomes[-1].id}`")
        yield from _never_reached(model, scale)


def outcome_scales(model: Model) -> Iterator[tuple[Score, Scale]]:
    """Yield each score on which two outcomes or more depend alone, if all that have conditions."""
    for score, scale in _scales_of_outcomes(model):
        if len(scale.placed) > 1 and _others_are_unconditional(model, scale.placed):
            yield score, scale


def _scales_of_outcomes(model: Model) -> Iterator[tuple[Score, Scale]]:
    spans = judge(model, {}, today=DAY).scores
    for score, span in zip(model.scores, spans, strict=True):
        placed = tuple(
            Placed(outcome.id, outcome.condition, f"/outcomes/{place}/when")
            for place, outcome in enumerate(model.outcomes)
            if outcome.condition is not None and _asks_only(outcome.condition.node, score)
        )
        attribute = Attribute(
            name=score.name, type="number", label=score.label, minimum=span.low, maximum=span.high
        )
        nodes = [_as_fact(rule.condition.node) for rule in placed]
        scale = _scale(model, attribute, placed, nodes)
        if scale is not None:
            yield score, scale


def _asks_only(node: Node, score: Score) -> bool:
    """Whether *node* reads *score* and nothing else of the subject."""
    read = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute | ast.Derived | ast.Score | ast.Grade | ast.Has)
    ]
    return all(isinstance(part, ast.Score) and part.name == score.name for part in read)


def _others_are_unconditional(model: Model, placed: Sequence[Placed]) -> bool:
    conditional = [outcome for outcome in model.outcomes if outcome.condition is not None]
    return len(conditional) == len(placed)


def _as_fact(node: Node) -> Node:
    """Return *node* asking about a fact of the score's name instead of the score."""
    match node:
        case ast.Score(name=name, type=kind, span=span):
            return ast.Attribute(name, kind, span)
        case ast.Not(part=part):
            return replace(node, part=_as_fact(part))
        case ast.Logic(parts=parts) | ast.AtLeast(parts=parts):
            return replace(node, parts=tuple(_as_fact(part) for part in parts))
        case ast.Apply(arguments=arguments):
            return replace(node, arguments=tuple(_as_fact(part) for part in arguments))
        case _:
            return node


def _never_reached(model: Model, scale: Scale) -> Iterator[Advice]:
    """Yield the outcomes whose every value of the score an earlier one takes."""
    by_gate = {model.outcomes[gate.outcome].id for gate in model.gates}
    for later, placed in enumerate(scale.placed):
        own = [s.bands for s in scale.stretches if later in s.bands]
        takers = sorted({min(bands) for bands in own})
        if own and later not in takers and placed.id not in by_gate:
            ids = " or ".join(f"`{scale.placed[taker].id}`" for taker in takers)
            message = f"`{placed.id}` is never reached: whenever it is yes, {ids} is yes before it"
            yield Advice("unreachable", message, placed.pointer)
