"""Strong entity tags (RFC 9110, section 8.8) over row versions, and what they guard."""

from typing import ClassVar

from service.web.refusals import Fault, Refusal

__all__ = ["Clash", "PreconditionRequired", "check_match", "etag_of", "is_unchanged"]


class PreconditionRequired(Refusal):
    """An edit did not say which state it edits."""

    code: ClassVar[str] = "precondition_required"


class Clash(Refusal):
    """An edit is of a state that is no longer the current one."""

    code: ClassVar[str] = "precondition_failed"


def etag_of(row_version: int | str) -> str:
    """Return the strong tag of one state of a resource, quotes included."""
    return f'"{row_version}"'


def check_match(if_match: str | None, current: str, *, clashes: tuple[Fault, ...] = ()) -> None:
    """Let an edit through whose `If-Match` names the *current* tag, or `*`.

    *clashes* are the fields in which the edit and the current state differ.

    Raises:
        PreconditionRequired: If there is no `If-Match`.
        Clash: If it names other states only; a weak tag never matches.
    """
    if if_match is None:
        words = "send `If-Match` with the ETag you read, so that nobody's edit is overwritten"
        raise PreconditionRequired(words, headers={"ETag": current})
    if if_match.strip() != "*" and current not in _tags(if_match):
        words = "this was edited since you read it; read it again and repeat your edit"
        raise Clash(words, faults=clashes, headers={"ETag": current})


def is_unchanged(if_none_match: str | None, current: str) -> bool:
    """Return whether a reader already has the *current* state, so that 304 is the answer."""
    if if_none_match is None:
        return False
    weak = {tag.removeprefix("W/") for tag in _tags(if_none_match)}
    return if_none_match.strip() == "*" or current in weak


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
