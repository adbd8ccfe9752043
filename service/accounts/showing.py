"""Accounts as answers show them."""

from service.accounts.schemas import AccountShown, OtherWordShown, ProvenanceShown
from service.accounts.store import Account
from service.storage import to_text
from service.web import rfc3339

__all__ = ["account_shown"]


def account_shown(account: Account, *, outdated: tuple[str, ...] = ()) -> AccountShown:
    """Return an account with the provenance of each of its facts."""
    return AccountShown(
        key=account.key,
        id=to_text("acc", account.id),
        facts=dict(account.known.facts),
        provenance={
            name: ProvenanceShown(
                source=told["source"],
                at=told["at"],
                by=told.get("by"),
                others=[
                    OtherWordShown(
                        source=source, at=word["at"], by=word.get("by"), value=word["value"]
                    )
                    for source, word in told.get("others", {}).items()
                ],
            )
            for name, told in account.known.shown().items()
        },
        outdated=list(outdated),
        created_at=rfc3339(account.created_at),
        updated_at=rfc3339(account.updated_at),
    )
