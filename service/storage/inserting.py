"""Insert many rows at once: as arrays, because as rows of VALUES a thousand take seconds."""

from collections.abc import Mapping, Sequence

from sqlalchemy import TextClause, text

__all__ = ["arrays_of", "insert_new"]


def insert_new(table: str, columns: Mapping[str, str], *, order_by: str) -> TextClause:
    """Return the statement that inserts rows given as one array a column, and gives new ids.

    *columns* names the type of each; a `jsonb` is given as text. A row that is there already
    is left out. They go in by *order_by*, so that two who bring the same do not wait for each
    other in a circle. All of these are ours, never a caller's words.
    """
    names = ", ".join(columns)
    given = ", ".join(
        f"CAST(:{name} AS {'text' if kind == 'jsonb' else kind}[])"
        for name, kind in columns.items()
    )
    read = ", ".join(
        f"CAST({name} AS jsonb)" if kind == "jsonb" else name for name, kind in columns.items()
    )
    return text(f"""
        INSERT INTO {table} ({names}) SELECT {read} FROM unnest({given}) AS given ({names})
        ORDER BY {order_by} ON CONFLICT DO NOTHING RETURNING id
    """)  # noqa: S608 - the names above


def arrays_of(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]
) -> dict[str, list[object]]:
    """Return *rows* as one array a column; what a row does not have is null."""
    return {name: [row.get(name) for row in rows] for name in columns}
