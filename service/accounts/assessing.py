"""Keep how each account stands under each rule set: the current decision and the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import store
from service.accounts.keeping import existing_account
from service.accounts.metric_store import measure_accounts
from service.rules import RuleSet

__all__ = [
    "AccountFacts",
    "Assessed",
    "Assessments",
    "keep_assessment",
    "read_assessments",
    "read_facts",
    "read_facts_for",
    "read_facts_of",
]


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What a rule set is asked to judge: the account's raw facts, as they were sent."""

    id: UUID
    key: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """One decision about an account, in short. *at* is its `decided_at`."""

    account_id: UUID
    rule_set: str
    decision_id: UUID
    version: int
    verdict: str
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Assessments:
    """An account and the rows of `assessment` that are its own, by rule set."""

    id: UUID
    key: str
    rows: Sequence[Row[Any]]


async def read_facts(connection: AsyncConnection, key: str) -> AccountFacts:
    """Return the stored facts of the account of *key*, ready for a rule set's `admit`.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await existing_account(connection, key)
    return AccountFacts(account.id, account.key, account.known.facts)


async def read_facts_for(
    connection: AsyncConnection, key: str, *, rules: RuleSet, at: datetime
) -> AccountFacts:
    """Return what *rules* are asked to judge of the account of *key* at the clock *at*.

    What the rules measure comes from the ledger alone, whatever a stored fact of the same
    name says; it is None where it is not known.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await read_facts(connection, key)
    if not rules.metrics:
        return account
    measured = await measure_accounts(connection, [account.id], rules=rules, at=at)
    return replace(account, facts={**account.facts, **measured[account.id]})


async def read_facts_of(
    connection: AsyncConnection, ids: Sequence[UUID]
) -> tuple[AccountFacts, ...]:
    """Return the stored facts of the accounts *ids*, without what any rules measure.

    Left out is who is gone, was erased, or was merged into another account.
    """
    accounts = await store.list_accounts_of(connection, ids)
    return tuple(AccountFacts(one.id, one.key, one.known.facts) for one in accounts)


async def keep_assessment(connection: AsyncConnection, assessed: Assessed) -> None:
    """Keep a decision as the account's current one, in the decision's own transaction.

    Decisions may arrive late and twice: what is kept in the end are the latest two by
    instant, in any order of arrival.
    """
    values = asdict(assessed)
    if not await store.keep_as_current(connection, values):
        await store.keep_as_previous(connection, values)


async def read_assessments(
    connection: AsyncConnection, key: str, *, rule_set: str | None = None
) -> Assessments:
    """Return how the account of *key* stands under each rule set, or under *rule_set* alone.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await existing_account(connection, key)
    rows = await store.list_assessments(connection, account.id, rule_set=rule_set)
    return Assessments(account.id, account.key, rows)
