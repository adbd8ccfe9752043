"""Rule sets: drafts, versions, releases, and which version is live, ready to decide."""

from service.rulesets.change_routes import change_routes
from service.rulesets.checking import RuleSetInvalid, RuleSetMismatch, compile_source
from service.rulesets.draft_routes import draft_routes
from service.rulesets.drafting import Editor, RuleSetExists
from service.rulesets.installing import Installed, install
from service.rulesets.live import (
    LiveRules,
    NotLive,
    RuleSetNotFound,
    Running,
    VersionNotFound,
    shadow_releases,
)
from service.rulesets.releasing import LEAD, ReleaseInPast
from service.rulesets.routes import rule_set_routes
from service.rulesets.shadows import MOST_SHADOWS, Shadow, periods_of, shadows_at
from service.rulesets.trying import Tried, find_tried

__all__ = [
    "LEAD",
    "MOST_SHADOWS",
    "Editor",
    "Installed",
    "LiveRules",
    "NotLive",
    "ReleaseInPast",
    "RuleSetExists",
    "RuleSetInvalid",
    "RuleSetMismatch",
    "RuleSetNotFound",
    "Running",
    "Shadow",
    "Tried",
    "VersionNotFound",
    "compile_source",
    "find_tried",
    "install",
    "periods_of",
    "routers",
    "shadow_releases",
    "shadows_at",
]

routers = (rule_set_routes, draft_routes, change_routes)
