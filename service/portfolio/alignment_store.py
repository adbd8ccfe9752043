"""What the alignment of marketing, sales, support and product is made of: SQL only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.kept_store import kept_rows
from service.portfolio.lead_slicing_sql import LeadSlices, slices_of_leads
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.storage import instant_of

__all__ = [
    "WITHIN",
    "Period",
    "count_owners",
    "read_as_of",
    "read_asked_features",
    "read_carried",
    "read_facts",
    "read_leads",
    "read_service",
    "read_told",
    "read_told_of_leads",
]

WITHIN: Final = timedelta(seconds=30)
"""How long a report on a year's deals or leads may read."""

_AT_ONCE: Final = 2_000
_NOBODY: Final = UUID(int=0)
_ALL_LEADS: Final = LeadSlices()
# Decisions of fifty thousand leads are sorted in memory, not on disk.
_LONG: Final = text(
    "SELECT set_config('statement_timeout', '25s', true), set_config('work_mem', '64MB', true)"
)
_STANDING: Final = """
    event.reverses IS NULL
    AND NOT EXISTS (
        SELECT FROM account_event AS back
        WHERE back.reverses = event.id AND back.recorded_at <= :until
    )
"""
# A chain is all decisions of a lead under one rule set. Where it came from is what was said
# first; what became of it in the rules' eyes is what was decided last.
_CHAIN: Final = """
    (array_agg(decided.source ORDER BY decided.decided_at, decided.id)
        FILTER (WHERE decided.source IS NOT NULL))[1] AS source,
    (array_agg(decided.campaign ORDER BY decided.decided_at, decided.id)
        FILTER (WHERE decided.campaign IS NOT NULL))[1] AS campaign,
    (array_agg(decided.verdict ORDER BY decided.decided_at DESC, decided.id DESC))[1] AS verdict,
    (array_agg(decided.outcome ORDER BY decided.decided_at DESC, decided.id DESC))[1] AS outcome
"""
_CAMPAIGN: Final = """
    nullif(left(btrim(coalesce(facts ->> 'campaign', facts ->> 'utm_campaign')), 200), '')
"""
_LEADS: Final = f"""
    SELECT rule_set, source, campaign, verdict, count(*) AS leads FROM (
        SELECT rule_set, {_CHAIN} {{chained}} FROM (
            SELECT rule_set, decided_at, id, source, verdict, outcome, {_CAMPAIGN} AS campaign,
                coalesce(external_id, CAST(id AS text)) AS lead {{told}}
            FROM decision
            WHERE subject = 'lead' AND decided_at <= :until
                AND (CAST(:since AS timestamptz) IS NULL OR decided_at > :since)
        ) AS decided
        GROUP BY rule_set, lead
    ) AS chain
    WHERE true {{inside}}
    GROUP BY rule_set, source, campaign, verdict
"""  # noqa: S608 - our own words
_NAMED_DECISIONS: Final = text("""
    SELECT DISTINCT decision_id FROM outcome_event
    WHERE decision_id IS NOT NULL AND withdrawn_at IS NULL AND at <= :until
        AND (CAST(:since AS timestamptz) IS NULL OR at > :since)
""")
# The lead's decision that counts is the last one before its deal ended: what is decided
# afterwards foretells nothing.
_TOLD: Final = f"""
    WITH named AS MATERIALIZED (
        SELECT given.id, decision.external_id, decision.account_id, decision.subject,
            decision.verdict, decision.outcome, decision.source, decision.decided_at,
            {_CAMPAIGN} AS campaign {{told}}
        FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS given (id, at)
        JOIN decision ON decision.decided_at = given.at AND decision.id = given.id
    ),
    told AS MATERIALIZED (
        SELECT outcome_event.*, coalesce(outcome_event.external_id, named.external_id) AS lead
        FROM outcome_event LEFT JOIN named ON named.id = outcome_event.decision_id
        WHERE withdrawn_at IS NULL AND at <= :until
            AND (CAST(:since AS timestamptz) IS NULL OR at > :since)
            AND (NOT CAST(:of_leads AS boolean) OR named.subject = 'lead'
                OR coalesce(outcome_event.external_id, named.external_id) IS NOT NULL)
    ),
    decided AS MATERIALIZED (
        SELECT external_id, decided_at, id, source, verdict, outcome,
            {_CAMPAIGN} AS campaign {{told}}
        FROM decision WHERE subject = 'lead' AND decided_at <= :until
            AND external_id IN (SELECT lead FROM told WHERE lead IS NOT NULL)
    ),
    chain AS MATERIALIZED (
        SELECT told.id, min(decided.decided_at) AS began, {_CHAIN} {{chained}}
        FROM told JOIN decided
            ON decided.external_id = told.lead AND decided.decided_at <= told.at
        GROUP BY told.id
    )
    SELECT * FROM (
    SELECT told.result, told.at, told.amount, told.owner, told.product,
        coalesce(told.opened_at, chain.began,
            CASE WHEN named.subject = 'lead' THEN named.decided_at END) AS opened_at,
        position.key, position.verdict, position.outcome, position.in_grace, position.slices,
        position.scores -> 'fit' AS fit, position.decision_id AS judged_by,
        CASE WHEN named.subject = 'lead' THEN named.verdict ELSE chain.verdict END AS lead_verdict,
        CASE WHEN named.subject = 'lead' THEN named.outcome ELSE chain.outcome END AS lead_outcome,
        coalesce(chain.source, named.source) AS source,
        coalesce(chain.campaign, named.campaign) AS campaign {{of_outcome}}
    FROM told
    LEFT JOIN named ON named.id = told.decision_id
    LEFT JOIN chain ON chain.id = told.id
    LEFT JOIN account AS by_key ON by_key.key = told.account_key
    LEFT JOIN account AS by_decision ON by_decision.id = named.account_id
    LEFT JOIN position ON position.statement_id = :statement AND position.account_id = coalesce(
        by_key.merged_into, by_key.id, by_decision.merged_into, by_decision.id)
    WHERE true {{conditions}}
    ) AS every_one WHERE true {{inside}}
"""  # noqa: S608 - our own words
# What is told of deals moves with outcomes that come or are withdrawn, and with merges.
_TOLD_AS_OF: Final = text("""
    SELECT outcomes.*, merged.* FROM
        (SELECT count(*), max(recorded_at), max(withdrawn_at) FROM outcome_event) AS outcomes,
        (SELECT count(*), max(updated_at) FROM account WHERE merged_into IS NOT NULL) AS merged
""")
_SERVICE: Final = """
    SELECT outcome, verdict, in_grace, scores, count(*) AS accounts,
        count(*) FILTER (WHERE is_measured) AS measured, sum(support_hours) AS hours,
        sum(cost) AS cost,
        sum(coalesce(CAST(costs ->> 'support_case' AS numeric), 0)) AS support_cost,
        sum(revenue) AS revenue
    FROM (
        SELECT outcome, verdict, in_grace, is_measured, support_hours, cost, costs, revenue,
            scores -> CAST(:score AS text) AS scores
        FROM position WHERE statement_id = :statement
    {slices}
    ) AS served
    GROUP BY outcome, verdict, in_grace, scores
"""
_FEATURES: Final = f"""
    SELECT feature,
        count(*) FILTER (WHERE kind = 'feature_request') AS requests,
        count(*) FILTER (WHERE kind = 'feature_request' AND place = 'inside') AS requests_inside,
        count(*) FILTER (WHERE kind = 'feature_request' AND place = 'outside') AS requests_outside,
        coalesce(sum(hours) FILTER (WHERE kind = 'custom_work'), 0) AS custom_hours,
        count(DISTINCT account_id) AS accounts,
        count(DISTINCT account_id) FILTER (WHERE place = 'inside') AS inside,
        count(DISTINCT account_id) FILTER (WHERE place = 'outside') AS outside
    FROM (
        SELECT event.kind, coalesce(account.merged_into, account.id) AS account_id,
            btrim(event.quantities ->> 'feature') AS feature,
            CASE WHEN jsonb_typeof(event.quantities -> 'hours') = 'number'
                THEN CAST(event.quantities ->> 'hours' AS numeric) END AS hours
        FROM account_event AS event JOIN account ON account.id = event.account_id
        WHERE event.kind IN ('feature_request', 'custom_work') AND event.at <= :until
            AND event.recorded_at <= :until
            AND (CAST(:since AS timestamptz) IS NULL OR event.at > :since)
            AND event.quantities ->> 'feature' IS NOT NULL AND {_STANDING}
    ) AS asked
    JOIN (
        SELECT account_id, CASE WHEN in_grace OR NOT certain THEN 'open'
            WHEN verdict = 'qualify' THEN 'inside' WHEN verdict = 'disqualify' THEN 'outside'
            ELSE 'open' END AS place
        FROM position WHERE statement_id = :statement {{slices}}
    ) AS standing USING (account_id)
    GROUP BY feature
"""  # noqa: S608 - our own words
_OWNERS: Final = """
    SELECT slices ->> 'owner' AS owner, count(*) AS accounts, sum(revenue) AS revenue
    FROM position WHERE statement_id = :statement {slices} GROUP BY 1
"""
_CARRIED: Final = """
    SELECT position.slices ->> 'owner' AS owner, position.revenue, position.customer_since,
        position.decision_id, position.outcome, account.facts ->> 'owner_since' AS owner_since
    FROM position LEFT JOIN account ON account.id = position.account_id
    WHERE statement_id = :statement AND NOT position.in_grace
        AND position.outcome = ANY(CAST(:outcomes AS text[])) {slices}
    ORDER BY position.account_id
"""
_FACTS: Final = text("""
    SELECT decision.id, decision.facts, decision.tabled
    FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS given (id, at)
    JOIN decision ON decision.decided_at = given.at AND decision.id = given.id
""")


@dataclass(frozen=True, slots=True)
class Period:
    """From after *since*, or from ever, up to *until*."""

    since: datetime | None
    until: datetime

    def given(self) -> dict[str, object]:
        """Return it as parameters."""
        return {"since": self.since, "until": self.until}


async def read_leads(
    connection: AsyncConnection, period: Period, *, slices: Sequence[Slice] = ()
) -> Sequence[Row[Any]]:
    """Return how many leads there are by rule set, source, campaign and verdict.

    A lead that was decided several times counts once, by its last decision in *period*, and is
    in *slices* by what that decision knew.
    """
    await connection.execute(_LONG)
    parts = slices_of_leads(slices)
    leads = _LEADS.format(told=parts.told, chained=parts.chained, inside=parts.inside)
    return (await connection.execute(text(leads), {**period.given(), **parts.given})).all()


async def read_told(
    connection: AsyncConnection,
    statement: UUID,
    period: Period,
    *,
    slices: Sequence[Slice] = (),
) -> Sequence[Row[Any]]:
    """Return the outcomes of *period* that count, joined to positions and to leads' decisions.

    Where there are *slices*, only those of accounts that are in all of them.
    """
    return await _told(connection, period, _in_slices(slices), statement=statement)


async def read_told_of_leads(
    connection: AsyncConnection, period: Period, *, slices: Sequence[Slice] = ()
) -> Sequence[Row[Any]]:
    """Return the outcomes of *period* that name a lead, which few do where most are of accounts.

    A lead is in *slices* by what the decision knew that the outcome goes by.
    """
    return await _told(connection, period, ("", {}), parts=slices_of_leads(slices), of_leads=True)


async def _told(
    connection: AsyncConnection,
    period: Period,
    of_accounts: tuple[str, dict[str, object]],
    *,
    parts: LeadSlices = _ALL_LEADS,
    statement: UUID = _NOBODY,
    of_leads: bool = False,
) -> Sequence[Row[Any]]:
    """Return outcomes; *of_accounts* are conditions on positions, and their parameters."""
    conditions, given = of_accounts
    await connection.execute(_LONG)
    named = (await connection.execute(_NAMED_DECISIONS, period.given())).scalars().all()
    told = _TOLD.format(
        told=parts.told,
        chained=parts.chained,
        of_outcome=parts.of_outcome,
        conditions=conditions,
        inside=parts.inside,
    )
    asked = {**period.given(), **_places(named), **parts.given, **given}
    asked |= {"statement": statement, "of_leads": of_leads}
    return (await connection.execute(text(told), asked)).all()


async def read_as_of(connection: AsyncConnection) -> str:
    """Return what names the state of all that is told of deals."""
    return repr(tuple((await connection.execute(_TOLD_AS_OF)).one()))


async def read_service(
    connection: AsyncConnection, statement: UUID, *, score: str, slices: Sequence[Slice]
) -> Sequence[Any]:
    """Return hours, cost and revenue by outcome and by the span of a score."""
    asked, given = _of_positions(_SERVICE, statement, slices, score=score)
    return await kept_rows(connection, statement, asked, given)


async def read_asked_features(
    connection: AsyncConnection, statement: Statement, period: Period, *, slices: Sequence[Slice]
) -> Sequence[Any]:
    """Return every feature that was asked for or built, and by accounts of which standing.

    The ledger is taken as it was known at the end of *period*.
    """
    asked, given = _of_positions(_FEATURES, statement.id, slices, **period.given())
    if period.until <= statement.at:
        return await kept_rows(connection, statement.id, asked, given)
    return (await connection.execute(asked, given)).all()


async def count_owners(
    connection: AsyncConnection, statement: UUID, *, slices: Sequence[Slice]
) -> Sequence[Row[Any]]:
    """Return how many accounts and how much revenue each owner has."""
    asked, given = _of_positions(_OWNERS, statement, slices)
    return await kept_rows(connection, statement, asked, given)


async def read_carried(
    connection: AsyncConnection,
    statement: UUID,
    *,
    outcomes: Collection[str],
    slices: Sequence[Slice],
) -> Sequence[Row[Any]]:
    """Return the accounts that stand in one of *outcomes*, with their owners and days."""
    asked, given = _of_positions(_CARRIED, statement, slices, outcomes=list(outcomes))
    return (await connection.execute(asked, given)).all()


async def read_facts(
    connection: AsyncConnection, decisions: Collection[UUID]
) -> Mapping[UUID, Row[Any]]:
    """Return by what *decisions* were made: `facts`, None once erased, and `tabled`."""
    wanted = list(decisions)
    found: dict[UUID, Row[Any]] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        places = _places(wanted[begin : begin + _AT_ONCE])
        rows: Any = await connection.execute(_FACTS, places)
        found |= {row.id: row for row in rows}
    return found


def _of_positions(
    statement: str, statement_id: UUID, slices: Sequence[Slice], **given: object
) -> tuple[TextClause, dict[str, object]]:
    """Return what is asked of the positions in all *slices*, and its parameters."""
    conditions, values = _in_slices(slices)
    asked = text(statement.format(slices=conditions))
    return asked, {"statement": statement_id, **given, **values}


def _in_slices(slices: Sequence[Slice]) -> tuple[str, dict[str, object]]:
    """Return the conditions that a position is in all *slices*, and their parameters."""
    given: dict[str, object] = {}
    conditions = []
    for place, one in enumerate(slices):
        given |= {f"name_{place}": one.name, f"value_{place}": one.value}
        told = f"position.slices ->> CAST(:name_{place} AS text)"
        conditions.append(
            f"AND position.account_id IS NOT NULL AND coalesce({told}, '') = :value_{place}"
        )
    return " ".join(conditions), given


def _places(decisions: Collection[UUID]) -> dict[str, object]:
    """Return ids of decisions with their instants, which name their partitions."""
    return {"ids": list(decisions), "instants": [instant_of(one) for one in decisions]}
