"""`goodfit ask` and `goodfit check --deep`: what a rule file can and cannot do."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Goodfit

pytest.importorskip("z3", reason="the extra `solver` is not installed")


def test_one_question_about_one_rule(goodfit: Goodfit, fleet: Path) -> None:
    """The answer with facts that show it; without its first gate nothing is decided otherwise."""
    told = goodfit("ask", fleet, "can_be_yes", "medium")
    assert told.exit_code == 0
    assert " ".join(told.stdout.split()) == "yes can_be_yes `medium` can be yes: vehicles 20"
    found = json.loads(goodfit("ask", fleet, "matters", "is_consumer", "--json").stdout)
    (answer,) = found["answers"]
    assert (answer["answer"], answer["witness"]) == ("no", None)


def test_a_question_about_nothing_there_is_refused(goodfit: Goodfit, fleet: Path) -> None:
    """With what there is instead."""
    result = goodfit("ask", fleet, "matters", "huge")
    assert result.exit_code == 2
    assert "cannot be about `huge`; there is is_consumer, named_account, large" in result.stderr
    assert goodfit("ask", fleet, "why").exit_code == 2


def test_a_deep_check_shows_what_is_probably_not_meant(goodfit: Goodfit, fleet: Path) -> None:
    """The worked example's first gate only says earlier what would be said anyway."""
    result = goodfit("check", "--deep", fleet)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if "matters" in line]
    assert len(lines) == 1
    assert "`is_consumer` never decides a verdict" in lines[0]
