"""What the solver finds in a draft that is checked: asked at once, answered when it is known."""

from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.rules import RuleSet
from service.rules.solver import DEEP, NOT_AVAILABLE, Answer, is_available, notable
from service.rulesets.editor import Editor
from service.rulesets.inquiring import Inquiry, TooManyInquiries, inquire, inquiry_shown
from service.storage import transaction

__all__ = ["look_deeper"]

_LIMIT_S: Final = 20.0
_WAITS: Final = "the solver is asked; check again for what it finds"


async def look_deeper(
    engine: AsyncEngine, slug: str, rules: RuleSet, *, editor: Editor
) -> dict[str, Any]:
    """Return what the solver found in *rules* so far; nobody waits for it here."""
    if not is_available():
        return _told(None, None, (), NOT_AVAILABLE)
    questions: tuple[dict[str, Any], ...] = tuple({"question": one, "about": []} for one in DEEP)
    inquiry = Inquiry(rules=rules, base=None, questions=questions, limit_s=_LIMIT_S)
    try:
        async with transaction(engine) as connection:
            return _shown(await inquire(connection, slug, inquiry, editor=editor))
    except TooManyInquiries as busy:
        return _told(None, None, (), str(busy))


def _shown(row: Row[Any]) -> dict[str, Any]:
    shown = inquiry_shown(row)
    if row.state != "done":
        return _told(shown["id"], row.state, (), row.failure or _WAITS)
    answers = [msgspec.convert(one, Answer) for one in shown["answers"]]
    settled = sum(one.answer in {"yes", "no"} for one in answers)
    words = f"{settled} of {len(answers)} questions settled"
    return _told(shown["id"], row.state, notable(answers), words)


def _told(
    inquiry: str | None, state: str | None, findings: tuple[Answer, ...], words: str
) -> dict[str, Any]:
    return {
        "inquiry": inquiry,
        "state": state,
        "findings": [one.to_json() for one in findings],
        "words": words,
    }
