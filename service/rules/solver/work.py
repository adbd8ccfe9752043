"""What the solver's own process does: it keeps everything loaded, and forks for each task.

So a task costs what it costs and no start, and its limits of time and memory are its own: the
fork ends with it, whatever it was busy with. Messages are a length of four bytes and JSON.
"""

import gc
import math
import os
import resource
import socket
import sys
from datetime import datetime
from typing import Any, Final

import orjson

from service.rules.ruleset import load_rule_set
from service.rules.solver.asking import answers_to
from service.rules.solver.comparing import compare_meaning
from service.rules.solver.messages import receive, send
from service.rules.solver.session import Incident

_GRACE_S: Final = 10
_PART: Final = 1 << 16


def main() -> None:
    """Answer tasks from the socket that is standard input, until nobody asks for a while."""
    with socket.socket(fileno=sys.stdin.fileno()) as asker:
        asker.settimeout(float(sys.argv[1]))
        gc.freeze()
        while True:
            try:
                told = receive(asker)
            except TimeoutError:
                return
            if told is None:
                return
            send(asker, _in_a_fork(told))


def _in_a_fork(told: bytes) -> bytes:
    """Return the answer to one task; nothing where its process ended without one."""
    answers, answer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(answers)
            with os.fdopen(answer, "wb") as out:
                out.write(answered(told))
            code = 0
        finally:
            os._exit(code)
    os.close(answer)
    with os.fdopen(answers, "rb", buffering=_PART) as found:
        told_back = found.read()
    _, status = os.waitpid(child, 0)
    return told_back if status == 0 else b""


def answered(told: bytes) -> bytes:
    """Return what comes out of a task, worked out in this process within the task's limits."""
    task = orjson.loads(told)
    size = int(task["megabytes"]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    # Whoever waits may be gone; nothing goes on for long without them.
    busy_s = math.ceil(float(task["seconds"])) + _GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (busy_s, busy_s))
    try:
        answer: dict[str, Any] = {"found": _done(task)}
    except Incident:
        answer = {"incident": True}
    return orjson.dumps(answer)


def _done(task: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    at, seconds = datetime.fromisoformat(task["at"]), float(task["seconds"])
    if task["task"] == "ask":
        rules = load_rule_set(task["rules"])
        found = answers_to(rules, task["questions"], at=at, limit_s=seconds)
        return [answer.to_json() for answer in found]
    before, after = load_rule_set(task["before"]), load_rule_set(task["after"])
    return compare_meaning(before, after, at=at, limit_s=seconds).to_json()
