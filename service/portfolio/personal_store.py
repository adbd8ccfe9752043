"""What this room holds of a person: what accounts are called in statements. Totals stay."""

from typing import Final

from sqlalchemy import Text, cast, func

from service.storage.personal import GONE, NOTHING, Found, Holding, Subject, any_of
from service.storage.tables import PositionRow

__all__ = ["HOLDINGS"]


def _positions_of(subject: Subject) -> Found:
    """Of accounts that are erased, and of those of which something named the person."""
    accounts = (*subject.accounts, *subject.mentioning)
    return PositionRow.account_id.in_(accounts) if accounts else None


def _erased(subject: Subject) -> Found:
    return any_of(PositionRow.account_id.in_(subject.accounts) if subject.accounts else None)


HOLDINGS: Final = (
    Holding(
        table=PositionRow,
        find=_erased,
        clears={
            "key": func.concat("erased-", cast(PositionRow.account_id, Text)),
            "costs": NOTHING,
        },
        by="statement_id",
    ),
    Holding(
        table=PositionRow,
        find=_positions_of,
        clears={"name": GONE, "slices": NOTHING},
        by="statement_id",
    ),
)
