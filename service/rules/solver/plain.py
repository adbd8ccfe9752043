"""Facts made small and plain: as few as still show it, with values that people would name."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from math import floor

from service.rules.attributes import Fact
from service.rules.lattice import Lattice, plainest
from service.rules.solver.domains import Domain, Sort, fact_key
from service.rules.text_classes import SEPARATORS

Raw = dict[str, object]


def plainer(facts: Raw, domains: Mapping[str, Domain], holds: Callable[[Raw], bool]) -> Raw:
    """Return facts for which *holds*, as *facts* do: fewer of them, with plainer values."""
    small = dict(facts)
    for name in list(facts):
        without = {key: value for key, value in small.items() if key != name}
        if holds(without):
            small = without
    for domain in domains.values():
        name = fact_key(domain)
        if name not in small:
            continue
        for value in _plainer_values(domain, small[name]):
            if value == small[name]:
                break
            changed = {**small, name: value}
            if holds(changed):
                small = changed
                break
        if domain.attribute.type == "text":
            small = _in_words(small, name, holds)
    return {name: small[name] for name in sorted(small, key=list(facts).index)}


def _in_words(facts: Raw, name: str, holds: Callable[[Raw], bool]) -> Raw:
    """Return *facts* whose text *name*, if made of parts for trying, is as few words as hold."""
    text = str(facts[name])
    if text[:1] not in SEPARATORS:
        return facts
    words = [word for word in text.split(text[0]) if word]
    for place in (None, *reversed(range(len(words)))):
        fewer = [word for other, word in enumerate(words) if other != place]
        if holds({**facts, name: " ".join(fewer)}):
            facts, words = {**facts, name: " ".join(fewer)}, fewer
        elif place is None:
            break
    return facts


def _plainer_values(domain: Domain, value: object) -> Iterator[object]:
    """Yield values to try instead of *value*, the plainest first, down to *value* itself."""
    lattice = domain.lattice
    if lattice is not None and domain.attribute.type == "number" and isinstance(value, int | float):
        home = next((s for s in domain.sorts if _within(lattice, s, float(value))), None)
        if home is not None:
            yield _short(plain_number(lattice, home))
        yield _short(float(round(value)))
        yield _short(float(floor(value)))
        yield _short(float(floor(value) + 1))
        yield _short(float(round(value, 2)))
    yield value


def _short(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _within(lattice: Lattice, sort: Sort, value: float) -> bool:
    return lattice.at(sort.first) <= value <= lattice.at(sort.last)  # type: ignore[operator]


def plain_number(lattice: Lattice, sort: Sort) -> float:
    """Return a number of the class *sort*, near the constants that bound it: a whole one if any."""
    low, high = lattice.at(sort.first), lattice.at(sort.last)
    if not isinstance(low, float) or not isinstance(high, float):
        msg = "not a number's lattice"
        raise TypeError(msg)
    if sort.first == lattice.first and sort.last != lattice.last:
        whole = float(floor(high))
        return whole if whole >= low else high
    if sort.first == lattice.first:
        return plainest(low, high)
    return plainest(low, high) if low > 0 or high < 0 else max(plainest(low, high), low)


def plain_value(domain: Domain, sort: Sort) -> Fact | None:
    """Return a value of the class *sort* that people would name; None where none is known."""
    if domain.lattice is not None and domain.attribute.type == "number":
        return plain_number(domain.lattice, sort)
    return sort.value


def day_at(lattice: Lattice, place: int) -> date:
    """Return the day at a place of a date's lattice."""
    day = lattice.at(place)
    if not isinstance(day, date):
        msg = "not a date's lattice"
        raise TypeError(msg)
    return day
