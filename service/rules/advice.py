"""Warnings about a draft: what is allowed but probably not meant. None of them is a guess."""

from service.rules.advising import bands, conditions, events, publishing, reach
from service.rules.advising.found import Advice
from service.rules.model import Model

__all__ = ["Advice", "advise"]


def advise(model: Model) -> tuple[Advice, ...]:
    """Return what looks wrong in *model*. Every finding is certain; not every one is found.

    Codes:
        impossible: a condition that no facts make yes.
        always: a condition that all facts make yes.
        shadowed: a rule of a `first` group that earlier ones always take.
        overlap: values in two bands of a group of which neither holds the other, or texts
            that an earlier rule of a `first` group takes for fewer points.
        gap: a single value between two bands and in neither.
        unreachable: an outcome that no score or gate leads to.
        dead-cap: a cap that no sum exceeds.
        tight-cap: a cap that cuts the points of one rule alone.
        unused: an attribute or metric that no rule reads.
        unknown-kind: a metric's kind of event that is all but one of ours.
        personal: personal data in an outcome's public words.
        dead-end: a disqualification that offers nothing.
    """
    unreachable = tuple(reach.unreachable_outcomes(model))
    told = {_outcome(advice) for advice in unreachable}
    late = bands.banded_outcomes(model)
    found = (
        *conditions.settled_conditions(model),
        *conditions.late_rules(model),
        *bands.banded_rules(model),
        *unreachable,
        *(advice for advice in late if advice.code == "gap" or _outcome(advice) not in told),
        *reach.caps(model),
        *publishing.unread(model),
        *events.misspelt_kinds(model),
        *publishing.personal(model),
        *publishing.dead_ends(model),
    )
    return tuple(dict.fromkeys(found))


def _outcome(advice: Advice) -> str:
    """Return the pointer of the outcome that *advice* is about."""
    return advice.pointer.removesuffix("/when")
