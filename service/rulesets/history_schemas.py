"""The history of a draft on the wire."""

from typing import Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = ["EditHead", "EditPage", "EditShown", "RestoreAsked"]

_EDIT = "edt_01m82amv90f7assrm6pf8d3pr0"


class EditHead(Shown):
    """What one edit left, without the text."""

    id: str = Field(examples=[_EDIT])
    rule_set: str
    draft: str = Field(examples=["main"])
    action: Literal["create", "edit", "rebase", "restore", "commit", "drop"]
    person: str
    at: str
    etag: str = Field(description="The draft's ETag from then on.", examples=['"3"'])
    note: str | None
    base_version: int | None


class EditShown(EditHead):
    """One edit with the text it left, and what it did to the text before."""

    source: str
    before: str | None = Field(
        description="The edit before, whose text it changed; null for the first.", examples=[_EDIT]
    )
    difference: str = Field(
        description="From the text before to this one, line by line as `diff -u` has it, "
        "without the lines that name files; empty where the text stayed.",
        examples=["@@ -2 +2 @@\n-title: Fleets\n+title: Large fleets\n"],
    )


class EditPage(Shown):
    """The edits of a draft, the newest first; nothing in it ever changes."""

    data: list[EditHead]
    next_cursor: str | None


class RestoreAsked(Sent):
    """Which state to bring back."""

    edit: str = Field(max_length=64, description="An edit's id.", examples=[_EDIT])
