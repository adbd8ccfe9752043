"""Who would be better off elsewhere: what counts as that, from the rule set itself, pure.

Somebody would who needs what we do not do, or whom the rules send to a transition.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, Literal

from service.portfolio.ranging import Amount, Fate, Ranged, fate_of, range_of, sum_of, summed
from service.portfolio.slicing import listed
from service.rules import RuleSet
from service.rules.model import Outcome
from service.web import Fault, Refusal

__all__ = ["BadCriterion", "BetterOff", "Criteria", "Letter", "Lot", "MustHave", "Part", "Sends"]
__all__ += [
    "better_off_of",
    "criteria_of",
    "elsewhere",
    "letter_of",
    "must_have_letter",
    "possible_of",
    "sends_of",
]

_BY_CONVENTION: Final = "must_haves_met"
"""What the template for accounts calls the share of their must-haves that we do."""

Letter = Literal["y", "n", "u"]
"""What a condition came to while more may be known: yes, no, unknown."""
Sends = Literal["all", "some", "none"]
"""Whether all outcomes that are possible are transitions, some, or none."""


class BadCriterion(Refusal):
    """What was named says nothing of who would be better off elsewhere."""

    code: ClassVar[str] = "bad_criterion"

    def __init__(self, words: str, *, parameter: str) -> None:
        fault = Fault(code=self.code, message=words, parameter=parameter)
        super().__init__(words, faults=[fault])


@dataclass(frozen=True, slots=True)
class MustHave:
    """The rule whose condition says that we do what they cannot do without."""

    rule: str
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What sends somebody elsewhere.

    Attributes:
        outcomes: Ids of all outcomes of the rule set, in document order.
        gates: The outcome of each gate, in document order.
        transitions: Those outcomes that are transitions, in document order.
        must_have: None where the rule set has no such rule.
    """

    outcomes: tuple[str, ...]
    gates: tuple[str, ...]
    transitions: tuple[Outcome, ...]
    must_have: MustHave | None

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the transitions."""
        return frozenset(one.id for one in self.transitions)


def criteria_of(rules: RuleSet, *, must_have: str | None, transitions: Collection[str]) -> Criteria:
    """Return what *rules* say of who is better off elsewhere.

    Transitions are the outcomes named, or by default all with the verdict `disqualify`.
    The must-have is the rule of that id, or the first rule with points that reads nothing
    but the attribute of that name; by default of `must_haves_met`, where there is one.

    Raises:
        BadCriterion: If something named is not there, or the rules say nothing of it.
    """
    outcomes = rules.model.outcomes
    known = {one.id for one in outcomes}
    if not known.issuperset(transitions):
        words = f"the rule set has no such outcome; it has {listed(known)}"
        raise BadCriterion(words, parameter="transition")
    named = tuple(
        one
        for one in outcomes
        if (one.id in transitions if transitions else one.verdict == "disqualify")
    )
    found = _must_have(rules, _BY_CONVENTION if must_have is None else must_have)
    if found is None and must_have is not None:
        words = (
            "no rule with points has this id, and none reads this attribute alone; "
            "name a rule that says that their must-haves are met"
        )
        raise BadCriterion(words, parameter="must_have")
    if found is None and not named:
        words = (
            "no outcome of the rule set disqualifies, and it has no must-haves by the name of "
            f"`{_BY_CONVENTION}`; name an outcome, or a rule as `must_have`"
        )
        raise BadCriterion(words, parameter="transition")
    return Criteria(
        outcomes=tuple(one.id for one in outcomes),
        gates=tuple(outcomes[gate.outcome].id for gate in rules.model.gates),
        transitions=named,
        must_have=found,
    )


def _must_have(rules: RuleSet, name: str) -> MustHave | None:
    for place, rule in enumerate(rules.model.rules):
        if rule.id == name:
            return MustHave(rule.id, place)
    reads = zip(rules.model.rules, rules.reads.rules, strict=True)
    for place, (rule, read) in enumerate(reads):
        if read.attributes == {name} and not read.scores:
            return MustHave(rule.id, place)
    return None


def must_have_letter(criteria: Criteria, letters: Mapping[str, str] | None) -> Letter:
    """Return whether we do what an account cannot do without; yes where nothing asks for it."""
    if criteria.must_have is None:
        return "y"
    return letter_of(
        criteria, None if letters is None else letters["rules"][criteria.must_have.place]
    )


def letter_of(criteria: Criteria, letter: str | None) -> Letter:
    """Return the same of the stored *letter* of the must-have's rule; None where there is none."""
    match letter:
        case _ if criteria.must_have is None:
            return "y"
        case "y" | "n" as known:
            return known
        case _:
            return "u"


def possible_of(criteria: Criteria, letters: Mapping[str, str]) -> frozenset[str]:
    """Return the outcomes that were possible while more may be known, from the stored letters.

    Gates, then outcomes, each in order, up to the first that is certainly yes.
    """
    found: set[str] = set()
    for ids, part in (
        (criteria.gates, letters["gates"]),
        (criteria.outcomes, letters["outcomes"]),
    ):
        for outcome, letter in zip(ids, part, strict=True):
            if letter != "n":
                found.add(outcome)
            if letter == "y":
                return frozenset(found)
    return frozenset(found)


def sends_of(
    criteria: Criteria, *, outcome: str | None, certain: bool, letters: Mapping[str, str] | None
) -> Sends:
    """Return whether an account is sent to a transition.

    *letters* is None where it was never decided, or by another version: then all is possible
    that is not certain.
    """
    if not criteria.transitions:
        return "none"
    if certain and outcome is not None:
        return "all" if outcome in criteria.ids else "none"
    if letters is None:
        return "some"
    possible = possible_of(criteria, letters)
    if possible <= criteria.ids:
        return "all"
    return "some" if possible & criteria.ids else "none"


def elsewhere(must_have: Letter, sends: Sends, *, is_stated: bool) -> Fate:
    """Return whether an account would be better off elsewhere.

    *must_have* says whether we do what they cannot do without; *is stated* says that the
    outcome, as things stand, is a transition.
    """
    is_in = must_have == "n" or sends == "all" or (sends == "some" and is_stated)
    is_sure = sends == "all" or must_have == "n" or (must_have == "y" and sends == "none")
    return fate_of(is_in=is_in, is_sure=is_sure)


@dataclass(frozen=True, slots=True)
class Lot:
    """Accounts that are alike in all that counts here; *part* is what they are taken apart by."""

    part: str | None
    must_have: Letter
    sends: Sends
    outcome: str | None
    in_grace: bool
    accounts: int
    revenue: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of some accounts, how many would be better off elsewhere, and their revenue."""

    of_accounts: int
    of_revenue: Decimal
    accounts: Ranged
    revenue: Ranged


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterOff:
    """Who would be better off elsewhere.

    Attributes:
        together: For either cause; who has both is counted once.
        must_haves: Because we do not do what they cannot do without.
        sent: Because the rules send them to a transition.
        by_outcome: The same for each transition, as things stand, with how many and their revenue.
        in_grace: How many of those who would, as things stand, a grace period keeps out of
            judgement.
        parts: What all is taken apart into, those of most accounts first.
    """

    together: Part
    must_haves: Part
    sent: Part
    by_outcome: tuple[tuple[Outcome, int, Decimal], ...]
    in_grace: int
    parts: tuple[tuple[str | None, Part], ...]


def better_off_of(criteria: Criteria, lots: Collection[Lot]) -> BetterOff:
    """Return what *lots* add up to."""

    def fate(lot: Lot) -> Fate:
        return elsewhere(lot.must_have, lot.sends, is_stated=lot.outcome in criteria.ids)

    def unmet(lot: Lot) -> Fate:
        return elsewhere(lot.must_have, "none", is_stated=False)

    def sent(lot: Lot) -> Fate:
        return elsewhere("y", lot.sends, is_stated=lot.outcome in criteria.ids)

    by_part: dict[str | None, list[Lot]] = {}
    for lot in lots:
        by_part.setdefault(lot.part, []).append(lot)
    parts = [(name, _part(found, fate)) for name, found in by_part.items()]
    parts.sort(key=lambda pair: (-pair[1].of_accounts, pair[0] or ""))
    return BetterOff(
        together=_part(lots, fate),
        must_haves=_part(lots, unmet),
        sent=_part(lots, sent),
        by_outcome=tuple(_stated(one, lots) for one in criteria.transitions),
        in_grace=sum(
            lot.accounts for lot in lots if lot.in_grace and fate(lot) in {"in", "rather_in"}
        ),
        parts=tuple(parts),
    )


def _part(lots: Collection[Lot], fate: Callable[[Lot], Fate]) -> Part:
    fates = [(fate(lot), lot) for lot in lots]
    return Part(
        of_accounts=sum(lot.accounts for lot in lots),
        of_revenue=sum_of(lot.revenue.total for lot in lots),
        accounts=range_of(summed((one, Amount.of(Decimal(lot.accounts))) for one, lot in fates)),
        revenue=range_of(summed((one, lot.revenue) for one, lot in fates)),
    )


def _stated(outcome: Outcome, lots: Collection[Lot]) -> tuple[Outcome, int, Decimal]:
    found = [lot for lot in lots if lot.outcome == outcome.id]
    accounts = sum(lot.accounts for lot in found)
    return outcome, accounts, sum_of(lot.revenue.total for lot in found)
