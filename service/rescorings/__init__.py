"""Rescorings: asked for, watched and cancelled here; the work is another process's.

This room loads no library for columns, so the API can have it. Who works is `service.worker`,
which `working` starts, or `goodfit rescore`.
"""

from service.rescorings.asking import (
    NotOfAccounts,
    RescoringNotFound,
    RescoringOver,
    RescoringRunning,
    ask_for,
    cancel,
    check_rescorable,
    existing,
    find_open,
)
from service.rescorings.by_itself import BY_ITSELF, asking_by_itself
from service.rescorings.routes import rescoring_routes
from service.rescorings.store import find_newest, has_accounts
from service.rescorings.tally import NEVER, RescoringTally
from service.rescorings.working import working

__all__ = [
    "BY_ITSELF",
    "NEVER",
    "NotOfAccounts",
    "RescoringNotFound",
    "RescoringOver",
    "RescoringRunning",
    "RescoringTally",
    "ask_for",
    "asking_by_itself",
    "cancel",
    "check_rescorable",
    "existing",
    "find_newest",
    "find_open",
    "has_accounts",
    "routers",
    "working",
]

routers = (rescoring_routes,)
