"""Idempotency-Key: the same request twice is done once and answered twice alike.

The claim is a value. The room that writes keeps it inside its own transaction, so that
the answer is there exactly when what it tells of is: `run_once` does that for rooms with
a transaction a request; a room that shares transactions writes the rows itself.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Final

import msgspec
import orjson
from starlette.responses import Response

from service.web.refusals import Refusal

__all__ = [
    "Answer",
    "AnswerErased",
    "Claim",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "InvalidIdempotencyKey",
    "claim_of",
]

_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


class InvalidIdempotencyKey(Refusal):
    """The header is not one printable ASCII text of 1 to 255 characters."""

    code: ClassVar[str] = "invalid_idempotency_key"


class IdempotencyKeyReused(Refusal):
    """The key was used before, with another body."""

    code: ClassVar[str] = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another body; use a new one")


class IdempotencyInProgress(Refusal):
    """The first request with this key is still running after the wait."""

    code: ClassVar[str] = "idempotency_in_progress"

    def __init__(self) -> None:
        words = "the first request with this Idempotency-Key is still running; ask again"
        super().__init__(words, headers={"Retry-After": "1"})


class AnswerErased(Refusal):
    """The kept answer held facts that were erased since."""

    code: ClassVar[str] = "facts_erased"

    def __init__(self) -> None:
        words = "this was done, and the facts in its answer were erased since; read it by its id"
        super().__init__(words)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One use of one key: *scope* is the API key's id and the route, hashes are SHA-256."""

    scope: str
    key_hash: bytes
    body_hash: bytes
    kept: timedelta

    @property
    def name(self) -> tuple[str, bytes]:
        """What two uses of one key have in common."""
        return self.scope, self.key_hash


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A 2xx answer as bytes, so that it can be kept and given again."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    is_replayed: bool = False

    @classmethod
    def of(
        cls, value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """Return the answer whose body is *value* as JSON."""
        return cls(body=orjson.dumps(value), status=status, headers=headers or {})

    def to_response(self) -> Response:
        """Return what goes out."""
        headers = dict(self.headers)
        if self.is_replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(
            self.body, status_code=self.status, headers=headers, media_type="application/json"
        )


def claim_of(
    header: str | None, *, key_id: object, route: str, body: bytes, kept: timedelta
) -> Claim | None:
    """Return the claim that the `Idempotency-Key` *header* makes; None without a header.

    The key may be quoted (a structured-field string) or not: both are the same key.
    *route* is method and path with its parameters filled in.

    Raises:
        InvalidIdempotencyKey: If the header is no key of 1 to 255 printable characters.
    """
    if header is None:
        return None
    key = header.strip()
    quoted = _QUOTED.fullmatch(key)
    if quoted is not None:
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    if _KEY.fullmatch(key) is None:
        words = "an Idempotency-Key is 1 to 255 printable ASCII characters; a UUID is a good one"
        raise InvalidIdempotencyKey(words)
    return Claim(
        scope=f"{key_id} {route}",
        key_hash=hashlib.sha256(key.encode()).digest(),
        body_hash=hashlib.sha256(body).digest(),
        kept=kept,
    )
