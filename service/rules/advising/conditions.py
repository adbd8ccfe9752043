"""Conditions that can never be yes, always are, or come too late in a `first` group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.rules.advising.found import Advice, as_written
from service.rules.advising.tables import Case, cases_of, known_of
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Node
from service.rules.expression.tokens import listed, number
from service.rules.model import Condition, Group, Model, Rule
from service.rules.text_classes import texts_in
from service.rules.truth import YES
from service.rules.uses import Reader

_MOST_PAIRS: Final = 300
_MOST_TRIED: Final = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """A condition, the id it belongs to, and the JSON pointer of its text."""

    id: str
    condition: Condition
    pointer: str


def rules_of(group: Group, pointer: str) -> tuple[Placed, ...]:
    """Return the conditions of *group*, which stands at *pointer*."""
    return tuple(
        Placed(rule.id, rule.condition, f"{pointer}/rules/{place}/when")
        for place, rule in enumerate(group.rules)
    )


def groups_of(model: Model) -> Iterator[tuple[Group, str]]:
    """Yield every group with its JSON pointer."""
    for score in model.scores:
        for place, group in enumerate(score.groups):
            yield group, f"/scores/{score.name}/groups/{place}"


def settled_conditions(model: Model) -> Iterator[Advice]:
    """Yield `impossible` and `always` for gates, rules and outcomes that ask about facts only."""
    gates = [Placed(g.id, g.condition, f"/gates/{i}/when") for i, g in enumerate(model.gates)]
    outcomes = [
        Placed(outcome.id, outcome.condition, f"/outcomes/{place}/when")
        for place, outcome in enumerate(model.outcomes)
        if outcome.condition is not None
    ]
    for placed in (*gates, *outcomes):
        yield from _settled(model, placed, may_be_always=False)
    for group, pointer in groups_of(model):
        rules = rules_of(group, pointer)
        for place, placed in enumerate(rules):
            is_rest = group.mode == "first" and place == len(rules) - 1
            yield from _settled(model, placed, may_be_always=is_rest)


def _settled(model: Model, placed: Placed, *, may_be_always: bool) -> Iterator[Advice]:
    node = placed.condition.node
    if is_impossible(model, node):
        message = f"`{placed.id}` can never be yes: {_nothing_fits(model, placed.condition)}"
        yield Advice("impossible", message, placed.pointer)
    elif not may_be_always and _is_always(model, node):
        names = sorted(Reader.of(model).attributes(node))
        read = listed([f"`{name}`" for name in names])
        message = f"`{placed.id}` is yes whatever {read} {'is' if len(names) == 1 else 'are'}"
        yield Advice("always", f"{message}; narrow it or leave it out", placed.pointer)


def is_impossible(model: Model, node: Node) -> bool:
    """Whether no facts at all make *node* yes; False where that is not certain."""
    cases = cases_of(model, [node])
    if cases is not None:
        return not any(case.yes(0) for case in cases)
    match node:
        case ast.Logic(operator="and", parts=parts):
            return any(is_impossible(model, part) for part in parts)
        case ast.Logic(operator="or", parts=parts):
            return all(is_impossible(model, part) for part in parts)
        case _:
            return False


def _is_always(model: Model, node: Node) -> bool:
    """Whether every whole set of facts makes *node* yes, and it reads one at least."""
    cases = cases_of(model, [node]) if Reader.of(model).attributes(node) else None
    if not cases:
        return False
    asks_presence = any(isinstance(part, ast.Has) for part in ast.walk(node))
    return all(case.yes(0) for case in cases if case.is_whole or asks_presence)


def _nothing_fits(model: Model, condition: Condition) -> str:
    names = sorted(Reader.of(model).attributes(condition.node))
    written = as_written(condition.text)
    if len(names) != 1:
        return f"no facts fit {written}"
    attribute = model.attributes[names[0]]
    span = ""
    if attribute.type == "number":
        low, high = attribute.minimum, attribute.maximum
        span = f" from {number(low)}" if low is not None else ""
        span += f" to {number(high)}" if high is not None else (" up" if span else "")
    return f"no `{names[0]}`{span} fits {written}"


def late_rules(model: Model) -> Iterator[Advice]:
    """Yield `shadowed` for rules of `first` groups that earlier ones always take.

    And `overlap` where an earlier rule on a text takes some of what a later one gives more
    points for.
    """
    for group, pointer in groups_of(model):
        if group.mode == "first":
            yield from _late(model, group, rules_of(group, pointer))


def _late(model: Model, group: Group, placed: tuple[Placed, ...]) -> Iterator[Advice]:
    cases = cases_of(model, [rule.condition.node for rule in placed])
    for place in range(1, len(placed)):
        takers = _takers(model, placed, place, cases)
        if takers:
            message = (
                f"`{placed[place].id}` never counts: whenever it is yes,"
                f" {listed([f'`{taker}`' for taker in takers], last='or')} is yes before it"
            )
            yield Advice("shadowed", message, placed[place].pointer)
        else:
            yield from _text_overlap(model, group, placed, place)


def _takers(
    model: Model, placed: Sequence[Placed], place: int, cases: Sequence[Case] | None
) -> list[str]:
    """Return the earlier rules that take everything the one at *place* could, if they do."""
    if cases is not None:
        own = [case for case in cases if case.yes(place)]
        earlier = range(place)
        if not own or not all(any(case.yes(e) for e in earlier) for case in own):
            return []
        alone = [e for e in earlier if all(case.yes(e) for case in own)]
        some = [e for e in earlier if any(case.yes(e) for case in own)]
        return [placed[e].id for e in (alone[:1] or some)]
    if place * len(placed) > _MOST_PAIRS:
        return []
    for earlier_rule in placed[:place]:
        nodes = [earlier_rule.condition.node, placed[place].condition.node]
        pair = cases_of(model, nodes) or ()
        own = [case for case in pair if case.yes(1)]
        if own and all(case.yes(0) for case in own):
            return [earlier_rule.id]
    return []


def _text_overlap(
    model: Model, group: Group, placed: Sequence[Placed], place: int
) -> Iterator[Advice]:
    """Yield an overlap of two text rules where the earlier gives fewer points than the later."""
    later = group.rules[place]
    name = _only_text(model, later)
    for before in range(place) if name is not None else ():
        earlier = group.rules[before]
        gives_less = _fixed(earlier) is not None and _fixed(later) is not None
        if _only_text(model, earlier) != name or not gives_less:
            continue
        if earlier.points.fixed >= later.points.fixed:
            continue
        witness = _witness(model, str(name), earlier, later)
        if witness is not None:
            message = (
                f'`{earlier.id}` takes some of what `{later.id}` is for: `{name}` "{witness}"'
                f" gets {number(earlier.points.fixed)}, not {number(later.points.fixed)};"
                f" put `{later.id}` first if that is not meant"
            )
            yield Advice("overlap", message, placed[place].pointer)
            return


def _fixed(rule: Rule) -> float | None:
    return None if rule.points.formula is not None else rule.points.fixed


def _only_text(model: Model, rule: Rule) -> str | None:
    """Return the text attribute that *rule* asks about, where it asks about nothing else."""
    names = Reader.of(model).attributes(rule.condition.node)
    if len(names) != 1:
        return None
    (name,) = names
    is_text = model.attributes[name].type == "text"
    parts = any(
        isinstance(part, ast.Apply)
        and part.operator in {"contains", "startsWith", "endsWith", "matches"}
        for part in ast.walk(rule.condition.node)
    )
    return name if is_text and parts else None


def _witness(model: Model, name: str, earlier: Rule, later: Rule) -> str | None:
    """Return a text, made of the constants of both, on which both are yes."""
    first = [text for text in texts_in(earlier.condition.node) if text][:_MOST_TRIED]
    second = [text for text in texts_in(later.condition.node) if text][:_MOST_TRIED]
    joined = [f"{b} {a}" for b in second for a in first]
    for guess in (*second, *joined, *(f"{a} {b}" for b in second for a in first)):
        known = known_of(model, {name: guess})
        both = (earlier.condition.node, later.condition.node)
        if all(evaluate.truth(node, known) is YES for node in both):
            return guess
    return None
