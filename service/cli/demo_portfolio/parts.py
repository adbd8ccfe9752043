"""Who plays what in the demo: three hundred parts, each with its truth, planted by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, cycle
from typing import Final, Literal

__all__ = ["ACCOUNTS", "SHARED_CAUSE", "Part", "Truth", "cast"]

Story = Literal[
    "plain",
    "large",
    "improved",
    "worsened",
    "one_signal",
    "excused",
    "below_list",
    "old_price",
    "escalates",
    "asks_much",
    "two_signals",
    "nobody_asked",
    "no_helpdesk",
    "no_beginning",
    "only",
]
"""What makes a part more than its group: what the ledger and the facts are to tell."""

_NOT_ENOUGH_KNOWN: Final = {"nobody_asked", "no_helpdesk", "no_beginning"}

SHARED_CAUSE: Final = "skips_training"
"""The rule that fails for many of one onboarding cohort: that one was ours, not theirs."""

_SIGNALS: Final = (
    "misses_meetings", "moves_goals", "ignores_advice", "hurts_tone", SHARED_CAUSE,
)  # fmt: skip
_ALONE: Final = (
    SHARED_CAUSE, "misses_meetings", "moves_goals", SHARED_CAUSE, "ignores_advice", "hurts_tone",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of an account, and what a portfolio should find.

    Attributes:
        group: The outcome that is right.
        called: What it is called as long as the cohort's shared cause is held against it.
        cause: The story behind it.
        is_certain: Whether enough is known to be sure.
        in_cohort: Whether it was onboarded in the quarter in which something was ours.
        shares_cause: Whether it skipped the trainings of that quarter.
    """

    group: str
    called: str
    cause: str
    is_certain: bool = True
    in_cohort: bool = False
    shares_cause: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One account's part. *signals* are the rules of conduct that its ledger breaks."""

    number: int
    group: str
    story: Story
    signals: tuple[str, ...] = ()
    in_cohort: bool = False

    @property
    def truth(self) -> Truth:
        """What a portfolio should find."""
        shares = self.in_cohort and SHARED_CAUSE in self.signals
        is_misjudged = shares and len(self.signals) >= 2
        return Truth(
            group=self.group,
            called="bad_conduct" if is_misjudged else self.group,
            cause=self.story,
            is_certain=self.story not in _NOT_ENOUGH_KNOWN,
            in_cohort=self.in_cohort,
            shares_cause=shares,
        )


@dataclass(frozen=True, slots=True)
class _Scene:
    """Some accounts with one part, of which some belong to the cohort and some share its cause."""

    count: int
    group: str
    story: Story
    in_cohort: int = 0
    sharing: int = 0
    also: tuple[str, ...] = ()
    """Signals of their own that the first of those who share have besides, one each."""


_SCENES: Final = (
    _Scene(35, "strong_partner", "plain", in_cohort=6, sharing=3, also=("ignores_advice",)),
    _Scene(4, "strong_partner", "large"),
    _Scene(4, "strong_partner", "one_signal"),
    _Scene(1, "strong_partner", "excused"),
    _Scene(
        61,
        "steady",
        "plain",
        in_cohort=15,
        sharing=9,
        also=("moves_goals", "ignores_advice", "misses_meetings"),
    ),
    _Scene(2, "steady", "large"),
    _Scene(8, "steady", "improved"),
    _Scene(24, "steady", "one_signal"),
    _Scene(2, "steady", "excused"),
    _Scene(26, "promising", "plain", in_cohort=6, sharing=3, also=("moves_goals",)),
    _Scene(4, "promising", "one_signal"),
    _Scene(14, "over_served", "plain", in_cohort=4, sharing=2),
    _Scene(8, "over_served", "worsened"),
    _Scene(2, "over_served", "one_signal"),
    _Scene(10, "under_priced", "below_list", in_cohort=2, sharing=1),
    _Scene(10, "under_priced", "old_price"),
    _Scene(9, "challenging", "asks_much", in_cohort=4, sharing=1),
    _Scene(9, "challenging", "escalates"),
    _Scene(18, "bad_fit", "plain", in_cohort=3),
    _Scene(12, "bad_conduct", "two_signals", in_cohort=2),
    _Scene(1, "marquee_drain", "only"),
    _Scene(1, "safety_pause", "only"),
    _Scene(24, "too_early", "plain"),
    _Scene(4, "too_early", "nobody_asked"),
    _Scene(4, "too_early", "no_helpdesk"),
    _Scene(3, "too_early", "no_beginning"),
)

ACCOUNTS: Final = sum(scene.count for scene in _SCENES)


def cast() -> Iterator[Part]:
    """Give every part, in an order that tells nothing."""
    parts = [part for scene in _SCENES for part in _played(scene)]
    # A step without a common divisor visits every place once, and no neighbours stay together.
    for number in range(ACCOUNTS):
        part = parts[number * 89 % ACCOUNTS]
        yield replace(part, number=number)


def _played(scene: _Scene) -> Iterator[Part]:
    alone, pairs = cycle(_ALONE), cycle(combinations(_SIGNALS, 2))
    for place in range(scene.count):
        signals: tuple[str, ...] = ()
        if place < scene.sharing:
            signals = (SHARED_CAUSE, *scene.also[place : place + 1])
        elif scene.story == "one_signal":
            signals = (next(alone),)
        elif scene.story == "two_signals":
            signals = next(pairs)
        yield Part(
            number=place,
            group=scene.group,
            story=scene.story,
            signals=signals,
            in_cohort=place < scene.in_cohort,
        )
