"""Turn whatever a request ended with into the problem its sender reads.

Refusals carry their own words. Everything else may carry a lead's values in its
message (pydantic echoes the input, Postgres prints the row), so of those only the
kind and the place get out.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.storage import DatabaseNotMigrated, DatabaseUnavailable, InvalidId
from service.storage.refusals import as_refusal
from service.web.problems import problem
from service.web.refusals import Fault, Refusal, pointer_to
from service.web.visit import Visit

__all__ = ["EXPECTED", "faults_of", "respond_to"]

_DATABASE: Final = (DBAPIError, PoolExhausted, psycopg.Error)
_BY_STATUS: Final = {
    404: ("not_found", "there is nothing at this address; look it up in /docs"),
    405: ("method_not_allowed", "this address does not take this method; see Allow"),
}
EXPECTED: Final[tuple[type[Exception], ...]] = (
    Refusal,
    RequestValidationError,
    HTTPException,
    DatabaseUnavailable,
    DatabaseNotMigrated,
    InvalidId,
    *_DATABASE,
)
"""What an application hands to `respond_to` itself; everything else is a defect."""


def respond_to(error: Exception, visit: Visit) -> Response:
    """Return the problem response for *error*, and note its code in *visit*.

    An unexpected error says nothing of itself, and *visit* notes where it came from.
    """
    code, detail, faults, headers = _told(error)
    visit.problem = code
    if code == "internal_error":
        visit.note_defect(error)
    return problem(
        code,
        detail,
        request_id=visit.request_id,
        faults=faults,
        headers=headers,
        members=error.members if isinstance(error, Refusal) else None,
    )


_Told = tuple[str, str, Sequence[Fault], dict[str, str]]


def _told(error: Exception) -> _Told:  # noqa: PLR0911 - one return for each kind of ending
    if isinstance(error, _DATABASE):
        error = as_refusal(error) or error
    match error:
        case Refusal():
            return error.code, error.detail, error.faults, error.headers
        case RequestValidationError():
            words = "the request does not have the form it needs; see errors"
            return "validation_failed", words, faults_of(error.errors()), {}
        case InvalidId():
            return error.code, str(error), (), {}
        case DatabaseUnavailable():
            return error.code, str(error), (), {"Retry-After": str(error.retry_after_s)}
        case DatabaseNotMigrated():
            return error.code, str(error), (), {"Retry-After": "10"}
        case HTTPException(status_code=status) if status in _BY_STATUS:
            return *_BY_STATUS[status], (), dict(error.headers or {})
        case HTTPException(status_code=status) if 400 <= status < 500:
            return "validation_failed", "the request cannot be read; look it up in /docs", (), {}
        case _:
            return "internal_error", "something went wrong; tell us the request_id", (), {}


def faults_of(errors: Sequence[Any], *, at: str = "") -> tuple[Fault, ...]:
    """Return pydantic's *errors* as faults: kind, words and place, never the input.

    *at* is the pointer to the validated value where it is not the whole body.
    """
    return tuple(_fault(error, at) for error in errors)


def faults_within(error: ValidationError, *, at: str = "") -> tuple[Fault, ...]:
    """Return the faults of a model that was validated by hand; *at* is where it stood."""
    return faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], at=at)


def _fault(error: Any, at: str) -> Fault:  # noqa: ANN401 - pydantic's own shape of an error
    code = str(error["type"])
    source, *steps = error["loc"] or ("body",)
    words = _WORDS.get(code) or _lowered(str(error["msg"]))
    if source in {"query", "path", "header"}:
        return Fault(code=code, message=words, parameter=".".join(str(step) for step in steps))
    return Fault(code=code, message=words, pointer=at + pointer_to(*_visible(steps)))


# Pydantic's words for these repeat a value or speak of Python.
_WORDS: Final = {
    "extra_forbidden": "this member is not known here; leave it out",
    "missing": "this member is needed; add it",
    "model_attributes_type": "this is not a JSON object; send one",
    "model_type": "this is not a JSON object; send one",
    "dict_type": "this is not a JSON object; send one",
    "list_type": "this is not a JSON array; send one",
    "string_type": "this is not a text; send one",
    "bool_type": "this is not true or false; send one of them",
    "int_type": "this is not a whole number; send one",
    "value_error": "this value cannot be used here",
    "assertion_error": "this value cannot be used here",
    "json_invalid": "the body is not JSON as we read it",
}


def _visible(steps: Sequence[str | int]) -> Iterator[str | int]:
    """Leave out what pydantic puts into a place for itself (`function-after[...]`)."""
    for step in steps:
        if isinstance(step, int) or "[" not in step:
            yield step


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
