"""By which decision an account stood at an instant, as text for statements of other rooms."""

__all__ = ["stood_sql"]


def stood_sql(*, account: str, rule_set: str, at: str) -> str:
    """Return the SELECT of the decision by which *account* stood at the instant *at*, if any.

    All three are expressions of SQL. It gives the columns of an assessment: `decision_id`, `at`,
    `version`, `verdict` and `outcome`. Where the current decision is not newer, ask for that: it
    is the same, and here it would have to be looked for.

    A version that was asked for by its number told how the account would have stood; such a
    decision does not count, unless the version was live as well.

    It is looked for among the account's own decisions: the index by rule set, which would lead to
    everybody's, cannot be asked for `rule_set || ''`.
    """
    return f"""
    SELECT id AS decision_id, decided_at AS at, version, verdict, outcome
    FROM decision
    WHERE decision.account_id = {account} AND decision.rule_set || '' = {rule_set}
      AND decision.decided_at <= {at}
      AND (decision.latency_us IS NULL OR decision.version = (
        SELECT released.version FROM rule_set_release AS released
        WHERE released.rule_set = {rule_set} AND released.mode = 'live'
          AND released.effective_at <= decision.decided_at
        ORDER BY released.effective_at DESC, released.sequence DESC LIMIT 1))
    ORDER BY decision.decided_at DESC, decision.id DESC LIMIT 1"""  # noqa: S608 - expressions of ours
