"""Every column that could hold something of a person is claimed, or said to hold nothing."""

from sqlalchemy import ARRAY, JSON, Column, LargeBinary, Table, Text

from service.accounts import ACCOUNT
from service.privacy import HOLDINGS, RAW
from service.storage.tables import metadata
from service.storage.tables.impersonal import IMPERSONAL, OF_OURS

CLAIMED = {(holding.name, column) for holding in (*HOLDINGS, ACCOUNT) for column in holding.columns}


def could_hold_words(column: Column[object]) -> bool:
    """Return whether a column's type leaves room for what somebody was called."""
    return isinstance(column.type, Text | LargeBinary | JSON | ARRAY)


def is_said_to_hold_nothing(table: Table, column: Column[object]) -> bool:
    """Return whether somebody looked at the column and found that it is about nobody."""
    said = IMPERSONAL.get(table.name, frozenset())
    return column.name in OF_OURS or column.name in said or said == {"*"}


def test_every_column_with_words_is_claimed_or_said_to_hold_nothing() -> None:
    """Whoever adds a table chooses: a holding in its room, or a line that says why it has none."""
    undecided = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if could_hold_words(column)
        and (table.name, column.name) not in CLAIMED
        and not is_said_to_hold_nothing(table, column)
    ]
    assert undecided == []


def test_nothing_is_both_claimed_and_said_to_hold_nothing() -> None:
    """A claim beside its denial would leave the next author to guess."""
    both = [
        (table, column)
        for table, column in sorted(CLAIMED)
        if {column, "*"} & IMPERSONAL.get(table, frozenset())
    ]
    assert both == []


def test_what_is_claimed_or_denied_is_there() -> None:
    """A line for a column that was renamed would look like a choice that somebody made."""
    there = {(table.name, c.name) for table in metadata.tables.values() for c in table.columns}
    denied = {
        (table, column) for table, columns in IMPERSONAL.items() for column in columns - {"*"}
    }
    raw = {(one.table.__tablename__, column) for one in RAW for column in one.clears}
    assert (CLAIMED | denied | raw) - there == set()
    assert set(IMPERSONAL) - set(metadata.tables) == set()
    assert raw - CLAIMED == set()
