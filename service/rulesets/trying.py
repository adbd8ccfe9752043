"""What is tried on the past: a draft or a version as it stands now, beside a base."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.rulesets.drafting import existing_draft
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set

__all__ = ["Tried", "find_tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The text of what is tried, and the version with which it is compared, both to compile."""

    source: str | bytes
    base_version: int
    base_source: bytes


async def find_tried(
    connection: AsyncConnection,
    slug: str,
    *,
    draft: str | None,
    version: int | None,
    base: int | None,
    at: datetime,
) -> Tried:
    """Return the draft *draft*, or else version *version*, of *slug*.

    Without *base* it is compared with the version that is live at *at*; if that is the
    version itself, or none is, with the one it was written on, else with the newest.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        DraftNotFound: If it has no such draft.
        VersionNotFound: If it has no such version, or no version at all.
    """
    if await store.find_rule_set(connection, slug) is None:
        raise await no_rule_set(connection, slug)
    source: str | bytes
    if draft is not None:
        row = await existing_draft(connection, slug, draft)
        source = row.source
    else:
        row = await _version(connection, slug, version)
        source = row.canonical
    if base is None:
        live = await store.find_live(connection, slug, at)
        base = None if live is None or live.version == version else live.version
    if base is None:
        base = row.base_version or await store.latest_number(connection, slug)
    compared = await _version(connection, slug, base)
    return Tried(source=source, base_version=compared.number, base_source=compared.canonical)


async def _version(connection: AsyncConnection, slug: str, number: int | None) -> Row[Any]:
    row = None if number is None else await store.find_version(connection, slug, number=number)
    if row is None:
        raise VersionNotFound
    return row
