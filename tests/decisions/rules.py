"""Rule sets that this room's tests decide by."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from service.rulesets import Editor, Installed, install
from service.storage import transaction
from service.web import House

__all__ = ["FLEET_ACCOUNTS", "FLEET_LEADS", "LARGE_FLEET", "SMALL_FLEET", "edited", "release"]

FLEET_LEADS: Final = (Path(__file__).parents[1] / "cases/fleet_leads.yaml").read_text("utf-8")

FLEET_ACCOUNTS: Final = """
rule_set: fleet_accounts
subject: account
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
  site:     {type: text, label: Web site}
  paid:     {type: flag, label: Paid on time}
derived:
  home: registrable_domain(site)
gates:
  - {id: ours, when: 'home == "goodfit.example"', then: steady}
scores:
  value:
    floor: 0
    ceiling: 100
    groups:
      - id: size
        mode: sum
        rules:
          - {id: large, when: vehicles >= 100, points: 60, reason: You run a large fleet}
          - {id: pays,  when: paid, points: 30}
outcomes:
  - {id: steady, verdict: qualify, when: value >= 60, action: keep, reason: We work well together}
  - {id: watch,  verdict: review, action: look, assign: account_team}
"""

LARGE_FLEET: Final = {
    "email": "ann@haulage.example",
    "vehicles": 300,
    "country": "DE",
    "seniority": "vp",
    "tools": [],
    "has_budget": False,
    "email_clicks": 2,
}
SMALL_FLEET: Final = {"email": "bo@gmail.com", "vehicles": 1}


def edited(old: str, new: str) -> str:
    """Return the worked example with *old* replaced, without its tests, which would fail."""
    assert old in FLEET_LEADS
    rules, _ = FLEET_LEADS.split("tests:")
    return rules.replace(old, new)


async def release(house: House, source: str, *, note: str = "") -> Installed:
    """Make *source* live: at once where its rule set is new."""
    now = datetime.now(UTC)
    editor = Editor(person="ann@example.com", at=now, new_uuid=house.new_uuid)
    async with transaction(house.engine) as connection:
        return await install(connection, source, editor=editor, note=note, reason="a test")
