"""What the database says no with, in words that hold nobody's data."""

from typing import Final

import psycopg
from sqlalchemy import exc

__all__ = ["DatabaseNotMigrated", "DatabaseUnavailable", "as_refusal", "without_values"]

# SQLSTATE classes whose primary message names constraints, relations and roles only.
# Class 22 (data exceptions), for one, quotes the value that could not be read.
_CLASSES_WITHOUT_VALUES: Final = frozenset({"08", "23", "25", "40", "42", "53", "55", "57"})
# Connection lost, serialisation and deadlock, out of resources, lock not to be had,
# cancelled or shut down: trying again later is the answer to each.
_UNAVAILABLE_CLASSES: Final = frozenset({"08", "40", "53", "55", "57"})
_READ_ONLY: Final = "25006"  # a standby in the middle of a failover
_IDLE_TOO_LONG: Final = "25P03"
_MISSING_SCHEMA: Final = frozenset({"42P01", "42703", "42883", "3F000"})


class DatabaseUnavailable(Exception):
    """The database is away, busy or too slow; nothing is known to be wrong with the request."""

    code = "database_unavailable"
    retry_after_s = 1


class DatabaseNotMigrated(Exception):
    """The database lacks the schema or the role that this Goodfit needs."""

    code = "database_not_migrated"


def without_values(error: psycopg.Error) -> str:
    """Return *error* in words without any value: no DETAIL, no quoted input."""
    name = type(error).__name__
    state = error.sqlstate
    if state is None:
        # From libpq, not from a statement: names hosts, ports and sockets at most.
        return f"{name}: {str(error).strip()}" if type(error) in _FROM_LIBPQ else name
    parts = [f"{name} ({state})"]
    if state[:2] in _CLASSES_WITHOUT_VALUES and error.diag.message_primary:
        parts.append(error.diag.message_primary)
    return ": ".join(parts)


def as_refusal(error: Exception) -> DatabaseUnavailable | DatabaseNotMigrated | None:
    """Return the refusal that *error* amounts to, or None where it is somebody's bug."""
    if isinstance(error, exc.TimeoutError):
        return DatabaseUnavailable("every database session is in use; try again in a second")
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state in _MISSING_SCHEMA or (state == "22023" and _about_the_role(cause)):
        return DatabaseNotMigrated(
            "the database lacks tables or the role this version needs; run `goodfit migrate`"
        )
    if state == "42501" and _about_the_role(cause):
        return DatabaseNotMigrated(
            "the database user may not become `goodfit_app`; run `goodfit migrate` with "
            "GOODFIT_OWNER_DATABASE_URL set to the schema's owner"
        )
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    never_there = state is None and isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError
    )
    passing = state is not None and (
        state[:2] in _UNAVAILABLE_CLASSES or state in {_READ_ONLY, _IDLE_TOO_LONG}
    )
    if lost or never_there or passing:
        return DatabaseUnavailable("the database does not answer in time; try again in a second")
    return None


def _about_the_role(error: object) -> bool:
    """Say whether *error* came from setting the session's role."""
    if not isinstance(error, psycopg.Error):
        return False
    said = error.diag.message_primary or ""
    return "role" in said and "goodfit_app" in said


_FROM_LIBPQ: Final = (psycopg.OperationalError, psycopg.InterfaceError)
