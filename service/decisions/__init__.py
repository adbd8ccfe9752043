"""Decisions: judge leads and accounts, keep what was decided, say why, decide it again."""

from service.decisions.assessing import assess_some, assessing
from service.decisions.desk import AtDesk, Desk
from service.decisions.drilling import Drill, drill
from service.decisions.front import QualifyFront
from service.decisions.history_routes import history_routes
from service.decisions.notice_routes import notice_routes
from service.decisions.noticing import noticing
from service.decisions.override_routes import override_routes
from service.decisions.overriding import NotAssessed
from service.decisions.overruled_routes import overruled_routes
from service.decisions.past import Past, read_past
from service.decisions.replaying import existing_decision, replay
from service.decisions.rescored import keep_rescored, rescored_record, source_of
from service.decisions.routes import qualify_routes
from service.decisions.saying import PeopleSaid, read_said
from service.decisions.shadow_routes import shadow_routes
from service.decisions.shadowing import Shadows, shadowing
from service.decisions.sharing import SharedWriter
from service.decisions.standing_routes import standing_routes
from service.decisions.standing_schemas import PastAssessment
from service.decisions.why_routes import why_routes

__all__ = ["AtDesk", "Desk", "Drill", "QualifyFront", "Shadows", "SharedWriter", "drill"]
__all__ += [
    "NotAssessed",
    "Past",
    "PastAssessment",
    "PeopleSaid",
    "assess_some",
    "assessing",
    "existing_decision",
    "keep_rescored",
    "noticing",
    "read_past",
    "read_said",
    "replay",
    "rescored_record",
    "routers",
    "shadowing",
    "source_of",
]

routers = (
    qualify_routes,
    history_routes,
    why_routes,
    override_routes,
    standing_routes,
    overruled_routes,
    shadow_routes,
    notice_routes,
)
