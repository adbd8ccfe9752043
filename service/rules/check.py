"""A document to a checked rule set, or to every problem it has."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.rules.advice import advise
from service.rules.build import build_model
from service.rules.document import RuleSetDocument
from service.rules.model import Model
from service.rules.problems import Problem
from service.rules.shapes import read_document
from service.rules.source import Source, read_source


@dataclass(frozen=True, slots=True)
class Checked:
    """The problems of a rule set in file order, and its parts where none is an error."""

    problems: tuple[Problem, ...]
    document: RuleSetDocument | None
    model: Model | None
    source: Source

    @property
    def is_valid(self) -> bool:
        """Whether nothing stops a commit."""
        return not any(problem.severity == "error" for problem in self.problems)


def check_document(source: str | bytes | Mapping[str, object], *, advice: bool = True) -> Checked:
    """Return the checked parts of *source* and all its problems; never raises for content.

    With *advice*, a rule set without errors is also searched for what is allowed but
    probably not meant (warnings).
    """
    read = read_source(source)
    problems = list(read.problems)
    if read.data is None:
        problems = problems or [read.problem("syntax", "the rule set is empty", "")]
        return _checked(problems, None, None, read)
    document, shape_problems = read_document(read)
    problems += shape_problems
    if document is None:
        return _checked(problems, None, None, read)
    model, more = build_model(document, read)
    problems += more
    if problems or model is None:
        return _checked(problems, None, None, read)
    if advice:
        problems = [
            read.problem(found.code, found.message, found.pointer, severity="warning")
            for found in advise(model)
        ]
    return _checked(problems, document, model, read)


def _checked(
    problems: list[Problem], document: RuleSetDocument | None, model: Model | None, read: Source
) -> Checked:
    ordered = sorted(problems, key=lambda p: (p.line or 0, p.column or 0))
    return Checked(tuple(ordered), document, model, read)
