"""What the solver's own process does: a task in, an answer out."""

import math
import resource
import sys
from datetime import datetime
from typing import Any, Final

import orjson

from service.rules.ruleset import load_rule_set
from service.rules.solver.asking import answers_to
from service.rules.solver.comparing import compare_meaning
from service.rules.solver.session import Incident

_GRACE_S: Final = 10


def main() -> None:
    """Read a task from standard input and write what came out, within its limits."""
    task = orjson.loads(sys.stdin.buffer.read())
    size = int(task["megabytes"]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    # Whoever waits may be gone; nothing goes on for long without them.
    busy_s = math.ceil(float(task["seconds"])) + _GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (busy_s, busy_s))
    try:
        answer: dict[str, Any] = {"found": _done(task)}
    except Incident:
        answer = {"incident": True}
    sys.stdout.buffer.write(orjson.dumps(answer))


def _done(task: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    at, seconds = datetime.fromisoformat(task["at"]), float(task["seconds"])
    if task["task"] == "ask":
        rules = load_rule_set(task["rules"])
        found = answers_to(rules, task["questions"], at=at, limit_s=seconds)
        return [answer.to_json() for answer in found]
    before, after = load_rule_set(task["before"]), load_rule_set(task["after"])
    return compare_meaning(before, after, at=at, limit_s=seconds).to_json()
