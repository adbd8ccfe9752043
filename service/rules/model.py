"""A checked rule set: everything an evaluation needs, resolved, typed, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.metrics.model import Metric

Verdict = Literal["qualify", "review", "disqualify", "undecided"]
Subject = Literal["lead", "account"]
Missing = Literal["ask", "assume_no"]
Mode = Literal["sum", "first", "max"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A whole condition: its text, its tree, and the single checks it is made of.

    A check is what stands between `&&`, `||`, `!` and `at_least`; *first_check* is the place
    of the first one in the trace's `checks`.
    """

    text: str
    node: ast.Node
    checks: tuple[ast.Node, ...]
    first_check: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A number to compute: its text and tree."""

    text: str
    node: ast.Node


@dataclass(frozen=True, slots=True)
class Points:
    """What a rule adds: a fixed number, or a formula clamped into bounds."""

    fixed: float
    formula: Formula | None = None
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that decides by itself."""

    id: str
    condition: Condition
    outcome: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that adds points."""

    id: str
    condition: Condition
    points: Points
    reason: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are added, taken first of, or taken the largest of.

    *first_rule* is the place of the first one in the trace's `rules`.
    """

    id: str
    mode: Mode
    floor: float | None
    cap: float | None
    rules: tuple[Rule, ...]
    first_rule: int


@dataclass(frozen=True, slots=True)
class Score:
    """Groups of rules, or a formula over other scores; never both."""

    name: str
    floor: float | None
    ceiling: float | None
    groups: tuple[Group, ...]
    formula: Formula | None
    label: str


@dataclass(frozen=True, slots=True)
class Grade:
    """Bands of a score: name and lowest score of each, best first; the last takes the rest."""

    name: str
    of: str
    bands: tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The author's named result; *condition* is None on the last and on those by gate only."""

    id: str
    verdict: Verdict
    condition: Condition | None
    only_by_gate: bool
    action: str | None
    url: str | None
    message: str | None
    assign: str | None
    reason: str | None
    label: str

    @property
    def suspended_as(self) -> str:
        """What `suspended` calls it: outcomes have ids of their own beside those of rules."""
        return f"outcome:{self.id}"


@dataclass(frozen=True, slots=True)
class Derived:
    """A named expression, computed once per decision."""

    name: str
    text: str
    node: ast.Node


@dataclass(frozen=True, slots=True)
class Model:
    """The parts of a checked rule set.

    `derived` and `score_order` (indices into `scores`) are in an order in which each needs
    only what came before; everything else is in document order.
    """

    id: str
    subject: Subject
    missing: Missing
    title: str
    attributes: Mapping[str, Attribute]
    lists: Mapping[str, tuple[str, ...] | tuple[float, ...]]
    derived: tuple[Derived, ...]
    gates: tuple[Gate, ...]
    scores: tuple[Score, ...]
    score_order: tuple[int, ...]
    grades: tuple[Grade, ...]
    outcomes: tuple[Outcome, ...]
    check_count: int
    rules: tuple[Rule, ...] = field(default=())
    """All rules with points, in document order."""
    metrics: tuple[Metric, ...] = field(default=())
    """By name. Each is a number among `attributes` too, which is how rules read it."""
