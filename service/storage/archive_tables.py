"""Which tables a backup is made of, asked of the database: it may be older than this code."""

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final

import psycopg

from service.storage.archive import ArchivedColumn
from service.storage.engine import APP_ROLE, libpq_url

__all__ = ["FoundTable", "connect", "find_partitions", "find_revision", "find_tables"]

_SESSION: Final = (
    "SELECT set_config('search_path', 'public', false), set_config('TimeZone', 'UTC', false),"
    " set_config('DateStyle', 'ISO, YMD', false), set_config('IntervalStyle', 'postgres', false),"
    " set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '1', false),"
    " set_config('statement_timeout', '0', false), set_config('lock_timeout', '10s', false),"
    " set_config('idle_in_transaction_session_timeout', '0', false)"
)
# What the service's role may read is ours; a stranger's table in the same schema is not.
_COLUMNS: Final = """
    SELECT relname, attname, format_type(atttypid, atttypmod),
           pg_get_serial_sequence(quote_ident(relname), attname) IS NOT NULL,
           GREATEST(reltuples, 0)::bigint
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND has_table_privilege(%s, pg_class.oid, 'SELECT')
      AND relname NOT IN ('alembic_version', 'goodfit_restore')
    ORDER BY relname, attnum
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid AND connamespace = 'public'::regnamespace
"""
_PARTITIONS: Final = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass('public.decision')
      AND pg_get_expr(relpartbound, pg_class.oid) <> 'DEFAULT'
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table as the database has it. *rows* is its own guess."""

    name: str
    columns: tuple[ArchivedColumn, ...]
    identity: str | None
    rows: int


def connect(url: str) -> psycopg.Connection[Any]:
    """Return a session in autocommit that may take as long as it takes.

    Raises:
        psycopg.Error: If the server cannot be reached.
    """
    session = psycopg.connect(
        libpq_url(url), autocommit=True, connect_timeout=10, application_name="goodfit backup"
    )
    try:
        session.execute(_SESSION)
    except BaseException:
        session.close()
        raise
    return session


def find_tables(session: psycopg.Connection[Any]) -> tuple[FoundTable, ...]:
    """Return our tables, each after those it refers to; none where nothing was migrated."""
    role = session.execute("SELECT to_regrole(%s) IS NOT NULL", [APP_ROLE]).fetchone()
    if role is None or not role[0]:
        return ()
    columns: dict[str, list[ArchivedColumn]] = {}
    identities: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for table, name, kind, is_identity, rows in session.execute(_COLUMNS, [APP_ROLE]):
        columns.setdefault(table, []).append(ArchivedColumn(name=name, type=kind))
        sizes[table] = rows
        if is_identity:
            identities[table] = name
    order: TopologicalSorter[str] = TopologicalSorter({name: set() for name in columns})
    for table, target in session.execute(_REFERENCES):
        if table in columns and target in columns:
            order.add(table, target)
    return tuple(
        FoundTable(name, tuple(columns[name]), identities.get(name), sizes[name])
        for name in order.static_order()
    )


def find_partitions(session: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Return the names of the monthly partitions of decisions, the oldest first."""
    return tuple(name for (name,) in session.execute(_PARTITIONS))


def find_revision(session: psycopg.Connection[Any]) -> str | None:
    """Return the schema's revision; None where the database was never migrated."""
    found = session.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return None
    row = session.execute("SELECT version_num FROM public.alembic_version").fetchone()
    return None if row is None else str(row[0])
