"""The portfolio: all accounts under one rule set, as statements of one instant each."""

from service.portfolio.alignment_routes import alignment_routes
from service.portfolio.better_off_routes import better_off_routes
from service.portfolio.by_itself import stating_by_itself
from service.portfolio.dossier_routes import dossier_routes
from service.portfolio.examining import examine_newest, examining
from service.portfolio.focus_routes import focus_routes
from service.portfolio.largest_routes import largest_routes
from service.portfolio.movement_routes import movement_routes
from service.portfolio.personal_store import HOLDINGS
from service.portfolio.reading import (
    Position,
    Span,
    Statement,
    StatementNotFound,
    Terms,
    read_position,
    read_positions,
    read_statement,
)
from service.portfolio.scenario_routes import scenario_routes
from service.portfolio.sensitivity_routes import sensitivity_routes
from service.portfolio.slicing import BadSlice, Slice, read_slices
from service.portfolio.statement_routes import statement_routes
from service.portfolio.systemic_routes import systemic_routes
from service.portfolio.thinning import thinning
from service.portfolio.view_routes import view_routes
from service.portfolio.waterfall_routes import waterfall_routes
from service.portfolio.working import working

__all__ = [
    "HOLDINGS",
    "BadSlice",
    "Position",
    "Slice",
    "Span",
    "Statement",
    "StatementNotFound",
    "Terms",
    "examine_newest",
    "examining",
    "read_position",
    "read_positions",
    "read_slices",
    "read_statement",
    "routers",
    "stating_by_itself",
    "thinning",
    "working",
]

routers = (
    statement_routes,
    view_routes,
    largest_routes,
    movement_routes,
    better_off_routes,
    alignment_routes,
    dossier_routes,
    systemic_routes,
    sensitivity_routes,
    scenario_routes,
    focus_routes,
    waterfall_routes,
)
