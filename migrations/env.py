"""How Alembic reaches the database: on the connection that `service.storage.migrate` gives.

`python -m alembic revision` and friends work too, on the settings of the environment.
"""

import re
from typing import Any, Final

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from service.settings import read_settings
from service.storage.tables import metadata

# Partitions are made by a function, month by month, and the queue's tables are its library's:
# neither is part of the model.
_OTHERS: Final = re.compile(r"decision_(default|\d{4}_\d{2})|procrastinate_\w+")


def ours(name: str | None, kind: str, parents: Any) -> bool:  # noqa: ANN401 - Alembic's own type
    """Say whether a thing found in the database is compared with the tables."""
    table = name if kind == "table" else parents.get("table_name")
    return table is None or _OTHERS.fullmatch(table) is None


def run(connection: Connection) -> None:
    """Run what was asked for, each migration in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
elif (url := read_settings().migration_url) is not None:
    with create_engine(url, poolclass=NullPool).connect() as fresh:
        run(fresh)
else:
    raise SystemExit("set DATABASE_URL, or run `goodfit migrate` for the embedded database")
