"""Decisions: judge leads and accounts, keep what was decided, say why, decide it again."""

from service.decisions.desk import Desk
from service.decisions.drilling import Drill, drill
from service.decisions.front import QualifyFront
from service.decisions.history_routes import history_routes
from service.decisions.routes import qualify_routes
from service.decisions.sharing import SharedWriter

__all__ = ["Desk", "Drill", "QualifyFront", "SharedWriter", "drill", "routers"]

routers = (qualify_routes, history_routes)
