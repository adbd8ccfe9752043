"""For whom something is so: one example widened as far as it provably stays so.

What does not matter is left out, what is left is widened value by value; the outcome is a
description without a cause left in it that could be dropped.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import z3

from service.rules.attributes import admit
from service.rules.solver.allowed import Allowed
from service.rules.solver.answers import Region
from service.rules.solver.domains import fact_key, places_of
from service.rules.solver.session import OutOfTime, Raw, Session
from service.rules.solver.slots import Slot
from service.rules.solver.words import region_words

_MOST_TRIED: Final = 24
_GALLOPS: Final = 24

Holds = Callable[[float], bool]


Test = Callable[[Allowed], bool]


def region_of(session: Session, facts: Raw, goal: z3.BoolRef) -> Region | None:
    """Return where *goal* holds around *facts*; None where even for those it is not certain.

    Raises:
        OutOfTime: If the time was over before anything came out.
    """
    cube = {name: _only(session, slot, facts) for name, slot in session.slots.items()}
    kept = _core(session, cube, goal)
    if kept is None:
        return None
    try:
        for name in list(kept):
            rest = {other: one for other, one in kept.items() if other != name}
            if _is_certain(session, rest, goal):
                kept = rest
        for name in list(kept):
            for wider in _wider(session, kept, name, goal):
                kept[name] = wider
    except OutOfTime:
        pass
    parts = tuple(kept.values())
    return region_words(parts, is_all=_is_all(session, kept, goal))


def _only(session: Session, slot: Slot, facts: Raw) -> Allowed:
    """Return that the attribute is just what *facts* say."""
    domain = slot.domain
    raw = {domain.name: facts.get(fact_key(domain))}
    value = admit(raw, {domain.name: domain.attribute}).values.get(domain.name)
    if value is None:
        return Allowed(slot, frozenset(), may_lack=True)
    if slot.number is not None and isinstance(value, float):
        return Allowed(slot, frozenset(), may_lack=False, low=value, high=value)
    places = frozenset(places_of(session.joint, domain, value))
    return Allowed(slot, places, may_lack=False)


def _core(
    session: Session, cube: dict[str, Allowed], goal: z3.BoolRef
) -> dict[str, Allowed] | None:
    """Return the parts of *cube* that are needed for *goal*; None where they are not enough."""
    names = {z3.Bool(f"so {name}"): name for name in cube}
    laws = [z3.Implies(flag, cube[name].holds) for flag, name in names.items()]
    session.solver.push()
    try:
        session.solver.add(*laws, z3.Not(goal))
        if session.check(*names) is not None:
            return None
        core = {str(flag) for flag in session.solver.unsat_core()}
    finally:
        session.solver.pop()
    return {name: cube[name] for flag, name in names.items() if str(flag) in core}


def _is_certain(session: Session, cube: dict[str, Allowed], goal: z3.BoolRef) -> bool:
    return session.check(z3.Not(goal), *(allowed.holds for allowed in cube.values())) is None


def _is_all(session: Session, cube: dict[str, Allowed], goal: z3.BoolRef) -> bool | None:
    try:
        outside = z3.Not(z3.And([allowed.holds for allowed in cube.values()]))
        return session.check(goal, outside) is None
    except OutOfTime:
        return None


def _wider(
    session: Session, cube: dict[str, Allowed], name: str, goal: z3.BoolRef
) -> Iterator[Allowed]:
    """Yield wider and wider values of the attribute *name* for which *goal* stays certain."""
    now = cube[name]

    def is_certain(wider: Allowed) -> bool:
        return _is_certain(session, {**cube, name: wider}, goal)

    for step in (_with_places, _with_numbers, _with_lack):
        for wider in step(now, is_certain):
            now = wider
            yield now


def _with_lack(now: Allowed, is_certain: Test) -> Iterator[Allowed]:
    if not now.may_lack:
        wider = Allowed(now.slot, now.places, may_lack=True, low=now.low, high=now.high)
        if is_certain(wider):
            yield wider


def _with_places(now: Allowed, is_certain: Test) -> Iterator[Allowed]:
    if now.low is not None:
        return
    domain = now.slot.domain
    others = [place for place in range(len(domain.sorts)) if place not in now.places]
    if domain.lattice is None:
        tried = others[:_MOST_TRIED]
        for place in tried:
            wider = Allowed(now.slot, now.places | {place}, now.may_lack)
            if is_certain(wider):
                now = wider
                yield now
        return
    if not now.places:
        return
    last = len(domain.sorts) - 1
    for is_up in (True, False):
        end = last if is_up else 0
        edge = max(now.places) if is_up else min(now.places)
        while edge != end:
            edge += 1 if is_up else -1
            wider = Allowed(now.slot, now.places | {edge}, now.may_lack)
            if not is_certain(wider):
                break
            now = wider
            yield now


def _with_numbers(now: Allowed, is_certain: Test) -> Iterator[Allowed]:
    lattice = now.slot.domain.lattice
    if now.low is None or now.high is None or lattice is None:
        return
    low, high = lattice.at(lattice.first), lattice.at(lattice.last)
    if not isinstance(low, float) or not isinstance(high, float):
        return
    for is_up in (True, False):
        start, end = (now.high, high) if is_up else (now.low, low)
        edge = _furthest(start, end, partial(_holds_up_to, now, is_certain, is_up))
        if edge is not None:
            now = _reaching(now, edge, is_up=is_up)
            yield now


def _reaching(now: Allowed, value: float, *, is_up: bool) -> Allowed:
    return replace(now, high=value) if is_up else replace(now, low=value)


def _holds_up_to(now: Allowed, is_certain: Test, is_up: bool, value: float) -> bool:  # noqa: FBT001 - bound by place
    return is_certain(_reaching(now, value, is_up=is_up))


def _furthest(start: float, end: float, holds: Holds) -> float | None:
    """Return the whole number furthest from *start* towards *end* up to which it *holds*."""
    if start == end:
        return None
    if holds(end):
        return end
    way = 1.0 if end > start else -1.0
    near, step = 0.0, 1.0
    for _ in range(_GALLOPS):
        if abs(step) >= abs(end - start) or not holds(start + way * step):
            break
        near, step = step, step * 2
    far = min(step, abs(end - start))
    while far - near > 1:
        middle = float(int((near + far) / 2))
        if holds(start + way * middle):
            near = middle
        else:
            far = middle
    return start + way * near if near else None
