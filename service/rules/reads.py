"""What each part of a rule set reads: worked out once, for asking and for the exact pass."""

from dataclasses import dataclass
from functools import cached_property

from service.rules.expression import ast
from service.rules.model import Condition, Formula, Model
from service.rules.ordering import attributes_read


@dataclass(frozen=True, slots=True)
class Read:
    """The attributes a tree reads, also through derived names, and the places of its scores.

    What a score reads is not part of it: that depends on which of its rules are undecided.
    """

    attributes: frozenset[str]
    scores: tuple[int, ...]


NOTHING = Read(frozenset(), ())


@dataclass(frozen=True, eq=False)
class Reads:
    """What the parts of one model read, in document order.

    Not slotted: it keeps what it found, which the model alone decides.
    """

    model: Model

    @cached_property
    def gates(self) -> tuple[Read, ...]:
        """Of every gate's condition."""
        return tuple(self._of(gate.condition) for gate in self.model.gates)

    @cached_property
    def rules(self) -> tuple[Read, ...]:
        """Of every rule's condition."""
        return tuple(self._of(rule.condition) for rule in self.model.rules)

    @cached_property
    def points(self) -> tuple[Read | None, ...]:
        """Of every rule's points; None where they are a fixed number."""
        formulas = (rule.points.formula for rule in self.model.rules)
        return tuple(None if formula is None else self._of(formula) for formula in formulas)

    @cached_property
    def formulas(self) -> tuple[Read, ...]:
        """Of every score's formula; nothing where it has none."""
        return tuple(self._of(score.formula) for score in self.model.scores)

    @cached_property
    def outcomes(self) -> tuple[Read, ...]:
        """Of every outcome's condition; nothing where it has none."""
        return tuple(self._of(outcome.condition) for outcome in self.model.outcomes)

    @cached_property
    def checks(self) -> tuple[frozenset[str], ...]:
        """The attributes of every single check, in trace order."""
        conditions = [gate.condition for gate in self.model.gates]
        conditions += [rule.condition for rule in self.model.rules]
        conditions += [o.condition for o in self.model.outcomes if o.condition is not None]
        return tuple(self._attributes(check) for c in conditions for check in c.checks)

    @cached_property
    def in_formulas(self) -> frozenset[str]:
        """The attributes that points and formulas compute with."""
        parts = [*self.formulas, *(read for read in self.points if read is not None)]
        return frozenset().union(*(read.attributes for read in parts))

    def _of(self, part: Condition | Formula | None) -> Read:
        if part is None:
            return NOTHING
        places = {score.name: place for place, score in enumerate(self.model.scores)}
        grades = {grade.name: places[grade.of] for grade in self.model.grades}
        found: dict[int, None] = {}
        for node in ast.walk(part.node):
            if isinstance(node, ast.Score):
                found[places[node.name]] = None
            elif isinstance(node, ast.Grade):
                found[grades[node.name]] = None
        return Read(self._attributes(part.node), tuple(found))

    def _attributes(self, node: ast.Node) -> frozenset[str]:
        return frozenset(attributes_read(node, self.model, through_scores=False))
