"""What was found, as it is told."""

from service.rules.solver.answers import Witness
from service.rules.solver.session import Found, Session


def witness_of(found: Found, session: Session) -> Witness:
    """Return what was found as it is told."""
    return Witness(
        facts=found.facts,
        outcomes=tuple(decision.outcome for decision in found.decisions),
        verdicts=tuple(decision.verdict for decision in found.decisions),
        scores=tuple(
            {name: score.value for name, score in decision.scores.items()}
            for decision in found.decisions
        ),
        day=session.day_told,
    )
