"""Identities and merges on the wire."""

from pydantic import Field

from service.accounts.ledger_schemas import Reason
from service.accounts.schemas import AccountShown
from service.web import Sent, Shown

__all__ = [
    "IdentitiesShown",
    "IdentityShown",
    "MergePage",
    "MergeSent",
    "MergeShown",
    "UndoSent",
    "UnitedShown",
]


class IdentityShown(Shown):
    """An account's id in another system."""

    system: str = Field(examples=["hubspot"])
    id: str = Field(examples=["987654321"])
    account: str = Field(description="The key of the account that bears it.")
    since: str


class IdentitiesShown(Shown):
    """The identities of an account and of those merged into it."""

    data: list[IdentityShown]


class MergeSent(Sent):
    """Which account stands for both from now on, and why they are one company."""

    into: str = Field(min_length=1, max_length=200, examples=["north-haulage"])
    reason: Reason = Field(examples=["the same company under its old name"])
    dry_run: bool = Field(default=False, description="Only say what would be known of it.")


class UndoSent(Sent):
    """Why they are two after all."""

    reason: Reason = Field(examples=["a subsidiary, billed apart"])


class MergeShown(Shown):
    """Two accounts that were said to be one company."""

    id: str = Field(examples=["mrg_01m82amv90f7assrm6pf8d3pr0"])
    account: str
    into: str
    reason: str
    merged_at: str
    merged_by: str
    undone_at: str | None
    undone_by: str | None
    undone_reason: str | None


class UnitedShown(Shown):
    """What two accounts come to together."""

    merge: MergeShown | None = Field(description="Null where it was only tried.")
    account: AccountShown
    changed: list[str] = Field(
        description="The attributes of the standing account that become others or come in."
    )


class MergePage(Shown):
    """Merges, the newest first."""

    data: list[MergeShown]
    next_cursor: str | None
