"""The compiled form of a rule set beside the reference evaluator: `python -m benchmarks.core`.

Machines differ and are noisy, so the figure to read is the ratio. Both forms judge the
same facts in turns, each round as short as a few milliseconds, and the median round
counts. Nothing is timed before both have given the same trace.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from benchmarks.rules import rule_set
from service.rules import RuleSet, load_rule_set
from service.rules.compiled import compile_model
from service.rules.meaning import Reference
from service.rules.templates import read_template, template_names

CLOCK = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ROUNDS = 41
ROUND_S = 0.004
SIZES = (20, 100, 300)

Work = Callable[[], object]


def main() -> None:
    """Print one line for each rule set and kind of facts."""
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(f"judging facts in process: verdict, scores and trace ({machine})\n")
    print(f"{'rule set':<24}{'facts':<22}{'reference':>12}{'compiled':>12}   compiled is")
    for rules, kinds in _subjects():
        for kind, facts in kinds.items():
            reference, compiled = _compare(rules, facts)
            print(
                f"{rules.id:<24}{kind:<22}{reference * 1e6:>9.1f} us{compiled * 1e6:>9.1f} us"
                f"   {reference / compiled:.0f} x faster"
            )


def _subjects() -> Iterator[tuple[RuleSet, dict[str, Mapping[str, object]]]]:
    """Yield the templates, then plain rule sets of growing size, each with facts to judge."""
    for name in template_names():
        rules = load_rule_set(read_template(name))
        yield rules, _facts_of(rules)
    for count in SIZES:
        rules = load_rule_set(rule_set(count))
        full = {name: 3 * place % 100 for place, name in enumerate(rules.attributes)}
        half = dict(list(full.items())[::2])
        yield rules, {"all known": full, "half known": half}


def _facts_of(rules: RuleSet) -> dict[str, Mapping[str, object]]:
    """Return the fullest and the emptiest facts of the rule set's own tests."""
    by_count = sorted((test.facts for test in rules.document.tests), key=len)
    full, part = by_count[-1], by_count[0]
    return {
        f"{len(full)} of {len(rules.attributes)} known": full,
        f"{len(part)} of {len(rules.attributes)} known": part,
    }


def _compare(rules: RuleSet, raw: Mapping[str, object]) -> tuple[float, float]:
    """Return the seconds that one judgement takes by reference and compiled.

    Raises:
        AssertionError: If they differ on *raw*; a fast wrong answer has no speed.
    """
    reference, compiled = Reference(rules.model), compile_model(rules.model)
    values, today = rules.admit(raw).values, CLOCK.date()
    if reference.judge(values, today=today) != compiled.judge(values, today=today):
        raise AssertionError(f"the compiled form of `{rules.id}` differs from the reference")
    return _in_turns(
        lambda: reference.judge(values, today=today), lambda: compiled.judge(values, today=today)
    )


def _in_turns(first: Work, second: Work) -> tuple[float, float]:
    """Return the median seconds a call of each takes, measured alternately."""
    works = (first, second)
    counts = [max(1, round(ROUND_S / _round(work, 1))) for work in works]
    rounds = [
        [_round(work, count) / count for work, count in zip(works, counts, strict=True)]
        for _ in range(ROUNDS)
    ]
    one, other = zip(*rounds, strict=True)
    return statistics.median(one), statistics.median(other)


def _round(work: Work, count: int) -> float:
    """Return the seconds that *count* calls of *work* take together."""
    started = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
