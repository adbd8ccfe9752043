"""What can be told: the types of events, each with what its `data` holds."""

from enum import StrEnum

__all__ = ["EventType"]


class EventType(StrEnum):
    """What happened. The words are part of the API; none is ever taken back."""

    DECISION_CREATED = "decision.created"
    ACCOUNT_OUTCOME_CHANGED = "account.outcome_changed"
    RULE_SET_RELEASED = "rule_set.released"
    CONNECTION_DEGRADED = "connection.degraded"
    ENDPOINT_DISABLED = "endpoint.disabled"
    BACKTEST_FINISHED = "backtest.finished"
    ERASURE_COMPLETED = "erasure.completed"
    ENDPOINT_TEST = "endpoint.test"
    """Sent when somebody asks for it, to that endpoint only, whatever it takes otherwise."""
