"""Every table, one module a room, one MetaData."""

from service.storage.tables.accounts import (
    AccountIdentity,
    AccountMerge,
    AccountRow,
    AssessmentDue,
    AssessmentRow,
)
from service.storage.tables.audit import AuditEntryRow, AuditHead
from service.storage.tables.backtests import BacktestFlip, BacktestRow
from service.storage.tables.base import Base, metadata
from service.storage.tables.decisions import DecisionRow
from service.storage.tables.delivery import AttemptRow, DeliveryRow, EndpointRow, EventRow
from service.storage.tables.forms import FormVisit
from service.storage.tables.imports import ImportPart, ImportProblem, ImportRow
from service.storage.tables.inquiries import InquiryRow
from service.storage.tables.intake import (
    ConnectionRow,
    IntakeDelivery,
    IntakeLead,
    IntakeSeen,
    VendorPause,
    WriteBackRow,
)
from service.storage.tables.ledger import AccountEvent, AccountSource, EventKindRow, ParkedEvent
from service.storage.tables.notices import NoticeRow
from service.storage.tables.outcomes import OutcomeEvent
from service.storage.tables.overrides import OverrideRow
from service.storage.tables.portfolio import (
    PositionRow,
    ScenarioAccount,
    ScenarioRow,
    StatementAnswer,
    StatementRow,
)
from service.storage.tables.privacy import ErasedSubject, ErasureFind, ErasureRow
from service.storage.tables.rescorings import RescoringRow
from service.storage.tables.rulesets import (
    DraftEdit,
    FlipEvidence,
    ReleaseEpoch,
    RuleSetDraft,
    RuleSetRelease,
    RuleSetReview,
    RuleSetRow,
    RuleSetVersion,
)
from service.storage.tables.shadows import (
    ShadowDisagreement,
    ShadowMovement,
    ShadowTally,
)
from service.storage.tables.suspensions import SuspensionRow
from service.storage.tables.systemic import ExaminationRow, SystemicPolicyRow
from service.storage.tables.web import ApiKey, IdempotencyRow, RequestCount

__all__ = [
    "AccountEvent",
    "AccountIdentity",
    "AccountMerge",
    "AccountRow",
    "AccountSource",
    "ApiKey",
    "AssessmentDue",
    "AssessmentRow",
    "AttemptRow",
    "AuditEntryRow",
    "AuditHead",
    "BacktestFlip",
    "BacktestRow",
    "Base",
    "ConnectionRow",
    "DecisionRow",
    "DeliveryRow",
    "DraftEdit",
    "EndpointRow",
    "ErasedSubject",
    "ErasureFind",
    "ErasureRow",
    "EventKindRow",
    "EventRow",
    "ExaminationRow",
    "FlipEvidence",
    "FormVisit",
    "IdempotencyRow",
    "ImportPart",
    "ImportProblem",
    "ImportRow",
    "InquiryRow",
    "IntakeDelivery",
    "IntakeLead",
    "IntakeSeen",
    "NoticeRow",
    "OutcomeEvent",
    "OverrideRow",
    "ParkedEvent",
    "PositionRow",
    "ReleaseEpoch",
    "RequestCount",
    "RescoringRow",
    "RuleSetDraft",
    "RuleSetRelease",
    "RuleSetReview",
    "RuleSetRow",
    "RuleSetVersion",
    "ScenarioAccount",
    "ScenarioRow",
    "ShadowDisagreement",
    "ShadowMovement",
    "ShadowTally",
    "StatementAnswer",
    "StatementRow",
    "SuspensionRow",
    "SystemicPolicyRow",
    "VendorPause",
    "WriteBackRow",
    "metadata",
]
