"""What every operation's documentation says about refusals, in one place."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from service.web.problems import PROBLEMS

__all__ = ["REFUSALS", "FaultShown", "ProblemShown", "refusals"]


class FaultShown(BaseModel):
    """One thing wrong at one place."""

    code: str = Field(examples=["missing"])
    message: str = Field(examples=["this member is needed; add it"])
    pointer: str | None = Field(
        default=None, description="JSON pointer (RFC 6901) into the body.", examples=["/lead"]
    )
    parameter: str | None = Field(default=None, description="A query parameter or header.")
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None


class ProblemShown(BaseModel):
    """A refusal (RFC 9457). `code` is stable; a lead's values are never repeated."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(examples=["/problems/validation-failed"])
    title: str
    status: int = Field(examples=[422])
    code: str = Field(examples=["validation_failed"])
    detail: str
    request_id: str = Field(examples=["req_01m82amv90f7assrm6pf8d3pr0"])
    errors: list[FaultShown] = Field(default_factory=list)


_USUAL: Final = (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that answers these statuses with a problem."""
    return {
        status: {
            "description": _titles(status),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                }
            },
        }
        for status in statuses
    }


def _titles(status: int) -> str:
    return "; ".join(kind.title for kind in PROBLEMS.values() if kind.status == status)


REFUSALS: Final = refusals(*_USUAL)
"""The refusals any operation may answer with."""
