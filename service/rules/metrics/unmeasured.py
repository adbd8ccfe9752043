"""Why a metric is not known: the other half of `measure`, for people."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.rules.metrics.measure import Event, counted, measure
from service.rules.metrics.model import Metric

__all__ = ["Unmeasured", "why_unmeasured"]


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """Why there is no number.

    Attributes:
        code: `not_reported`, where no source of the account reports one of *kinds*; `no_events`,
            where none of *kinds* counts within the window, so that there is nothing to take a
            mean, an extreme or a share of; `unsaid`, where an event that counts does not say
            the quantity, or the result is past every exact number.
    """

    code: Literal["not_reported", "no_events", "unsaid"]
    kinds: tuple[str, ...]

    @property
    def words(self) -> str:
        """The same in words."""
        kinds = " and ".join(f"`{kind}`" for kind in self.kinds)
        match self.code:
            case "not_reported":
                return f"no source of the account reports {kinds}"
            case "no_events":
                return f"no event of {kinds} counts within the window"
            case _:
                return f"an event of {kinds} that counts does not say what is asked of it"


def why_unmeasured(
    metric: Metric, events: Iterable[Event], *, reported: Collection[str], at: datetime
) -> Unmeasured | None:
    """Return why *metric* is not known at the clock *at*; None where it is."""
    known = list(events)
    if measure([metric], known, reported=reported, at=at)[metric.name] is not None:
        return None
    silent = tuple(kind for kind in metric.kinds if kind not in reported)
    if silent:
        return Unmeasured("not_reported", silent)
    kinds = tuple(metric.kinds)
    return Unmeasured("unsaid" if counted(metric, known, at) else "no_events", kinds)
