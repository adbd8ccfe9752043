"""Have the demo's accounts judged, once all that is to be known of them is in.

Their rules go live only then: an account of which half the ledger is in would be judged by
that half, and its history would begin with a mistake.
"""

import asyncio
import time
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from service import rescorings
from service.cli.demo_data import editor_at, install_templates
from service.rescorings import RescoringRunning
from service.rulesets import LiveRules
from service.storage import parse_id, transaction

__all__ = ["PORTFOLIO_RULES", "NotAssessed", "assess_portfolio"]

PORTFOLIO_RULES: Final = "account_portfolio"
_LOOK_AGAIN_S: Final = 0.2


class NotAssessed(Exception):
    """The accounts were not judged; the message says why."""


async def assess_portfolio(engine: AsyncEngine) -> None:
    """Release the rules for accounts, and return when every account was judged by them.

    The service on the same database does the work.

    Raises:
        NotAssessed: If it gave up.
    """
    await install_templates(engine, [PORTFOLIO_RULES])
    editor = editor_at()
    running = await LiveRules(engine, timer=time.monotonic).version_at(PORTFOLIO_RULES, editor.at)
    async with transaction(engine) as connection:
        try:
            rescoring = (await rescorings.ask_for(connection, running, editor=editor)).id
        except RescoringRunning as other:
            # A start before this one had asked, and was cut off then.
            rescoring = parse_id(str(other.members["rescoring"]), "rsc")
    state = ""
    while state != "done":
        async with transaction(engine) as connection:
            row = await rescorings.existing(connection, rescoring)
        state = row.state
        if state in {"failed", "cancelled"}:
            raise NotAssessed(f"the accounts were not assessed: {row.failure or state}")
        await asyncio.sleep(_LOOK_AGAIN_S)
