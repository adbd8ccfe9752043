"""Many accounts on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from service.accounts.ledger_schemas import IdentitySent
from service.accounts.schemas import FactsSent
from service.web import Shown

__all__ = ["AccountLineSent", "AccountResultShown", "AccountsShown"]


def _key(text: str) -> str:
    """Let through what can be an account's key in an address."""
    if not text.strip() or text != text.strip() or not text.isprintable() or "/" in text:
        words = "a key has no blanks around it, no slash and no control characters; rename it"
        raise PydanticCustomError("account_key", words)
    if text in {"import", "imports"}:
        words = "`import` and `imports` are addresses beside those of accounts; rename it"
        raise PydanticCustomError("account_key", words)
    return text


class AccountLineSent(FactsSent):
    """What one source says about one account of many; the account is made if there is none."""

    account: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_key)] = Field(
        description="Its key.", examples=["north-haulage"]
    )
    identities: list[IdentitySent] = Field(
        default_factory=list, max_length=20, description="Its ids in other systems, to be added."
    )
    is_everything: bool = Field(
        default=False,
        description="As in PUT, attributes that are not mentioned have no value; else as in PATCH.",
    )


class AccountResultShown(Shown):
    """What became of one account of many."""

    # Members that say nothing are left out.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    line: int
    state: Literal["created", "changed", "unchanged"] | None = None
    outdated: list[str] | None = Field(
        default=None, description="Attributes of which another word stands."
    )
    problem: dict[str, Any] | None = Field(
        default=None, description="Why nothing of it was kept (RFC 9457)."
    )


class AccountsShown(Shown):
    """One result for each account, in order."""

    data: list[AccountResultShown]
