"""Slices of leads, as text of SQL: what a lead is under a name, and which leads are in a slice.

A lead is what its last decision knew of it; where it came from is what was said first, as in
the reports themselves. What is not known, was erased, or is no text, number or flag, is an
empty text, so that the slices by one name hold every lead once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.portfolio.slicing import Slice

__all__ = ["ORIGINS", "LeadSlices", "slices_of_leads"]

ORIGINS: Final = ("campaign", "source")
"""Where leads came from: columns of the reports, by which they can be sliced too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadSlices:
    """Pieces of SQL about some slices, each with a comma or an AND before it, and parameters.

    Attributes:
        told: What a decision knew under each name, as columns of a decision.
        chained: What the last decision of a lead knew: aggregates over `decided`.
        of_outcome: What the decision that an outcome goes by knew, of `named` or of `chain`.
        inside: That the columns, and the origins beside them, are those of the slices.
    """

    told: str = ""
    chained: str = ""
    of_outcome: str = ""
    inside: str = ""
    given: Mapping[str, object] = field(default_factory=dict)


def slices_of_leads(slices: Sequence[Slice]) -> LeadSlices:
    """Return the pieces of SQL that keep the leads that are in all *slices*."""
    told, chained, of_outcome, inside = [], [], [], []
    given: dict[str, object] = {}
    for place, one in enumerate(slices):
        column = one.name if one.name in ORIGINS else f"part_{place}"
        inside.append(f" AND coalesce({column}, '') = :value_{place}")
        given[f"value_{place}"] = one.value
        if one.name in ORIGINS:
            continue
        given[f"name_{place}"] = one.name
        told.append(f", {_fact(f'CAST(:name_{place} AS text)')} AS {column}")
        chained.append(
            f", (array_agg(decided.{column} ORDER BY decided.decided_at DESC,"
            f" decided.id DESC))[1] AS {column}"
        )
        of_outcome.append(
            f", CASE WHEN named.subject = 'lead' THEN named.{column} ELSE chain.{column} END"
            f" AS {column}"
        )
    return LeadSlices(
        told="".join(told),
        chained="".join(chained),
        of_outcome="".join(of_outcome),
        inside="".join(inside),
        given=given,
    )


def _fact(name: str) -> str:
    is_plain = f"jsonb_typeof(facts -> {name}) IN ('string', 'number', 'boolean')"
    return f"CASE WHEN {is_plain} THEN nullif(btrim(facts ->> {name}), '') END"
