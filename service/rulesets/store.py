"""Rule sets in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import (
    ReleaseEpoch,
    RuleSetDraft,
    RuleSetRelease,
    RuleSetRow,
    RuleSetVersion,
)

__all__ = [
    "add_draft",
    "add_release",
    "add_rule_set",
    "add_version",
    "change_draft",
    "find_draft",
    "find_live",
    "find_rule_set",
    "find_version",
    "has_release",
    "latest_live",
    "latest_number",
    "list_drafts",
    "list_live_of_accounts",
    "list_releases",
    "list_rule_sets",
    "list_versions",
    "lock_rule_set",
    "read_epoch",
    "read_releases",
    "remove_draft",
]

# What a list of versions shows: not the documents themselves.
_VERSION_HEAD = [
    column
    for column in RuleSetVersion.__table__.columns
    if column.name not in {"canonical", "source"}
]


async def add_rule_set(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Insert a rule set; return whether its slug was free."""
    statement = insert_or_not(RuleSetRow).values(**values).on_conflict_do_nothing()
    added = await connection.execute(statement.returning(RuleSetRow.slug))
    return added.first() is not None


async def find_rule_set(connection: AsyncConnection, slug: str) -> Row[Any] | None:
    """Return the rule set *slug*."""
    statement = select(RuleSetRow.__table__).where(RuleSetRow.slug == slug)
    return (await connection.execute(statement)).first()


async def lock_rule_set(connection: AsyncConnection, slug: str) -> Row[Any] | None:
    """Return the rule set *slug*; others who lock it wait until the transaction ends.

    The lock leaves the key alone: rows that refer to the rule set are added meanwhile. An
    edit holds its draft and adds one; a commit holds the rule set and waits for the draft.
    """
    statement = select(RuleSetRow.__table__).where(RuleSetRow.slug == slug)
    statement = statement.with_for_update(key_share=True)
    return (await connection.execute(statement)).first()


async def list_slugs(connection: AsyncConnection) -> Sequence[str]:
    """Return the ids of all rule sets."""
    return (
        (await connection.execute(select(RuleSetRow.slug).order_by(RuleSetRow.slug)))
        .scalars()
        .all()
    )


async def list_rule_sets(
    connection: AsyncConnection, *, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* rule sets by slug."""
    statement = select(RuleSetRow.__table__).order_by(_plain(RuleSetRow.slug)).limit(limit)
    if after is not None:
        statement = statement.where(_plain(RuleSetRow.slug) > after)
    return (await connection.execute(statement)).all()


async def add_draft(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Insert a draft; return whether its name was free."""
    statement = insert_or_not(RuleSetDraft).values(**values).on_conflict_do_nothing()
    added = await connection.execute(statement.returning(RuleSetDraft.id))
    return added.first() is not None


async def find_draft(
    connection: AsyncConnection, slug: str, name: str, *, for_update: bool = False
) -> Row[Any] | None:
    """Return the draft *name* of *slug*, locked until the transaction ends if asked."""
    statement = select(RuleSetDraft.__table__).where(_draft(slug, name))
    if for_update:
        statement = statement.with_for_update()
    return (await connection.execute(statement)).first()


async def list_live_of_accounts(connection: AsyncConnection, at: datetime) -> Sequence[Row[Any]]:
    """Return the rule sets for accounts that are live at *at*: `rule_set`, and `since` then."""
    statement = (
        select(RuleSetRelease.rule_set, func.max(RuleSetRelease.effective_at).label("since"))
        .join(RuleSetRow, RuleSetRow.slug == RuleSetRelease.rule_set)
        .where(
            RuleSetRow.subject == "account",
            RuleSetRelease.mode == "live",
            RuleSetRelease.effective_at <= at,
        )
        .group_by(RuleSetRelease.rule_set)
        .order_by(RuleSetRelease.rule_set)
    )
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def list_drafts(connection: AsyncConnection, slug: str) -> Sequence[Row[Any]]:
    """Return every draft of *slug* by name, without its text."""
    columns = [column for column in RuleSetDraft.__table__.columns if column.name != "source"]
    statement = select(*columns).where(RuleSetDraft.rule_set == slug)
    return (await connection.execute(statement.order_by(_plain(RuleSetDraft.name)))).all()


async def change_draft(
    connection: AsyncConnection, slug: str, name: str, values: Mapping[str, object]
) -> None:
    """Set columns of a draft that the transaction has locked."""
    await connection.execute(update(RuleSetDraft).where(_draft(slug, name)).values(**values))


async def remove_draft(connection: AsyncConnection, slug: str, name: str) -> None:
    """Delete a draft that the transaction has locked."""
    await connection.execute(delete(RuleSetDraft).where(_draft(slug, name)))


async def add_version(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a version, its number given out under the rule set's lock."""
    await connection.execute(insert(RuleSetVersion).values(**values))


async def latest_number(connection: AsyncConnection, slug: str) -> int | None:
    """Return the number of the newest version."""
    statement = select(func.max(RuleSetVersion.number)).where(RuleSetVersion.rule_set == slug)
    number: int | None = (await connection.execute(statement)).scalar_one()
    return number


async def find_version(
    connection: AsyncConnection,
    slug: str,
    *,
    number: int | None = None,
    digest: str | None = None,
) -> Row[Any] | None:
    """Return the version of *slug* with that number, or the first with that digest."""
    statement = select(RuleSetVersion.__table__).where(RuleSetVersion.rule_set == slug)
    if number is not None:
        statement = statement.where(RuleSetVersion.number == number)
    if digest is not None:
        statement = statement.where(RuleSetVersion.digest == digest)
    return (await connection.execute(statement.order_by(RuleSetVersion.number))).first()


async def list_versions(
    connection: AsyncConnection, slug: str, *, below: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* versions without their documents, the newest first."""
    statement = select(*_VERSION_HEAD).where(RuleSetVersion.rule_set == slug)
    if below is not None:
        statement = statement.where(RuleSetVersion.number < below)
    statement = statement.order_by(RuleSetVersion.number.desc()).limit(limit)
    return (await connection.execute(statement)).all()


async def add_release(connection: AsyncConnection, values: Mapping[str, object]) -> Row[Any]:
    """Insert a release and return it whole."""
    statement = insert(RuleSetRelease).values(**values).returning(RuleSetRelease.__table__)
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def has_release(connection: AsyncConnection, slug: str) -> bool:
    """Return whether any version was ever released live."""
    statement = select(RuleSetRelease.sequence).where(_live(slug)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def latest_live(connection: AsyncConnection, slug: str) -> int | None:
    """Return the version that was last released live, whenever it takes effect."""
    statement = select(RuleSetRelease.version).where(_live(slug))
    statement = statement.order_by(RuleSetRelease.sequence.desc()).limit(1)
    number: int | None = (await connection.execute(statement)).scalar_one_or_none()
    return number


async def list_releases(
    connection: AsyncConnection, slug: str, *, below: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* releases, the newest first."""
    statement = select(RuleSetRelease.__table__).where(RuleSetRelease.rule_set == slug)
    if below is not None:
        statement = statement.where(RuleSetRelease.sequence < below)
    statement = statement.order_by(RuleSetRelease.sequence.desc()).limit(limit)
    return (await connection.execute(statement)).all()


async def find_live(connection: AsyncConnection, slug: str, at: datetime) -> Row[Any] | None:
    """Return the release that is live at *at*, with its version's digest."""
    statement = (
        select(RuleSetRelease.__table__, RuleSetVersion.digest)
        .join(RuleSetVersion, _version_of_release())
        .where(_live(slug), RuleSetRelease.effective_at <= at)
        .order_by(RuleSetRelease.effective_at.desc(), RuleSetRelease.sequence.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).first()


async def read_releases(
    connection: AsyncConnection, slug: str
) -> Sequence[Row[datetime, int, str, str, UUID, float | None]]:
    """Return every release of *slug*, live and shadow, in the order in which they take effect."""
    statement = (
        select(
            RuleSetRelease.effective_at,
            RuleSetRelease.version,
            RuleSetVersion.digest,
            RuleSetRelease.mode,
            RuleSetRelease.id,
            RuleSetRelease.share,
        )
        .join(RuleSetVersion, _version_of_release())
        .where(RuleSetRelease.rule_set == slug)
        .order_by(RuleSetRelease.effective_at, RuleSetRelease.sequence)
    )
    return (await connection.execute(statement)).all()


async def read_epoch(connection: AsyncConnection) -> int:
    """Return the number that every release raises in its own transaction."""
    epoch: int = (await connection.execute(select(ReleaseEpoch.epoch))).scalar_one()
    return epoch


def _draft(slug: str, name: str) -> ColumnElement[bool]:
    return (RuleSetDraft.rule_set == slug) & (RuleSetDraft.name == name)


def _live(slug: str) -> ColumnElement[bool]:
    return (RuleSetRelease.rule_set == slug) & (RuleSetRelease.mode == "live")


def _version_of_release() -> ColumnElement[bool]:
    return (RuleSetVersion.rule_set == RuleSetRelease.rule_set) & (
        RuleSetVersion.number == RuleSetRelease.version
    )


def _plain(column: Any) -> Any:  # noqa: ANN401 - a column of text, under any collation
    """Order text by its code points, so that a cursor means the same on every server."""
    return column.collate("C")
