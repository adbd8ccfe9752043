"""Taking a statement as one Postgres statement: the text of it.

One pass over the ledger as it was known at the statement's instant: what happened up to then
and was recorded up to then. An entry that was taken back and the one that takes it back are
both summed, and cancel out. Sums are exact.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from service.accounts import said_sql
from service.decisions import stood_sql
from service.portfolio.agreeing import COHORT, SINCE, slice_names
from service.portfolio.reading import Terms
from service.rules import Attribute, Declared, RuleSet
from service.rules.metrics.model import Costed
from service.storage.tables import PositionRow

__all__ = ["insert_positions"]

_NUMBER: Final = Declared("number")
_TEXT: Final = Declared("text")
_COST: Final = "cost"
_TOO_EARLY: Final = "too_early"
_LONGEST_SLICE: Final = 100
_LONGEST_NAME: Final = 200
_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")
_COLUMNS: Final = ", ".join(column.name for column in PositionRow.__table__.columns)


def insert_positions(rules: RuleSet, terms: Terms) -> str:
    """Return the INSERT of all positions of a statement by *rules* on *terms*.

    It takes `statement`, `rule_set`, `version`, `at` and, where the terms have one, `since`.
    """
    (cost,) = (one for one in rules.metrics if one.name == terms.cost_metric)
    if not isinstance(cost, Costed):
        raise TypeError("the terms name a metric that is no cost")
    names = slice_names(rules)
    slices = ", ".join(f"'{name}', {_slice(name, rules.attributes)}" for name in names)
    return f"""
WITH entry AS (
  SELECT account_id, {_driver(cost)} AS driver,
    {_revenue()} AS revenue, {_cost(cost.rates)} AS cost,
    {_hours("support_case")} AS support_hours, {_hours("custom_work")} AS custom_hours,
    {_count("escalation")} AS escalations,
    {_count("revenue")} AS orders
  FROM account_event
  WHERE at <= :at AND recorded_at <= :at {"" if terms.since is None else "AND at > :since"}
    AND kind IN ({_listed({*cost.kinds, "revenue", "support_case", "custom_work", "escalation"})})
),
own AS MATERIALIZED (
  SELECT account_id, driver, {_sums()} FROM entry GROUP BY account_id, driver
),
of_driver AS (
  SELECT coalesce(account.merged_into, account.id) AS account_id, driver, {_sums()}
  FROM own JOIN account ON account.id = own.account_id GROUP BY 1, 2
),
money AS MATERIALIZED (
  SELECT account_id, {_sums()},
    coalesce(jsonb_object_agg(driver, CAST(trim_scale(cost) AS text))
      FILTER (WHERE driver IS NOT NULL AND cost <> 0), '{{}}') AS costs
  FROM of_driver GROUP BY account_id
),
standing AS MATERIALIZED (
  SELECT account.id, account.key, account.facts, account.facts_erased_at IS NOT NULL AS is_erased,
    CASE WHEN stands.at <= :at THEN stands.decision_id ELSE earlier.decision_id END AS decision_id,
    CASE WHEN stands.at <= :at THEN stands.at ELSE earlier.at END AS decided_at
  FROM account
  LEFT JOIN assessment AS stands
    ON stands.account_id = account.id AND stands.rule_set = :rule_set
  LEFT JOIN LATERAL (
    SELECT * FROM ({stood_sql(account="account.id", rule_set=":rule_set", at=":at")}
    ) AS stood WHERE stands.at > :at
  ) AS earlier ON true
  WHERE account.merged_into IS NULL
    AND (account.created_at <= :at OR account.id IN (SELECT account_id FROM money))
),
judged AS (
  SELECT standing.id, standing.key, standing.decision_id,
    CASE WHEN is_erased THEN CAST('{{}}' AS jsonb) ELSE standing.facts END AS facts,
    decision.version, decision.verdict, decision.outcome,
    coalesce(decision.outcome_certain, false) AS certain,
    {_letters()} AS letters,
    decision.scores, {_since(rules.attributes)} AS customer_since,
    {_in_grace(rules)} AS in_grace,
    coalesce(decision.facts ?& ARRAY[{_listed((terms.revenue_metric, terms.cost_metric))}], false)
      AS is_measured
  FROM standing LEFT JOIN decision
    ON decision.decided_at = standing.decided_at AND decision.id = standing.decision_id
)
INSERT INTO position ({_COLUMNS})
SELECT CAST(:statement AS uuid), judged.id, key, {_name()}, decision_id, version, verdict, outcome,
  certain, {_spans()},
  {_ends(terms.value_score)}, {_ends(terms.growth_score)},
  customer_since, in_grace, is_measured,
  coalesce(revenue, 0), coalesce(cost, 0), coalesce(costs, '{{}}'),
  coalesce(support_hours, 0), coalesce(custom_hours, 0), coalesce(escalations, 0),
  jsonb_strip_nulls(jsonb_build_object({slices})), letters, coalesce(orders, 0)
FROM judged LEFT JOIN money ON money.account_id = judged.id"""  # noqa: S608 - made of ids, see `_listed`


def _sums() -> str:
    names = ("revenue", "cost", "support_hours", "custom_hours", "escalations", "orders")
    return ", ".join(f"sum({name}) AS {name}" for name in names)


def _driver(cost: Costed) -> str:
    """Return what an entry's cost comes from: its own word where it is a cost, else its kind."""
    others = [kind for kind in cost.kinds if kind != _COST]
    branches = []
    if _COST in cost.kinds:
        branches.append(f"WHEN kind = '{_COST}' THEN coalesce({said_sql(_TEXT, 'driver')}, kind)")
    if others:
        branches.append(f"WHEN kind IN ({_listed(others)}) THEN kind")
    return f"CASE {' '.join(branches)} END"


def _revenue() -> str:
    return "CASE WHEN kind = 'revenue' THEN coalesce(amount, 0) ELSE 0 END"


def _cost(rates: Mapping[str, Mapping[str, Decimal]]) -> str:
    branches = [
        f"WHEN '{kind}' THEN "
        + " + ".join(
            f"{rate:f} * coalesce({said_sql(_NUMBER, name)}, 0)" for name, rate in each.items()
        )
        for kind, each in rates.items()
    ]
    return f"CASE kind {' '.join(branches)} ELSE 0 END"


def _hours(kind: str) -> str:
    hours = said_sql(_NUMBER, "hours")
    return f"CASE WHEN kind = '{kind}' THEN coalesce({hours}, 0) ELSE 0 END"


def _count(kind: str) -> str:
    """Return 1 for an entry of *kind*, and the opposite for what takes one back."""
    return (
        f"CASE WHEN kind = '{kind}' THEN CASE WHEN reverses IS NULL THEN 1 ELSE -1 END ELSE 0 END"
    )


def _letters() -> str:
    """Return the letters of the decision; those of rules as if none were suspended.

    A rule that is suspended counts as no in its decision, and says nothing of the account.
    Where any was, all letters as they were before it stand in `before`.
    """
    rules = "coalesce(decision.trace_before, decision.trace) -> 'open' -> 'rules'"
    return (
        "CASE WHEN decision.version = :version THEN (decision.trace -> 'open')"
        f" || jsonb_build_object('rules', {rules})"
        " || CASE WHEN decision.trace_before IS NULL THEN '{}'"
        " ELSE jsonb_build_object('before', decision.trace_before -> 'open') END END"
    )


def _since(attributes: Mapping[str, Attribute]) -> str:
    """Return since when it is a customer, as the decision read it."""
    attribute = attributes.get(SINCE)
    if attribute is None or attribute.type != "date":
        return "CAST(NULL AS date)"
    told = f"decision.facts ->> '{SINCE}'"
    # A day was read by the door, so it is one.
    return f"CASE WHEN {told} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' THEN CAST({told} AS date) END"


def _in_grace(rules: RuleSet) -> str:
    """Return whether a gate of grace decided: one that says `too_early`, or is called so."""
    outcomes = rules.model.outcomes
    places: dict[str, list[int]] = {}
    for place, gate in enumerate(rules.model.gates, start=1):
        outcome = outcomes[gate.outcome].id
        if outcome == _TOO_EARLY or "grace" in gate.id:
            places.setdefault(outcome, []).append(place)
    held = [
        f"(decision.outcome = '{outcome}' AND substr(decision.trace -> 'closed' ->> 'gates',"
        f" {place}, 1) = 'y')"
        for outcome, found in places.items()
        for place in found
    ]
    # The trace of another version has its gates at other places.
    return f"coalesce(decision.version = :version AND ({' OR '.join(held) or 'false'}), false)"


def _spans() -> str:
    return (
        "coalesce((SELECT jsonb_object_agg(score.key, jsonb_build_array("
        "score.value -> 'low', score.value -> 'high'))"
        " FROM jsonb_each(judged.scores) AS score), '{}')"
    )


def _ends(score: str) -> str:
    return ", ".join(
        f"CAST(judged.scores -> '{score}' ->> '{end}' AS double precision)"
        for end in ("low", "high")
    )


def _name() -> str:
    told = "btrim(facts ->> 'name')"
    return (
        f"CASE WHEN jsonb_typeof(facts -> 'name') = 'string'"
        f" THEN nullif(left({told}, {_LONGEST_NAME}), '') END"
    )


def _slice(name: str, attributes: Mapping[str, Attribute]) -> str:
    """Return what an account is under *name*, as the door would read it, or NULL."""
    if name == COHORT:
        return """to_char(customer_since, 'YYYY"-Q"Q')"""
    told = f"nullif(btrim(facts ->> '{name}'), '')"
    attribute = attributes.get(name)
    if attribute is not None and attribute.type == "flag":
        return (
            f"CASE WHEN lower({told}) IN ({_listed(_TRUE)}) THEN 'true'"
            f" WHEN lower({told}) IN ({_listed(_FALSE)}) THEN 'false' END"
        )
    is_plain = f"jsonb_typeof(facts -> '{name}') IN ('string', 'number', 'boolean')"
    allowed = f"length({told}) <= {_LONGEST_SLICE}"
    if attribute is not None and attribute.type == "choice" and not attribute.other:
        allowed = f"{told} IN ({_quoted(attribute.choices)})"
    return f"CASE WHEN {is_plain} AND {allowed} THEN {told} END"


def _quoted(texts: Iterable[str]) -> str:
    """Return texts of the rule set's author as literals."""
    return ", ".join(_literal(text) for text in texts)


def _literal(text: str) -> str:
    # A colon in a constant is no parameter.
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def _listed(names: Iterable[str]) -> str:
    """Return names as literals: kinds, metrics and words of ours, which hold no quote."""
    return ", ".join(f"'{name}'" for name in sorted(names))
