"""Backtests and people's overrides: what counts as before is what the rules decided."""

import pytest

from tests.backtests.office import Office
from tests.backtests.test_accounts import ACCOUNTS, UNPAID, put
from tests.decisions.rules import FLEET_ACCOUNTS, release

pytestmark = pytest.mark.anyio


async def test_a_decision_under_a_persons_word_is_tried_as_the_rules_made_it(
    office: Office,
) -> None:
    """It is among what is tried, and flips from the rules' verdict, not from the person's."""
    await release(office.served.app.house, FLEET_ACCOUNTS)
    await put(office, "east", ACCOUNTS["east"])
    question = {"rule_set": "fleet_accounts", "account_key": "east"}
    said = {"rule_set": "fleet_accounts", "verdict": "disqualify", "reason": "they left"}
    for path, body in (
        ("/v1/qualify", question),
        ("/v1/accounts/east/overrides", said),
        ("/v1/qualify", question),
    ):
        answer = await office.served.ask("POST", path, json=body)
        assert answer.is_success, answer.text
    assert answer.json()["override"]["rules"]["verdict"] == "qualify"
    path = "/v1/rule-sets/fleet_accounts/drafts/main"
    headers = {"Content-Type": "application/yaml"}
    await office.served.ask("PUT", path, headers=headers, content=UNPAID)
    found = await office.ended(rule_set="fleet_accounts", draft="main")
    assert (found["result"]["replayed"], found["result"]["flips"]) == (2, 2)
    movement = {"before": "qualify", "after": "review", "decisions": 2}
    assert found["result"]["verdicts"] == [movement]
