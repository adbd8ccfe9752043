"""Facts for mixtures of two decisions of one account, with the ledger measured anew for each.

What was measured rests on all three causes: on the rules, which say what and over which window;
on the data, which are the entries known by then; and on the clock, at which a window ends. So a
case that grew old is time's doing, though nobody said anything: stored facts alone would make it
look like data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.accounts import Remembered
from service.rules import Event
from service.rules.compare import Chosen, Situation

__all__ = ["Mixtures"]

Measured = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Mixtures:
    """Facts by mixture. Of *trusted* metrics the ledger still gives what both decisions saw.

    Any other one (the account was merged since, or a source reports other kinds, or facts were
    sent with the question) goes with the data, as it was stored.
    """

    ends: tuple[Situation, Situation]
    known: tuple[Sequence[Event], Sequence[Event]]
    trusted: frozenset[str]

    @classmethod
    def of(cls, before: Situation, after: Situation, ledger: Remembered) -> "Mixtures":
        """Return the mixtures of two decisions: pure, if not quick."""
        known = ledger.known_at(before.at), ledger.known_at(after.at)
        untested = cls((before, after), known, frozenset())
        names = {metric.name for end in untested.ends for metric in end.rules.metrics}
        wrong: set[str] = set()
        for place, end in ((False, before), (True, after)):
            measured = untested.measured((place, place, place))
            wrong |= {name for name, value in measured.items() if value != end.facts.get(name)}
        return cls(untested.ends, known, frozenset(names - wrong))

    def facts(self, chosen: Chosen) -> Mapping[str, object]:
        """Return the facts of the mixture of these rules, this data and this clock."""
        measured = self.measured(chosen)
        said = self.ends[chosen[1]].facts
        return {**said, **{name: measured[name] for name in measured if name in self.trusted}}

    def measured(self, chosen: Chosen) -> Measured:
        """Return what these rules measure of what was known then, at that clock."""
        rules, data, time = (
            self.ends[chosen[0]].rules,
            self.known[chosen[1]],
            self.ends[chosen[2]],
        )
        reported = {kind for metric in rules.metrics for kind in metric.kinds}
        return rules.measure(data, reported=reported, at=time.at)

    def aged(self) -> list[dict[str, Any]]:
        """Return what time alone made of the metrics, on what was known before."""
        before, after = self.measured((True, False, False)), self.measured((True, False, True))
        return [
            {"attribute": name, "before": before[name], "after": after[name]}
            for name in sorted(before)
            if name in self.trusted and before[name] != after[name]
        ]
