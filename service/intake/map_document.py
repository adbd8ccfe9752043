"""The map of a connection: how a payload becomes what is known of whom, as somebody writes it.

Every expression is JMESPath. It sees one item of the payload, and beside the item's own
members `fields`: the names and values that the map's `fields` found, whatever the vendor's
way of writing them. So most attributes are as short as `fields.numberofemployees`.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from service.accounts import SourceName
from service.intake.expressions import Expression
from service.web import Sent

__all__ = [
    "AttributeDocument",
    "EraseDocument",
    "FieldsDocument",
    "KindDocument",
    "MapDocument",
    "ReplyDocument",
    "merged",
]

AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
KindName = AttributeName
Short = Annotated[str, StringConstraints(max_length=200)]
_MOST: Final = 256


class AttributeDocument(Sent):
    """Where one attribute comes from.

    Attributes:
        path: The expression; a text in place of the whole object is one.
        missing: Texts that mean nothing is known.
        replace: Whole values and what stands for them; null is nothing known.
        times: What one of the vendor's units is in the attribute's.
        split: What stands between the items of a list.
        null: Whether a value that was emptied removes the attribute, or is no word on it.
    """

    path: Expression
    missing: list[Short] = Field(default_factory=list, max_length=_MOST)
    replace: dict[str, str | float | bool | None] = Field(default_factory=dict, max_length=1_000)
    times: float | None = Field(None, gt=-1e15, lt=1e15, allow_inf_nan=False)
    split: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None
    null: Literal["remove", "keep"] = "remove"

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class FieldsDocument(Sent):
    """Where an item keeps names and values: one object, or a list of pairs.

    Attributes:
        object: An object of them. *value* is read from each member that is an object itself.
        each: A list; of each entry *name* and *value* are read.
        options: In an entry, its list of options; a value that is an option's *option_id* is
            read as its *option_text*.
    """

    object: Expression | None = None
    each: Expression | None = None
    name: Expression | None = None
    value: Expression | None = None
    options: Expression | None = None
    option_id: Short = "id"
    option_text: Short = "text"

    @model_validator(mode="after")
    def _is_one(self) -> "FieldsDocument":
        if (self.object is None) == (self.each is None):
            raise PydanticCustomError("fields", "name either an `object` or a list (`each`)")
        if self.each is not None and (self.name is None or self.value is None):
            raise PydanticCustomError(
                "fields", "of `each` entry a `name` and a `value` are read; name both"
            )
        return self


class EraseDocument(Sent):
    """Which items ask us to forget somebody, and whom."""

    when: Expression
    email: Expression | None = None
    external_id: Expression | None = None


class ReplyDocument(Sent):
    """Which payloads are answered with the decision, since whoever sent them waits for it.

    Attributes:
        when: Has to hold of the payload.
        rule_set: Where an item names the rules to decide it by; else its kind's do.
    """

    when: Expression
    rule_set: Expression | None = None


class KindDocument(Sent):
    """One kind of item, as of companies or of contacts: the first whose `when` holds reads it.

    Attributes:
        subject: An `account` is kept and assessed; a `lead` is decided by *rule_set*.
        id: Its id in the vendor's system, by which an account is found again.
        key: Our name for it; `{system}-{id}` where left out.
        at: When it was true, where the map's own is not of this kind.
        deleted: Whether the item says that it is gone; then nothing is read of it.
        partial: Whether the item tells only a part of what is known, as an event does.
        reads: The vendor's kind of object, by which the whole can be fetched.
    """

    when: Expression | None = None
    subject: Literal["account", "lead"]
    id: Expression | None = None
    key: Expression | None = None
    at: Expression | None = None
    deleted: Expression | None = None
    rule_set: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = None
    partial: Expression | None = None
    reads: Annotated[str, StringConstraints(max_length=64)] | None = None
    attributes: dict[AttributeName, AttributeDocument | None] = Field(
        default_factory=dict, max_length=_MOST
    )


class MapDocument(Sent):
    """The whole map.

    Attributes:
        accept: What has to hold of the payload; else nothing of it is read.
        items: The payload's items; a list, or one.
        event: What makes an item the same when it comes again.
        at: When it was true: RFC 3339, or seconds or milliseconds since 1970.
        author: Who changed it, to know our own hand again.
        system: Whose ids these are.
    """

    system: SourceName
    accept: Expression | None = None
    items: Expression = "@"
    event: Expression | None = None
    at: Expression | None = None
    author: Expression | None = None
    fields: list[FieldsDocument] = Field(default_factory=list, max_length=8)
    kinds: dict[KindName, KindDocument | None] = Field(default_factory=dict, max_length=16)
    erase: EraseDocument | None = None
    reply: ReplyDocument | None = None


def merged(base: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON
    """Return *base* with the JSON merge patch *patch* (RFC 7396), but that a null stays a null."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    return base | {name: merged(base.get(name), value) for name, value in patch.items()}
