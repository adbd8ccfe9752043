"""What a finished backtest proves of the text it tried, for reviews and flip budgets."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from service.backtests.chunking import Bench
from service.backtests.tallying import Tally
from service.rulesets import Evidence

__all__ = ["evidence_of"]


def evidence_of(
    row: Row[Any],
    bench: Bench,
    *,
    tally: Tally,
    touched: Mapping[str, Any] | None,
    reaches_back: bool,
) -> Evidence:
    """Return the evidence of the backtest *row*, whose counting is over.

    *touched* is the revenue of whoever flips. Where the window *reaches_back* to the first
    decision there is, it has no beginning. It proves nothing of later than its asking.
    """
    revenue = touched or {"amount": None, "attribute": None, "unit": None}
    return Evidence(
        rule_set=row.rule_set,
        digest=row.digest,
        base_digest=bench.undoing.base.digest,
        base_version=row.base_version,
        backtest_id=row.id,
        against=row.against,
        since=None if reaches_back else row.since,
        until=min(row.until, row.created_at),
        total=tally.replayed + tally.not_replayable + tally.erased,
        replayed=tally.replayed,
        flips=tally.flips,
        unseen=tally.not_replayable,
        revenue=revenue["amount"],
        revenue_unknown=None if touched is None else touched["subjects"] - touched["known"],
        revenue_attribute=revenue["attribute"],
        revenue_unit=revenue["unit"],
    )
