"""Metrics as one Postgres statement over the ledger: the text of it, and what it takes.

It must give what `service.rules.measure` gives. Steps, each a common table: the accounts
asked for, those merged into them, their entries, what each entry says, which conditions
hold, and a number for each metric. Sums are exact; only the result becomes a double.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, assert_never

from service.accounts.kinds import AMOUNT
from service.rules import Declared, Metric
from service.rules.metrics.kinds import NUMBER
from service.rules.metrics.model import Costed, Measured, Window

__all__ = ["LAST_KNOWN", "REPORTED", "Statement", "said_sql", "statement_of"]

_KEPT = ("account_id", "kind", "at", "source", "source_event_id")
_LATEST = 'at DESC, source COLLATE "C" DESC, source_event_id COLLATE "C" DESC'

LAST_KNOWN: Final = datetime.max.replace(tzinfo=UTC)
"""No entry is recorded later."""
_LEDGER = """
member AS MATERIALIZED (
  SELECT asked.id AS account_id, asked.id AS member_id FROM asked
  UNION ALL
  SELECT account.merged_into, account.id FROM account
  JOIN asked ON asked.id = account.merged_into
),
entry AS MATERIALIZED (
  SELECT member.account_id, event.kind, event.at, event.amount, event.quantities,
    event.source, event.source_event_id
  FROM member JOIN account_event AS event ON event.account_id = member.member_id
  WHERE event.at <= :at AND event.recorded_at <= :known_at AND event.reverses IS NULL
    AND NOT EXISTS (
      SELECT FROM account_event AS other
      WHERE other.reverses = event.id AND other.recorded_at <= :known_at
    )
),
speaker AS (
  SELECT account_id, source AS name FROM entry
  UNION
  SELECT member.account_id, identity.system FROM member
  JOIN account_identity AS identity ON identity.account_id = member.member_id
  UNION
  SELECT member.account_id, told.value ->> 'source' FROM member
  JOIN account ON account.id = member.member_id
  CROSS JOIN LATERAL jsonb_each(account.provenance) AS told
),
reported AS (
  SELECT account_id, array_agg(kind) AS kinds FROM (
    SELECT account_id, kind FROM entry
    UNION
    SELECT speaker.account_id, unnest(account_source.reports) FROM speaker
    JOIN account_source ON account_source.name = speaker.name
  ) AS told GROUP BY account_id
)"""


REPORTED = f"""
WITH asked AS MATERIALIZED (SELECT CAST(:id AS uuid) AS id),{_LEDGER}
SELECT unnest(kinds) FROM reported"""  # noqa: S608 - a text of ours
"""What gives the kinds that some source of the account `id` reports, or has told of by `at`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that measures some accounts, or all.

    It takes `at`, the start of each window by its name, and `ids` where it is not of all;
    `known_at` is when it was known, for what was told later does not count.
    It gives a row an account: its id, and a double or NULL for each metric in order.
    """

    text: str
    windows: Mapping[str, Window]

    def parameters(self, at: datetime, *, known_at: datetime | None = None) -> dict[str, object]:
        """Return what it takes at the clock *at*, as known at *known_at* or now, besides ids."""
        starts = {name: window.start(at) for name, window in self.windows.items()}
        return {"at": at, "known_at": known_at or LAST_KNOWN, **starts}


def statement_of(metrics: Sequence[Metric], *, of_all: bool) -> Statement:
    """Return the statement for *metrics* of the accounts in `ids`, or *of_all* that stand."""
    return _Writer().write(metrics, of_all=of_all)


@dataclass(slots=True)
class _Writer:
    """Gathers the columns, windows and conditions that metrics need, each of them once."""

    said: dict[tuple[str, Declared], str] = field(default_factory=dict)
    windows: dict[Window, str] = field(default_factory=dict)

    def write(self, metrics: Sequence[Metric], *, of_all: bool) -> Statement:
        numbers = [
            f"{self._number(metric, f'w{place}')} AS m{place}"
            for place, metric in enumerate(metrics)
        ]
        judged = self._judged(metrics)
        chosen = (
            "SELECT id FROM account WHERE merged_into IS NULL"
            if of_all
            else "SELECT unnest(CAST(:ids AS uuid[])) AS id"
        )
        kinds = sorted({kind for metric in metrics for kind in metric.kinds})
        columns = [f"{said_sql(declared, name)} AS {column}" for (name, declared), column
                   in self.said.items()]  # fmt: skip
        results = [_reported(metric, place) for place, metric in enumerate(metrics)]
        text = f"""
WITH asked AS MATERIALIZED ({chosen}),{_LEDGER},
said AS (
  SELECT {", ".join([*_KEPT, *columns])} FROM entry WHERE kind IN ({_listed(kinds)})
),
judged AS ({judged}),
measured AS (
  SELECT account_id, {", ".join(numbers)} FROM judged GROUP BY account_id
)
SELECT asked.id, {", ".join(results)} FROM asked
LEFT JOIN reported ON reported.account_id = asked.id
LEFT JOIN measured ON measured.account_id = asked.id"""  # noqa: S608 - made of ids, see `_listed`
        return Statement(text, {name: window for window, name in self.windows.items()})

    def _judged(self, metrics: Sequence[Metric]) -> str:
        """Return what adds a truth for each condition to what entries say."""
        asked = {
            f"w{place}": metric
            for place, metric in enumerate(metrics)
            if isinstance(metric, Measured) and metric.where is not None
        }
        if not asked:
            return "SELECT * FROM said"
        # Loads the SQL library, which a process without conditions never needs.
        from service.rules.metrics import sql  # noqa: PLC0415

        conditions = {
            name: sql.Asked(
                metric.where,
                {said: self._column(said, metric) for said in metric.where.attributes},
            )
            for name, metric in asked.items()
            if metric.where is not None
        }
        kept = [*_KEPT, *self.said.values()]
        text = sql.conditions(conditions, relation="said", kept=kept)
        # A colon in a constant is no parameter.
        return text.replace(":", "\\:")

    def _column(self, name: str, metric: Measured) -> str:
        return self._named(name, metric.quantities[name])

    def _named(self, name: str, declared: Declared) -> str:
        return self.said.setdefault((name, declared), f"q{len(self.said)}")

    def _number(self, metric: Metric, holds: str) -> str:
        """Return the aggregate of *metric* over an account's entries: a double, or NULL.

        *holds* is the column of its condition, where it has one.
        """
        match metric:
            case Costed():
                return self._cost(metric)
            case Measured():
                return self._aggregate(metric, holds)
            case unknown:
                assert_never(unknown)

    def _cost(self, metric: Costed) -> str:
        branches, unsaid = [], []
        for kind, rates in metric.rates.items():
            columns = {name: self._named(name, NUMBER) for name in rates}
            total = " + ".join(f"{rates[name]:f} * {column}" for name, column in columns.items())
            branches.append(f"WHEN '{kind}' THEN {total}")
            missing = " OR ".join(f"{column} IS NULL" for column in columns.values())
            unsaid.append(f"(kind = '{kind}' AND ({missing}))")
        seen = self._seen(metric.kinds, metric.window)
        return _total(f"CASE kind {' '.join(branches)} END", seen, " OR ".join(unsaid))

    def _aggregate(self, metric: Measured, holds: str) -> str:
        seen = self._seen(metric.kinds, metric.window)
        counts = seen if metric.where is None else f"{seen} AND {holds}"
        if metric.quantity is None:
            number = f"CAST(count(*) FILTER (WHERE {counts}) AS double precision)"
            if metric.aggregation == "count":
                return number
            return f"{number} / nullif(count(*) FILTER (WHERE {seen}), 0)"
        column = self._column(metric.quantity, metric)
        unsaid = f"{column} IS NULL"
        match metric.aggregation:
            case "sum":
                return _total(column, counts, unsaid)
            case "mean":
                total = f"CAST(sum({column}) FILTER (WHERE {counts}) AS double precision)"
                number = f"{total} / nullif(count(*) FILTER (WHERE {counts}), 0)"
                return _unless(unsaid, counts, number)
            case "distinct":
                number = f"count(DISTINCT {column}) FILTER (WHERE {counts})"
            case "last":
                return (
                    f"CAST((array_agg({column} ORDER BY {_LATEST})"
                    f" FILTER (WHERE {counts}))[1] AS double precision)"
                )
            case way:
                number = f"{way}({column}) FILTER (WHERE {counts})"
        return _unless(unsaid, counts, f"CAST({number} AS double precision)")

    def _seen(self, kinds: Iterable[str], window: Window | None) -> str:
        """Return the condition that an entry is of *kinds* and inside *window*."""
        of_kind = f"kind IN ({_listed(kinds)})"
        if window is None:
            return of_kind
        name = self.windows.setdefault(window, f"start{len(self.windows)}")
        return f"{of_kind} AND at > :{name}"


def _reported(metric: Metric, place: int) -> str:
    """Return a metric as the answer has it: 0 where nothing happened and all is reported."""
    number = f"m{place}"
    if isinstance(metric, Costed) or metric.aggregation in {"sum", "count", "distinct"}:
        number = f"CASE WHEN measured.account_id IS NULL THEN 0 ELSE m{place} END"
    kinds = f"CAST(ARRAY[{_listed(metric.kinds)}] AS text[])"
    return f"CASE WHEN reported.kinds @> {kinds} THEN {number} END"


def _total(number: str, counts: str, unsaid: str) -> str:
    total = f"coalesce(sum({number}) FILTER (WHERE {counts}), 0)"
    return _unless(unsaid, counts, f"CAST({total} AS double precision)")


def _unless(unsaid: str, counts: str, number: str) -> str:
    """Return *number*, or NULL where an entry that counts does not say what it is made of."""
    return f"CASE WHEN bool_or({unsaid}) FILTER (WHERE {counts}) THEN NULL ELSE {number} END"


def said_sql(declared: Declared, name: str) -> str:
    """Return what an entry says of a quantity, NULL where it is not of its type."""
    if name == AMOUNT:
        return "amount"
    value, text = f"quantities -> '{name}'", f"quantities ->> '{name}'"
    match declared.type:
        case "number":
            # Nested, because AND may look at its right side first.
            number = f"CAST({text} AS numeric)"
            return (
                f"CASE WHEN jsonb_typeof({value}) = 'number' THEN CASE"
                f" WHEN abs({number}) <= 9007199254740992 THEN round({number}, 6) END END"
            )
        case "flag":
            return f"CASE WHEN jsonb_typeof({value}) = 'boolean' THEN CAST({text} AS boolean) END"
        case "text":
            return f"CASE WHEN jsonb_typeof({value}) = 'string' THEN nullif({text}, '') END"
        case "choice":
            return f"CASE WHEN {text} IN ({_listed(declared.choices)}) THEN {text} END"
        case unknown:
            assert_never(unknown)


def _listed(names: Iterable[str]) -> str:
    """Return names as literals: kinds and choices of ours, which hold no quote."""
    return ", ".join(f"'{name}'" for name in names)
