"""Have the newest statement of each rule set examined, soon after it is taken.

Every serving process looks; whoever comes first examines, and the others find it done.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from service.portfolio import systemic_store
from service.portfolio.reading import statement_of
from service.portfolio.systemic_examining import BY_ITSELF, examine_statement
from service.rulesets import Editor, LiveRules
from service.storage import transaction
from service.web import Chore, House, looked_after

__all__ = ["examine_newest", "examining"]

_EVERY_S: Final = 2.0
_LONG: Final = timedelta(minutes=2)


def examining(house: House, live: LiveRules) -> AbstractAsyncContextManager[None]:
    """Look again and again until the block ends."""

    async def look() -> None:
        await examine_newest(house, live)

    return looked_after(Chore("examinations", _EVERY_S, look))


async def examine_newest(house: House, live: LiveRules) -> int:
    """Examine the statements that wait for it, and return how many those were."""
    async with transaction(house.engine) as connection:
        rows = await systemic_store.find_unexamined(connection)
    examined = 0
    for row in rows:
        statement = statement_of(row)
        running = await live.version(statement.rule_set, statement.version)
        editor = Editor(person=BY_ITSELF, at=house.clock(), new_uuid=house.new_uuid)
        async with transaction(house.engine, within=_LONG) as connection:
            model = running.rules.model
            found = await examine_statement(connection, statement, model, editor=editor)
        examined += found is not None
    return examined
