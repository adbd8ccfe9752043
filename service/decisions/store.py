"""Decisions in the database: SQL only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.deciding import Record
from service.decisions.rows import row_of
from service.rules.json_text import quoted
from service.storage import LoneSession, driver_of, instant_of
from service.storage.tables import (
    AccountRow,
    DecisionRow,
    IdempotencyRow,
    ReleaseEpoch,
    RuleSetRelease,
)
from service.web import Claim

__all__ = [
    "Filters",
    "KeptAnswer",
    "Writing",
    "add_claims",
    "add_records",
    "find_decision",
    "find_decision_before",
    "find_decisions",
    "list_assessments",
    "list_decisions",
    "read_answers",
    "read_epoch",
    "read_live",
    "write_at_once",
]

# One statement whatever the number of rows: prepared once, one round trip, and the rows as one
# text, because writing arrays costs several times what the rest of a decision does.
_TYPES: Final = {
    "decided_at": "timestamptz",
    "id": "uuid",
    "version": "integer",
    "meaning": "smallint",
    "account_id": "uuid",
    "final": "boolean",
    "certain": "boolean",
    "outcome_certain": "boolean",
    "latency_us": "integer",
    "override_of": "uuid",
}
_JSONB: Final = frozenset({
    "facts", "tabled", "data_problems", "suspended", "suspensions", "scores", "trace",
    "trace_before",
})  # fmt: skip
_COLUMNS: Final = Record.__struct_fields__


_NAMES: Final = ", ".join(_COLUMNS)
_TYPED: Final = ", ".join(
    f"{name} {'jsonb' if name in _JSONB else _TYPES.get(name, 'text')}" for name in _COLUMNS
)
_INSERT_RECORDS: Final = (
    f"INSERT INTO decision ({_NAMES}) SELECT {_NAMES}"  # noqa: S608 - column names only
    f" FROM jsonb_to_recordset(%s::jsonb) AS given ({_TYPED})"
).encode()
# The common case whole: decisions and the answers under their keys, in one statement, which is
# one transaction. Nothing is written if releases moved, or if somebody is to be told of it, nor
# of an entry whose key is in use.
# Answers come beside the rows, one after the other, as the bytes they are: within the JSON of the
# rows each would be quoted here and read there. Ids come back only where some were not written.
# Claims are ordered, so that two such statements wait for each other and never in a ring.
_WRITE: Final = (
    "WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb)"  # noqa: S608 - column names only
    f" AS given ({_TYPED}, scope text, key_hash text, body_hash text, answer_at integer,"
    " answer_bytes integer, kept_s bigint)"
    " WHERE (SELECT epoch FROM release_epoch) = $2::bigint AND NOT EXISTS (SELECT FROM endpoint"
    " WHERE state = 'enabled' AND (events = '{}' OR 'decision.created' = ANY (events)))),"
    " won AS (INSERT INTO idempotency (scope, key_hash, body_hash, decision_id, status, answer,"
    " created_at, expires_at)"
    " SELECT scope, decode(key_hash, 'hex'), decode(body_hash, 'hex'), id, 200,"
    " substring($3::bytea FROM answer_at FOR answer_bytes), now(),"
    " now() + kept_s * interval '1 second'"
    " FROM given WHERE scope IS NOT NULL ORDER BY scope, key_hash"
    " ON CONFLICT DO NOTHING RETURNING decision_id),"
    f" written AS (INSERT INTO decision ({_NAMES}) SELECT {_NAMES} FROM given"
    " WHERE scope IS NULL OR id IN (SELECT decision_id FROM won) RETURNING id)"
    " SELECT CASE WHEN count(*) < $4::integer THEN array_agg(id) END, count(*) FROM written"
).encode()
_EXPIRE_CLAIMS: Final = text(
    "DELETE FROM idempotency USING"
    " unnest(CAST(:scope AS text[]), CAST(:key_hash AS bytea[])) AS given (scope, key_hash)"
    " WHERE idempotency.scope = given.scope AND idempotency.key_hash = given.key_hash"
    " AND idempotency.expires_at <= now()"
)
# Ordered, so that two transactions with the same keys wait for each other and never in a ring.
_INSERT_CLAIMS: Final = text(
    "INSERT INTO idempotency (scope, key_hash, body_hash, decision_id, status, answer,"
    " created_at, expires_at)"
    " SELECT scope, key_hash, body_hash, decision_id, 200, answer, now(), now() + kept"
    " FROM unnest(CAST(:scope AS text[]), CAST(:key_hash AS bytea[]), CAST(:body_hash AS bytea[]),"
    " CAST(:decision_id AS uuid[]), CAST(:answer AS bytea[]), CAST(:kept AS interval[]))"
    " AS given (scope, key_hash, body_hash, decision_id, answer, kept)"
    " ORDER BY scope, key_hash ON CONFLICT DO NOTHING RETURNING scope, key_hash"
)

_LIVE: Final = text(
    "SELECT rule_set, at, version FROM"
    " unnest(CAST(:rule_set AS text[]), CAST(:at AS timestamptz[])) AS given (rule_set, at),"
    " LATERAL (SELECT version FROM rule_set_release AS release"
    " WHERE release.rule_set = given.rule_set AND mode = 'live' AND effective_at <= at"
    " ORDER BY effective_at DESC, sequence DESC LIMIT 1) AS live"
)

_Name = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer under a key. *body* is None once the facts in it were erased."""

    body_hash: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which decisions to list. Decided at *since* or later, and before *until*."""

    rule_set: str | None = None
    verdict: str | None = None
    outcome: str | None = None
    external_id: str | None = None
    account: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def to_json(self) -> dict[str, object]:
        """Return the filters as a cursor remembers them."""
        return {name: getattr(self, name) for name in self.__slots__}


async def read_epoch(connection: AsyncConnection) -> int:
    """Return the number that every release raises in its own transaction."""
    epoch: int = (await connection.execute(select(ReleaseEpoch.epoch))).scalar_one()
    return epoch


async def read_live(
    connection: AsyncConnection, places: Collection[tuple[str, datetime]]
) -> dict[tuple[str, datetime], int]:
    """Return which version of each rule set is live at that instant, where one is."""
    given = {"rule_set": [slug for slug, _ in places], "at": [at for _, at in places]}
    rows = await connection.execute(_LIVE, given)
    return {(row.rule_set, row.at): row.version for row in rows}


async def add_records(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Insert decisions."""
    rows = _array(map(row_of, records))
    driver = await driver_of(connection)
    await driver.execute(_INSERT_RECORDS, (rows,), prepare=True)


def _array(rows: Iterable[str]) -> str:
    return f"[{','.join(rows)}]"


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """One decision to be written whole, and the answer to keep under its claim, if it has one."""

    record: Record
    answer: bytes
    claim: Claim | None


async def write_at_once(
    session: LoneSession, writings: Sequence[Writing], *, epoch: int
) -> list[UUID]:
    """Write decisions and claims in one statement; return the ids of those that are written.

    Not written is whatever has a key that was used before, and everything if the release
    epoch is not *epoch* any more or some endpoint is to be told of decisions. No key may
    stand in *writings* twice.
    """
    answers = bytearray()
    rows = _array([_claimed(one, answers) for one in writings])
    given = (rows, epoch, answers, len(writings))
    [(ids, count)] = await session.fetch_all(_WRITE, given)
    return [one.record.id for one in writings] if count == len(writings) else ids or []


def _claimed(one: Writing, answers: bytearray) -> str:
    """Return the decision's row with what is kept under its claim, the answer in *answers*."""
    claim = one.claim
    if claim is None:
        return row_of(one.record)
    answer_at = len(answers) + 1  # Postgres counts from one
    answers += one.answer
    return row_of(
        one.record,
        f',"scope":{quoted(claim.scope)},"key_hash":"{claim.key_hash.hex()}",'
        f'"body_hash":"{claim.body_hash.hex()}","answer_at":{answer_at},'
        f'"answer_bytes":{len(one.answer)},'
        f'"kept_s":{int(claim.kept.total_seconds())}',
    )


async def add_claims(
    connection: AsyncConnection, claims: Mapping[_Name, tuple[Claim, UUID | None, bytes]]
) -> set[_Name]:
    """Keep answers under keys; return the names of those that were free until now.

    Waits for whoever is writing one of them. Each claim comes with the id of its
    decision and the answer.
    """
    names = {
        "scope": [scope for scope, _ in claims],
        "key_hash": [key_hash for _, key_hash in claims],
    }
    await connection.execute(_EXPIRE_CLAIMS, names)
    given = claims.values()
    added = await connection.execute(
        _INSERT_CLAIMS,
        names
        | {
            "body_hash": [claim.body_hash for claim, _, _ in given],
            "decision_id": [decision_id for _, decision_id, _ in given],
            "answer": [answer for _, _, answer in given],
            "kept": [claim.kept for claim, _, _ in given],
        },
    )
    return {(row.scope, bytes(row.key_hash)) for row in added}


async def read_answers(
    connection: AsyncConnection, names: Collection[_Name]
) -> dict[_Name, KeptAnswer]:
    """Return the answers that are kept under *names*."""
    columns = (IdempotencyRow.scope, IdempotencyRow.key_hash)
    statement = select(*columns, IdempotencyRow.body_hash, IdempotencyRow.answer).where(
        tuple_(*columns).in_(names)
    )
    return {
        (row.scope, bytes(row.key_hash)): KeptAnswer(body_hash=row.body_hash, body=row.answer)
        for row in await connection.execute(statement)
    }


async def find_decision(connection: AsyncConnection, decision_id: UUID) -> Row[Any] | None:
    """Return a decision, with its account's key; the id alone names its partition."""
    try:
        decided_at = instant_of(decision_id)
    except OverflowError:  # an id of the year 10000 or later
        return None
    statement = _decisions().where(
        DecisionRow.decided_at == decided_at, DecisionRow.id == decision_id
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def find_decisions(
    connection: AsyncConnection, decisions: Sequence[UUID]
) -> dict[UUID, Row[Any]]:
    """Return by id those of *decisions* that are there; a few hundred at once."""
    at = [instant_of(one) for one in decisions]
    statement = _decisions().where(
        DecisionRow.decided_at.in_(at), DecisionRow.id.in_(list(decisions))
    )
    return {row.id: row for row in await connection.execute(statement)}


async def find_decision_before(connection: AsyncConnection, row: Row[Any]) -> Row[Any] | None:
    """Return the decision before *row* on its subject under its rule set.

    By account where there is one, else by external id; a subject with neither has no other.
    """
    if row.account_id is not None:
        is_same = DecisionRow.account_id == row.account_id
    elif row.external_id is not None:
        is_same = DecisionRow.external_id == row.external_id
    else:
        return None
    order = (DecisionRow.decided_at, DecisionRow.id)
    statement = (
        _decisions()
        .where(
            is_same,
            DecisionRow.rule_set == row.rule_set,
            DecisionRow.decided_at <= row.decided_at,
            tuple_(*order) < tuple_(row.decided_at, row.id),
        )
        .order_by(*(column.desc() for column in order))
        .limit(1)
    )
    found: Row[Any] | None = (await connection.execute(statement)).first()
    return found


async def list_decisions(
    connection: AsyncConnection,
    filters: Filters,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* decisions, the newest first, from *before* on backwards."""
    order = (DecisionRow.decided_at, DecisionRow.id)
    statement = _decisions().order_by(*(column.desc() for column in order)).limit(limit)
    for name in ("rule_set", "verdict", "outcome", "external_id"):
        wanted = getattr(filters, name)
        if wanted is not None:
            statement = statement.where(getattr(DecisionRow, name) == wanted)
    if filters.account is not None:
        account = select(AccountRow.id).where(AccountRow.key == filters.account)
        statement = statement.where(DecisionRow.account_id == account.scalar_subquery())
    if filters.since is not None:
        statement = statement.where(DecisionRow.decided_at >= filters.since)
    if filters.until is not None:
        statement = statement.where(DecisionRow.decided_at < filters.until)
    if before is not None:
        # The first condition alone lets Postgres leave out later partitions.
        statement = statement.where(
            DecisionRow.decided_at <= before[0],
            tuple_(*order) < tuple_(*before),
        )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def list_assessments(
    connection: AsyncConnection,
    account_id: UUID,
    *,
    rule_set: str,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* decisions on an account that became how it stood, the newest first.

    They are those by the version that was live then: one that was asked for by its number
    told how the account would have stood.
    """
    live = (
        select(RuleSetRelease.version)
        .where(
            RuleSetRelease.rule_set == rule_set,
            RuleSetRelease.mode == "live",
            RuleSetRelease.effective_at <= DecisionRow.decided_at,
        )
        .order_by(RuleSetRelease.effective_at.desc(), RuleSetRelease.sequence.desc())
        .limit(1)
        .correlate(DecisionRow)
        .scalar_subquery()
    )
    order = (DecisionRow.decided_at, DecisionRow.id)
    statement = (
        _decisions()
        .where(
            DecisionRow.account_id == account_id,
            DecisionRow.rule_set == rule_set,
            DecisionRow.version == live,
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(
            DecisionRow.decided_at <= before[0], tuple_(*order) < tuple_(*before)
        )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


def _decisions() -> Select[Any]:
    return select(DecisionRow.__table__, AccountRow.key.label("account_key")).outerjoin(
        AccountRow, AccountRow.id == DecisionRow.account_id
    )
