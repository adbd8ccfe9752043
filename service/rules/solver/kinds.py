"""What may be asked about a rule set."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

from service.rules.model import Group, Model, Rule
from service.rules.solver.answers import Answer

Question = Literal[
    "can_be_yes",
    "always_yes",
    "matters",
    "shadowed",
    "overlap",
    "reachable",
    "lowest",
    "highest",
    "holes",
    "gates_collide",
    "attribute_matters",
    "lost_by_missing",
]
QUESTIONS: Final[tuple[Question, ...]] = get_args(Question)

ABOUT: Final[dict[str, str]] = {
    "can_be_yes": "rule",
    "always_yes": "rule",
    "matters": "rule",
    "shadowed": "late rule",
    "overlap": "rules",
    "reachable": "outcome",
    "lowest": "score",
    "highest": "score",
    "holes": "nothing",
    "gates_collide": "gates",
    "attribute_matters": "attribute",
    "lost_by_missing": "attribute",
}
"""What each question is about: a gate or rule, two of a group, an outcome, and so on.

A late rule is one of a `first` group behind another.
"""

DEEP: Final[tuple[Question, ...]] = (
    "can_be_yes", "always_yes", "matters", "shadowed", "reachable", "holes", "gates_collide",
    "attribute_matters",
)  # fmt: skip
"""What a draft is asked by itself."""

_NOTABLE: Final[frozenset[tuple[str, str]]] = frozenset(
    {("can_be_yes", "no"), ("always_yes", "yes"), ("matters", "no"), ("shadowed", "yes"),
     ("reachable", "no"), ("holes", "yes"), ("gates_collide", "yes"), ("attribute_matters", "no")}
)  # fmt: skip


class UnknownSubject(Exception):
    """A question is about what the rule set does not have."""


def notable(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Return the answers that say something is probably not meant."""
    found = [one for one in answers if (one.question, one.answer) in _NOTABLE]
    # Bands may leave out a stretch on purpose; a single value is a warning of its own.
    found = [one for one in found if one.question != "holes" or len(one.about) == 1]
    never = {one.about for one in found if one.question == "can_be_yes"}
    told = {"matters", "shadowed"}
    return tuple(one for one in found if one.question not in told or one.about not in never)


def late_rules(model: Model) -> Iterator[tuple[Group, Rule]]:
    """Yield every rule that another one of its `first` group stands before, with the group."""
    for score in model.scores:
        for group in score.groups:
            if group.mode == "first":
                yield from ((group, rule) for rule in group.rules[1:])


def check_subject(model: Model, question: str, about: tuple[str, ...]) -> None:
    """Refuse a question about what *model* does not have, or about too many things.

    Raises:
        UnknownSubject: Saying what is there.
    """
    if not about:
        return
    kind = ABOUT[question]
    rules = [*(gate.id for gate in model.gates), *(rule.id for rule in model.rules)]
    there: dict[str, list[str]] = {
        "rule": [*rules, *(one.id for one in model.outcomes if one.condition is not None)],
        "rules": rules,
        "late rule": [rule.id for _, rule in late_rules(model)],
        "gates": [gate.id for gate in model.gates],
        "outcome": [outcome.id for outcome in model.outcomes],
        "score": [score.name for score in model.scores],
        "attribute": list(model.attributes),
        "nothing": [],
    }
    count = {"rules": 2, "gates": 2, "nothing": 0}.get(kind, 1)
    if len(about) != count:
        raise UnknownSubject(f"`{question}` is about {count} of them, not {len(about)}")
    for name in about:
        if name not in there[kind]:
            shown = ", ".join(there[kind][:20])
            raise UnknownSubject(f"`{question}` cannot be about `{name}`; there is {shown}")
