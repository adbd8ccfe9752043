"""The one sentence that sums a backtest up."""

from types import SimpleNamespace
from typing import Any

import pytest

from service.backtests.showing import summed_up
from service.backtests.tallying import Tally

NAMES = ("large", "medium", "small", "home", "decider", "stack", "clicks")
EDITS = [{"part": "rule", "id": name} for name in NAMES]


def row(tally: Tally | None, *, state: str = "done") -> Any:  # noqa: ANN401 - a database row in all but name
    """Return what of a backtest's row a summary reads."""
    shown = None if tally is None else tally.to_json()
    return SimpleNamespace(tally=shown, edits=EDITS, state=state)


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (None, "Not begun yet."),
        (Tally(replayed=4812), "0 of 4,812 decisions would flip."),
        (
            Tally(replayed=4812, flips=178, causes={"alone 1": 141, "together 1 4": 37}),
            (
                "178 of 4,812 decisions would flip: 141 by rule medium,"
                " 37 by rule medium and rule decider together."
            ),
        ),
        (
            Tally(replayed=9, flips=3, causes={"alone 0 2": 2, "earlier": 1}),
            (
                "3 of 9 decisions would flip: 2 by rule large or rule small,"
                " 1 by changes before the base."
            ),
        ),
        (
            Tally(replayed=50, flips=28, causes={f"alone {n}": 7 - n for n in range(7)}),
            (
                "28 of 50 decisions would flip: 7 by rule large, 6 by rule medium, 5 by rule small,"
                " 4 by rule home, 3 by rule decider, 3 by others."
            ),
        ),
        (
            Tally(replayed=1, not_replayable=118, unseen={"tools": 118}),
            "0 of 1 decisions would flip; 118 could not be replayed for want of tools.",
        ),
    ],
)
def test_a_summary_says_how_many_and_by_which_edits(tally: Tally | None, words: str) -> None:
    """The most frequent causes first, and not more than a reader takes in."""
    assert summed_up(row(tally)) == words


def test_a_summary_of_unfinished_work_says_so() -> None:
    """Nobody takes half a past for the whole."""
    tally = Tally(replayed=10, flips=2, causes={"alone 0": 2})
    words = "2 of 10 decisions would flip so far: 2 by rule large."
    assert summed_up(row(tally, state="running")) == words
