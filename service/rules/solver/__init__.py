"""What rule sets mean, asked of a solver: z3, which may be missing.

Nothing here imports z3 before it is asked: the process that does the work is another one.
"""

from service.rules.solver.answers import (
    NOT_AVAILABLE,
    Answer,
    Difference,
    MeaningComparison,
    Region,
    Witness,
)
from service.rules.solver.apart import SolverIncident, ask_apart, compare_apart, is_available
from service.rules.solver.kinds import (
    DEEP,
    QUESTIONS,
    Question,
    UnknownSubject,
    check_subject,
    notable,
)
from service.rules.solver.limits import Limits

__all__ = [
    "DEEP",
    "NOT_AVAILABLE",
    "QUESTIONS",
    "Answer",
    "Difference",
    "Limits",
    "MeaningComparison",
    "Question",
    "Region",
    "SolverIncident",
    "UnknownSubject",
    "Witness",
    "ask_apart",
    "check_subject",
    "compare_apart",
    "is_available",
    "notable",
]
