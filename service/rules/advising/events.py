"""Findings about metrics: events that nobody is likely to report."""

import difflib
from collections.abc import Iterator
from typing import Final

from service.rules.advising.found import Advice
from service.rules.metrics.kinds import KINDS
from service.rules.metrics.model import Costed
from service.rules.model import Model

_ALIKE: Final = 0.85
"""Of the letters: one wrong, missing or twice. Below it, it is likely somebody's own kind."""


def misspelt_kinds(model: Model) -> Iterator[Advice]:
    """Yield `unknown-kind` for every kind that is all but one that everybody knows."""
    for metric in model.metrics:
        for kind in metric.kinds:
            close = difflib.get_close_matches(kind, KINDS, n=1, cutoff=_ALIKE)
            if kind in KINDS or not close:
                continue
            place = f"cost/{kind}" if isinstance(metric, Costed) else "event"
            message = (
                f"`{kind}` is no kind of event that comes with Goodfit; did you mean `{close[0]}`?"
            )
            yield Advice("unknown-kind", message, f"/metrics/{metric.name}/{place}")
