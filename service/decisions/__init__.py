"""Decisions: judge leads and accounts, keep what was decided, say why, decide it again."""

from service.decisions.history_routes import history_routes
from service.decisions.routes import qualify_routes

__all__ = ["routers"]

routers = (qualify_routes, history_routes)
