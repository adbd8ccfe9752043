"""What this room's routes find in a request."""

from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Path, Request
from pydantic import ValidationError

from service.rulesets.drafting import Edit, Editor
from service.rulesets.live import LiveRules
from service.rulesets.patching import text_of
from service.rulesets.schemas import DraftSent
from service.web import (
    RULE_SET,
    Fault,
    InHouse,
    Refusal,
    WithKey,
    faults_within,
    media_type_of,
    read_json,
)

__all__ = ["DRAFT_BODY", "DraftName", "Editing", "InvalidText", "Live", "SlugInPath", "sent_draft"]

_YAML: Final = "application/yaml"
DraftName = Annotated[
    str,
    Path(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="The draft's name.", examples=["main"]),
]


SlugInPath = Annotated[str, Path(description="The rule set's id.", examples=["fleet_leads"])]


class InvalidText(Refusal):
    """A text is not UTF-8, or holds U+0000."""

    code: ClassVar[str] = "invalid_text"


class DraftMalformed(Refusal):
    """A draft came as JSON of another form."""

    code: ClassVar[str] = "validation_failed"


async def _live_of(request: Request) -> LiveRules:
    live: LiveRules = request.app.state.live
    return live


async def _editor_of(house: InHouse, caller: WithKey) -> Editor:
    return Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)


Live = Annotated[LiveRules, Depends(_live_of)]
Editing = Annotated[Editor, Depends(_editor_of)]


async def sent_draft(request: Request) -> Edit:
    """Return the draft in a request's body: YAML text, or JSON around text or document.

    Raises:
        InvalidText: If YAML is not UTF-8 or holds U+0000.
        InvalidJSON, DraftMalformed: If JSON is not as we read it.
    """
    body = await request.body()
    if media_type_of(request.headers) == _YAML:
        return Edit(source=_text(body), note=None)
    value = await read_json(body, limits=RULE_SET)
    try:
        sent = DraftSent.model_validate(value)
    except ValidationError as error:
        words = "the draft does not have the form it needs; see errors"
        raise DraftMalformed(words, faults=faults_within(error)) from None
    source = text_of(sent.document) if sent.document is not None else sent.source
    return Edit(source=source, note=sent.note)


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise _bad_text("the text is not UTF-8; encode it so", "not_utf8", line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _bad_text("the text holds the character U+0000; leave it out", "nul", line)
    return text


def _bad_text(words: str, code: str, line: int) -> InvalidText:
    return InvalidText(words, faults=[Fault(code=code, message=words, pointer="", line=line)])


DRAFT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _YAML: {"schema": {"type": "string"}},
            "application/json": {"schema": DraftSent.model_json_schema()},
        },
    }
}
"""What FastAPI cannot see of a body that is read by hand."""
