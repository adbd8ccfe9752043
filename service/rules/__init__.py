"""The core: where a rule set judges facts.

Plain values and pure functions: no input or output, no clock, no randomness, no logging.
"""

from service.rules.at_once import AtOnce
from service.rules.attributes import Attribute, DataProblem, Facts
from service.rules.boundaries import Edges, boundary_tests, edges_of
from service.rules.compare import Change, compare
from service.rules.decided import MEANING
from service.rules.decision import Decision
from service.rules.metrics.kinds import KINDS, Declared
from service.rules.metrics.measure import Event, as_measured, measure
from service.rules.metrics.model import Metric
from service.rules.problems import InvalidRuleSet, Problem, nearest
from service.rules.reach import Reach, Way, ways_from
from service.rules.reach_words import reach_words, value_shown, ways_told
from service.rules.ruleset import Checked, RuleSet, check_rule_set, load_rule_set
from service.rules.source import Source, read_source
from service.rules.standalone import evaluate_expression as evaluate
from service.rules.testing import TestResult
from service.rules.truth import NO, UNKNOWN, YES, Truth
from service.rules.uses import Reader

__all__ = [
    "KINDS",
    "MEANING",
    "NO",
    "UNKNOWN",
    "YES",
    "AtOnce",
    "Attribute",
    "Change",
    "Checked",
    "DataProblem",
    "Decision",
    "Declared",
    "Edges",
    "Event",
    "Facts",
    "InvalidRuleSet",
    "Metric",
    "Problem",
    "Reach",
    "Reader",
    "RuleSet",
    "Source",
    "TestResult",
    "Truth",
    "Way",
    "as_measured",
    "boundary_tests",
    "check_rule_set",
    "compare",
    "edges_of",
    "evaluate",
    "load_rule_set",
    "measure",
    "nearest",
    "reach_words",
    "read_source",
    "value_shown",
    "ways_from",
    "ways_told",
]
