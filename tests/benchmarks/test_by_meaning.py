"""The pairs that the benchmark compares by meaning."""

from random import Random

from benchmarks.by_meaning import edited
from benchmarks.rules import rule_set
from service.rules import compare, load_rule_set


def test_a_pair_differs_by_one_edit() -> None:
    """One rule of all has other points or another limit, whichever pair it is."""
    before = rule_set(20, conditions=2)
    for number in range(20):
        after = edited(before, Random(number))
        changes = compare(load_rule_set(before), load_rule_set(after)).changes
        assert [change.part for change in changes] == ["rule"]
