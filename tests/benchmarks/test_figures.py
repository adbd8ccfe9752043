"""What the benchmark makes of its rounds."""

import math

import pytest

from benchmarks.figures import Spread, differences, ratios
from benchmarks.ground import Effort
from benchmarks.groups import GROUPS
from benchmarks.growing_rules import exponent
from benchmarks.lines import LINES
from benchmarks.numbers import number
from benchmarks.results import as_text, read_results
from benchmarks.turns import average, in_turns
from tests.benchmarks.runs import invented_run


def test_a_ratio_is_taken_round_by_round() -> None:
    """What shook a round shook both sides of it, so its ratio is still true."""
    ours, peer = Spread((10.0, 1.0, 30.0), "us"), Spread((5.0, 0.5, 10.0), "us")
    found = ratios(ours, peer)
    assert (found.median, found.low, found.high) == (2.0, 2.0, 3.0)
    assert differences(ours, peer).values == (5.0, 0.5, 20.0)


def test_rounds_that_do_not_pair_are_no_ratio() -> None:
    """A lost round must not shift the others against each other."""
    with pytest.raises(ValueError, match="zip"):
        ratios(Spread((1.0, 2.0), "s"), Spread((1.0,), "s"))


@pytest.mark.parametrize(
    ("line", "value", "standing"),
    [
        ("P1", 0.99, "not reached"),
        ("P1", 1.0, "beyond the first bar"),
        ("P1", 2.0, "beyond the second bar"),
        ("P4", 2.1, "not reached"),
        ("P4", 2.0, "beyond the first bar"),
        ("P4", 1.2, "beyond the second bar"),
        ("P11", -0.3, "beyond the second bar"),
    ],
)
def test_a_bar_is_reached_from_its_better_side(line: str, value: float, standing: str) -> None:
    """More is better for a rate, less for a latency, and exactly on the bar is on it."""
    (found,) = [one for one in LINES if one.id == line]
    assert found.standing(Spread((value,), "x")) == standing


def test_the_second_bar_is_never_easier_than_the_first() -> None:
    """Whoever passes the second has passed the first."""
    for line in LINES:
        assert line.share(line.wish) > 1, line.id


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_growth_is_found(power: float) -> None:
    """Cost in proportion to count has 1, a cliff has more."""
    costs = {count: 3e-6 * count**power for count in (10, 20, 50, 500)}
    assert math.isclose(exponent(costs), power)


def test_every_line_is_measured_by_one_group() -> None:
    """A line that nobody measures would only be missed in the table."""
    measured = [line for group in GROUPS for line in group.lines]
    assert sorted(measured) == sorted(line.id for line in LINES)


def test_a_run_is_told_to_be_short() -> None:
    """All lines take under 20 minutes at full scale, and under 4 in a quick run."""
    assert sum(group.takes(Effort()) for group in GROUPS) < 20 * 60
    assert sum(group.takes(Effort.quick()) for group in GROUPS) < 4 * 60


def test_turns_are_counted_without_the_first() -> None:
    """The first turn warms up; the others alternate their order."""
    order: list[str] = []

    def work(name: str) -> float:
        order.append(name)
        return len(order) * 1e-6

    found = in_turns({"a": lambda: work("a"), "b": lambda: work("b")}, turns=2)
    assert order == ["b", "a", "a", "b", "b", "a"]
    assert found["a"].values == (3.0, 6.0)


def test_an_average_is_of_one_piece_of_work() -> None:
    """However many pieces fit into the time."""
    assert 0 < average(lambda one: one, [1, 2, 3], seconds=0.001) < 0.001


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123, "0.12"), (9.96, "10.0"), (12.34, "12.3"), (99.6, "100"), (8412.0, "8,410")],
)
def test_a_number_has_three_digits(value: float, shown: str) -> None:
    """More would claim more than a noisy machine can tell."""
    assert number(value) == shown


def test_a_run_reads_back_as_it_was_written() -> None:
    """The pages are made from the file; it must lose nothing that they show."""
    text = as_text(invented_run())
    assert as_text(read_results(text)) == text
