"""A past decided by columns is found to be what it is found to be row by row."""

import random
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.backtests.chunking import Bench, Chunk, judge_chunk
from service.backtests.column_chunking import PieceWalk
from service.backtests.column_judging import ColumnBench
from service.backtests.past import Past
from service.backtests.tallying import Tally
from service.bulk import EnginesDisagree
from service.rules import load_rule_set
from service.rules.sql import Untranslatable
from tests.backtests.pasts import accounts_of, decided_past, draft_of
from tests.rules.strategies import documents
from tests.sizes import looking

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def by_rows(past: Past, bench: Bench) -> tuple[Any, list[Any]]:
    """Return what the evaluator finds, row by row."""
    tally = Tally.begin(bench.widths)
    cases = [past.case(place) for place in range(len(past.ids))]
    chunk = judge_chunk(cases, bench, tally, within_s=1e9, timer=lambda: 0.0)
    return tally.to_json(), list(chunk.flips)


def by_columns(
    past: Past, bench: Bench, columns: ColumnBench, *, every: int
) -> tuple[Any, list[Any]]:
    """Return what the columns find, in chunks that end with each *every*-th look at the clock."""
    looks = 0

    def timer() -> float:
        nonlocal looks
        looks += 1
        return float(looks)

    tally = Tally.begin(bench.widths)
    walk, chunks = PieceWalk(columns.decide(0, past), bench.undoing), list[Chunk]()
    while not walk.is_over:
        chunks.append(walk.judge_chunk(tally, within_s=every, timer=timer))
        tally = Tally.from_json(tally.to_json())
    assert sum(chunk.judged for chunk in chunks) == len(past.ids)
    return tally.to_json(), [flip for chunk in chunks for flip in chunk.flips]


def test_a_past_by_columns_is_the_past_by_rows() -> None:
    """Counts, bins, sums, causes, flips and what was never asked: nothing differs."""
    seen: Counter[str] = Counter()

    @looking(300, quick=5)
    @given(document=documents(), seed=st.integers(0, 10_000))
    def compare(document: dict[str, Any], seed: int) -> None:
        chance = random.Random(seed)
        base = load_rule_set(document)
        bench = Bench.of(draft_of(document, chance).canonical, base)
        backtest: Any = SimpleNamespace(created_at=AT, base_version=1)
        pasts: list[tuple[Past, datetime | None]] = [
            (decided_past(base, rows=60, seed=seed), None),
            (accounts_of(bench, backtest, rows=40, seed=seed), AT),
        ]
        for past, at in pasts:
            if not len(past.ids):
                continue
            try:
                columns = ColumnBench.of(bench, at=at)
            except Untranslatable:
                seen["untranslatable"] += 1
                continue
            found = by_columns(past, bench, columns, every=chance.choice([1, 5, 1000]))
            columns.close()
            assert found == by_rows(past, bench)
            seen.update(
                rows=len(past.ids),
                flips=len(found[1]),
                erased=found[0]["erased"],
                unseen=found[0]["not_replayable"],
            )

    compare()
    assert min(seen["flips"], seen["erased"], seen["unseen"]) > 0, seen
    assert seen["rows"] > 100


def test_a_flip_that_only_the_columns_see_stops_the_work() -> None:
    """Whatever flips is decided by the evaluator too; where it says otherwise nothing is kept."""
    document: dict[str, Any] = {
        "rule_set": "simple",
        "attributes": {"size": {"type": "number"}},
        "outcomes": [
            {"id": "large", "verdict": "qualify", "when": "size > 10"},
            {"id": "rest", "verdict": "review"},
        ],
    }
    base = load_rule_set(document)
    bench = Bench.of(base.canonical, base)
    past = decided_past(base, rows=30, seed=1)
    columns = ColumnBench.of(bench, at=None)
    judged = columns.decide(0, past)
    columns.close()
    place = next(iter(set(range(len(past.ids))) - judged.alone))
    judged.flips.add(place)
    judged.after.outcomes[place] = "another"
    walk = PieceWalk(judged, bench.undoing)
    with pytest.raises(EnginesDisagree, match="`dec_"):
        walk.judge_chunk(Tally.begin({}), within_s=1e9, timer=lambda: 0.0)
