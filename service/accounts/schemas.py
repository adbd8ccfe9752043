"""Accounts on the wire."""

import re
from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.web import Instant, Sent, Shown

__all__ = [
    "AccountKey",
    "AccountPage",
    "AccountShown",
    "FactsSent",
    "OtherWordShown",
    "PatchSent",
    "ProvenanceShown",
    "check_name",
]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SCALAR_SCHEMAS: Final = [{"type": kind} for kind in ("string", "number", "boolean")]
_LIST_SCHEMA: Final = {"type": "array", "items": {"anyOf": [*_SCALAR_SCHEMAS, {"type": "null"}]}}


def check_name(text: str) -> str:
    """Let through what can be an attribute's name. A pattern would be no OpenAPI 3.0."""
    if _NAME.fullmatch(text) is None:
        raise PydanticCustomError(
            "attribute_name",
            "an attribute's name has up to 64 lower-case letters, digits and underscores, "
            "a letter first; rename it",
        )
    return text


def _fact(value: object) -> object:
    """Let through what a rule set's door can read: a scalar, null, or a list of those."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, dict | list) for item in items):
        raise PydanticCustomError(
            "fact_type",
            "a fact is a text, a number, true, false or a list of texts; send one of them",
        )
    return value


_Fact = Annotated[
    object,
    AfterValidator(_fact),
    WithJsonSchema({"anyOf": [*_SCALAR_SCHEMAS, _LIST_SCHEMA, {"type": "null"}]}),
]
_Name = Annotated[str, AfterValidator(check_name)]
_FACTS: Final = {"company_size": 120, "industry": "logistics", "products": ["fleet", "fuel"]}

AccountKey = Annotated[
    str,
    Path(
        pattern=r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$",
        description="Your name for the account: 1 to 200 characters, no slash.",
        examples=["north-haulage"],
    ),
]


class _Told(Sent):
    """What one source says about an account."""

    source: str = Field(
        default="api",
        pattern=r"^[a-z][a-z0-9_.-]{0,63}$",
        description="Who says so.",
        examples=["hubspot"],
    )
    at: Instant | None = Field(
        default=None,
        description=(
            "When it was true; now, where left out. What is known of a later instant stays."
        ),
        examples=["2026-11-22T09:30:00Z"],
    )


class FactsSent(_Told):
    """All the facts of an account: attributes that are not mentioned have no value."""

    facts: dict[_Name, _Fact] = Field(max_length=256, examples=[_FACTS])


class PatchSent(_Told):
    """Some facts of an account; null removes one, the rest stays (RFC 7396)."""

    facts: dict[_Name, _Fact] = Field(
        max_length=256, examples=[{"company_size": 140, "industry": None}]
    )


class OtherWordShown(Shown):
    """What another source said, which does not stand."""

    source: str
    at: str
    by: str | None = Field(description="As below.")
    value: _Fact = Field(description="Null where it said that there is none.")


class ProvenanceShown(Shown):
    """Who said so, and when it was true."""

    source: str
    at: str
    by: str | None = Field(
        description="Who brought it: whose key, which connection, which import. Null where it "
        "was said before this was kept.",
        examples=["connection hubspot"],
    )
    others: list[OtherWordShown] = Field(
        default_factory=list, description="The latest words of other sources."
    )


class AccountShown(Shown):
    """An account: its facts as they were sent, and where each came from."""

    key: str
    id: str = Field(examples=["acc_01m82amv90f7assrm6pf8d3pr0"])
    facts: dict[str, _Fact] = Field(examples=[_FACTS])
    provenance: dict[str, ProvenanceShown]
    outdated: list[str] = Field(
        default_factory=list,
        description=(
            "In the answer to a change: the attributes of which another word stands, because it "
            "is later or of a source with a higher rank."
        ),
    )
    created_at: str
    updated_at: str


class AccountPage(Shown):
    """Accounts: the newest first, or with `changed_since` the longest unchanged."""

    data: list[AccountShown]
    next_cursor: str | None
