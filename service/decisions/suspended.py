"""Which suspensions an account's decision is made under, and what it says of them: pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from service.rules import Decision, Facts, RuleSet
from service.rules.model import Model
from service.rules.told import suspendable
from service.rules.trace import Trace
from service.storage import to_text

__all__ = ["COHORT", "SINCE", "Suspension", "Under", "applying", "cohort_of", "decide_under"]
__all__ += ["is_under", "suspended_words"]

COHORT: Final = "cohort"
"""The slice that is made of the quarter of `SINCE`."""

SINCE: Final = "customer_since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A part of a rule set that counts as no for the accounts of a group.

    *part* is as `suspended` of a decision has it. An empty *slice* is all accounts.
    """

    id: UUID
    part: str
    slice: str
    value: str
    cause: str

    def to_json(self) -> dict[str, str]:
        """Return what a decision keeps and says of it."""
        return {"part": self.part, "suspension": to_text("sus", self.id), "cause": self.cause}


def applying(
    suspensions: Iterable[Suspension],
    *,
    facts: Mapping[str, object],
    admitted: Facts,
    model: Model,
) -> tuple[Suspension, ...]:
    """Return those of *suspensions* that *model* has the part of and the account is under.

    *facts* are the account's as they are stored, *admitted* what the rules read of them. A
    part is suspended once, by the first of several.
    """
    given = tuple(suspensions)
    if not given:  # nearly always: to name every part would take as long as judging
        return ()
    parts = {name for name, _ in suspendable(model)}
    found: dict[str, Suspension] = {}
    for one in given:
        if one.part in parts and _is_in(one, facts=facts, admitted=admitted, model=model):
            found.setdefault(one.part, one)
    return tuple(found[part] for part in sorted(found))


@dataclass(frozen=True, slots=True)
class Under:
    """What a decision was made under: as it is *kept*, and its trace *before* that."""

    kept: tuple[dict[str, str], ...] = ()
    before: Trace | None = None


_NOTHING: Final = Under()


def decide_under(
    rules: RuleSet,
    facts: Mapping[str, object],
    suspensions: Iterable[Suspension],
    *,
    at: datetime,
    final: bool,
    with_missing: bool = True,
) -> tuple[Decision, Under]:
    """Return the decision of *rules* on an account's *facts*, and what it was made under."""
    admitted = rules.admit(facts)
    found = applying(suspensions, facts=facts, admitted=admitted, model=rules.model)
    names = [one.part for one in found]
    decision = rules.decide(
        admitted, at=at, final=final, suspended=names, with_missing=with_missing
    )
    if not found:
        return decision, _NOTHING
    before = rules.decide(admitted, at=at, final=True, with_missing=False).trace
    return decision, Under(tuple(one.to_json() for one in found), before)


def is_under(
    suspensions: Iterable[Suspension], *, facts: Mapping[str, object], rules: RuleSet
) -> bool:
    """Return whether an account with these stored *facts* is decided under a suspension."""
    admitted = rules.admit(facts)
    return bool(applying(suspensions, facts=facts, admitted=admitted, model=rules.model))


def cohort_of(since: date) -> str:
    """Return the cohort of whoever is a customer since then."""
    return f"{since.year:04d}-Q{(since.month + 2) // 3}"


def suspended_words(kept: Collection[Mapping[str, Any]]) -> str:
    """Return what a summary ends with where rules were suspended."""
    if not kept:
        return ""
    names = [f"`{one['part'].removeprefix('outcome:')}`" for one in kept]
    *before, last = names
    listed = f"{', '.join(before)} and {last}" if before else last
    verb = "are" if before else "is"
    return f" {listed} {verb} suspended: too many accounts share it to blame one."


def _is_in(one: Suspension, *, facts: Mapping[str, object], admitted: Facts, model: Model) -> bool:
    if one.slice == "":
        return True
    if one.slice == COHORT:
        since = admitted.values.get(SINCE)
        return isinstance(since, date) and cohort_of(since) == one.value
    return _told(facts.get(one.slice), is_flag=_is_flag(one.slice, model)) == one.value


def _is_flag(name: str, model: Model) -> bool:
    attribute = model.attributes.get(name)
    return attribute is not None and attribute.type == "flag"


_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), "true"),
    **dict.fromkeys(("false", "0", "no", "off"), "false"),
}


def _told(value: object, *, is_flag: bool) -> str | None:
    """Return a stored fact as the text of a slice; None where it is none."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = value.strip(" ")
        case int():
            text = str(value)
        case float():
            text = repr(value)
        case _:
            return None
    return _FLAGS.get(text.lower()) if is_flag else text
