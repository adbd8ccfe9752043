"""Which facts a flip turned on: those read by the rules that came out otherwise."""

from collections.abc import Iterator, Mapping

from service.rules import NO, Decision, Reader, Truth

__all__ = ["facts_that_matter"]

_Came = tuple[Truth, Truth, float]
"""How a gate or rule came out: while more may be answered, if nothing is, and its points."""


def facts_that_matter(before: Decision, after: Decision) -> tuple[str, ...]:
    """Return the attributes read by gates and rules that differ between two decisions, by name.

    Where none differs (a limit, a formula or an outcome's condition changed), those read by
    every gate and rule that played a part.
    """
    old, new = _parts(before), _parts(after)
    nothing: _Came = (NO, NO, 0.0)
    names: set[str] = set()
    for part in {**old, **new}:
        came_before, read_before = old.get(part, (nothing, frozenset()))
        came_after, read_after = new.get(part, (nothing, frozenset()))
        if came_before != came_after:
            names |= read_before | read_after
    if not names:
        for came, read in (*old.values(), *new.values()):
            names |= read if came != nothing else frozenset()
    return tuple(sorted(names))


def _parts(decision: Decision) -> Mapping[str, tuple[_Came, frozenset[str]]]:
    return dict(_each_part(decision))


def _each_part(decision: Decision) -> Iterator[tuple[str, tuple[_Came, frozenset[str]]]]:
    model, trace = decision.model, decision.trace
    reader = Reader.of(model)
    for gate, early, late in zip(model.gates, trace.open.gates, trace.closed.gates, strict=True):
        yield gate.id, ((early, late, 0.0), reader.attributes(gate.condition.node))
    rules = zip(model.rules, trace.open.rules, trace.closed.rules, trace.effects, strict=True)
    for rule, early, late, effect in rules:
        read = reader.attributes(rule.condition.node)
        if rule.points.formula is not None:
            read |= reader.attributes(rule.points.formula.node)
        yield rule.id, ((early, late, effect), read)
