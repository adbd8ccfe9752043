"""Bring a rule file into the service in one step: for the demo and the command line."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.rulesets.checking import RuleSetInvalid, examine, rules_for
from service.rulesets.committing import keep_version
from service.rulesets.drafting import Editor, create_rule_set
from service.rulesets.releasing import release

__all__ = ["Installed", "install"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What is live now, and whether this installation changed anything."""

    slug: str
    version: int
    digest: str
    is_changed: bool


async def install(
    connection: AsyncConnection, source: str, *, editor: Editor, note: str, reason: str
) -> Installed:
    """Create the rule set of *source* where it is new, commit it and release it.

    May be repeated: text with the content that is live already changes nothing.

    Raises:
        RuleSetInvalid: If *source* has errors, or tests of its own that fail.
        RuleSetMismatch: If its rule set exists and judges another kind of subject.
    """
    checked = await examine(source)
    if checked.rules is None:
        raise RuleSetInvalid(checked.problems)
    slug, subject = checked.rules.id, checked.rules.subject
    existing = await store.lock_rule_set(connection, slug)
    if existing is not None:
        subject = existing.subject
    rules = rules_for(checked, slug=slug, subject=subject)
    if existing is None:
        await create_rule_set(
            connection, rules.id, subject=subject, title=rules.title or "", editor=editor
        )
    base = await store.latest_number(connection, rules.id)
    committed = await keep_version(
        connection, rules, source=source, base_version=base, note=note, editor=editor
    )
    number = committed.row.number
    latest = await store.latest_live(connection, rules.id)
    is_changed = latest != number
    if is_changed:
        await release(connection, rules.id, number, reason=reason, since=None, editor=editor)
    return Installed(slug=rules.id, version=number, digest=rules.digest, is_changed=is_changed)
