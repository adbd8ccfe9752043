"""What a focus is asked of: other rules, or the slices that are kept."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Query
from sqlalchemy import Row, Subquery

from service.portfolio.focus_store import fated_by_rules, fated_by_slices
from service.portfolio.scenario_asking import scenario_of
from service.portfolio.slicing import MOST_SLICES, BadSlice, Slice, check_slices, read_slices
from service.portfolio.viewing import Looking, Viewed
from service.rules import RuleSet
from service.rulesets import Editing, Editor, LiveRules, compile_source, find_tried
from service.storage import transaction
from service.web import Fault, Refusal

__all__ = ["BadFocus", "Focused", "Focusing"]

_LARGEST: Final = 2**31 - 1
RuleSetAsked = Annotated[
    str | None,
    Query(max_length=64, description="Another rule set for accounts; this one by default."),
]
VersionAsked = Annotated[
    int | None, Query(ge=1, le=_LARGEST, description="A version of it; the live one by default.")
]
DraftAsked = Annotated[str | None, Query(max_length=64, description="A draft of it, by name.")]
KeepAsked = Annotated[
    list[str],
    Query(
        max_length=MOST_SLICES,
        description="Who is still served: `segment:core`. Several texts of one name are "
        "alternatives, several names narrow each other.",
    ),
]


class BadFocus(Refusal):
    """What was asked is no focus."""

    code: ClassVar[str] = "bad_focus"

    def __init__(self, words: str, *, parameter: str) -> None:
        fault = Fault(code=self.code, message=words, parameter=parameter)
        super().__init__(words, faults=[fault])


class NotForAccounts(Refusal):
    """Rules for leads were to judge accounts."""

    code: ClassVar[str] = "wrong_subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Focused:
    """A focus on a statement. *scenario* is None where slices decide."""

    looking: Looking
    scenario: Row[Any] | None
    under: dict[str, Any] | None
    keep: tuple[Slice, ...]

    @property
    def is_there(self) -> bool:
        """Whether all accounts are judged."""
        return self.scenario is None or self.scenario.state == "done"

    @property
    def fated(self) -> Subquery:
        """The positions that are looked at, with what becomes of each."""
        statement, slices = self.looking.statement, self.looking.slices
        if self.scenario is None:
            return fated_by_slices(statement.id, self.keep, slices)
        return fated_by_rules(statement.id, self.scenario.id, slices)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    viewed: Viewed
    editor: Editor
    rule_set: str | None
    version: int | None
    draft: str | None
    keep: tuple[Slice, ...]

    async def focused(self) -> Focused:
        """Return the focus; its scenario waits where nobody asked this before.

        Raises:
            RuleSetNotFound, VersionNotFound, DraftNotFound, NotLive, RuleSetInvalid: As the
                rules named have it.
            NotForAccounts: If they judge leads.
            BadSlice: If the statement cannot be taken apart by what is kept.
        """
        async with self.viewed.looking() as looking:
            statement = looking.statement
        if self.keep:
            check_slices(statement.slices, self.keep, parameter="keep")
            return Focused(looking=looking, scenario=None, under=None, keep=self.keep)
        slug = self.rule_set or self.viewed.slug
        source, version = await self._source(slug)
        digest = hashlib.sha256(source).hexdigest()

        async def document() -> bytes:
            rules = await _checked(source)
            return rules.canonical

        row = await scenario_of(
            self.viewed.house.engine,
            statement,
            kind="focus",
            question=f"rules={digest}",
            editor=self.editor,
            document=document,
        )
        under = {"rule_set": slug, "version": version, "draft": self.draft}
        return Focused(looking=looking, scenario=row, under=under, keep=())

    async def _source(self, slug: str) -> tuple[bytes, int | None]:
        live: LiveRules = self.viewed.live
        if self.draft is not None:
            with _named("draft"):
                async with transaction(self.viewed.house.engine) as connection:
                    tried = await find_tried(
                        connection,
                        slug,
                        draft=self.draft,
                        version=None,
                        base=None,
                        at=self.editor.at,
                    )
            told = tried.source
            return (told.encode() if isinstance(told, str) else told), None
        if self.version is not None:
            with _named("version"):
                running = await live.version(slug, self.version)
        else:
            with _named("rule_set"):
                running = await live.version_at(slug, self.editor.at)
        return running.rules.canonical, running.version


async def _asking(
    *,
    viewed: Viewed,
    editor: Editing,
    rule_set: RuleSetAsked = None,
    version: VersionAsked = None,
    draft: DraftAsked = None,
    keep: KeepAsked = [],  # noqa: B006 - FastAPI copies it
) -> _Asked:
    is_by_rules = not (rule_set is None and version is None and draft is None)
    if is_by_rules is bool(keep):
        words = "a focus is on other rules or on what is kept; give `rule_set`, `version` or "
        raise BadFocus(f"{words}`draft`, or else `keep`", parameter="keep")
    if version is not None and draft is not None:
        words = "a focus is on one version or one draft; give one of them"
        raise BadFocus(words, parameter="draft")
    return _Asked(
        viewed=viewed,
        editor=editor,
        rule_set=rule_set,
        version=version,
        draft=draft,
        keep=_kept(keep),
    )


Focusing = Annotated[_Asked, Depends(_asking)]


def _kept(texts: Sequence[str]) -> tuple[Slice, ...]:
    slices = read_slices(texts, parameter="keep")
    if not all(one.value for one in slices):
        raise BadSlice("say what is kept, such as `segment:core`", parameter="keep")
    return slices


async def _checked(source: bytes) -> RuleSet:
    with _named("draft"):
        rules = await compile_source(source)
    if rules.subject != "account":
        words = "these rules judge leads; a focus needs rules for accounts"
        fault = Fault(code=NotForAccounts.code, message=words, parameter="rule_set")
        raise NotForAccounts(words, faults=[fault])
    return rules


@contextmanager
def _named(parameter: str) -> Iterator[None]:
    """Let a refusal without a place name the *parameter* that it is about."""
    try:
        yield
    except Refusal as refusal:
        if not refusal.faults:
            fault = Fault(code=refusal.code, message=refusal.detail, parameter=parameter)
            refusal.faults = (fault,)
        raise
