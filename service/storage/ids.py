"""Ids people can read aloud: a prefix that says what it is, and a UUIDv7 in base32.

The text form is the TypeID format: `dec_01m82amv90f7assrm6pf8d3pr0`. The database
holds the bare UUID. Ids sort by the instant they were made for.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID, SafeUUID

__all__ = [
    "RANDOM_BYTES",
    "InvalidId",
    "Prefix",
    "first_uuid_at",
    "instant_of",
    "make_id",
    "make_uuid",
    "make_uuids_in_order",
    "parse_id",
    "to_text",
]

Prefix = Literal[
    "dec",
    "rs",
    "drf",
    "ver",
    "rel",
    "acc",
    "evt",
    "con",
    "whe",
    "dlv",
    "bt",
    "key",
    "req",
    "rev",
    "ovr",
    "ntc",
    "edt",
    "prk",
    "mrg",
    "rsc",
    "st",
    "scn",
    "out",
    "sus",
    "vis",
    "imp",
    "era",
    "inq",
    "msg",
    "itk",
]
RANDOM_BYTES: Final = 8

_PREFIXES: Final = frozenset(get_args(Prefix))
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(one + other for one in _ALPHABET for other in _ALPHABET)
_DIGITS: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_SUFFIX: Final = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_RANDOM_MASK: Final = (1 << 62) - 1
_VERSION_AND_VARIANT: Final = (0x7 << 76) | (0b10 << 62)


class InvalidId(ValueError):
    """A text is not an id of the kind that was expected."""

    code = "invalid_id"


def make_uuid(at: datetime, randomness: bytes) -> UUID:
    """Return the UUIDv7 (RFC 9562) of the instant *at*, with 62 random bits.

    The twelve bits after the millisecond hold its fraction (method 3 of the RFC), fine
    enough for every microsecond: `instant_of` gives *at* back exactly, and ids sort as
    their instants do. A decision's id is made for its `decided_at`, so the id alone
    names the partition that holds it.

    Args:
        at: An aware instant from 1970 to 10889.
        randomness: Eight bytes from a cryptographic source; the two highest bits are unused.

    Raises:
        ValueError: If *at* is naive or before 1970, or *randomness* has another length.
    """
    return _uuid(_bits(at, randomness))


def make_uuids_in_order(at: datetime, randomness: bytes, *, first: int) -> Iterator[str]:
    """Give UUIDv7s of one instant that rise from one to the next, as 32 hexadecimal digits.

    Thirty bits are a counter from *first* on (method 1 of the RFC), and 32 are random. Rows that
    are inserted in the order of their ids leave an index's pages full and behind them.

    Args:
        at: As for `make_uuid`.
        randomness: Four bytes for each id, from a cryptographic source.
        first: How many ids the same work has made before these.
    """
    start = _time_bits(at) | first << 32
    for place in range(0, len(randomness), 4):
        low = int.from_bytes(randomness[place : place + 4], "big")
        yield f"{start | low:032x}"
        start += 1 << 32


def make_id(prefix: Prefix, at: datetime, *, randomness: bytes) -> str:
    """Return a fresh id as text; see `make_uuid` for the arguments."""
    return _shown(prefix, _bits(at, randomness))


def first_uuid_at(at: datetime) -> UUID:
    """Return the smallest id an instant can have, for ranges over ids."""
    return UUID(int=_time_bits(at))


def instant_of(uuid: UUID) -> datetime:
    """Return the instant a UUIDv7 of ours was made for, to the microsecond, in UTC."""
    milliseconds = uuid.int >> 80
    fraction = (uuid.int >> 64) & 0xFFF
    microseconds = min(-(-fraction * 1000 // 4096), 999)
    return _EPOCH + timedelta(milliseconds=milliseconds, microseconds=microseconds)


def to_text(prefix: Prefix, uuid: UUID) -> str:
    """Return *uuid* as people see it: prefix, underscore, 26 base32 digits (Crockford's)."""
    return _shown(prefix, uuid.int)


def _shown(prefix: str, value: int) -> str:
    # Two digits at a time: the standard library's encoder takes longer than the rest of an id.
    pairs = _PAIRS
    return (
        f"{prefix}_{pairs[value >> 120]}{pairs[value >> 110 & 1023]}{pairs[value >> 100 & 1023]}"
        f"{pairs[value >> 90 & 1023]}{pairs[value >> 80 & 1023]}{pairs[value >> 70 & 1023]}"
        f"{pairs[value >> 60 & 1023]}{pairs[value >> 50 & 1023]}{pairs[value >> 40 & 1023]}"
        f"{pairs[value >> 30 & 1023]}{pairs[value >> 20 & 1023]}{pairs[value >> 10 & 1023]}"
        f"{pairs[value & 1023]}"
    )


def parse_id(text: str, prefix: Prefix) -> UUID:
    """Return the UUID behind *text*.

    Exactly one text stands for one id: upper case, the look-alikes i, l, o, u and
    numbers past 128 bits are refused.

    Raises:
        InvalidId: If *text* is not an id that begins with *prefix*. The message repeats
            no more of *text* than a known prefix.
    """
    kind, separator, suffix = text.partition("_")
    if separator and kind != prefix and kind in _PREFIXES:
        raise InvalidId(f"the id begins with `{kind}_`; give one that begins with `{prefix}_`")
    if not separator or kind != prefix:
        raise InvalidId(f"the id does not begin with `{prefix}_`; copy it as it was given out")
    if _SUFFIX.fullmatch(suffix) is None:
        raise InvalidId(
            f"after `{prefix}_` an id has 26 lower-case letters and digits, without i, l, o and u; "
            "copy it as it was given out"
        )
    value = 0
    for letter in suffix:
        value = value << 5 | _DIGITS[letter]
    return UUID(int=value)


def _uuid(bits: int) -> UUID:
    """Return the UUID of 128 *bits*: as `UUID(int=...)`, which first looks at all it could be."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", bits)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _bits(at: datetime, randomness: bytes) -> int:
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(randomness)}")
    return _time_bits(at) | int.from_bytes(randomness, "big") & _RANDOM_MASK


def _time_bits(at: datetime) -> int:
    """Return a UUIDv7's bits for *at*, random bits zero."""
    if at.tzinfo is None:
        raise ValueError("an id takes an aware instant; give it a time zone")
    since = at - _EPOCH
    if since.days < 0:
        raise ValueError("an id takes an instant from 1970 on")
    milliseconds, fraction = divmod(since.microseconds, 1000)
    milliseconds += (since.days * _DAY_S + since.seconds) * 1000
    return milliseconds << 80 | (fraction * 4096 // 1000) << 64 | _VERSION_AND_VARIANT
