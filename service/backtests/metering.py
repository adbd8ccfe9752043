"""Metrics in backtests: a measured value belongs to a definition, not only to a name.

A draft may measure something else under the name of a metric that the base has. So values
are kept by definition, and each rule set, edits undone or not, gets those of its own.
"""

from collections.abc import Mapping

from service.rules import RuleSet

__all__ = ["Definition", "Values", "definitions_of", "facts_under", "known_by", "was_measured"]

Definition = tuple[str, str]
"""A metric's name, and what it measures in words of the rule file."""

Values = Mapping[Definition, object]
"""What was measured, None where it is not known."""


def known_by(rules: RuleSet, values: Mapping[str, object]) -> dict[Definition, object]:
    """Return the metrics of *rules* with their *values*; those without one are not known."""
    return {definition: values.get(definition[0]) for definition in definitions_of(rules).values()}


def facts_under(
    rules: RuleSet, facts: Mapping[str, object], measured: Values
) -> Mapping[str, object]:
    """Return *facts* with what was *measured* by the definitions of *rules*, and by no others."""
    if not rules.metrics:
        return facts
    own = {name: measured.get(one) for name, one in definitions_of(rules).items()}
    return {**facts, **own}


def was_measured(rules: RuleSet, name: str, measured: Values) -> bool | None:
    """Return whether the metric *name* was measured as *rules* define it; None if it is none."""
    definition = definitions_of(rules).get(name)
    return None if definition is None else definition in measured


def definitions_of(rules: RuleSet) -> Mapping[str, Definition]:
    """Return each metric's definition by its name; words are no part of it."""
    declared = rules.document.metrics or {}
    return {
        name: (name, metric.model_dump_json(exclude_none=True, exclude={"label", "unit", "note"}))
        for name, metric in declared.items()
    }
