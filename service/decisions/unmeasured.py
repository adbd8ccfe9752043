"""Why metrics were not known when an account was decided: from the ledger as it was known."""

from typing import Any

from sqlalchemy import Row

from service.accounts import remember, reported_kinds
from service.decisions.desk import Desk
from service.rules import RuleSet
from service.rules.metrics.unmeasured import Unmeasured, why_unmeasured
from service.storage import transaction

__all__ = ["unmeasured_shown"]


async def unmeasured_shown(row: Row[Any], rules: RuleSet, desk: Desk) -> list[dict[str, Any]]:
    """Return, for each metric that a decision did not know, why it was not, for the wire.

    What sources report is not kept for every instant: where the ledger as it was known then
    would give a number by what they report now, it was not reported then.
    """
    facts = row.facts or {}
    metrics = [metric for metric in rules.metrics if facts.get(metric.name) is None]
    if not metrics or row.account_id is None:
        return []
    kinds = {kind for metric in metrics for kind in metric.kinds}
    async with transaction(desk.house.engine) as connection:
        at = row.decided_at
        ledger = await remember(connection, row.account_id, kinds=kinds, until=at)
        reported = await reported_kinds(connection, row.account_id, at=at)
    if ledger is None:
        return []
    known = ledger.known_at(row.decided_at)
    told = {event.kind for event in known}
    shown = []
    for metric in metrics:
        reason = why_unmeasured(metric, known, reported=reported | told, at=row.decided_at)
        if reason is None:
            silent = tuple(kind for kind in metric.kinds if kind not in told)
            reason = Unmeasured("not_reported", silent or tuple(metric.kinds))
        shown.append(
            {
                "attribute": metric.name,
                "label": rules.attributes[metric.name].label,
                "code": reason.code,
                "kinds": list(reason.kinds),
                "message": reason.words,
            }
        )
    return shown
