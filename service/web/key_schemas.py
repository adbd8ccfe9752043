"""Keys on the wire."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from service.web.caller import Scope
from service.web.wire import Instant, Sent, Shown

__all__ = ["KeyAsked", "KeyPage", "KeyShown", "NewKeyShown"]

_ORIGIN: Final = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?::[0-9]{1,5})?"
)


def _origin(text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise ValueError("not an origin")
    return text


Origin = Annotated[
    str,
    Field(max_length=300, examples=["https://www.example.com"]),
    AfterValidator(_origin),
]
ScopeName = Literal["decide", "rules:read", "rules:write", "rules:publish", "accounts", "admin"]
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class KeyAsked(Sent):
    """A key to be made. A publishable one is bound to a rule set and to pages."""

    kind: Literal["secret", "publishable"] = "secret"
    name: _Name = Field(examples=["website form"])
    person: _Name = Field(
        description="Who answers for what is done with it: a person, or a system.",
        examples=["ann@example.com"],
    )
    scopes: list[ScopeName] = Field(
        default_factory=list, max_length=len(Scope), examples=[["decide"]]
    )
    rule_set: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    origins: list[Origin] = Field(default_factory=list, max_length=50)
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _is_bound(self) -> "KeyAsked":
        """A secret key has scopes and no bounds; a publishable one the other way round."""
        if self.kind == "secret" and (self.rule_set or self.origins or not self.scopes):
            raise ValueError("a secret key takes scopes, and neither rule_set nor origins")
        if self.kind == "publishable" and (
            self.scopes or self.rule_set is None or not self.origins
        ):
            raise ValueError("a publishable key takes rule_set and origins, and no scopes")
        return self


class KeyShown(Shown):
    """A key without what opens anything."""

    id: str = Field(examples=["key_01m82amv90f7assrm6pf8d3pr0"])
    prefix: str = Field(examples=["gf_sk_3kQ9"])
    kind: Literal["secret", "publishable"]
    name: str
    person: str
    scopes: list[str]
    rule_set: str | None
    origins: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None = Field(description="To within a minute.")
    revoked_at: str | None
    revoked_by: str | None


class NewKeyShown(KeyShown):
    """A key that was just made, with the one showing of the key itself."""

    key: str = Field(description="Shown now and never again; only its SHA-256 is kept.")


class KeyPage(Shown):
    """Keys, the newest first."""

    data: list[KeyShown]
    next_cursor: str | None
