"""Hypothesis strategies for metrics and ledgers, shared by every law of measuring.

Events sit on and beside the edges of windows, say what the conditions ask, or do not say it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from service.rules import Event, RuleSet, load_rule_set
from service.rules.metrics.model import Window

Json = dict[str, object]

CLOCKS: Final = st.sampled_from(
    [
        datetime(2026, 3, 31, 10, 30, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2025, 8, 31, 12, tzinfo=UTC),
    ]
)
"""Instants from which a month back is the last of a shorter one, or a leap day."""

WINDOWS: Final = (None, "1 month", "6 months", "12 months", "1 day", "90 days")
_TICK: Final = timedelta(microseconds=1)

NUMBERS: Final = (
    0, 1, -1, 2, 0.1, 0.2, 0.3, 41, 1250.4, 0.000001, 999_999_999.999999, -1250.4, 7.5, 1e-9,
)  # fmt: skip

SAID: Final[Mapping[str, Mapping[str, tuple[object, ...]]]] = {
    "revenue": {"amount": NUMBERS},
    "support_case": {
        "hours": NUMBERS, "severity": ("high", "low", "ß", 'say "x"', "%"), "cause": ("setup",),
    },
    "meeting": {"held": (True, False), "excused": (True, False)},
    "abuse": {"severity": ("rude", "harassment", "threat", "else")},
    "nps": {"score": (0, 6, 9, 10)},
    "seat_change": {"seats": (1, 2, 2.5, -3), "plan": ("free", "paid"), "trial": (True, False)},
}  # fmt: skip
"""What events of each kind can say; `seat_change` is a kind of somebody's own."""

OWN: Final = {"quantities": {"seats": "number", "plan": "text", "trial": "flag"}}

_ATOMS: Final[Mapping[str, tuple[str, ...]]] = {
    "revenue": ("amount > 0", "amount == 0.1 + 0.2", "has(amount)", "amount in [1, 41, 1250.4]"),
    "support_case": (
        "hours >= 2", "has(hours)", 'severity == "high"', 'severity != "low"', "2 * hours < 0.3",
        'severity in ["ß", "%"]', 'severity.contains("ay ")', 'cause.startsWith("s")',
        "between(hours, 0, 1)", "ratio(1, hours, 5) > 2", "severity in lists.bad",
        '(hours > 1 ? severity : cause) == "setup"',
    ),
    "meeting": ("held", "!held", "held == false", "excused == false", "has(excused)"),
    "abuse": ('severity >= "harassment"', 'severity == "rude"', "has(severity)"),
    "nps": ("score <= 6", "has(score)", "clamp(score, 0, 5) == 5"),
    "seat_change": ("seats > 1", 'plan == "paid"', "trial", "!trial", "has(plan)"),
}  # fmt: skip
_COUNTABLE: Final = ("sum", "mean", "min", "max", "last")


@st.composite
def metrics(draw: st.DrawFn) -> Json:
    """Return one metric, as a rule set declares it."""
    window = draw(st.sampled_from(WINDOWS))
    rest: Json = {} if window is None else {"window": window}
    if draw(st.integers(0, 4)) == 0:
        return {"cost": draw(_rates()), **rest}
    kind = draw(st.sampled_from(sorted(SAID)))
    if kind == "seat_change":
        rest |= OWN
    where = draw(st.none() | _conditions(kind))
    if where is not None:
        rest["where"] = where
    numbers = [name for name, said in SAID[kind].items() if _is_number(said)]
    ways = ["count", "distinct", *(["share"] if where else []), *(_COUNTABLE if numbers else ())]
    way = draw(st.sampled_from(ways))
    if way in {"count", "share"}:
        return {"event": kind, way: True, **rest}
    of = sorted(SAID[kind]) if way == "distinct" else numbers
    return {"event": kind, way: draw(st.sampled_from(of)), **rest}


@st.composite
def measuring(draw: st.DrawFn, *, most: int = 4) -> RuleSet:
    """Return a rule set with a few metrics."""
    declared = {f"m{place}": draw(metrics()) for place in range(draw(st.integers(1, most)))}
    return load_rule_set(rules_with(declared))


def rules_with(declared: Mapping[str, object]) -> Json:
    """Return a rule set with these metrics, none of which any rule reads."""
    return {
        "rule_set": "measuring",
        "subject": "account",
        "attributes": {"tenure": {"type": "number"}},
        "lists": {"bad": ["high", "ß"]},
        "metrics": dict(declared),
        "outcomes": [{"id": "all", "verdict": "review"}],
    }


@dataclass(frozen=True)
class Ledger:
    """An account's events, which of them were taken back, and the kinds that are reported."""

    events: tuple[Event, ...]
    reversed: frozenset[int]
    reported: frozenset[str]

    @property
    def standing(self) -> list[Event]:
        """The events that were not taken back."""
        return [one for place, one in enumerate(self.events) if place not in self.reversed]


@st.composite
def ledgers(
    draw: st.DrawFn, at: datetime, *, most: int = 25, seen_by: RuleSet | None = None
) -> Ledger:
    """Return a ledger around *at*; with *seen_by*, of events that those metrics look at."""
    kinds, edges = sorted(SAID), _edges(at, WINDOWS)
    if seen_by is not None:
        kinds = sorted({kind for metric in seen_by.metrics for kind in metric.kinds})
        edges = _edges(at, [None if m.window is None else str(m.window) for m in seen_by.metrics])
    events = []
    for place in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(kinds))
        said = {
            name: _exact(draw(st.sampled_from(values)))
            for name, values in SAID[kind].items()
            if draw(st.integers(0, 15))
        }
        source, letter = draw(st.sampled_from(["crm", "Desk", "é"])), draw(st.sampled_from("abAB"))
        happened = draw(st.sampled_from(edges))
        events.append(
            Event(kind=kind, at=happened, quantities=said, source=source, id=f"{letter}{place}")
        )
    taken = draw(st.sets(st.sampled_from(range(len(events))), max_size=3)) if events else set()
    reported = draw(st.sets(st.sampled_from(sorted(SAID))))
    return Ledger(tuple(events), frozenset(taken), frozenset(reported))


def _exact(value: object) -> object:
    """Return a number as the ledger keeps it: with the digits it was written with."""
    is_float = isinstance(value, float)
    return Decimal(repr(value)) if is_float else value


def _edges(at: datetime, windows: Sequence[str | None]) -> list[datetime]:
    """Return the instants at, just before and just after the ends of the windows."""
    starts = [
        Window(int(text.split()[0]), "days" if "day" in text else "months").start(at)
        for text in windows
        if text is not None
    ]
    found = [instant + step for instant in (at, *starts) for step in (-_TICK, 0 * _TICK, _TICK)]
    within = [at - timedelta(hours=hours) for hours in (1, 5, 23)]
    return [*found, *within, at - timedelta(days=25), at - timedelta(days=2_000)]


def _conditions(kind: str) -> st.SearchStrategy[str]:
    atoms = st.sampled_from(_ATOMS[kind])
    return st.recursive(
        atoms,
        lambda part: st.one_of(
            st.tuples(part, st.sampled_from(["&&", "||"]), part).map(
                lambda x: f"({x[0]} {x[1]} {x[2]})"
            ),
            part.map(lambda x: f"!({x})"),
            st.tuples(part, part, part).map(lambda x: f"at_least(2, {', '.join(x)})"),
            st.tuples(part, part, part).map(lambda x: f"({x[0]} ? {x[1]} : {x[2]})"),
        ),
        max_leaves=5,
    )


def _rates() -> st.SearchStrategy[Json]:
    rates = st.sampled_from([80, 120.5, 1, 0.000001, -2])
    kinds = {"support_case": "hours", "revenue": "amount", "seat_change": "seats"}
    options = {kind: st.fixed_dictionaries({name: rates}) for kind, name in kinds.items()}
    return st.fixed_dictionaries({}, optional=options).filter(bool).map(dict)


def _is_number(said: tuple[object, ...]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in said)
