"""Regions and comparisons in words."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from service.rules.expression.evaluate import AGES
from service.rules.expression.tokens import listed, number, shown, singular, uncapitalised
from service.rules.solver.allowed import Allowed
from service.rules.solver.answers import Difference, Part, Region, Relation, Settled, Witness
from service.rules.solver.domains import Domain
from service.rules.solver.joint import raw_name
from service.rules.text_classes import ANY_OTHER, SEPARATORS

_MEASURED_IN: Final = frozenset(
    {"%", "percent", "eur", "usd", "gbp", "chf", "euro", "euros", "dollars", "€", "$", "£", "km",
     "kg", "m", "hours", "days", "months", "years", "points", "million", "m2", "tonnes", "ratio"}
)  # fmt: skip


def is_counted(unit: str | None) -> bool:
    """Whether a number with that *unit* counts things, so that only whole ones make sense."""
    return unit is not None and unit.casefold() not in _MEASURED_IN


def region_words(parts: Sequence[Allowed], *, is_all: bool | None) -> Region:
    """Return the region of all *parts* together: numbers first, what has to be missing last."""
    ordered = sorted(parts, key=_rank)
    told = tuple(Part(raw_name(one.slot.domain.name), _words(one)) for one in ordered)
    words = _joined([part.words for part in told]) if told else "everybody"
    return Region(told, words, is_all)


def _rank(allowed: Allowed) -> int:
    if _is_missing(allowed):
        return 9
    types = ("number", "choice", "date", "text", "list", "flag")
    return types.index(allowed.slot.domain.attribute.type)


def _is_missing(allowed: Allowed) -> bool:
    return not allowed.places and allowed.low is None


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _words(allowed: Allowed) -> str:
    domain = allowed.slot.domain
    label = uncapitalised(domain.attribute.label)
    if _is_missing(allowed):
        return f"without a known {label}"
    span = _named(allowed) if domain.lattice is None else _span(allowed)
    lack = " or not known" if allowed.may_lack else ""
    return f"{label} {span}{lack}"


def _named(allowed: Allowed) -> str:
    """Return the classes by a value each, or by those that are left out."""
    domain = allowed.slot.domain
    attribute = domain.attribute
    inside, outside = _members(domain, allowed.places)
    if not outside:
        return "known"
    is_exact = attribute.type in {"choice", "flag"}
    # One class stands for all choices besides those that are declared, or all other texts.
    others = not {None, ANY_OTHER, (ANY_OTHER,)}.isdisjoint(inside) or (
        attribute.type == "choice" and any(value not in attribute.choices for value in inside)
    )
    if others or (len(outside) < len(inside) and None not in outside):
        named = listed([_quoted(value) for value in outside], last="or")
        before = "other than" if is_exact else "not" if named == "empty" else "not like"
        return f"{before} {named}"
    named = listed([_quoted(value) for value in inside], last="or")
    return named if is_exact or named == "empty" else f"like {named}"


def _members(domain: Domain, places: Collection[int]) -> tuple[list[object], list[object]]:
    """Return the values that stand for the classes at *places*, and those for the others."""
    inside: list[object] = []
    outside: list[object] = []
    for place, sort in enumerate(domain.sorts):
        (inside if place in places else outside).extend((sort.value, *sort.like_it))
    return inside, outside


def _quoted(value: object) -> str:
    """Return a value in words; of a text made for trying what it is made of."""
    if value is None:
        return "something else"
    if isinstance(value, str) and value[:1] in SEPARATORS:
        words = [word for word in value.split(value[0]) if word]
        return f'"… {" … ".join(words)} …"'
    return f'"{value}"' if isinstance(value, str) and " " in value else shown(value)


def _span(allowed: Allowed) -> str:  # noqa: PLR0911 - one way for each shape of its ends
    domain = allowed.slot.domain
    lattice = domain.lattice
    if lattice is None:
        return ""
    first = min((domain.sorts[p].first for p in allowed.places), default=lattice.first)
    last = max((domain.sorts[p].last for p in allowed.places), default=lattice.last)
    low, high = lattice.at(first), lattice.at(last)
    opens, ends = first == lattice.first, last == lattice.last
    after = lattice.at(last + 1) if not ends else high
    if isinstance(low, date) and isinstance(high, date) and domain.aged is not None:
        return _ages(domain, low, high, opens, ends)
    if isinstance(low, date) or isinstance(high, date):
        return _ends(low.isoformat() if isinstance(low, date) else "", str(high), opens, ends)
    if allowed.low is not None and allowed.high is not None:
        low, high = allowed.low, allowed.high
        opens, ends = low <= lattice.at(lattice.first), high >= lattice.at(lattice.last)  # type: ignore[operator]
        after = high
    unit = domain.attribute.unit
    is_one = low == high == 1
    told = f" {singular(unit) if is_one else unit}" if unit else ""
    if is_counted(unit) and math.ceil(low) <= math.floor(high):
        least, most = float(math.ceil(low)), float(math.floor(high))
        return _ends(number(least), number(most), opens, ends) + told
    if not ends and isinstance(after, float) and after != high and after == round(after, 4):
        under = f"under {number(after)}"
        if low != round(low, 4):
            return f"over {number(float(round(low, 4)))} and {under}{told}"
        return (under if opens else f"from {number(low)} to {under}") + told
    if low != round(low, 4) and not opens:
        over = f"over {number(float(lattice.at(first - 1)))}"  # type: ignore[arg-type]
        return (over if ends else f"{over} up to {number(high)}") + told
    return _ends(number(low), number(high), opens, ends) + told


def _ages(domain: Domain, low: date, high: date, opens: bool, ends: bool) -> str:  # noqa: FBT001 - of one span
    """Return days by how long ago they are; the future is some days less than none ago."""
    if opens and ends:
        return "known"
    unit, age = domain.aged or "days", partial(AGES[f"age_{domain.aged or 'days'}"], domain.today)
    least, most = number(float(age(high))), number(float(age(low)))
    if opens:
        return f"at least {least} {unit} ago"
    if ends:
        return f"at most {most} {unit} ago"
    return f"{least} {unit} ago" if least == most else f"{least} to {most} {unit} ago"


def _ends(low: str, high: str, opens: bool, ends: bool) -> str:  # noqa: FBT001 - of one span
    if opens and ends:
        return "known"
    if opens:
        return f"up to {high}"
    if ends:
        return f"from {low}"
    return low if low == high else f"{low} to {high}"


def difference_words(
    pair: tuple[str, str], verdicts: tuple[str, str], region: Region | None, witness: Witness
) -> str:
    """Return one difference in words."""
    moved = f"`{pair[0]}` becomes `{pair[1]}`"
    if verdicts[0] != verdicts[1]:
        moved += f" ({verdicts[0]} becomes {verdicts[1]})"
    if region is None:
        return f"{moved}, for example with {shown_by(witness)}"
    only = " and for nobody else" if region.is_all else ""
    return f"{moved} for {region.words}{only}"


def on_its_day(difference: Difference, region: Region | None) -> Difference:
    """Return *difference* with *region* told as of the day of its witness."""
    witness = difference.witness
    pair = (difference.before, difference.after)
    verdicts = (witness.verdicts[0], witness.verdicts[1])
    words = difference_words(pair, verdicts, region, witness)
    if witness.day is not None:
        words += f", on {witness.day} for example"
    return replace(difference, region=region, words=words)


def facts_words(facts: Mapping[str, object]) -> str:
    """Return facts in a line."""
    parts = [f"{name} {shown(value)}" for name, value in facts.items()]
    return _joined(parts) if parts else "nothing known"


def shown_by(witness: Witness) -> str:
    """Return the facts of a witness in a line, with the day where it matters."""
    of_day = "" if witness.day is None else f" (on {witness.day})"
    return facts_words(witness.facts) + of_day


_RELATIONS: Final[Mapping[Relation, str]] = {
    "same": "every lead gets the same verdict",
    "stricter": "stricter: no lead gets a better verdict, and some a worse one",
    "looser": "looser: no lead gets a worse verdict, and some a better one",
    "different_both_ways": "different both ways: some get a better verdict and some a worse one",
    "not_settled": "not settled within the limit",
    "not_available": "not available",
}


def compared_words(
    relation: Relation,
    differences: Iterable[Difference],
    scores: Mapping[str, Settled],
    *,
    is_settled: bool,
    is_approximate: bool,
) -> str:
    """Return a comparison in a sentence."""
    found = tuple(differences)
    moved = [name for name, differs in scores.items() if differs == "yes"]
    if is_settled and not found:
        words = "the same: no facts are decided otherwise (proved)"
        if moved:
            names = listed([f"`{name}`" for name in moved])
            words += f"; only the number of {names} can differ"
        return words
    words = _RELATIONS[relation]
    if relation == "same":
        words += ", but not always the same outcome"
    if relation == "not_settled" and is_approximate:
        words += ": what the rules ask of texts or computed numbers is only known approximately"
    if found and not is_settled and relation != "not_settled":
        words += "; there may be more differences than were found within the limit"
    if found and relation == "not_settled":
        words += "; some differences were found"
    return words
