"""Every table, one module a room, one MetaData."""

from service.storage.tables.accounts import AccountIdentity, AccountRow, AssessmentRow
from service.storage.tables.audit import AuditEntryRow, AuditHead
from service.storage.tables.backtests import BacktestFlip, BacktestRow
from service.storage.tables.base import Base, metadata
from service.storage.tables.decisions import DecisionRow
from service.storage.tables.rulesets import (
    ReleaseEpoch,
    RuleSetDraft,
    RuleSetRelease,
    RuleSetRow,
    RuleSetVersion,
)
from service.storage.tables.web import ApiKey, IdempotencyRow

__all__ = [
    "AccountIdentity",
    "AccountRow",
    "ApiKey",
    "AssessmentRow",
    "AuditEntryRow",
    "AuditHead",
    "BacktestFlip",
    "BacktestRow",
    "Base",
    "DecisionRow",
    "IdempotencyRow",
    "ReleaseEpoch",
    "RuleSetDraft",
    "RuleSetRelease",
    "RuleSetRow",
    "RuleSetVersion",
    "metadata",
]
