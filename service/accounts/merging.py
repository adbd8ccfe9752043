"""What is known of an account, and how news change it: pure, and the same in any order.

Of each attribute the latest word of every source is kept, and one of these words stands:
that of the source with the highest rank, and of equals the newest. A source that tells
everything takes back what it did not mention, as far as its own rank reaches. So what
stands depends on what was said, and never on the order in which we heard it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from service.web import rfc3339

__all__ = ["NOTHING_KNOWN", "Known", "Merged", "News", "Ranks", "combine", "compare", "is_news"]
__all__ += ["merge"]

Ranks = Mapping[str, int]
"""How much a source's word weighs; of one that is not among them, 0."""

# No attribute can bear this name. Its entry says as of when each source last told everything.
_EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of an account and where each came from.

    `provenance` maps an attribute to `{"source": ..., "at": ..., "by": ...}` of the word that
    stands, and under `others`, by source, to the words that do not. One that is there without a
    fact was taken back. Instants are RFC 3339 texts of one width, so they sort as times do.
    """

    facts: Mapping[str, object]
    provenance: Mapping[str, Mapping[str, Any]]

    def shown(self) -> dict[str, Mapping[str, Any]]:
        """Return the provenance of the facts that are there, in their order."""
        return {name: self.provenance[name] for name in self.facts}

    @property
    def names(self) -> int:
        """How many attributes anything was ever said about and is remembered."""
        return len(self.provenance.keys() - {_EVERYTHING})


NOTHING_KNOWN: Final = Known(MappingProxyType({}), MappingProxyType({}))


def is_news(after: Known, before: Known) -> bool:
    """Return whether rules may come to another result: another value, or another source.

    That a source said the same again, at a later instant, is none.
    """
    return after.facts != before.facts or _sources(after) != _sources(before)


def _sources(known: Known) -> set[str | None]:
    return {word.get("source") for word in known.provenance.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What *source* said was true at *at*. A fact of None removes the attribute.

    `is_everything` says that attributes not mentioned have no value. Where nobody said of
    when the news are, *at* is when we heard them and `is_dated` is false. *by* is who brought it:
    a key, a connection, an import. It never decides which word stands.
    """

    facts: Mapping[str, object]
    source: str
    at: datetime
    is_everything: bool
    is_dated: bool = True
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What is known afterwards, and what that took.

    `changed` are the attributes whose value became another, came or went; `outdated` those
    of the news whose word does not stand: a later one is known, or one of a higher rank.
    Both are sorted.
    """

    known: Known
    changed: tuple[str, ...]
    outdated: tuple[str, ...]


class _Word(NamedTuple):
    """One source's word on one attribute, and who brought it; None takes it back."""

    at: str
    value: object
    by: str | None = None

    def told(self) -> dict[str, str]:
        """Return when it was true and who brought it, where anybody remembers."""
        return {"at": self.at} | ({} if self.by is None else {"by": self.by})

    @property
    def weight(self) -> tuple[str, bool, str, str]:
        """Of two words of one source the greater counts: the later, then a value, then any."""
        value = json.dumps(self.value, sort_keys=True)
        return self.at, self.value is not None, value, self.by or ""


@dataclass(slots=True)
class _Heard:
    """Everything that was said and is remembered: words by attribute and source; floors."""

    words: dict[str, dict[str, _Word]] = field(default_factory=dict)
    floors: dict[str, str] = field(default_factory=dict)

    def hear(self, name: str, source: str, word: _Word) -> None:
        """Remember a source's word, unless it has said something later, or everything."""
        if word.at < self.floors.get(source, ""):
            return
        words = self.words.setdefault(name, {})
        if source not in words or words[source].weight < word.weight:
            words[source] = word

    def hear_everything(self, source: str, at: str) -> None:
        """Remember that a source told everything, and forget its own earlier words."""
        if at <= self.floors.get(source, ""):
            return
        self.floors[source] = at
        for words in self.words.values():
            if source in words and words[source].at < at:
                del words[source]

    def unmasked(self, name: str, ranks: Ranks) -> Iterator[tuple[str, _Word]]:
        """Yield the words on an attribute that no later telling of everything takes back."""
        for source, word in self.words[name].items():
            rank = ranks.get(source, 0)
            if not any(
                at > word.at and ranks.get(teller, 0) >= rank for teller, at in self.floors.items()
            ):
                yield source, word


def merge(known: Known, news: News, *, ranks: Ranks = MappingProxyType({})) -> Merged:
    """Return what is known once *news* are heard."""
    heard = _heard_in(known)
    at = rfc3339(news.at)
    for name, value in news.facts.items():
        heard.hear(name, news.source, _Word(at, value, news.by))
    if news.is_everything:
        heard.hear_everything(news.source, at)
    return compare(known, _known_from(heard, ranks), news=news)


def compare(before: Known, after: Known, *, news: News) -> Merged:
    """Return what *news* came to, of which *before* became *after*."""
    changed = sorted(
        name
        for name in before.facts.keys() | after.facts.keys()
        if not _equal(before.facts.get(name), after.facts.get(name))
    )
    outdated = sorted(name for name in news.facts if not _stands(after, name, news))
    return Merged(after, tuple(changed), tuple(outdated))


def combine(parts: Iterable[Known], *, ranks: Ranks = MappingProxyType({})) -> Known:
    """Return what is known of one company of which several accounts were kept.

    Of each attribute the word stands that would stand had all been said of one account;
    but that a source told everything of one of them takes nothing back from the others.
    """
    heard = _Heard()
    for part in parts:
        own = _heard_in(part)
        for name in own.words:
            for source, word in own.unmasked(name, ranks):
                heard.hear(name, source, word)
    return _known_from(heard, ranks)


def _stands(known: Known, name: str, news: News) -> bool:
    told = known.provenance.get(name, {})
    is_its_word = (told.get("source"), told.get("at")) == (news.source, rfc3339(news.at))
    return is_its_word and _equal(known.facts.get(name), news.facts[name])


def _heard_in(known: Known) -> _Heard:
    heard = _Heard()
    for name, told in known.provenance.items():
        others: Mapping[str, Any] = told.get("others", {})
        if name == _EVERYTHING:
            heard.floors = {told["source"]: told["at"], **others}
            continue
        words = heard.words[name] = {}
        if "source" in told:
            words[told["source"]] = _Word(told["at"], known.facts.get(name), told.get("by"))
        words |= {
            source: _Word(word["at"], word["value"], word.get("by"))
            for source, word in others.items()
        }
    return heard


def _known_from(heard: _Heard, ranks: Ranks) -> Known:
    """Choose the word that stands for each attribute, and write all of them down."""
    facts: dict[str, object] = {}
    provenance: dict[str, Mapping[str, Any]] = {}
    for name in heard.words:
        standing = dict(heard.unmasked(name, ranks))
        chosen = max(standing, key=lambda s: (ranks.get(s, 0), standing[s].at, s), default=None)
        others = {
            source: {**word.told(), "value": word.value}
            for source, word in sorted(heard.words[name].items())
            if source != chosen
        }
        told: dict[str, Any] = {"others": others} if others else {}
        if chosen is not None:
            word = standing[chosen]
            told |= {"source": chosen, **word.told()}
            if word.value is not None:
                facts[name] = word.value
        if told:
            provenance[name] = told
    if heard.floors:
        latest_first = sorted(heard.floors.items(), key=lambda one: (one[1], one[0]))[::-1]
        (source, at), *others_told = latest_first
        floor: dict[str, Any] = {"source": source, "at": at}
        provenance[_EVERYTHING] = floor | ({"others": dict(others_told)} if others_told else {})
    return Known(facts, provenance)


def _equal(one: object, other: object) -> bool:
    """Compare two facts; a truth value is no number, and 1 is 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other
