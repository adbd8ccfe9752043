"""Comparisons and rebases on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = ["ChangeShown", "ComparisonShown", "RebaseAsked"]

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class RebaseAsked(Sent):
    """Onto which version, and whose side is taken where both changed the same."""

    version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="The newest where left out."
    )
    choose: dict[str, Literal["mine", "theirs"]] = Field(
        default_factory=dict,
        max_length=1_000,
        description="By a conflict's name: `mine` is the draft's side, `theirs` the version's.",
        examples=[{"rule/medium/points": "theirs"}],
    )


class ComparedVersion(Shown):
    """One of the two versions."""

    version: int
    digest: Digest


class FieldChangeShown(Shown):
    """One member before and after; null where it was or is left out."""

    field: str = Field(examples=["points"])
    before: Any
    after: Any


class ChangeShown(Shown):
    """One part that is not as it was."""

    kind: Literal["added", "removed", "changed", "moved"]
    part: str = Field(examples=["rule"])
    id: str = Field(examples=["medium"])
    is_only_words: bool = Field(description="Whether no decision can differ by it.")
    fields: list[FieldChangeShown]


class ComparisonShown(Shown):
    """Everything that changed from one version to another."""

    rule_set: str
    before: ComparedVersion
    after: ComparedVersion
    is_same: bool
    is_same_logic: bool = Field(description="Whether at most words, notes and tests differ.")
    changes: list[ChangeShown]
