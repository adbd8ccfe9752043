"""The solver works in a process of its own, which may be stopped at any time."""

import copy
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from random import Random
from typing import Any, Final

import orjson
import pytest

from benchmarks.by_meaning import edited as edit_one
from benchmarks.rules import rule_set
from service.rules import RuleSet, load_rule_set
from service.rules.solver import Limits, SolverIncident, apart, compare_apart
from service.rules.solver.warm import Kept, Worker
from tests.rules.edits import FLEET

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
needs_z3: Final = pytest.mark.skipif(
    find_spec("z3") is None, reason="the extra `solver` is not installed"
)


def edited() -> RuleSet:
    """Return the worked example with another threshold."""
    body: dict[str, Any] = copy.deepcopy(FLEET)
    body["scores"]["fit"]["groups"][0]["rules"][1]["when"] = "vehicles >= 25"
    return load_rule_set(body)


@needs_z3
def test_what_comes_back_is_what_was_found() -> None:
    """Documents go in, and the same values come out as in one process."""
    found = compare_apart(load_rule_set(FLEET), edited(), at=AT, limits=Limits())
    assert found.relation == "stricter"
    assert {one.way for one in found.differences} == {"stricter"}
    assert found.is_settled


@needs_z3
def test_out_of_memory_is_not_settled() -> None:
    """A process that hits its limit says nothing, and that is what is told."""
    limits = Limits(seconds=20, megabytes=100)
    found = compare_apart(load_rule_set(FLEET), edited(), at=AT, limits=limits)
    assert (found.relation, found.is_same, found.differences) == ("not_settled", None, ())


def test_a_process_that_does_not_end_is_killed() -> None:
    """The limit holds whatever the process is busy with, and what it started ends with it."""
    program = "import os, time; os.fork(); time.sleep(600)"
    worker = Worker.start((sys.executable, "-c", program))
    with worker.way.dup() as heard:
        assert worker.ask(b"{}", until=time.monotonic() + 0.5) is None
        worker.end()
        heard.settimeout(10)
        # The fork would hold the other end for as long as it lives.
        with pytest.raises(ConnectionResetError):
            heard.recv(1)


@needs_z3
def test_the_next_question_finds_the_solver_loaded() -> None:
    """One process answers them all, a fork each; one that ended meanwhile is replaced."""
    kept = Kept()
    try:
        ask = partial(compare_apart, load_rule_set(FLEET), edited(), at=AT, run=kept.run)
        assert ask(limits=Limits()).relation == "stricter"
        (first,) = kept.pids()
        assert ask(limits=Limits(megabytes=100)).relation == "not_settled"
        assert ask(limits=Limits()).relation == "stricter"
        assert kept.pids() == [first]
        os.kill(first, signal.SIGKILL)
        assert ask(limits=Limits()).relation == "stricter"
        assert kept.pids() != [first]
    finally:
        kept.end()
    assert kept.pids() == []


@needs_z3
def test_two_hundred_rules_never_hang() -> None:
    """Given a second they answer, or say that it was not enough; nobody waits for longer."""
    before = rule_set(200, conditions=2)
    old, new = load_rule_set(before), load_rule_set(edit_one(before, Random(1)))
    began = time.monotonic()
    found = compare_apart(old, new, at=AT, limits=Limits(seconds=1))
    assert time.monotonic() - began < 1 + 3 + 30, "its limit, the grace and the start"
    assert found.is_settled or found.is_same is None or "may be more" in found.words


def test_without_the_solver_every_answer_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is an extra: nothing fails, and the words say what to install."""
    monkeypatch.setattr(apart, "find_spec", lambda _name: None)
    found = compare_apart(load_rule_set(FLEET), edited(), at=AT, limits=Limits())
    assert found.relation == "not_available"
    assert "goodfit[solver]" in found.words


def test_a_witness_that_does_not_hold_is_an_incident() -> None:
    """What the process reports as one is raised, never told as an answer."""

    def run(told: bytes, *, limit_s: float) -> bytes:
        assert limit_s > 1
        assert orjson.loads(told)["task"] == "compare"
        return orjson.dumps({"incident": True})

    if find_spec("z3") is None:
        pytest.skip("the extra `solver` is not installed")
    with pytest.raises(SolverIncident):
        compare_apart(load_rule_set(FLEET), edited(), at=AT, limits=Limits(), run=run)


def test_the_public_face_does_not_load_the_solver() -> None:
    """Whoever may ask need not pay for it: z3 is loaded by the process that works."""
    program = "import sys, service.rules.solver; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
