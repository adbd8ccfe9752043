"""What was found, in sentences an executive can read out."""

from collections.abc import Sequence
from typing import Final

from service.portfolio.slicing import Slice
from service.portfolio.systemic import EVERYBODY, LEAST_KNOWN, Examined, Group, Lack
from service.portfolio.systemic_criteria import Criterion
from service.portfolio.systemic_policy import CriterionPolicy
from service.portfolio.systemic_twins import Twin
from service.rules.model import Model

__all__ = ["cause_of", "group_words", "sentence_of"]

_PLURAL: Final = {"points": "rule", "gate": "gate", "outcome": "outcome"}
_LACKS: Final[dict[Lack, str]] = {
    "no_baseline": "nothing to hold it against; declare a baseline, or take a statement again "
    "in three months",
    "few_known": f"too few accounts of which it is known; {LEAST_KNOWN} are needed",
    "mostly_unknown": "of most accounts it is not known",
    "few_others": f"too few other accounts to hold it against; {LEAST_KNOWN} are needed",
    "could_not_tell": "so few accounts that no number of them would show it",
}


def group_words(group: Group) -> str:
    """Return a group as a sentence begins with it."""
    if group == EVERYBODY:
        return "All accounts"
    if group.slice == "cohort":
        return f"Onboarding cohort {group.value}"
    name = group.slice.replace("_", " ")
    return f"{name[:1].upper()}{name[1:]} {group.value}"


def cause_of(
    one: Examined,
    criterion: Criterion,
    policy: CriterionPolicy,
    model: Model,
    *,
    slices: Sequence[Slice] = (),
) -> str:
    """Return what was counted, such as "Onboarding cohort 2026-Q1: 19 of 42 accounts ...".

    The author's words stand where there are some, else the condition as it is written.
    """
    count = one.count
    words = policy.words or _own_words(criterion, model)
    counted = f"{count.yes:,} of {count.known:,} accounts {words} ({_usual(one)})"
    return f"{_where(one.group, slices)}: {counted}."


def _where(group: Group, slices: Sequence[Slice]) -> str:
    """Return a group of some slices as a sentence begins with it: `Segment core, cohort ...`."""
    if not slices:
        return group_words(group)
    parts = [Group(one.name, one.value or "not known") for one in slices]
    words = ", ".join(
        _small(group_words(part)) for part in (*parts, *([] if group == EVERYBODY else [group]))
    )
    return f"{words[:1].upper()}{words[1:]}"


def _small(words: str) -> str:
    return f"{words[:1].lower()}{words[1:]}"


def sentence_of(
    one: Examined,
    criterion: Criterion,
    policy: CriterionPolicy,
    model: Model,
    *,
    is_covered: bool = False,
    twin: Twin | None = None,
    slices: Sequence[Slice] = (),
) -> str:
    """Return the whole finding, or what there is not enough data for."""
    if one.lack is not None:
        begins = f"{_where(one.group, slices)}, `{criterion.id}`: not enough data"
        return (
            f"{begins}; {_LACKS[one.lack]} ({one.count.known:,} of {one.count.accounts:,} known)."
        )
    cause = cause_of(one, criterion, policy, model, slices=slices)
    if one.result == "not_systemic":
        return f"{cause} No more than chance may do."
    kind = _PLURAL[criterion.kind]
    if slices:
        rest = "only what the whole portfolio shows suspends anything."
    elif is_covered:
        rest = f"the {kind} is suspended for all accounts."
    elif policy.suspends(criterion):
        whom = "everybody" if one.group == EVERYBODY else "them"
        rest = f"the {kind} is suspended for {whom}."
    else:
        rest = f"the {kind} is not suspended, because it is to act whosever fault it is."
    return f"{cause} This looks like ours, not theirs; {rest}{_same(twin)}"


def _same(twin: Twin | None) -> str:
    if twin is None:
        return ""
    named = _small(group_words(twin.group))
    return (
        f" These are nearly the same accounts as {named} ({twin.shared:,} of {twin.together:,}),"
        " where the evidence is stronger: one problem, told twice."
    )


def _own_words(criterion: Criterion, model: Model) -> str:
    if criterion.kind == "outcome":
        label = next(one.label for one in model.outcomes if one.id == criterion.id)
        return f"meet what `{criterion.id}` ({label}) asks for"
    return f"meet `{criterion.id}`: {criterion.condition}"


def _usual(one: Examined) -> str:
    against = one.against
    if against is None:
        return "no baseline"
    rate = _percent(against.baseline)
    match against.kind:
        case "declared":
            return f"baseline {rate}"
        case "rest":
            return f"{rate} of the others"
        case "history":
            return f"{rate} in an earlier statement"


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"
