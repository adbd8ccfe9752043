"""`goodfit migrate`: the schema of this version, and partitions for the months to come."""

from service.cli.database import bring_up_to_date, database_of, in_transaction, own_folder
from service.cli.screen import print_json, say
from service.cli.starting import settings_of_process
from service.storage import ensure_partitions


def migrate(*, as_json: bool) -> None:
    """Bring the database up to date; may be repeated. Ends the command where it cannot."""
    settings = settings_of_process()
    with database_of(settings) as url:
        migration = bring_up_to_date(settings, url, home=own_folder(settings))
        ahead = settings.partitions_ahead
        made = in_transaction(url, lambda connection: ensure_partitions(connection, ahead=ahead))
    if as_json:
        print_json({"before": migration.before, "after": migration.after, "partitions": list(made)})
        return
    if migration.changed:
        say(f"migrated from {migration.before or 'an empty database'} to {migration.after}")
    else:
        say(f"the schema is up to date ({migration.after})")
    if made:
        say(f"made {', '.join(made)}")
