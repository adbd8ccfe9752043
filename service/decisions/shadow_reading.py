"""Look at a rule set's shadows: their releases, what is live beside them, and their counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.decisions import shadow_store
from service.decisions.desk import Desk
from service.decisions.shadow_showing import shadow_head
from service.rulesets import NotLive, Shadow, shadow_releases
from service.storage import transaction

__all__ = ["Overview", "overview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything there is of one rule set's shadows at one instant, by version."""

    rule_set: str
    at: datetime
    live: int | None
    releases: Mapping[int, tuple[Shadow, ...]]
    tallies: Mapping[int, Row[Any]]
    changes: Mapping[int, int]

    @property
    def versions(self) -> list[int]:
        """The versions that are or were in the shadow, the newest first."""
        return sorted(self.releases, reverse=True)

    def head(self, version: int) -> dict[str, Any]:
        """Return one shadow as it stands in a list."""
        return shadow_head(
            self.releases[version],
            rule_set=self.rule_set,
            live=self.live,
            at=self.at,
            tally=self.tallies.get(version),
            changes=self.changes.get(version, 0),
        )


async def overview(slug: str, desk: Desk) -> Overview:
    """Return the shadows of rule set *slug* now.

    Raises:
        RuleSetNotFound: If there is no such rule set.
    """
    at = desk.house.clock()
    async with transaction(desk.house.engine) as connection:
        releases = await shadow_releases(connection, slug)
        tallies = await shadow_store.read_tallies(connection, slug)
        changes = await shadow_store.read_changes(connection, slug)
    by_version: dict[int, tuple[Shadow, ...]] = {}
    for one in releases:
        by_version[one.version] = (*by_version.get(one.version, ()), one)
    return Overview(
        rule_set=slug,
        at=at,
        live=await _live(slug, desk, at),
        releases=by_version,
        tallies=tallies,
        changes=changes,
    )


async def _live(slug: str, desk: Desk, at: datetime) -> int | None:
    try:
        return (await desk.live.version_at(slug, at)).version
    except NotLive:
        return None
