"""What rule sets mean, asked of a solver: z3, which may be missing.

Nothing here imports z3 before it is asked: the process that does the work is another one.
"""

from service.rules.solver.answers import Answer, Difference, MeaningComparison, Region, Witness
from service.rules.solver.apart import SolverIncident, ask_apart, compare_apart, is_available
from service.rules.solver.limits import Limits

__all__ = [
    "Answer",
    "Difference",
    "Limits",
    "MeaningComparison",
    "Region",
    "SolverIncident",
    "Witness",
    "ask_apart",
    "compare_apart",
    "is_available",
]
