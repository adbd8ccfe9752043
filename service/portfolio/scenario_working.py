"""Work out a scenario that was claimed: a pass over the accounts of its statement.

All that it says is written in one transaction at the end; how far it is, now and then. The
process that does it is started for it, as for a statement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import measure_accounts
from service.portfolio import scenario_store, sensitivity, store
from service.portfolio.focus import fate_under
from service.portfolio.movement_working import Movements
from service.portfolio.passing import Found, Pass, Piece
from service.portfolio.reading import Statement, existing, statement_of
from service.portfolio.taking import TakenAway
from service.rules import Facts, RuleSet
from service.rulesets import LiveRules, compile_source
from service.storage import leases, transaction
from service.storage.tables import ScenarioRow
from service.web import LEASE

__all__ = ["work_out"]

_AT_ONCE: Final = 2_000
_LONG: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What is read of a piece of accounts, in the order of their ids."""

    accounts: Sequence[Row[Any]]
    decided: dict[UUID, Row[Any]]
    facts: dict[UUID, Any]
    measured: dict[UUID, Any]


async def work_out(
    row: Row[Any], live: LiveRules, *, engine: AsyncEngine, clock: Callable[[], datetime]
) -> None:
    """Work out the claimed scenario *row*, whose statement is by a version that *live* has.

    Raises:
        TakenAway: If the claim was lost.
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    async with transaction(engine) as connection:
        statement = statement_of(await existing(connection, row.rule_set, row.statement_id))
    if row.kind == "focus":
        work: Pass = _Focus(await compile_source(row.document), statement)
    elif row.kind == "movements":
        work = Movements(row, statement, live)
    else:
        rules = (await live.version(row.rule_set, row.version)).rules
        work = _Sensitivity(rules, statement, Decimal(row.question.removeprefix("by=")))

    async def renew() -> None:
        await _put(row, engine, lease_until=leases.longer(LEASE))

    found: Found = []
    left_out = done = 0
    after: UUID | None = None
    async with leases.renewing(renew, lease=LEASE):
        while piece := await work.read(engine, after=after):
            rows, left = await anyio.to_thread.run_sync(piece.judge)
            found += rows
            left_out += left
            done += len(piece.accounts)
            after = piece.accounts[-1].account_id
            await _put(row, engine, done=done, attempts=0, total=work.total)
        async with transaction(engine, within=_LONG) as connection:
            await store.allow_long(connection)
            kept = [{"scenario_id": row.id, **one} for one in found]
            await scenario_store.add_accounts(connection, kept)
            ended = {"state": "done", "lease_until": None, "finished_at": clock()}
            held = {"left_out": left_out, **ended}
            if not await leases.set_columns(connection, ScenarioRow, row, **held):
                raise TakenAway


async def _put(row: Row[Any], engine: AsyncEngine, **values: object) -> None:
    async with transaction(engine) as connection:
        if not await leases.set_columns(connection, ScenarioRow, row, **values):
            raise TakenAway


class _Sensitivity:
    """Decides each account again under each change of rates, by the facts of its decision."""

    def __init__(self, rules: RuleSet, statement: Statement, by: Decimal) -> None:
        self._rules = rules
        self._statement = statement
        rates = sensitivity.rates_of(rules, statement.terms.cost_metric)
        self._changes = sensitivity.changes_of(rates, by=by)
        self._parts = sensitivity.parts_of(rules, rates)

    @property
    def total(self) -> int:
        """Every account."""
        return self._statement.accounts

    async def read(self, engine: AsyncEngine, *, after: UUID | None) -> Piece | None:
        """Return the next piece; None after the last."""
        statement = self._statement
        async with transaction(engine, within=_LONG) as connection:
            await store.allow_long(connection)
            accounts = await scenario_store.next_accounts(
                connection, statement.id, after=after, limit=_AT_ONCE
            )
            if not accounts:
                return None
            ids = [one.decision_id for one in accounts if one.decision_id is not None]
            decided = await scenario_store.list_decided(connection, ids)
            measured = await measure_accounts(
                connection,
                [one.account_id for one in accounts],
                rules=self._rules,
                at=statement.at,
                known_at=statement.at,
                also=self._parts,
            )
        pieces = _Pieces(accounts, decided, {}, measured)
        return Piece(accounts, partial(self._judge, pieces))

    def _judge(self, pieces: _Pieces) -> tuple[Found, int]:
        """Return the accounts that move, and of how many nothing can be said."""
        found: Found = []
        left_out = 0
        for account in pieces.accounts:
            row = pieces.decided.get(account.decision_id)
            if row is None or row.facts is None or row.version != self._statement.version:
                left_out += 1
                continue
            measured = pieces.measured[account.account_id]
            told = self._rules.admit({**row.facts, **self._own(measured)})
            moved = sensitivity.stand(
                Facts(told.values),
                measured,
                changes=self._changes,
                judge=self._judge_of(row),
            )
            if moved is None:
                continue
            by, outcome = moved.edge or (None, None)
            found.append(
                {
                    "account_id": account.account_id,
                    "before": moved.before,
                    "moves": {str(place): after for place, after in moved.moves.items()},
                    "edge": None if by is None else float(by),
                    "edge_outcome": outcome,
                }
            )
        return found, left_out

    def _own(self, measured: Any) -> dict[str, object]:  # noqa: ANN401 - a row of numbers
        return {metric.name: measured[metric.name] for metric in self._rules.metrics}

    def _judge_of(self, row: Row[Any]) -> Callable[[Facts], str]:
        given: dict[str, Any] = {"at": self._statement.at, "tabled": row.tabled or {}}
        given["suspended"] = tuple(row.suspended or ())
        rules = self._rules
        tell = rules.briefly(**given)

        def judge(facts: Facts) -> str:
            brief = tell(facts)
            if brief is not None:
                return rules.model.outcomes[brief.outcome].id
            return rules.decide(facts, final=True, with_missing=False, **given).outcome

        return judge


class _Focus:
    """Decides each account under other rules, by what is known of it."""

    def __init__(self, rules: RuleSet, statement: Statement) -> None:
        self._rules = rules
        self._statement = statement

    @property
    def total(self) -> int:
        """Every account."""
        return self._statement.accounts

    async def read(self, engine: AsyncEngine, *, after: UUID | None) -> Piece | None:
        """Return the next piece; None after the last."""
        statement = self._statement
        async with transaction(engine, within=_LONG) as connection:
            await store.allow_long(connection)
            accounts = await scenario_store.next_accounts(
                connection, statement.id, after=after, limit=_AT_ONCE
            )
            if not accounts:
                return None
            ids = [one.account_id for one in accounts]
            facts = await scenario_store.list_facts(connection, ids)
            measured = await measure_accounts(
                connection, ids, rules=self._rules, at=statement.at, known_at=statement.at
            )
        return Piece(accounts, partial(self._judge, _Pieces(accounts, {}, facts, measured)))

    def _judge(self, pieces: _Pieces) -> tuple[Found, int]:
        """Return what becomes of every account, and of how many nothing is known."""
        found: Found = []
        left_out = 0
        for account in pieces.accounts:
            facts = pieces.facts.get(account.account_id)
            left_out += facts is None
            decision = self._rules.decide(
                {**(facts or {}), **pieces.measured[account.account_id]},
                at=self._statement.at,
                final=True,
                with_missing=False,
            )
            found.append(
                {
                    "account_id": account.account_id,
                    "after": decision.outcome,
                    "fate": fate_under(self._rules.model, decision),
                }
            )
        return found, left_out
