"""Turn whatever a request ended with into the problem its sender reads.

Refusals carry their own words. Everything else may carry a lead's values in its
message (pydantic echoes the input, Postgres prints the row), so of those only the
kind and the place get out.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout, TooManyRequests
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.web.problems import problem
from service.web.refusals import Fault, Refusal, pointer_to

__all__ = ["EXPECTED", "faults_of", "is_expected", "respond_to"]

_RETRY_S: Final = "1"
_BY_STATUS: Final = {
    404: ("not_found", "there is nothing at this address; look it up in /docs"),
    405: ("method_not_allowed", "this address does not take this method; see Allow"),
}
_OUT_OF_REACH: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    TooManyRequests,
    OperationalError,
    InterfaceError,
    PoolExhausted,
    ConnectionError,
)
EXPECTED: Final[tuple[type[Exception], ...]] = (
    Refusal,
    RequestValidationError,
    ValidationError,
    HTTPException,
    *_OUT_OF_REACH,
    DBAPIError,
)


def respond_to(error: Exception, *, request_id: str) -> Response:
    """Return the problem response for *error*; an unexpected one says nothing of itself."""
    if isinstance(error, Refusal):
        return problem(
            error.code,
            error.detail,
            request_id=request_id,
            faults=error.faults,
            headers=error.headers,
        )
    if isinstance(error, RequestValidationError):
        faults = faults_of(error.errors())
        words = "the request does not have the form it needs; see errors"
        return problem("validation_failed", words, request_id=request_id, faults=faults)
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        code, words = _BY_STATUS[error.status_code]
        return problem(code, words, request_id=request_id, headers=dict(error.headers or {}))
    if is_out_of_reach(error):
        words = "the database does not answer in time; try again"
        retry = {"Retry-After": _RETRY_S}
        return problem("unavailable", words, request_id=request_id, headers=retry)
    words = "something went wrong on our side; tell us the request_id"
    return problem("internal_error", words, request_id=request_id)


def is_expected(error: Exception) -> bool:
    """Return whether *error* is an answer rather than a defect to be logged with its stack."""
    if isinstance(error, Refusal | RequestValidationError) or is_out_of_reach(error):
        return True
    return isinstance(error, HTTPException) and error.status_code in _BY_STATUS


def is_out_of_reach(error: Exception) -> bool:
    """Return whether *error* says that the database was away, full or too slow."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, _OUT_OF_REACH)


def faults_of(errors: Sequence[Any], *, at: str = "") -> tuple[Fault, ...]:
    """Return pydantic's *errors* as faults: kind, words and place, never the input.

    *at* is the pointer to the validated value where it is not the whole body.
    """
    return tuple(_fault(error, at) for error in errors)


def _fault(error: Any, at: str) -> Fault:  # noqa: ANN401 - pydantic's own shape of an error
    code = str(error["type"])
    source, *steps = error["loc"] or ("body",)
    words = _WORDS.get(code) or _lowered(str(error["msg"]))
    if source in {"query", "path", "header"}:
        return Fault(code=code, message=words, parameter=".".join(str(step) for step in steps))
    places = steps if source == "body" else error["loc"]
    return Fault(code=code, message=words, pointer=at + pointer_to(*_visible(places)))


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
    "json_invalid": "the body is not JSON as we read it",
}


def _visible(steps: Sequence[str | int]) -> Iterator[str | int]:
    """Leave out what pydantic puts into a place for itself (`function-after[...]`)."""
    for step in steps:
        if isinstance(step, int) or "[" not in step:
            yield step


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
