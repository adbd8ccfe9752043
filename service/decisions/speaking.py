"""Who spoke in a decision: the gate or outcome that decided, then the rules that counted.

Read from the stored trace, which holds results and no values: as good for a decision whose
facts were erased as for any other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from service.rules.model import Model

__all__ = ["Part", "decided_by", "spoke_in"]


class Part(NamedTuple):
    """A gate, a rule with points or an outcome. A rule set's ids are unique in a kind."""

    kind: str
    id: str

    def to_json(self) -> dict[str, str]:
        """Return both members."""
        return self._asdict()


def spoke_in(
    model: Model, *, verdict: str, outcome: str, trace: Mapping[str, Any]
) -> tuple[Part, ...]:
    """Return who spoke, the deciding one first, then rules by what they added.

    Where a gate decided, whatever the scores, it alone spoke. A rule that added nothing to
    a score did not speak.
    """
    closed = trace["closed"]
    first = decided_by(
        model,
        verdict=verdict,
        outcome=outcome,
        gates=closed["gates"],
        outcomes=closed["outcomes"],
    )
    if first is not None and first.kind == "gate":
        return (first,)
    effects: Sequence[float] = trace["effects"]
    moved = [place for place, points in enumerate(effects) if points]
    moved.sort(key=lambda place: -abs(effects[place]))
    spoken = [Part("points", model.rules[place].id) for place in moved]
    return (*([] if first is None else [first]), *spoken)


def decided_by(
    model: Model, *, verdict: str, outcome: str, gates: str, outcomes: str
) -> Part | None:
    """Return the gate or outcome that decided; None while that is open.

    *gates* and *outcomes* are the letters of a closed evaluation.
    """
    if verdict == "undecided":
        return None
    chosen = next(place for place, one in enumerate(model.outcomes) if one.id == outcome)
    gate = gates.find("y")
    if gate >= 0:
        by_gate = model.gates[gate]
        return Part("gate", by_gate.id) if by_gate.outcome == chosen else None
    return Part("outcome", outcome) if outcomes.find("y") == chosen else None
