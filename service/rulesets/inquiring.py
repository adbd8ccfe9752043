"""Ask about the meaning of a draft or a version: the same is asked once, and its answer kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import RuleSet
from service.rules.solver import UnknownSubject, check_subject, is_available
from service.rulesets import inquiry_store
from service.rulesets.editor import Editor
from service.storage import to_text
from service.web import Refusal, rfc3339

__all__ = [
    "BadQuestion",
    "Inquiry",
    "InquiryNotFound",
    "TooManyInquiries",
    "checked_questions",
    "inquire",
    "inquiry_shown",
    "meaning_shown",
]

_MOST_OPEN: Final = 20
_SAYS: Final = 2
"""Raised where answers say more than they did, so that what was kept before is asked again."""


class InquiryNotFound(Refusal):
    """The rule set has no inquiry with this id."""

    code: ClassVar[str] = "inquiry_not_found"

    def __init__(self) -> None:
        super().__init__("the rule set has no such inquiry; GET its /inquiries for a list")


class TooManyInquiries(Refusal):
    """Too many inquiries about a rule set have no answer yet."""

    code: ClassVar[str] = "too_many_inquiries"

    def __init__(self) -> None:
        words = f"{_MOST_OPEN} inquiries about this rule set wait already; ask again in a minute"
        super().__init__(words, headers={"Retry-After": "60"})


class BadQuestion(Refusal):
    """A question is about what the rule set does not have."""

    code: ClassVar[str] = "bad_question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is asked: of *rules*, compared with *base* where there is one."""

    rules: RuleSet
    base: RuleSet | None
    questions: tuple[dict[str, Any], ...]
    limit_s: float


def checked_questions(rules: RuleSet, questions: Sequence[dict[str, Any]]) -> None:
    """Refuse questions about what *rules* do not have.

    Raises:
        BadQuestion: Naming what is there.
    """
    for question in questions:
        try:
            check_subject(rules.model, question["question"], tuple(question["about"]))
        except UnknownSubject as unknown:
            raise BadQuestion(str(unknown)) from None


async def inquire(
    connection: AsyncConnection, slug: str, inquiry: Inquiry, *, editor: Editor
) -> Row[Any]:
    """Return the inquiry about the rule set *slug*; one that waits if nobody asked it yet.

    Raises:
        TooManyInquiries: If many wait already.
    """
    day = editor.at.date()
    base = inquiry.base
    told = orjson.dumps(
        [
            inquiry.rules.digest,
            None if base is None else base.digest,
            list(inquiry.questions),
            day.isoformat() if _moves(inquiry) else None,
            inquiry.limit_s,
            _SAYS if is_available() else None,
        ],
        option=orjson.OPT_SORT_KEYS,
    )
    asked = hashlib.sha256(told).digest()
    row = await inquiry_store.find_asked(connection, slug, asked)
    if row is not None:
        return row
    if await inquiry_store.count_open(connection, slug) >= _MOST_OPEN:
        raise TooManyInquiries
    await inquiry_store.add(
        connection,
        {
            "id": editor.fresh_id(),
            "rule_set": slug,
            "kind": "ask" if base is None else "compare",
            "asked": asked,
            "digest": inquiry.rules.digest,
            "source": inquiry.rules.canonical,
            "base_digest": None if base is None else base.digest,
            "base_source": None if base is None else base.canonical,
            "questions": {"questions": list(inquiry.questions)},
            "day": day,
            "limit_s": inquiry.limit_s,
            "state": "queued",
            "generation": 0,
            "attempts": 0,
            "asked_by": editor.person,
            "created_at": editor.at,
        },
    )
    row = await inquiry_store.find_asked(connection, slug, asked)
    if row is None:
        raise AssertionError("an inquiry that was just added is there")
    return row


def _moves(inquiry: Inquiry) -> bool:
    """Whether another day may have another answer."""
    base = inquiry.base
    return inquiry.rules.moves_by_time or (base is not None and base.moves_by_time)


def inquiry_shown(row: Row[Any]) -> dict[str, Any]:
    """Return an inquiry as the wire shows it."""
    is_compared = row.kind == "compare"
    answer = row.answer or {}
    return {
        "id": to_text("inq", row.id),
        "rule_set": row.rule_set,
        "kind": row.kind,
        "state": row.state,
        "digest": row.digest,
        "base_digest": row.base_digest,
        "day": row.day.isoformat(),
        "comparison": answer.get("comparison") if is_compared else None,
        "answers": None if is_compared else answer.get("answers"),
        "failure": row.failure,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "started_at": None if row.started_at is None else rfc3339(row.started_at),
        "finished_at": None if row.finished_at is None else rfc3339(row.finished_at),
    }


def meaning_shown(row: Row[Any]) -> dict[str, Any]:
    """Return what a review shows of an inquiry."""
    shown = inquiry_shown(row)
    return {"inquiry": shown["id"], "state": row.state, "comparison": shown["comparison"]}
