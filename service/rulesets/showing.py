"""Rows as the wire shows them."""

from typing import Any

import orjson
from pydantic import BaseModel
from sqlalchemy import Row

from service.rules import Checked
from service.rulesets.checking import SHOWN_PROBLEMS
from service.storage import to_text
from service.web import Answer, etag_of, rfc3339

__all__ = [
    "answer_with",
    "check_shown",
    "draft_shown",
    "frozen_shown",
    "release_shown",
    "rule_set_shown",
    "version_shown",
]


def answer_with(
    model: type[BaseModel], value: dict[str, Any], *, status: int = 200, **headers: str
) -> Answer:
    """Return *value* as an answer of *model*'s form; `_` in a header's name is a hyphen."""
    shown = model.model_validate(value).model_dump(mode="json")
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer.of(shown, status=status, headers=named)


def rule_set_shown(row: Row[Any]) -> dict[str, Any]:
    """Return a rule set's head."""
    return {
        "rule_set": row.slug,
        "id": to_text("rs", row.id),
        "subject": row.subject,
        "title": row.title,
        "created_at": rfc3339(row.created_at),
        "created_by": row.created_by,
        "review_required": row.review_required,
        "frozen": frozen_shown(row),
    }


def frozen_shown(row: Row[Any]) -> dict[str, Any] | None:
    """Return since when, by whom and why a rule set is frozen; None where it is not."""
    if row.frozen_at is None:
        return None
    return {"at": rfc3339(row.frozen_at), "by": row.frozen_by, "reason": row.frozen_reason}


def draft_shown(row: Row[Any], *, whole: bool = True) -> dict[str, Any]:
    """Return a draft, with its text if *whole*."""
    head = {
        "rule_set": row.rule_set,
        "draft": row.name,
        "etag": etag_of(row.row_version),
        "note": row.note,
        "base_version": row.base_version,
        "author": row.author,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "updated_by": row.updated_by,
    }
    return head | {"source": row.source} if whole else head


def version_shown(row: Row[Any], *, whole: bool = True) -> dict[str, Any]:
    """Return a version, with its document and text if *whole*."""
    head = {
        "rule_set": row.rule_set,
        "version": row.number,
        "id": to_text("ver", row.id),
        "digest": row.digest,
        "logic_digest": row.logic_digest,
        "author": row.author,
        "note": row.note,
        "base_version": row.base_version,
        "meaning": row.meaning,
        "created_at": rfc3339(row.created_at),
    }
    if not whole:
        return head
    return head | {"document": orjson.loads(row.canonical), "source": row.source}


def release_shown(row: Row[Any]) -> dict[str, Any]:
    """Return one line of history."""
    return {
        "id": to_text("rel", row.id),
        "rule_set": row.rule_set,
        "version": row.version,
        "mode": row.mode,
        "share": row.share,
        "effective_at": rfc3339(row.effective_at),
        "created_at": rfc3339(row.created_at),
        "released_by": row.released_by,
        "reason": row.reason,
        "approved_by": row.approved_by,
        "review": None if row.review_id is None else to_text("rev", row.review_id),
    }


def check_shown(checked: Checked) -> dict[str, Any]:
    """Return everything a check found."""
    return {
        "ok": not checked.errors,
        "errors": len(checked.errors),
        "warnings": len(checked.warnings),
        "problems": [problem.to_json() for problem in checked.problems[:SHOWN_PROBLEMS]],
        "tests": [
            {"name": test.name, "passed": test.passed, "differences": list(test.differences)}
            for test in checked.tests
        ],
        "digest": None if checked.rules is None else checked.rules.digest,
    }
