"""Which attributes any rule set declares personal, in the database: SQL only."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["personal_attributes"]

_PERSONAL: Final = text("""
    SELECT DISTINCT attribute.key
    FROM rule_set_version, LATERAL jsonb_each(
        convert_from(canonical, 'UTF8')::jsonb -> 'attributes') AS attribute
    WHERE attribute.value ->> 'pii' = 'true'
""")


async def personal_attributes(connection: AsyncConnection) -> frozenset[str]:
    """Return the names that a version of any rule set has marked as personal data."""
    return frozenset((await connection.execute(_PERSONAL)).scalars())
