"""The peer of P1: what FastAPI costs before anything is judged or kept.

The body is read into a typed model and a typed model is answered; there is no database.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

__all__ = ["app"]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


class Question(BaseModel):
    """As much of a question as `/v1/qualify` takes in the benchmark."""

    rule_set: str
    lead: dict[str, Any]
    external_id: str | None = None


class Echo(BaseModel):
    """The same again."""

    rule_set: str
    lead: dict[str, Any]
    external_id: str | None


@app.post("/v1/qualify")
async def echo(question: Question) -> Echo:
    """Answer what was asked."""
    return Echo(**question.model_dump())
