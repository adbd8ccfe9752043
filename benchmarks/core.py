"""The fast forms of a rule set beside the reference ones: `python -m benchmarks.core`.

Judging (verdict, scores and trace) is timed apart from its words (the whole answer with its
reasons as JSON). Machines differ and are noisy, so the figure to read is the ratio. Both
forms take the same leads in turns, each round as short as a few milliseconds, and the median
round counts. Nothing is timed before both have given the same trace and the same bytes.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import orjson

from benchmarks.rules import rule_set
from service.rules import Decision, RuleSet, load_rule_set
from service.rules.compiled import compile_model
from service.rules.meaning import Reference
from service.rules.templates import read_template, template_names

CLOCK = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ROUNDS = 41
ROUND_S = 0.004
SIZES = (20, 100, 300)
RULES, PATTERNS, NUMBERS, TEXTS, TEXT_LENGTH = 500, 50, 150, 50, 8_000

Work = Callable[[], object]


def main() -> None:
    """Print two lines for each rule set and kind of facts."""
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(f"deciding in process ({machine})\n")
    print(f"{'rule set':<24}{'facts':<22}{'':<10}{'reference':>12}{'fast':>12}   fast is")
    for rules, kinds in _subjects():
        for kind, facts in kinds.items():
            for part, compare in (("judging", _compare_judging), ("words", _compare_words)):
                reference, fast = compare(rules, facts)
                print(
                    f"{rules.id:<24}{kind:<22}{part:<10}{reference * 1e6:>9.1f} us"
                    f"{fast * 1e6:>9.1f} us   {reference / fast:.1f} x faster"
                )
    _print_largest()


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


def _compare_judging(rules: RuleSet, raw: Mapping[str, object]) -> tuple[float, float]:
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


def _compare_words(rules: RuleSet, raw: Mapping[str, object]) -> tuple[float, float]:
    """Return the seconds that the words of one decision take, encoded and told.

    Raises:
        AssertionError: If they differ by a byte.
    """
    decision = rules.decide(raw, at=CLOCK)
    if orjson.dumps(decision.to_json()) != _told(decision):
        raise AssertionError(f"the words of `{rules.id}` differ from the reference")
    return _in_turns(lambda: orjson.dumps(decision.to_json()), lambda: _told(decision))


def _print_largest() -> None:
    """Print how long the largest rule set takes: all known, and nothing known."""
    rules = load_rule_set(largest_rule_set())
    rules.prepare()
    full: dict[str, object] = {}
    for attribute in rules.attributes.values():
        full[attribute.name] = "a" * TEXT_LENGTH if attribute.type == "text" else 50
    for kind, lead in {"all known": full, "nothing known": {}}.items():
        first = _round(lambda lead=lead: _answer(rules, lead), 1)  # type: ignore[misc]
        again = statistics.median(
            _round(lambda lead=lead: _answer(rules, lead), 1)  # type: ignore[misc]
            for _ in range(5)
        )
        print(
            f"{rules.id:<24}{kind:<22}{'answer':<10}first {first * 1e3:>7.1f} ms,"
            f" then {again * 1e3:.1f} ms"
        )


def _answer(rules: RuleSet, lead: Mapping[str, object]) -> bytes:
    return _told(rules.decide(rules.admit(lead), at=CLOCK))


def _told(decision: Decision) -> bytes:
    return decision.told().whole.encode()


def largest_rule_set() -> dict[str, object]:
    """Return a rule set at the limits: 500 rules, 200 attributes, 50 patterns, 5,000 operands."""
    numbers = [f"number_{place}" for place in range(NUMBERS)]
    texts = [f"text_{place}" for place in range(TEXTS)]
    rules = [
        {
            "id": f"rule_{place}",
            "when": " && ".join(
                f"{numbers[(place * 3 + step) % NUMBERS]} >= {(place * 7 + step * 13) % 100}"
                for step in range(2 if place < PATTERNS or place % 50 == 0 else 3)
            )
            + (
                f' && {texts[place % TEXTS]}.matches("^[a-z0-9]+{place}$")'
                if place < PATTERNS
                else ""
            ),
            "points": place % 9 + 1,
        }
        for place in range(RULES)
    ]
    number = {"type": "number", "min": 0, "max": 100, "ask": "How many?"}
    return {
        "rule_set": "largest",
        "attributes": {
            **dict.fromkeys(numbers, number),
            **{name: {"type": "text", "ask": "What?"} for name in texts},
        },
        "scores": {"fit": {"groups": [{"id": "all", "rules": rules}]}},
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": "fit >= 600"},
            {"id": "rest", "verdict": "disqualify"},
        ],
    }


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
