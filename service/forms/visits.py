"""A visit of a form: what is known of it, and whether a question gets an answer of its own.

A visitor may add attributes. Whoever says something else than before, or asks again once
the verdict is settled, gets the answer that stands: otherwise the rules could be learnt by
trying. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from service.forms.recognising import changes_any

__all__ = ["Known", "standing_answer"]

_OPEN: Final = "undecided"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as it stands. *facts* are as the rules read them; *answer* is the last one."""

    id: UUID
    revision: int
    identities: tuple[bytes, ...]
    facts: Mapping[str, Any]
    answer: bytes | None
    verdict: str | None
    is_finished: bool
    is_caught: bool


def standing_answer(known: Known | None, given: Mapping[str, Any], *, final: bool) -> bytes | None:
    """Return the answer that a question gets again; None where it is to be decided.

    *given* are its facts as the rules read them, *final* whether it is the last.
    """
    if known is None or known.answer is None:
        return None
    if known.verdict != _OPEN or changes_any(known.facts, given):
        return known.answer
    says_more = final or any(name not in known.facts for name in given)
    return None if says_more else known.answer
