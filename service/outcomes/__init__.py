"""Outcomes: what became of leads and accounts, told by the systems that know."""

from service.outcomes.routes import outcome_routes

__all__ = ["routers"]

routers = (outcome_routes,)
