"""A notice's evidence as it is kept and told: counts, shares and one sentence, never a value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.decisions.drifting import Drift
from service.web import rfc3339

__all__ = ["payload_of"]

_Json = dict[str, Any]


def payload_of(drift: Drift, *, version: int, at: datetime, since: str | None) -> _Json:
    """Return what is kept of a *drift* that was seen at *at* under the live *version*.

    *since* is what an earlier look found; the first one stands.
    """
    found = drift.found
    begun = drift.since
    return {
        "version": version,
        "attribute": drift.attribute,
        "moved": found.name,
        "before": _side(found.before, found.name),
        "after": _side(found.after, found.name),
        "mix": [
            {
                "name": name,
                "before": round(_part(found.before, name), 4),
                "after": round(_part(found.after, name), 4),
                "count_before": found.before.get(name, 0),
                "count_after": found.after.get(name, 0),
            }
            for name in sorted({*found.before, *found.after})
        ],
        "since": since or rfc3339(begun or at),
        "new_names": list(drift.new_names),
        "summary": _in_words(drift),
    }


def _side(counts: Mapping[str, int], name: str) -> _Json:
    share = round(_part(counts, name), 4)
    return {"share": share, "count": counts.get(name, 0), "of": sum(counts.values())}


def _part(counts: Mapping[str, int], name: str) -> float:
    return counts.get(name, 0) / max(1, sum(counts.values()))


def _in_words(drift: Drift) -> str:
    found = drift.found
    now, then = _percent(found.share_after), _percent(found.share_before)
    number = f"{sum(found.after.values()):,}"
    if drift.attribute is None:
        return (
            f"`{found.name}` came out in {now} of the last {number} decisions, {then} before,"
            " under the same version; do others ask now, or is something else sent?"
        )
    words = (
        f"`{drift.attribute}` is missing in {now} of the last {number} decisions, {then} before;"
    )
    if found.share_after < found.share_before:
        return f"{words} who sends it now?"
    names = ", ".join(f"`{name}`" for name in drift.new_names)
    sent = f" new names sent meanwhile: {names}" if names else ""
    return f"{words} was a form field renamed?{sent}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
