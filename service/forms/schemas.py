"""Forms on the wire."""

from typing import Annotated

from pydantic import Field

from service.web import Shown

__all__ = ["FormStatistics", "NumbersShown", "QuestionsShown", "VisitShown"]

_Instant = Annotated[str, Field(examples=["2026-11-26T09:30:00.000000Z"])]


class QuestionShown(Shown):
    """A question still worth asking, in the rule set's words."""

    attribute: str = Field(examples=["vehicles"])
    label: str
    ask: str


class QuestionsShown(Shown):
    """What to ask somebody of whom nothing is known, the most decisive first."""

    missing: list[QuestionShown]


class VisitShown(Shown):
    """A visit that began. Send its id in the header `Goodfit-Visit`."""

    visit: str = Field(examples=["vis_01m82amv90f7assrm6pf8d3pr0"])


class StopShown(Shown):
    """Where visitors stopped who did not finish. `attribute` is null before any question."""

    attribute: str | None
    label: str | None
    visitors: int


class VerdictsShown(Shown):
    """Visitors by the verdict of their last answer."""

    qualify: int
    review: int
    disqualify: int
    undecided: int


class AskedShown(Shown):
    """Of visitors who finished in progressive mode: the form's questions, and those shown."""

    visitors: int
    fields: int
    shown: int
    saved: int
    saved_per_visitor: float | None


class NumbersShown(Shown):
    """A form's visitors. Each counts once, by the last answer.

    `started` is `finished`, `under_way` and those in `stopped` together.
    """

    started: int
    finished: int
    under_way: int
    stopped: list[StopShown] = Field(description="Where most stopped first.")
    answered: int = Field(description="Visitors who got a verdict.")
    verdicts: VerdictsShown
    undecided_share: float | None = Field(description="Of those answered; null where none was.")
    questions: AskedShown
    caught: int = Field(description="Caught in a trap for machines, and counted nowhere else.")


class SourceShown(NumbersShown):
    """The visitors from one source; null is those who named none."""

    source: str | None


class FormShown(Shown):
    """The form: its publishable key, and the rules it asks."""

    key: str = Field(examples=["key_01m82amv90f7assrm6pf8d3pr0"])
    prefix: str
    name: str
    rule_set: str


class FormStatistics(Shown):
    """What became of a form's visitors who began between `since` and `until`."""

    form: FormShown
    since: _Instant
    until: _Instant
    total: NumbersShown
    sources: list[SourceShown] = Field(description="The 200 with the most visitors.")
