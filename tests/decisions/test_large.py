"""The largest questions a stranger can ask: answered, and nobody else waits for them."""

import json
import random
import string
import time
from typing import Any

import pytest

from service.rules import load_rule_set
from tests.decisions.conftest import Office
from tests.decisions.rules import release
from tests.web.watching import answered_without_blocking

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ATTRIBUTES = 100
RULES = 200
_rng = random.Random(20_261_122)


def name(length: int) -> str:
    """Return a long name that resembles every other."""
    return "a" + "".join(_rng.choice(string.ascii_lowercase[:6]) for _ in range(length - 1))


def large_rule_set() -> dict[str, Any]:
    """Return rules over so many attributes that deciding takes a while."""
    attributes = [name(60) for _ in range(ATTRIBUTES)]
    rules = [
        {"id": f"r{n}", "when": f"{attributes[n % ATTRIBUTES]} > {n}", "points": 1}
        for n in range(RULES)
    ]
    asked = {attribute: {"type": "number", "ask": "How many?"} for attribute in attributes}
    return {
        "rule_set": "large_leads",
        "subject": "lead",
        "attributes": asked,
        "scores": {
            "fit": {
                "floor": 0,
                "ceiling": 100,
                "groups": [{"id": "all", "mode": "sum", "rules": rules}],
            }
        },
        "outcomes": [
            {"id": "yes", "verdict": "qualify", "when": "fit >= 50", "action": "call"},
            {"id": "no", "verdict": "review", "action": "wait"},
        ],
    }


LARGE_RULES = large_rule_set()


@pytest.mark.parametrize("lead", [{}, {name(64): "1,250" for _ in range(250)}])
async def test_large_rules_keep_nobody_waiting(shared_office: Office, lead: dict[str, Any]) -> None:
    """Two hundred rules on a lead of which nothing is known do not block the loop."""
    await release(shared_office.served.app.house, json.dumps(LARGE_RULES))

    async def ask() -> Any:  # noqa: ANN401 - a response
        return await shared_office.qualify(rule_set="large_leads", lead=lead)

    answer = await answered_without_blocking(ask)
    assert answer.status_code == 200
    decision = answer.json()
    assert decision["verdict"] == "undecided"
    assert len(decision["missing"]) == ATTRIBUTES
    assert len(decision["data_problems"]) == len(lead)


def test_hundreds_of_unknown_names_take_little_more_than_some() -> None:
    """What was meant by a name is sought for the first few only, whoever sends how many."""
    rules = load_rule_set(LARGE_RULES)
    some, hundreds = ({name(64): 1 for _ in range(count)} for count in (25, 500))
    assert len(rules.admit(hundreds).problems) == 500
    took_s: dict[int, list[float]] = {25: [], 500: []}
    for _ in range(5):
        for lead in (some, hundreds):
            began_s = time.process_time()
            rules.admit(lead)
            took_s[len(lead)].append(time.process_time() - began_s)
    assert min(took_s[500]) < 4 * min(took_s[25])
