"""Erasures on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from service.accounts import ForeignId, SourceName
from service.storage.erasures import Named
from service.web import Sent, Shown

__all__ = ["Email", "ErasurePage", "ErasureSent", "ErasureShown", "check_email"]


def check_email(text: str) -> str:
    """Return an address without blanks around it.

    Raises:
        PydanticCustomError: If it could be no address. It is looked for as it stands, so what is
            no address might be found everywhere.
    """
    address = text.strip()
    name, at, domain = address.rpartition("@")
    if not (name and at and "." in domain.strip(".")) or any(
        c.isspace() or not c.isprintable() or c in '"<>,;\\' for c in address
    ):
        raise PydanticCustomError("not_an_email", "this is an address like `ann@example.com`")
    return address


Email = Annotated[
    str,
    Field(min_length=5, max_length=254, examples=["ann@haulage.example"]),
    AfterValidator(check_email),
]


class AccountIdentitySent(Sent):
    """An account's id in another system."""

    system: SourceName
    id: ForeignId


class ErasureSent(Sent):
    """Whose values are to go. All names that are given are of one person or company."""

    email: Email | None = None
    external_id: str | None = Field(default=None, min_length=1, max_length=255)
    account: str | None = Field(
        default=None, min_length=1, max_length=200, description="The key of an account."
    )
    identity: AccountIdentitySent | None = None
    dry_run: bool = Field(default=False, description="Count what would go, and clear nothing.")

    @model_validator(mode="after")
    def _names_somebody(self) -> "ErasureSent":
        if not (self.email or self.external_id or self.account or self.identity):
            words = "say who is meant: `email`, `external_id`, `account` or `identity`"
            raise PydanticCustomError("nobody", words)
        return self

    @property
    def names(self) -> Named:
        """What the subject is called."""
        own = self.identity
        return Named(
            emails=() if self.email is None else (self.email,),
            external_ids=() if self.external_id is None else (self.external_id,),
            account_keys=() if self.account is None else (self.account,),
            identities=() if own is None else ((own.system, own.id),),
        )


class ErasureProgress(Shown):
    """What it is at, and how many decisions it has looked at or cleared; of how many, if known."""

    step: Literal["accounts", "decisions", "clearing"]
    done: int
    total: int | None


class ClearedShown(Shown):
    """In how many rows of one table something was cleared."""

    table: str = Field(examples=["decision"])
    rows: int


class ErasureShown(Shown):
    """One erasure. It never says whose."""

    id: str = Field(examples=["era_01m86e81e0e00aevvfchk6jx11"])
    cause: Literal["request", "notice", "retention"] = Field(
        description="Somebody, another system's notice, or the passing of time."
    )
    known_by: list[str] = Field(description="What the subject was named by.", examples=[["email"]])
    dry_run: bool
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    progress: ErasureProgress
    cleared: list[ClearedShown] = Field(
        description="So far; in a dry run, what would be cleared. Rows stay, without the values."
    )
    seen_again: int = Field(description="How often the subject came again since it was erased.")
    failure: str | None = Field(description="In words, where it failed; ask for it again.")
    asked_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class ErasurePage(Shown):
    """Erasures, the newest first."""

    data: list[ErasureShown]
    next_cursor: str | None
