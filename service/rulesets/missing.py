"""A rule set that is not there, and the one that was probably meant."""

from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.problems import did_you_mean
from service.rulesets import store
from service.web import Refusal

__all__ = ["RuleSetNotFound", "no_rule_set"]


class RuleSetNotFound(Refusal):
    """No rule set has this id."""

    code: ClassVar[str] = "rule_set_not_found"

    def __init__(self, meant: str = "") -> None:
        words = f"there is no rule set with this id{meant or ';'} GET /v1/rule-sets lists them"
        super().__init__(words)


async def no_rule_set(connection: AsyncConnection, slug: str) -> RuleSetNotFound:
    """Return that *slug* is not there, with the id that is nearest to it, if any is near."""
    meant, _ = did_you_mean(slug, await store.list_slugs(connection))
    return RuleSetNotFound(meant)
