"""The engines that run the SELECT in tests: one loads a table and returns what comes out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql

from service.rules.sql import Selection
from service.storage import libpq_url
from tests.parity.tables import Table

Rows = list[tuple[object, ...]]
ARROW: Final[dict[str, Callable[[], Any]]] = {
    "INTEGER": pa.int32, "DOUBLE": pa.float64, "TEXT": pa.string, "BOOLEAN": pa.bool_,
    "DATE": pa.date32,
}  # fmt: skip


class Engine(Protocol):
    """Something that runs a SELECT over a table of leads."""

    dialect: str

    def run(self, table: Table, selection: Selection) -> Rows:
        """Return the SELECT's rows over *table*, in the order of its leads."""


class DuckDB:
    """The embedded engine, on one thread: the tables are small and there are many of them."""

    dialect = "duckdb"

    def __init__(self) -> None:
        """Open an empty database in memory."""
        self._connection = duckdb.connect(config={"threads": 1})

    def run(self, table: Table, selection: Selection) -> Rows:
        """Read the leads as Arrow columns."""
        self._connection.register("leads", arrow_table(table, selection))
        return sorted(self._connection.execute(selection.sql).fetchall())


class Postgres:
    """A real server, through a temporary table a rule set."""

    dialect = "postgres"

    def __init__(self, connection: psycopg.Connection) -> None:
        """Work on *connection*."""
        self._connection = connection

    def run(self, table: Table, selection: Selection) -> Rows:
        """Copy the leads in and select."""
        columns, types = table.columns(selection), table.types(selection)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        declared = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
            for name, kind in types.items()
        )
        with self._connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS leads")
            cursor.execute(sql.SQL("CREATE TEMPORARY TABLE leads ({})").format(declared))
            with cursor.copy(sql.SQL("COPY leads ({}) FROM STDIN").format(names)) as copy:
                for row in zip(*columns.values(), strict=True):
                    copy.write_row([list(c) if isinstance(c, tuple) else c for c in row])
            cursor.execute(selection.sql.encode())
            return sorted(cursor.fetchall())


@contextmanager
def postgres(url: str) -> Iterator[Postgres]:
    """Return the engine on the server at *url*, told not to compile what runs once."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SET jit = off")
        yield Postgres(connection)


def arrow_table(table: Table, selection: Selection) -> Any:  # noqa: ANN401 - has no types
    """Return the columns that *selection* reads as an Arrow table."""
    types = table.types(selection)
    arrays = {
        name: pa.array([_listed(cell) for cell in cells], type=_arrow_type(types[name]))
        for name, cells in table.columns(selection).items()
    }
    return pa.table(arrays)


def _listed(cell: object) -> object:
    return list(cell) if isinstance(cell, tuple) else cell


def _arrow_type(kind: str) -> Any:  # noqa: ANN401 - has no types
    item = kind.removesuffix("[]")
    return ARROW[item]() if item == kind else pa.list_(ARROW[item]())
