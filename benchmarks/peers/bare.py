"""The peer of P1, P4, P11 and P12: what FastAPI costs before anything is judged or kept.

A typed model is read and the same model is answered, which is the fastest that a route with
models can be; there is no database.
"""

from fastapi import FastAPI
from pydantic import BaseModel

__all__ = ["app"]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


class Lead(BaseModel):
    """The ten numbers that the benchmark's rules ask for."""

    number_a: float
    number_b: float
    number_c: float
    number_d: float
    number_e: float
    number_f: float
    number_g: float
    number_h: float
    number_i: float
    number_j: float


class Question(BaseModel):
    """As much of a question as `/v1/qualify` takes in the benchmark."""

    rule_set: str
    lead: Lead
    external_id: str | None = None


@app.post("/v1/qualify")
async def echo(question: Question) -> Question:
    """Answer what was asked."""
    return question
