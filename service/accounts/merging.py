"""What is known of an account, and how news change it: pure, and the same in any order.

Every attribute remembers who said it and when it was true. News that are older than
what is known do not replace it, so a connection that delivers late or twice ends in the
state it would have reached in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.web import rfc3339

__all__ = ["NOTHING_KNOWN", "Known", "Merged", "News", "merge"]

# No attribute can bear this name. Its entry says as of when somebody last told everything,
# so that what they did not mention is known to be absent from then on.
_EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of an account and where each came from.

    `provenance` maps an attribute to `{"source": ..., "at": ...}`. One that is there without
    a fact was removed. Instants are RFC 3339 texts of one width, so they sort as times do.
    """

    facts: Mapping[str, object]
    provenance: Mapping[str, Mapping[str, str]]

    def shown(self) -> dict[str, Mapping[str, str]]:
        """Return the provenance of the facts that are there, in their order."""
        return {name: self.provenance[name] for name in self.facts}


NOTHING_KNOWN: Final = Known(MappingProxyType({}), MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What *source* said was true at *at*. A fact of None removes the attribute.

    `is_everything` says that attributes not mentioned have no value.
    """

    facts: Mapping[str, object]
    source: str
    at: datetime
    is_everything: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """What is known afterwards, and what that took.

    `changed` are the attributes whose value became another, came or went; `outdated` those
    of the news that were older than what is known. Both are sorted.
    """

    known: Known
    changed: tuple[str, ...]
    outdated: tuple[str, ...]


def merge(known: Known, news: News) -> Merged:
    """Return what is known once *news* are heard; of two at one instant the later heard wins."""
    at = rfc3339(news.at)
    mentioned: dict[str, object] = dict(news.facts)
    if news.is_everything:
        mentioned |= dict.fromkeys((n for n in known.facts if n not in news.facts), None)
    facts = dict(known.facts)
    provenance = dict(known.provenance)
    changed: list[str] = []
    outdated: list[str] = []
    for name, value in mentioned.items():
        if at < _known_since(known, name):
            if name in news.facts:
                outdated.append(name)
            continue
        if not _equal(facts.get(name), value):
            changed.append(name)
        provenance[name] = {"source": news.source, "at": at}
        if value is None:
            facts.pop(name, None)
        else:
            facts[name] = value
    if news.is_everything:
        floor = max(at, known.provenance.get(_EVERYTHING, {}).get("at", ""))
        provenance[_EVERYTHING] = {"source": news.source, "at": floor}
        provenance = _without_old_removals(provenance, facts, floor)
    merged = Known(facts, provenance)
    return Merged(merged, tuple(sorted(changed)), tuple(sorted(outdated)))


def _known_since(known: Known, name: str) -> str:
    """Return as of when *name*'s value, or its absence, is known; empty for never."""
    own = known.provenance.get(name, {}).get("at", "")
    return max(own, known.provenance.get(_EVERYTHING, {}).get("at", ""))


def _without_old_removals(
    provenance: Mapping[str, Mapping[str, str]], facts: Mapping[str, object], floor: str
) -> dict[str, Mapping[str, str]]:
    """Forget removals that the telling of everything at *floor* covers."""
    return {
        name: told
        for name, told in provenance.items()
        if name in facts or name == _EVERYTHING or told["at"] > floor
    }


def _equal(one: object, other: object) -> bool:
    """Compare two facts; a truth value is no number, and 1 is 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other
