"""Attribute types, and the one door through which raw values become facts."""

import heapq
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import floor, inf
from typing import Final, Literal

import msgspec

from service.rules.problems import nearest
from service.rules.ranges import LARGEST_EXACT, six_places

AttributeType = Literal["number", "text", "choice", "flag", "date", "list"]
Changeable = Literal["yes", "no", "up", "down"]
"""Whether, and in which direction, a change of an attribute may be proposed."""
Fact = float | str | bool | date | tuple[str, ...]
"""A known value: number, text or choice, flag, UTC calendar day, list of texts."""

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The code points with Unicode's White_Space property (Python's `strip` takes four more)."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_EPOCH_MS: Final = re.compile(r"[0-9]{12,13}", re.ASCII)
_FLAGS: Final = {
    "true": True, "1": True, "yes": True, "on": True,
    "false": False, "0": False, "no": False, "off": False,
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN: Final = 999_999_999.0
"""Up to here `six_places` rounds, by the expression that stands in `admit` too."""
_NO_NUMBER: Final = (inf, -inf)
_LONGEST_NAME_SHOWN: Final = 64
# Finding what was meant takes a millisecond a name; a stranger may send hundreds.
_NAMES_EXPLAINED: Final = 20
_CLOSEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One named thing a rule may ask about, as its rule set declares it."""

    name: str
    type: AttributeType
    label: str
    ask: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    ordered: bool = False
    other: bool = False
    fold: bool = False
    pii: bool = False
    missing_values: frozenset[str] = frozenset()
    changeable: Changeable | None = None
    change_cost: float = 1.0
    plain: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out `plain`: between which limits a number is taken that is rounded and no more."""
        object.__setattr__(self, "plain", _plain_limits(self))


def _plain_limits(attribute: Attribute) -> tuple[float, float]:
    """Return limits that rounding cannot lead past; for what is no number, such as hold nothing."""
    if attribute.type != "number":
        return _NO_NUMBER
    low = -_PLAIN if attribute.minimum is None else max(attribute.minimum, -_PLAIN)
    high = _PLAIN if attribute.maximum is None else min(attribute.maximum, _PLAIN)
    return (low, high) if six_places(low) >= low and six_places(high) <= high else _NO_NUMBER


@dataclass(frozen=True, slots=True)
class DataProblem:
    """A value that could not be read and counts as missing, or a key nobody declared.

    The words never repeat the value: it may be personal.
    """

    attribute: str
    code: str
    message: str
    suggestion: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return the members that are known."""
        members = {"attribute": self.attribute, "code": self.code, "message": self.message}
        if self.suggestion is not None:
            members["suggestion"] = self.suggestion
        return members


class Facts(msgspec.Struct, frozen=True):
    """What is known about one subject at one moment, and what could not be read of it."""

    values: Mapping[str, Fact]
    problems: tuple[DataProblem, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return a JSON object; the door makes the same values from it again."""
        return {
            name: (int(value) if value.is_integer() else value)
            if isinstance(value, float)
            else storable(value)
            for name, value in self.values.items()
        }


class _Unreadable(Exception):
    """A raw value is not of its attribute's type."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def admit(raw: Mapping[str, object], attributes: Mapping[str, Attribute]) -> Facts:
    """Return the facts in *raw*: the only place where a raw value gets a meaning.

    Never raises for what a value holds. What is absent, null, blank or one of the
    attribute's `missing_values` is missing; what cannot be read is missing too and listed.
    Keys that *attributes* does not declare are neither read nor kept, only named.
    """
    values: dict[str, Fact] = {}
    problems: list[DataProblem] = []
    for name, attribute in attributes.items():
        value = raw.get(name)
        if value is None:
            continue
        kind = type(value)
        if kind is float or kind is int:  # nearly always within limits: round it, and no more
            low, high = attribute.plain
            if low <= value <= high:  # type: ignore[operator]  # it is a number
                values[name] = floor(value * 1e6 + 0.5) / 1e6  # type: ignore[operator]  # as above
                continue
        elif isinstance(value, str) and _is_blank(value, attribute):
            continue
        try:
            values[name] = _READERS[attribute.type](value, attribute)
        except _Unreadable as unreadable:
            message = f"`{name}` {unreadable.message}; it counts as missing"
            problems.append(DataProblem(name, unreadable.code, message))
    if not raw.keys() <= attributes.keys():
        undeclared = [name for name in raw if name not in attributes]
        problems.extend(_undeclared(undeclared, attributes))
    return Facts(values, tuple(problems))


def clean_text(text: str) -> str:
    """Return *text* as the door keeps it: NFC, without white space at both ends."""
    return unicodedata.normalize("NFC", text).strip(WHITE_SPACE)


def _undeclared(names: list[str], attributes: Mapping[str, Attribute]) -> Iterator[DataProblem]:
    """Yield a problem for each of *names*, for the first of them with what was probably meant."""
    pairs = {name: _letter_pairs(name) for name in attributes}
    for place, name in enumerate(names):
        shown = name[:_LONGEST_NAME_SHOWN]
        meant = nearest(shown, _look_alikes(shown, pairs)) if place < _NAMES_EXPLAINED else None
        hint = f"; did you mean `{meant}`?" if meant is not None else ""
        message = f"`{shown}` is not an attribute of this rule set and was not read{hint}"
        yield DataProblem(shown, "undeclared", message, meant)


def _look_alikes(name: str, pairs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the few names that share most pairs of letters with *name* (Dice's coefficient).

    To compare every name letter by letter, as `nearest` does, would take far too long.
    """
    own = _letter_pairs(name)
    shares = {
        other: len(own & its) / (len(own) + len(its)) for other, its in pairs.items() if own & its
    }
    return heapq.nlargest(_CLOSEST, shares, key=shares.__getitem__)


def _letter_pairs(name: str) -> frozenset[str]:
    folded = f" {name.casefold()} "
    return frozenset(map("".join, pairwise(folded)))


def _is_blank(value: str, attribute: Attribute) -> bool:
    cleaned = clean_text(value)
    return not cleaned or cleaned in attribute.missing_values


def _read_number(value: object, attribute: Attribute) -> float:
    if isinstance(value, float):
        number = six_places(float(value))
    elif isinstance(value, str):
        text = clean_text(value)
        if not _NUMBER.fullmatch(text):
            raise _Unreadable("not_a_number", "is not a plain number such as 1250 or 12.5")
        number = six_places(float(text))
    elif isinstance(value, int) and not isinstance(value, bool):
        # Of whole numbers there is nothing to round.
        number = float(value) if abs(value) <= LARGEST_EXACT else LARGEST_EXACT * 2
    else:
        raise _Unreadable("not_a_number", "is not a number")
    if not abs(number) <= LARGEST_EXACT:
        raise _Unreadable("out_of_range", "is past 2^53, where whole numbers are no longer exact")
    if attribute.minimum is not None and number < attribute.minimum:
        raise _Unreadable("out_of_range", f"is below its minimum of {attribute.minimum:g}")
    if attribute.maximum is not None and number > attribute.maximum:
        raise _Unreadable("out_of_range", f"is above its maximum of {attribute.maximum:g}")
    return number


def _read_text(value: object, _: Attribute | None = None) -> str:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _Unreadable("not_a_text", "is not a text")


def _read_choice(value: object, attribute: Attribute) -> str:
    text = _read_text(value)
    if text in attribute.choices or attribute.other:
        return text
    raise _Unreadable("not_a_choice", "is not one of its choices")


def _read_flag(value: object, _: Attribute | None = None) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in {0, 1}:
        return value == 1
    if isinstance(value, str):
        flag = _FLAGS.get(clean_text(value).lower())
        if flag is not None:
            return flag
    raise _Unreadable("not_a_flag", "is neither true nor false, yes nor no")


def _read_date(value: object, _: Attribute | None = None) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        text = clean_text(value)
        for pattern, read in _DATE_FORMS:
            if pattern.fullmatch(text):
                try:
                    return read(text)
                except (ValueError, OverflowError):
                    break
    raise _Unreadable("not_a_date", "is not a day such as 2026-01-31 or an instant with an offset")


_DATE_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[str], date]], ...]] = (
    (_DAY, date.fromisoformat),
    (_INSTANT, lambda text: datetime.fromisoformat(text.upper()).astimezone(UTC).date()),
    (_EPOCH_MS, lambda text: (_EPOCH + timedelta(milliseconds=int(text))).date()),
)


def _read_list(value: object, _: Attribute | None = None) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list | tuple):
        raise _Unreadable("not_a_list", "is not a list of texts")
    try:
        items = [_read_text(item) for item in value if item is not None]
    except _Unreadable:
        raise _Unreadable("not_a_list", "holds something that is not a text") from None
    return tuple(item for item in items if item)


_READERS: Final[Mapping[AttributeType, Callable[[object, Attribute], Fact]]] = {
    "number": _read_number,
    "text": _read_text,
    "choice": _read_choice,
    "flag": _read_flag,
    "date": _read_date,
    "list": _read_list,
}


def storable(value: Fact) -> object:
    """Return *value* as JSON has it; a number stays as it is."""
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
