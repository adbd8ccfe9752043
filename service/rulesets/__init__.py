"""Rule sets: drafts, versions, releases, and which version is live, ready to decide."""

from service.rulesets.asking import Editing, Live, SlugInPath
from service.rulesets.boundary_routes import boundary_routes
from service.rulesets.change_routes import change_routes
from service.rulesets.change_schemas import ChangeShown
from service.rulesets.checking import RuleSetInvalid, RuleSetMismatch, compile_source
from service.rulesets.draft_routes import draft_routes
from service.rulesets.drafting import Editor, RuleSetExists
from service.rulesets.evidence import Evidence, attach_evidence, reviews_of
from service.rulesets.history_routes import history_routes
from service.rulesets.inquiry_routes import inquiry_routes
from service.rulesets.inquiry_working import (
    INQUIRY_LIMITS,
    answer_inquiry,
    answer_next_inquiry,
    answering_inquiries,
)
from service.rulesets.installing import Installed, install
from service.rulesets.live import (
    LiveRules,
    LiveSince,
    NotLive,
    RuleSetNotFound,
    Running,
    VersionNotFound,
    live_for_accounts,
    shadow_releases,
)
from service.rulesets.personal_store import personal_attributes
from service.rulesets.policy_routes import policy_routes
from service.rulesets.releasing import LEAD, ReleaseInPast
from service.rulesets.review_routes import review_routes
from service.rulesets.rewriting import rewritten
from service.rulesets.routes import rule_set_routes
from service.rulesets.shadows import MOST_SHADOWS, Shadow, periods_of, shadows_at
from service.rulesets.trying import Tried, find_tried

__all__ = [
    "INQUIRY_LIMITS",
    "LEAD",
    "MOST_SHADOWS",
    "ChangeShown",
    "Editing",
    "Editor",
    "Evidence",
    "Installed",
    "Live",
    "LiveRules",
    "LiveSince",
    "NotLive",
    "ReleaseInPast",
    "RuleSetExists",
    "RuleSetInvalid",
    "RuleSetMismatch",
    "RuleSetNotFound",
    "Running",
    "Shadow",
    "SlugInPath",
    "Tried",
    "VersionNotFound",
    "answer_inquiry",
    "answer_next_inquiry",
    "answering_inquiries",
    "attach_evidence",
    "compile_source",
    "find_tried",
    "install",
    "live_for_accounts",
    "periods_of",
    "personal_attributes",
    "reviews_of",
    "rewritten",
    "routers",
    "shadow_releases",
    "shadows_at",
]

routers = (
    rule_set_routes,
    draft_routes,
    boundary_routes,
    history_routes,
    change_routes,
    inquiry_routes,
    policy_routes,
    review_routes,
)
