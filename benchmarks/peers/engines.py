"""Other engines in an environment of their own, driven over a pipe: a line of JSON each way.

`load` compiles rules once, `judge` gives the answers to leads, so that they can be compared,
and `time` says how long one judgement took on average. Started by `benchmarks.engines`.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import cel
import orjson
import zen

Lead = dict[str, float]
Answer = tuple[float, str]


class _Engine(Protocol):
    def judge(self, lead: Lead) -> Answer:
        """Return the fit and the verdict."""

    def work(self, lead: Lead) -> object:
        """Do what is timed."""


class _Zen:
    """GoRules' engine."""

    def __init__(self, *, jdm: str, has_trace: bool = False) -> None:
        self._decision = zen.ZenEngine().create_decision(jdm)
        self._has_trace = has_trace

    def judge(self, lead: Lead) -> Answer:
        result = self._decision.evaluate(lead)["result"]
        return result["fit"], result["verdict"]

    def work(self, lead: Lead) -> object:
        if not self._has_trace:
            return self._decision.evaluate(lead)
        found = self._decision.evaluate(lead, {"trace": True})
        return found["result"], orjson.dumps(found["trace"])


class _Cel:
    """Rust CEL: a compiled program a rule, one context a lead."""

    def __init__(
        self, *, rules: list[Mapping[str, Any]], ceiling: float, qualifies_at: float
    ) -> None:
        self._rules = [(cel.compile(rule["when"]), rule["points"]) for rule in rules]
        self._ceiling, self._qualifies_at = ceiling, qualifies_at

    def judge(self, lead: Lead) -> Answer:
        context = cel.Context(lead)
        total = sum(points for program, points in self._rules if program.execute(context))
        return self._verdict(total)

    def _verdict(self, total: float) -> Answer:
        fit = min(self._ceiling, total)
        return fit, "qualify" if fit >= self._qualifies_at else "disqualify"

    work = judge


class _CelAsOne(_Cel):
    """Rust CEL: the whole sum as one program, which says nothing of each rule."""

    def __init__(self, *, expression: str, ceiling: float, qualifies_at: float) -> None:
        super().__init__(rules=[], ceiling=ceiling, qualifies_at=qualifies_at)
        self._program = cel.compile(expression)

    def judge(self, lead: Lead) -> Answer:
        return self._verdict(self._program.execute(lead))

    work = judge


_ENGINES: dict[str, Callable[..., _Engine]] = {"zen": _Zen, "cel": _Cel, "cel_as_one": _CelAsOne}


def main() -> None:
    """Answer until the pipe is closed."""
    engines: dict[str, _Engine] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["name"]
        answer: object = None
        match asked["do"]:
            case "load":
                engines[name] = _ENGINES[asked["engine"]](**asked["with"])
            case "judge":
                answer = [engines[name].judge(lead) for lead in asked["leads"]]
            case "time":
                answer = _time(engines[name], asked["leads"], asked["seconds"])
        print(json.dumps(answer), flush=True)


def _time(engine: _Engine, leads: list[Lead], seconds: float) -> float:
    """Return the seconds that one judgement takes, over about *seconds* of them."""
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for lead in leads:
            engine.work(lead)
        count += len(leads)
    return elapsed / count


if __name__ == "__main__":
    main()
