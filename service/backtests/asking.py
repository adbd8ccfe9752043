"""Ask for a backtest, cancel it, take it up again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.backtests import store
from service.rules import RuleSet
from service.rulesets import (
    Editor,
    RuleSetMismatch,
    compile_source,
    find_tried,
)
from service.storage import append_audit, to_text
from service.web import Fault, Refusal

__all__ = ["BacktestAsked", "BacktestNotFound", "BacktestOver", "LeadsOnly", "RevenueUnknown"]
__all__ += ["ask", "cancel", "existing_backtest", "resume"]

_MOMENT: Final = timedelta(microseconds=1)
_REVENUE: Final = ("revenue", "annual_revenue")


class BacktestNotFound(Refusal):
    """No backtest has this id."""

    code: ClassVar[str] = "backtest_not_found"

    def __init__(self) -> None:
        super().__init__("there is no backtest with this id; GET /v1/backtests lists them")


class BacktestOver(Refusal):
    """A backtest is in a state in which this cannot be done any more, or not yet."""

    code: ClassVar[str] = "backtest_over"


class LeadsOnly(Refusal):
    """Rules for leads were to be tried on accounts."""

    code: ClassVar[str] = "wrong_subject"


class RevenueUnknown(Refusal):
    """What was named as revenue is not a number that leads or accounts carry."""

    code: ClassVar[str] = "revenue_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestAsked:
    """What to try on which part of the past. One of *draft* and *version* is given.

    Decided at *since* or later, and before *until*; None leaves the beginning open and
    ends with the request. *against* accounts, the window says when they last changed.
    """

    rule_set: str
    draft: str | None
    version: int | None
    base: int | None
    against: Literal["decisions", "accounts"]
    since: datetime | None
    until: datetime | None
    revenue: str | None


async def ask(connection: AsyncConnection, asked: BacktestAsked, *, editor: Editor) -> Row[Any]:
    """Keep a backtest for a worker to take up, and return it.

    Raises:
        RuleSetNotFound, DraftNotFound, VersionNotFound: If what is to be tried is not there.
        RuleSetInvalid: If the draft has errors.
        RuleSetMismatch: If the draft's text is of another rule set.
        LeadsOnly: If the rules judge leads, and accounts were asked for.
        RevenueUnknown: If the attribute named as revenue is no number.
    """
    tried = await find_tried(
        connection,
        asked.rule_set,
        draft=asked.draft,
        version=asked.version,
        base=asked.base,
        at=editor.at,
    )
    rules = await compile_source(tried.source)
    base = await compile_source(tried.base_source)
    _check_match(rules, base)
    if asked.against == "accounts" and base.subject != "account":
        _refuse_accounts(asked.rule_set)
    backtest_id = editor.fresh_id()
    values = {
        "id": backtest_id,
        "rule_set": asked.rule_set,
        "version": asked.version,
        "draft": asked.draft,
        "digest": rules.digest,
        "document": rules.canonical,
        "base_version": tried.base_version,
        "against": asked.against,
        "since": asked.since,
        # What was decided in the very microsecond of the request was decided until now.
        "until": asked.until or editor.at + _MOMENT,
        "revenue": _revenue(asked.revenue, rules, base),
        "state": "queued",
        "generation": 0,
        "attempts": 0,
        "done": 0,
        "asked_by": editor.person,
        "created_at": editor.at,
    }
    await store.add_backtest(connection, values)
    await _note(connection, "backtests.ask", backtest_id, editor, digest=rules.digest)
    return await existing_backtest(connection, backtest_id)


async def cancel(connection: AsyncConnection, backtest_id: UUID, *, editor: Editor) -> Row[Any]:
    """Stop a backtest at the end of the chunk it is at; what was found so far stays.

    Raises:
        BacktestNotFound: If there is none.
        BacktestOver: If it has ended already.
    """
    to = {"state": "cancelled", "finished_at": editor.at}
    if not await store.change_state(connection, backtest_id, of=("queued", "running"), to=to):
        row = await existing_backtest(connection, backtest_id)
        raise BacktestOver(f"the backtest is {row.state} and cannot be cancelled; ask for another")
    await _note(connection, "backtests.cancel", backtest_id, editor)
    return await existing_backtest(connection, backtest_id)


async def resume(connection: AsyncConnection, backtest_id: UUID, *, editor: Editor) -> Row[Any]:
    """Go on with a backtest that was cancelled or failed, from where it stopped.

    Raises:
        BacktestNotFound: If there is none.
        BacktestOver: If it is done, or has not stopped.
    """
    to = {"state": "queued", "finished_at": None, "failure": None, "attempts": 0}
    if not await store.change_state(connection, backtest_id, of=("cancelled", "failed"), to=to):
        row = await existing_backtest(connection, backtest_id)
        raise BacktestOver(f"the backtest is {row.state}; only a stopped one is taken up again")
    await _note(connection, "backtests.resume", backtest_id, editor)
    return await existing_backtest(connection, backtest_id)


async def existing_backtest(connection: AsyncConnection, backtest_id: UUID) -> Row[Any]:
    """Return a backtest without its document.

    Raises:
        BacktestNotFound: If there is none.
    """
    row = await store.find_backtest(connection, backtest_id)
    if row is None:
        raise BacktestNotFound
    return row


def _check_match(rules: RuleSet, base: RuleSet) -> None:
    for member, is_it, wanted in (
        ("rule_set", rules.id, base.id),
        ("subject", rules.subject, base.subject),
    ):
        if is_it != wanted:
            words = f"the draft says `{is_it}`, its rule set `{wanted}`; correct the draft"
            fault = Fault(code="mismatch", message=words, pointer=f"/{member}")
            raise RuleSetMismatch(words, faults=[fault])


def _refuse_accounts(slug: str) -> None:
    words = f"`{slug}` judges leads; try it against `decisions`"
    raise LeadsOnly(words, faults=[Fault(code="wrong_subject", message=words, pointer="/against")])


def _revenue(asked: str | None, rules: RuleSet, base: RuleSet) -> str | None:
    """Return the attribute that holds revenue: the one asked for, else one called so."""
    numbers = {
        name
        for declared in (base, rules)
        for name, attribute in declared.attributes.items()
        if attribute.type == "number"
    }
    if asked is None:
        return next((name for name in _REVENUE if name in numbers), None)
    if asked not in numbers:
        words = "no number of the rule set has this name; name one that its rules declare"
        fault = Fault(code="revenue_unknown", message=words, pointer="/revenue")
        raise RevenueUnknown(words, faults=[fault])
    return asked


async def _note(
    connection: AsyncConnection,
    action: str,
    backtest_id: UUID,
    editor: Editor,
    *,
    digest: str | None = None,
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=to_text("bt", backtest_id),
        payload={},
        digest=digest,
    )
