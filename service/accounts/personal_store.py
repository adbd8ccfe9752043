"""What this room holds of a person or a company: facts, names, and words in the ledger.

Numbers, flags and money in the ledger stay: without the account's name they identify nobody, and
books have to add up. Its words go, for anything may stand in them.
"""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from service.storage.personal import (
    ERASED,
    NOTHING,
    Found,
    Holding,
    Raw,
    Subject,
    any_of,
    mentions,
    quoted,
    quotes,
)
from service.storage.tables import (
    AccountEvent,
    AccountIdentity,
    AccountMerge,
    AccountRow,
    ParkedEvent,
)

__all__ = ["ACCOUNT", "HOLDINGS", "RAW"]

_NO_DIGEST: Final[ColumnElement[Any]] = literal_column("decode(repeat('00', 16), 'hex')")
"""A digest of what was told is a hash that anybody could look for."""
_A_WORD: Final[ColumnElement[Any]] = literal_column("'\"erased\"'::jsonb")
_EMPTY: Final[ColumnElement[Any]] = literal_column("'{}'")


def _accounts_of(subject: Subject) -> Found:
    return AccountRow.id.in_(subject.accounts) if subject.accounts else None


def _own(column: Any) -> ColumnElement[Any]:  # noqa: ANN401 - SQLAlchemy's own words for a column
    return case((column.is_(None), None), else_=NOTHING)


def _said(column: Any) -> ColumnElement[Any]:  # noqa: ANN401 - as above
    return case((column.is_(None), None), else_=ERASED)


def _renamed(table: type[Any], subject: Subject) -> ColumnElement[Any]:
    """Return a source's own id, or ours where it holds an address."""
    column = table.source_event_id
    is_named = mentions(column, subject.emails)
    if is_named is None:
        return cast(column, Text)
    return case((is_named, func.concat("erased-", cast(table.id, Text))), else_=column)


def _identities_of(subject: Subject) -> Found:
    name = tuple_(AccountIdentity.system, AccountIdentity.external_id)
    return any_of(
        AccountIdentity.account_id.in_(subject.accounts) if subject.accounts else None,
        name.in_(subject.identities) if subject.identities else None,
        mentions(AccountIdentity.external_id, subject.emails),
    )


def _merges_of(subject: Subject) -> Found:
    accounts = subject.accounts
    return any_of(
        AccountMerge.account_id.in_(accounts) if accounts else None,
        AccountMerge.into_id.in_(accounts) if accounts else None,
        mentions(AccountMerge.reason, subject.emails),
        mentions(AccountMerge.undone_reason, subject.emails),
    )


def _entries_of(subject: Subject) -> Found:
    return any_of(
        AccountEvent.account_id.in_(subject.accounts) if subject.accounts else None,
        mentions(AccountEvent.quantities, subject.emails),
        mentions(AccountEvent.source_event_id, subject.emails),
        mentions(AccountEvent.reason, subject.emails),
    )


def _quantities(subject: Subject) -> ColumnElement[Any]:
    """Every word of an account that is erased; of others, those that hold an address."""
    each = func.jsonb_each(AccountEvent.quantities).table_valued("key", "value")
    goes = any_of(
        AccountEvent.account_id.in_(subject.accounts) if subject.accounts else None,
        mentions(each.c.value, subject.emails),
    )
    if goes is None:
        raise AssertionError("an entry was found by the account or by an address")
    is_word = func.jsonb_typeof(each.c.value) == "string"
    left = case((and_(is_word, goes), _A_WORD), else_=each.c.value)
    whole = func.coalesce(func.jsonb_object_agg(each.c.key, left), NOTHING)
    return select(whole).select_from(each).correlate(AccountEvent).scalar_subquery()


def _parked_of(subject: Subject) -> Found:
    content = ParkedEvent.content
    entered = select(AccountEvent.id).where(AccountEvent.account_id.in_(subject.accounts))
    return any_of(
        mentions(content, subject.emails),
        mentions(ParkedEvent.source_event_id, subject.emails),
        mentions(ParkedEvent.closed_reason, subject.emails),
        quotes(content, subject.account_keys),
        *(
            and_(quoted(content, system), quoted(content, own))
            for system, own in subject.identities
        ),
        ParkedEvent.event_id.in_(entered) if subject.accounts else None,
    )


_WAITS: Final = ParkedEvent.state == "parked"

ACCOUNT: Final = Holding(
    table=AccountRow,
    find=_accounts_of,
    clears={
        "key": func.concat("erased-", cast(AccountRow.id, Text)),
        "facts": NOTHING,
        "provenance": NOTHING,
        "own_facts": lambda _: _own(AccountRow.own_facts),
        "own_provenance": lambda _: _own(AccountRow.own_provenance),
    },
    also={
        "row_version": AccountRow.row_version + 1,
        "updated_at": func.greatest(AccountRow.updated_at, func.now()),
    },
    erased_at="facts_erased_at",
)
"""Cleared before the decisions on it are looked for, so that none is made from it meanwhile."""

HOLDINGS: Final = (
    Holding(
        table=AccountIdentity,
        find=_identities_of,
        removes=("external_id",),
    ),
    Holding(
        table=AccountMerge,
        find=_merges_of,
        clears={"reason": ERASED, "undone_reason": lambda _: _said(AccountMerge.undone_reason)},
        by="merged_at",
    ),
    Holding(
        table=AccountEvent,
        find=_entries_of,
        clears={
            "quantities": _quantities,
            "source_event_id": lambda subject: _renamed(AccountEvent, subject),
            "reason": lambda _: _said(AccountEvent.reason),
            "digest": _NO_DIGEST,
        },
        by="at",
    ),
    # Nobody could mend what has nothing in it, so it does not wait any more.
    Holding(
        table=ParkedEvent,
        find=_parked_of,
        clears={
            "content": _EMPTY,
            "source_event_id": lambda subject: _renamed(ParkedEvent, subject),
            "closed_reason": lambda _: case(
                (or_(_WAITS, ParkedEvent.closed_reason.is_not(None)), ERASED), else_=None
            ),
        },
        also={
            "state": case((_WAITS, "dropped"), else_=ParkedEvent.state),
            "closed_at": func.coalesce(ParkedEvent.closed_at, func.now()),
            "closed_by": func.coalesce(ParkedEvent.closed_by, "goodfit"),
        },
        by="first_at",
    ),
)

RAW: Final = (
    Raw(
        table=ParkedEvent,
        is_done_with=lambda before: ParkedEvent.closed_at < before,
        clears={"content": _EMPTY},
    ),
)
