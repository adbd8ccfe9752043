"""Pictures as answers, and what of a decision is drawn."""

from datetime import datetime
from typing import ClassVar, Final

from fastapi import Response

from service.portfolio.pictures import Step, Waterfall
from service.rules import Decision
from service.web import Refusal

__all__ = ["ScoreNotFound", "Svg", "day_shown", "svg_answer", "waterfall_of"]

# A picture holds no script and no address; whatever a name in it says, a browser runs nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class ScoreNotFound(Refusal):
    """The rule set of a decision has no such score."""

    code: ClassVar[str] = "score_not_found"


class Svg(Response):
    """A picture."""

    media_type = "image/svg+xml"


def svg_answer(picture: str) -> Svg:
    """Return *picture* as an answer that a browser may show and not run."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "private, no-cache"}
    return Svg(picture, headers=headers)


def waterfall_of(decision: Decision, score: str, *, subject: str = "") -> Waterfall:
    """Return what moved *score* of *decision*, in the order in which it counts.

    Raises:
        ScoreNotFound: If its rule set has none of that name.
    """
    found = next((one for one in decision.model.scores if one.name == score), None)
    if found is None:
        words = "the rule set of this decision has no score of this name; its `scores` name them"
        raise ScoreNotFound(words)
    span = decision.scores[score]
    return Waterfall(
        label=found.label,
        value=span.value,
        low=span.low,
        high=span.high,
        floor=found.floor,
        ceiling=found.ceiling,
        steps=tuple(
            Step(reason.text, reason.effect.points, is_limit=reason.kind == "limit")
            for reason in decision.moves(score)
            if reason.effect is not None
        ),
        subject=subject,
    )


def day_shown(at: datetime) -> str:
    """Return a day as pictures and pages show it: `26 Nov 2026`, of the instant's own UTC day."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
