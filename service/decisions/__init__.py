"""Decisions: judge leads and accounts, keep what was decided, say why, decide it again."""

from service.decisions.answering import QUALIFY, claim_in
from service.decisions.asking import MalformedQuestion, Question, question_of, read_question
from service.decisions.assessing import assess_some, assessing
from service.decisions.attributing import Several, read_several
from service.decisions.beside import Beside, qualify_beside
from service.decisions.desk import AtDesk, Desk, open_desk
from service.decisions.door import QualifyDoor
from service.decisions.drilling import Drill, drill
from service.decisions.front import QualifyFront
from service.decisions.history_routes import history_routes
from service.decisions.notice_routes import notice_routes
from service.decisions.noticing import noticing
from service.decisions.override_routes import override_routes
from service.decisions.overriding import NotAssessed
from service.decisions.overruled_routes import overruled_routes
from service.decisions.past import Past, read_past
from service.decisions.personal_store import HOLDINGS
from service.decisions.qualifying import Case, Draft, Ending, qualify, settle
from service.decisions.qualifying import count as count_kept
from service.decisions.qualifying import keep as keep_decisions
from service.decisions.reaching import NothingToSeek, ways_around
from service.decisions.replaying import (
    DecisionNotFound,
    FactsErased,
    NotReplayable,
    existing_decision,
    replay,
)
from service.decisions.rescored import keep_rescored, source_of
from service.decisions.rescored_lines import RescoredLines
from service.decisions.routes import qualify_routes
from service.decisions.saying import PeopleSaid, read_said
from service.decisions.seeking_store import (
    count_decisions,
    find_by_names,
    followed,
    list_names,
    list_old,
    look_through,
)
from service.decisions.shadow_routes import shadow_routes
from service.decisions.shadowing import Shadows, shadowing
from service.decisions.sharing import SharedWriter
from service.decisions.standing_routes import standing_routes
from service.decisions.standing_schemas import PastAssessment
from service.decisions.stood_sql import stood_sql
from service.decisions.suspended import Suspension, Under, decide_under, is_under
from service.decisions.suspending import Suspending, SuspensionEnded, end_suspension, suspend
from service.decisions.suspension_routes import suspension_routes
from service.decisions.suspension_store import list_in_force as read_suspensions
from service.decisions.suspension_store import list_rows_in_force as suspension_rows
from service.decisions.suspension_store import newest_ended as suspensions_ended
from service.decisions.ways_routes import ways_routes
from service.decisions.ways_schemas import WayTold
from service.decisions.why_routes import why_routes
from service.decisions.writing import Entry

__all__ = [
    "AtDesk",
    "Desk",
    "Drill",
    "QualifyDoor",
    "QualifyFront",
    "Shadows",
    "SharedWriter",
    "Suspending",
]
__all__ += ["Draft", "Ending"]
__all__ += ["count_kept", "keep_decisions", "qualify", "settle"]
__all__ += ["Suspension", "SuspensionEnded", "Under", "drill"]
__all__ += ["QUALIFY", "Beside", "Case", "Entry", "MalformedQuestion", "Question"]
__all__ += ["claim_in", "qualify_beside", "question_of", "read_question"]
__all__ += ["HOLDINGS", "count_decisions", "find_by_names", "followed", "list_names", "list_old"]
__all__ += ["look_through"]
__all__ += [
    "DecisionNotFound",
    "FactsErased",
    "NotAssessed",
    "NotReplayable",
    "NothingToSeek",
    "Past",
    "PastAssessment",
    "PeopleSaid",
    "RescoredLines",
    "Several",
    "WayTold",
    "assess_some",
    "assessing",
    "decide_under",
    "end_suspension",
    "existing_decision",
    "is_under",
    "keep_rescored",
    "noticing",
    "open_desk",
    "read_past",
    "read_said",
    "read_several",
    "read_suspensions",
    "replay",
    "routers",
    "shadowing",
    "source_of",
    "stood_sql",
    "suspend",
    "suspension_rows",
    "suspensions_ended",
    "ways_around",
]

routers = (
    qualify_routes,
    history_routes,
    why_routes,
    ways_routes,
    override_routes,
    standing_routes,
    suspension_routes,
    overruled_routes,
    shadow_routes,
    notice_routes,
)
