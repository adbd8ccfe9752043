"""One MetaData for every room, with names that Postgres and Alembic agree on."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

__all__ = ["Base", "Json", "JsonObject", "metadata", "primary_uuid", "words"]

Json = Any
"""Whatever a jsonb column may hold: what `json.loads` gives, without NUL in any text."""

JsonObject = dict[str, Any]

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class Base(DeclarativeBase):
    """What every table is declared on. Rooms read and write with Core statements."""

    metadata = metadata
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy asks for a plain attribute
        str: Text(),
        bytes: LargeBinary(),
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        JsonObject: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
    }


primary_uuid = Annotated[UUID, mapped_column(primary_key=True)]


def words(column: str, *allowed: str) -> str:
    """Return the SQL condition that *column* holds one of *allowed*, for a check."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    return f"{column} IN ({listed})"
