"""Freeze a rule set: nobody releases anything until somebody unfreezes it."""

from typing import Any, ClassVar

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import gate_store, store
from service.rulesets.editor import Editor
from service.rulesets.missing import no_rule_set
from service.storage import append_audit
from service.web import Refusal, rfc3339

__all__ = ["Frozen", "NotFrozen", "freeze", "refuse_frozen", "unfreeze"]


class Frozen(Refusal):
    """Nothing of the rule set may be released now, not even an older version."""

    code: ClassVar[str] = "frozen"


class NotFrozen(Refusal):
    """There is nothing to unfreeze."""

    code: ClassVar[str] = "not_frozen"


def refuse_frozen(rule_set: Row[Any]) -> None:
    """Let a release of *rule_set*, whose row the transaction has locked, go on unless it is frozen.

    Raises:
        Frozen: With who froze it, when and why.
    """
    if rule_set.frozen_at is None:
        return
    since = rfc3339(rule_set.frozen_at)
    words = (
        f"`{rule_set.frozen_by}` froze the rule set at {since}: `{rule_set.frozen_reason}`; "
        f"POST /v1/rule-sets/{rule_set.slug}/unfreeze before you release"
    )
    frozen = {"at": since, "by": rule_set.frozen_by, "reason": rule_set.frozen_reason}
    raise Frozen(words, members={"frozen": frozen})


async def freeze(
    connection: AsyncConnection, slug: str, *, reason: str, editor: Editor
) -> Row[Any]:
    """Let nobody release anything of *slug* from the commit on, and return the rule set.

    A release that is being written at the same time is either kept before or refused.
    Planned releases that were written before still take effect.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        Frozen: If it is frozen already; its first reason stays.
    """
    refuse_frozen(await _locked(connection, slug))
    row = await gate_store.change_rule_set(
        connection, slug, frozen_at=editor.at, frozen_by=editor.person, frozen_reason=reason
    )
    await _note(connection, "rulesets.freeze", slug, reason=reason, editor=editor)
    return row


async def unfreeze(
    connection: AsyncConnection, slug: str, *, reason: str, editor: Editor
) -> Row[Any]:
    """Let releases of *slug* through again, and return the rule set.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        NotFrozen: If it is not frozen.
    """
    if (await _locked(connection, slug)).frozen_at is None:
        raise NotFrozen("the rule set is not frozen; release what you like")
    row = await gate_store.change_rule_set(
        connection, slug, frozen_at=None, frozen_by=None, frozen_reason=None
    )
    await _note(connection, "rulesets.unfreeze", slug, reason=reason, editor=editor)
    return row


async def _locked(connection: AsyncConnection, slug: str) -> Row[Any]:
    rule_set = await store.lock_rule_set(connection, slug)
    if rule_set is None:
        raise await no_rule_set(connection, slug)
    return rule_set


async def _note(
    connection: AsyncConnection, action: str, slug: str, *, reason: str, editor: Editor
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=slug,
        payload={"reason": reason},
    )
