"""The history of drafts in the database: SQL only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import DraftEdit, RuleSetDraft

__all__ = [
    "add_edit",
    "find_edit",
    "find_edit_before",
    "has_state",
    "last_row_version",
    "list_draft_persons",
    "list_edits",
]

_HEAD: Final = [column for column in DraftEdit.__table__.columns if column.name != "source"]


async def add_edit(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert one saved state of a draft."""
    await connection.execute(insert(DraftEdit).values(**values))


async def find_edit(
    connection: AsyncConnection, slug: str, *, draft: str, edit_id: UUID
) -> Row[Any] | None:
    """Return one edit of *draft* with its text."""
    statement = select(DraftEdit.__table__).where(_of(slug, draft), DraftEdit.id == edit_id)
    return (await connection.execute(statement)).first()


async def find_edit_before(connection: AsyncConnection, edit: Row[Any]) -> Row[Any] | None:
    """Return the edit that came before *edit* under the same name, with its text."""
    statement = (
        select(DraftEdit.__table__)
        .where(_of(edit.rule_set, edit.draft), DraftEdit.sequence < edit.sequence)
        .order_by(DraftEdit.sequence.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).first()


async def has_state(connection: AsyncConnection, draft: Row[Any]) -> bool:
    """Return whether the present state of *draft* stands in its history."""
    statement = select(DraftEdit.sequence).where(
        DraftEdit.draft_id == draft.id, DraftEdit.row_version == draft.row_version
    )
    return (await connection.execute(statement.limit(1))).first() is not None


async def last_row_version(connection: AsyncConnection, slug: str, *, draft: str) -> int:
    """Return the highest number any state of *draft* ever had; 0 where it had none."""
    statement = select(func.coalesce(func.max(DraftEdit.row_version), 0))
    number: int = (await connection.execute(statement.where(_of(slug, draft)))).scalar_one()
    return number


async def list_edits(
    connection: AsyncConnection, slug: str, *, draft: str, below: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* edits of *draft* without their texts, the newest first."""
    statement = select(*_HEAD).where(_of(slug, draft))
    if below is not None:
        statement = statement.where(DraftEdit.sequence < below)
    statement = statement.order_by(DraftEdit.sequence.desc()).limit(limit)
    return (await connection.execute(statement)).all()


async def list_draft_persons(
    connection: AsyncConnection, slug: str, *, draft: str, after_version: int | None = None
) -> list[str]:
    """Return everybody who wrote on *draft*, by name; also under this name before a drop.

    With *after_version*, only who wrote since the draft was last committed as that version.
    Where it never was, everybody counts: its text may be theirs. Who left the text as it
    was, with another note, by a commit or by dropping it, does not count.
    """
    since = select(func.coalesce(func.max(DraftEdit.sequence), 0)).where(
        _of(slug, draft),
        DraftEdit.action == "commit",
        DraftEdit.base_version == after_version,
    )
    start: int = (await connection.execute(since)).scalar_one()
    earlier = func.lag(DraftEdit.source).over(order_by=DraftEdit.sequence)
    every = (
        select(
            DraftEdit.person,
            DraftEdit.sequence,
            DraftEdit.source.is_distinct_from(earlier).label("is_other"),
        )
        .where(_of(slug, draft))
        .subquery()
    )
    wrote = select(every.c.person).where(every.c.sequence > start, every.c.is_other)
    persons = set((await connection.execute(wrote)).scalars())
    if start == 0:
        # A draft may be older than the history.
        row = select(RuleSetDraft.author, RuleSetDraft.updated_by)
        row = row.where(RuleSetDraft.rule_set == slug, RuleSetDraft.name == draft)
        for author, last in (await connection.execute(row)).all():
            persons |= {author} if persons else {author, last}
    return sorted(persons)


def _of(slug: str, draft: str) -> ColumnElement[bool]:
    return (DraftEdit.rule_set == slug) & (DraftEdit.draft == draft)
