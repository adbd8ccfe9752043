"""The work of `goodfit portfolio thin`: on the database itself."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.rescoring_working import LIMITS
from service.cli.database import database_of, on_database
from service.cli.editing import editor_of
from service.cli.screen import count_of, print_json, say
from service.cli.starting import settings_of_process
from service.portfolio.thinning import keeping_of, thin
from service.storage import to_text
from service.web import rfc3339


def thin_all(*, dry_run: bool, as_json: bool) -> None:
    """Remove the statements that are superfluous by the settings, and list them."""
    settings = settings_of_process()
    keeping = keeping_of(settings)
    found = []
    if keeping is not None:
        now = datetime.now(UTC)

        async def work(engine: AsyncEngine) -> list[dict[str, str]]:
            by = editor_of("").person
            rows = await thin(engine, keeping, now=now, by=by, dry_run=dry_run)
            return [
                {"id": to_text("st", row.id), "rule_set": row.rule_set, "at": rfc3339(row.at)}
                for row in rows
            ]

        with database_of(settings) as url:
            found = on_database(url, work, limits=LIMITS)
    if as_json:
        print_json({"dry_run": dry_run, "statements": found})
        return
    verb = "would go" if dry_run else "removed"
    say(f"  {count_of(len(found), 'statement')} {verb}")
    for one in found:
        say(f"    {one['id']}  `{one['rule_set']}` as of {one['at']}")
