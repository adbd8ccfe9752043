"""What a room holds of a person: declared once, and by that found, cleared and told.

A room lists its holdings; the privacy room alone puts them to use. SQL is made here and in the
modules that declare.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    and_,
    cast,
    delete,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.spellings import in_plain, raw_address, runs_of

__all__ = ["ERASED", "GONE", "NOTHING", "Found", "Holding", "Raw", "Subject", "any_of", "clear"]
__all__ += ["clear_raw", "mentions", "mentions_raw", "quoted", "quotes", "tell"]

GONE: Final[ColumnElement[Any]] = null()
NOTHING: Final[ColumnElement[Any]] = literal_column("'{}'::jsonb")
ERASED: Final[ColumnElement[Any]] = literal_column("'erased'")
"""What stands for words that may not be missing."""

# What may stand before and after an address, so that it is no part of a longer one: in plain text
# and in JSON, where a line feed is a backslash and a letter.
_BEFORE: Final = r"(^|[^a-z0-9._%+-]|\\[bfnrt]|\\u00[0-7][0-9a-f])"
# In percent: a blank, a bracket, a sign of equality and whatever else is no part of an address.
_BEFORE_RAW: Final = _BEFORE[:-1] + "|%([01][0-9a-f]|2[0-9acf]|3[a-f]))"
_AFTER: Final = r"($|[^a-z0-9.-]|[.-]($|[^a-z0-9]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose values are meant, as far as is known.

    Attributes:
        emails: Addresses, in whatever case.
        external_ids: By which callers know a lead.
        identities: `(system, id)` by which other systems know an account.
        account_keys: Of *accounts*, and of those that are not there.
        accounts: Ids of accounts that are erased whole.
        mentioning: Ids of accounts of which something held an address.
        decisions: Ids of decisions made from the subject's values.
    """

    emails: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    account_keys: tuple[str, ...] = ()
    accounts: tuple[UUID, ...] = ()
    mentioning: tuple[UUID, ...] = ()
    decisions: tuple[UUID, ...] = ()


Found = ColumnElement[bool] | None
Left = ColumnElement[Any] | Callable[[Subject], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one table holds of a person.

    Attributes:
        table: The mapped class.
        find: The rows of a subject; None where the subject has nothing that could name any.
        clears: Column to what is left instead. Empty where the rows are removed.
        removes: The columns of rows that are removed whole.
        also: Further columns to what they are set to with it.
        erased_at: The column that says when.
        by: The column that orders a person's rows in time.
        ages: Whether the passing of time clears it as well.
    """

    table: type[Any]
    find: Callable[[Subject], Found]
    clears: Mapping[str, Left] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    also: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    erased_at: str | None = None
    by: str = "created_at"
    ages: bool = False

    @property
    def name(self) -> str:
        """The table's name."""
        name: str = self.table.__tablename__
        return name

    @property
    def columns(self) -> frozenset[str]:
        """What of the table it claims as personal."""
        return frozenset(self.clears) | frozenset(self.removes)


async def clear(connection: AsyncConnection, holding: Holding, subject: Subject) -> int:
    """Clear what *holding* has of *subject*; return of how many rows. A repeat clears none."""
    found = holding.find(subject)
    if found is None:
        return 0
    if holding.removes:
        return (await connection.execute(delete(holding.table).where(found))).rowcount
    left = {
        name: value if isinstance(value, ColumnElement) else value(subject)
        for name, value in holding.clears.items()
    }
    is_there = [
        getattr(holding.table, name).is_distinct_from(value) for name, value in left.items()
    ]
    at = {} if holding.erased_at is None else {holding.erased_at: func.now()}
    new = {**left, **holding.also, **at}
    statement = update(holding.table).where(found, or_(*is_there)).values(new)
    return (await connection.execute(statement)).rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What one table holds as it came from outside, and needs no more after a while.

    *is_done_with* says of which rows, by the instant before which they were.
    """

    table: type[Any]
    is_done_with: Callable[[datetime], ColumnElement[bool]]
    clears: Mapping[str, ColumnElement[Any]]
    also: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)


async def clear_raw(connection: AsyncConnection, raw: Raw, *, before: datetime, most: int) -> int:
    """Clear up to *most* rows that were done with *before* then; return how many it were."""
    table = raw.table
    is_there = or_(
        *(getattr(table, name).is_distinct_from(value) for name, value in raw.clears.items())
    )
    some = select(table.id).where(raw.is_done_with(before), is_there).limit(most)
    statement = update(table).where(table.id.in_(some)).values({**raw.clears, **raw.also})
    return (await connection.execute(statement)).rowcount


async def tell(
    connection: AsyncConnection, holdings: Sequence[Holding], subject: Subject
) -> Sequence[Row[Any]]:
    """Return the rows that *holdings*, all of one table, have of *subject*, the oldest first."""
    found = any_of(*(holding.find(subject) for holding in holdings))
    if found is None:
        return ()
    table, by = holdings[0].table, holdings[0].by
    statement = select(table.__table__).where(found).order_by(getattr(table, by))
    return (await connection.execute(statement)).all()


def any_of(*conditions: Found) -> Found:
    """Return the condition that one of *conditions* holds, as far as there are any."""
    given = [one for one in conditions if one is not None]
    return or_(*given) if given else None


def mentions(column: Any, emails: Iterable[str]) -> Found:  # noqa: ANN401 - SQLAlchemy's own words for a column
    """Return the condition that a text, or JSON, holds one of *emails*, and no longer address."""
    text = cast(column, Text)
    return any_of(
        *(
            and_(
                *(func.strpos(func.lower(text), one) > 0 for one in _parts(email)),
                text.regexp_match(_BEFORE + in_plain(email) + _AFTER, flags="i"),
            )
            for email in emails
        )
    )


def mentions_raw(text: ColumnElement[str], emails: Iterable[str]) -> Found:
    """Return the condition that bytes hold one of *emails*, in whichever way a sender writes it.

    *text* is `encode(bytes, 'escape')`.
    """
    return any_of(
        *(
            and_(
                # what quoted-printable broke into lines is looked through whole
                or_(
                    and_(*(func.strpos(func.lower(text), one) > 0 for one in runs_of(email))),
                    func.strpos(text, "=\n") > 0,
                    func.strpos(text, "=\r\n") > 0,
                ),
                text.regexp_match(_BEFORE_RAW + raw_address(email) + _AFTER, flags="i"),
            )
            for email in emails
        )
    )


def quotes(column: Any, words: Iterable[str]) -> Found:  # noqa: ANN401 - as above
    """Return the condition that a JSON text holds one of *words* as a string of its own."""
    return any_of(*(quoted(column, one) for one in words))


def quoted(column: Any, words: str) -> ColumnElement[bool]:  # noqa: ANN401 - as above
    """Return the condition that a JSON text holds exactly these words, written either way."""
    text = cast(column, Text)
    spellings = {json.dumps(words, ensure_ascii=is_plain) for is_plain in (False, True)}
    return or_(*(func.strpos(text, literal(one, Text)) > 0 for one in sorted(spellings)))


def _parts(email: str) -> tuple[str, ...]:
    """Return what a plain text that mentions *email* holds, in small letters."""
    return (email.lower(),) if email.isascii() else runs_of(email)
