"""Outcomes: what became of leads and accounts, told by the systems that know."""

from service.outcomes.personal_store import HOLDINGS
from service.outcomes.reading import Measure
from service.outcomes.routes import many_outcomes, outcome_routes

__all__ = ["HOLDINGS", "Measure", "many_outcomes", "routers"]

routers = (outcome_routes,)
