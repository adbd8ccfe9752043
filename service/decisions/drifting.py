"""Whether what is decided, or what is sent, is not what it was: pure statistics.

Two samples of decisions are held side by side, the recent ones and those before. A topic
has moved where its shares differ by much, and by more than chance makes them differ. With
little to go by nothing is said.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal

__all__ = [
    "LARGE",
    "LEAST",
    "MISSING",
    "VERDICTS",
    "Comparison",
    "Drift",
    "Held",
    "Sampled",
    "State",
]
__all__ += ["chance_of", "compared", "drifts_of", "left_at", "missing_topic"]

LARGE: Final = 0.10
"""Shares that differ by less are nobody's concern."""
_OVER: Final = LARGE / 2
_LEVEL: Final = 0.001
LEAST: Final = 50
"""With fewer decisions on a side nothing can be said."""
_NAMES: Final = 3

VERDICTS: Final = "verdicts"
MISSING: Final = "missing"


class State(Enum):
    """How a topic stands. Between moved and over, what is open stays and nothing opens."""

    UNKNOWN = "not enough data"
    MOVED = "moved"
    BETWEEN = "between"
    OVER = "as before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """So many sampled decisions by one version in one *hour*; of undeclared names in all.

    *kind* says what is counted of them: those with a verdict *name*; all whose facts are
    there; those that know an attribute *name*; those that were sent an undeclared one.
    """

    is_recent: bool
    version: int
    hour: datetime | None
    kind: Literal["verdict", "facts", "present", "undeclared"]
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One topic before and after: counts by name, and the name whose share moved most.

    Of what is missing or known, it is what is missing.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    name: str
    state: State

    @property
    def share_before(self) -> float:
        """The share of *name* before."""
        return _share(self.before, self.name)

    @property
    def share_after(self) -> float:
        """The share of *name* now."""
        return _share(self.after, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one topic stands. *since* is the first hour of the move, where it moved.

    *new_names* are undeclared names that came up meanwhile, the most frequent first.
    """

    topic: str
    attribute: str | None
    found: Comparison
    since: datetime | None
    new_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a topic is held against where it was noticed before.

    While that lasts, *before* as it was then; afterwards, what is left of the time before
    without the hours from *left_out* that were noticed.
    """

    before: Mapping[str, int] | None = None
    left_out: tuple[tuple[datetime, datetime], ...] = ()

    def takes(self, one: Sampled) -> bool:
        """Return whether a sample counts."""
        if one.is_recent or one.hour is None:
            return True
        hour = one.hour
        return not any(since <= hour < until for since, until in self.left_out)


def missing_topic(attribute: str) -> str:
    """Return the topic of how often *attribute* is missing."""
    return f"{MISSING}/{attribute}"


def drifts_of(
    sampled: Collection[Sampled],
    *,
    live: int,
    declared: Mapping[int, Collection[str]],
    held: Mapping[str, Held] | None = None,
) -> tuple[Drift, ...]:
    """Return how every topic of a rule set stands.

    The mix of verdicts is that of the version that is *live*: a release changes it on
    purpose. An attribute is looked for wherever the version *declared* it.
    """
    level = _LEVEL / (1 + len(declared[live]))
    against = held or {}
    mine = against.get(VERDICTS, Held())
    drifts = [_drift_of(VERDICTS, None, _verdicts(sampled, live, mine), level=level)]
    for name in declared[live]:
        asking = {version for version, names in declared.items() if name in names}
        topic = missing_topic(name)
        counted = _missing(sampled, name, asking, against.get(topic, Held()))
        drift = _drift_of(topic, name, counted, level=level)
        if drift.found.state is State.MOVED:
            drift = _with_names(drift, sampled, asking)
        drifts.append(drift)
    return tuple(drifts)


def compared(before: Mapping[str, int], after: Mapping[str, int], *, level: float) -> Comparison:
    """Hold two mixes side by side; chance alone makes them differ so with less than *level*."""
    names = sorted({*before, *after})
    name = max(
        [MISSING] if MISSING in names or not names else names,
        key=lambda each: abs(_share(after, each) - _share(before, each)),
    )
    distance = abs(_share(after, name) - _share(before, name))
    if min(sum(before.values()), sum(after.values())) < LEAST:
        state = State.UNKNOWN
    elif distance >= LARGE and chance_of(before, after) < level:
        state = State.MOVED
    else:
        state = State.OVER if distance < _OVER else State.BETWEEN
    return Comparison(before=before, after=after, name=name, state=state)


def chance_of(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Return how likely two samples of one mix differ so much: Pearson's test of homogeneity.

    With two names it is the test of two proportions. There are four at most.
    """
    names = {name for name in (*before, *after) if before.get(name, 0) + after.get(name, 0)}
    sizes = [sum(side.values()) for side in (before, after)]
    statistic = 0.0
    for name in names:
        counts = [side.get(name, 0) for side in (before, after)]
        for count, size in zip(counts, sizes, strict=True):
            expected = sum(counts) * size / sum(sizes)
            statistic += (count - expected) ** 2 / expected
    return _tail_of(statistic, len(names) - 1)


def left_at(hours: Mapping[datetime, Mapping[str, int]], found: Comparison) -> datetime | None:
    """Return the first hour in which a share was no longer what it had been.

    It comes after the lowest point of the sum of what is above the middle between before
    and now (Page's cumulative sum, 1954).
    """
    middle = (found.share_before + found.share_after) / 2
    sign = 1 if found.share_after > found.share_before else -1
    total, lowest, since = 0.0, 0.0, None
    for hour in sorted(hours):
        since = since or hour
        counts = hours[hour]
        total += sign * (counts.get(found.name, 0) - middle * sum(counts.values()))
        if total <= lowest:
            lowest, since = total, None
    return since or max(hours, default=None)


_Counted = tuple[Counter[str], Counter[str], dict[datetime, Counter[str]]]


def _drift_of(topic: str, attribute: str | None, counted: _Counted, *, level: float) -> Drift:
    before, after, hours = counted
    found = compared(before, after, level=level)
    since = left_at(hours, found) if found.state is State.MOVED else None
    return Drift(topic=topic, attribute=attribute, found=found, since=since)


def _verdicts(sampled: Iterable[Sampled], live: int, held: Held) -> _Counted:
    wanted = (one for one in sampled if one.kind == "verdict" and one.version == live)
    return _counted(((one, one.name, one.count) for one in wanted), held)


def _missing(
    sampled: Iterable[Sampled], name: str, asking: Collection[int], held: Held
) -> _Counted:
    """Count the decisions that know *name* and those that do not, by versions that ask for it."""
    changes: list[tuple[Sampled, str, int]] = []
    for one in sampled:
        if one.version in asking and one.kind == "facts":
            changes.append((one, MISSING, one.count))
        elif one.version in asking and one.kind == "present" and one.name == name:
            changes += [(one, "known", one.count), (one, MISSING, -one.count)]
    return _counted(changes, held)


def _counted(changes: Iterable[tuple[Sampled, str, int]], held: Held) -> _Counted:
    before, after = Counter[str](), Counter[str]()
    hours: dict[datetime, Counter[str]] = {}
    for one, name, count in changes:
        if held.takes(one):
            (after if one.is_recent else before)[name] += count
        if one.is_recent and one.hour is not None:
            hours.setdefault(one.hour, Counter())[name] += count
    return before if held.before is None else Counter(held.before), after, hours


def _with_names(drift: Drift, sampled: Iterable[Sampled], asking: Collection[int]) -> Drift:
    """Add the undeclared names that come up about as often as the attribute is missed more."""
    if drift.found.share_after < drift.found.share_before:
        return drift
    counts = {True: Counter[str](), False: Counter[str]()}
    for one in sampled:
        if one.kind == "undeclared" and one.version in asking:
            counts[one.is_recent][one.name] += one.count
    sizes = {True: sum(drift.found.after.values()), False: sum(drift.found.before.values())}
    gained = {
        name: count / sizes[True] - counts[False][name] / sizes[False]
        for name, count in counts[True].items()
    }
    often = sorted((n for n, g in gained.items() if g >= _OVER), key=lambda n: (-gained[n], n))
    return Drift(
        topic=drift.topic,
        attribute=drift.attribute,
        found=drift.found,
        since=drift.since,
        new_names=tuple(often[:_NAMES]),
    )


def _share(counts: Mapping[str, int], name: str) -> float:
    total = sum(counts.values())
    return counts.get(name, 0) / total if total else 0.0


def _tail_of(statistic: float, freedom: int) -> float:
    """Return the upper tail of the chi-square distribution, with up to 3 degrees of freedom."""
    match freedom:
        case 1:
            return math.erfc(math.sqrt(statistic / 2))
        case 2:
            return math.exp(-statistic / 2)
        case 3:
            rest = math.sqrt(2 * statistic / math.pi) * math.exp(-statistic / 2)
            return math.erfc(math.sqrt(statistic / 2)) + rest
        case _:
            return 1.0
