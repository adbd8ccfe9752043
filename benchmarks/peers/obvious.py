"""The peer of P2: what one builds in an afternoon from FastAPI, zen-engine and SQLAlchemy.

One session and one insert a request, committed before the answer; the result that is kept
says of each rule what it gave.
"""

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import zen
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["app"]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
_rules = zen.ZenEngine().create_decision(
    json.loads(Path(os.environ["PEER_RULES"]).read_text(encoding="utf-8"))["jdm"]
)
_session = async_sessionmaker(
    create_async_engine(os.environ["DATABASE_URL"], pool_size=16), expire_on_commit=False
)


class Question(BaseModel):
    """As much of a question as `/v1/qualify` takes in the benchmark."""

    rule_set: str
    lead: dict[str, Any]
    external_id: str | None = None


class Decided(BaseModel):
    """A decision with what each rule gave."""

    id: UUID
    verdict: str
    fit: float
    rules: dict[str, Any]


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "peer_decision"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_set: Mapped[str]
    external_id: Mapped[str | None]
    verdict: Mapped[str]
    fit: Mapped[float]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)


@app.post("/v1/qualify")
async def qualify(question: Question) -> Decided:
    """Judge, keep, answer."""
    result = _rules.evaluate(question.lead)["result"]
    verdict, fit = result.pop("verdict"), result.pop("fit")
    row = _Row(
        id=uuid4(),
        rule_set=question.rule_set,
        external_id=question.external_id,
        verdict=verdict,
        fit=fit,
        facts=question.lead,
        rules=result,
    )
    async with _session() as session:
        session.add(row)
        await session.commit()
    return Decided(id=row.id, verdict=verdict, fit=fit, rules=result)


@app.get("/livez")
async def is_alive() -> str:
    """Say that the database answers."""
    async with _session() as session:
        await session.execute(text("SELECT 1"))
    return "ok"
