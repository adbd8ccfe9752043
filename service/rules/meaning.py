"""The two forms in which a model can be evaluated: as it stands, or compiled."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from service.rules import scores
from service.rules.attributes import Fact, Facts
from service.rules.expression import text
from service.rules.model import Model
from service.rules.trace import Brief, Outline, Outright, Trace

Brevity = Callable[[Facts], Brief | None]
"""Tells what the trace of facts comes to; None where there is no shorter way than the trace."""


class Meaning(Protocol):
    """Evaluates one model; all forms give the same to the last bit."""

    @property
    def model(self) -> Model:
        """The rule set."""

    def prepare(self) -> None:
        """Do now what would otherwise be done at the first evaluation."""

    def judge(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Trace:
        """Return the whole trace, open and closed."""

    def outline(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outline:
        """Return the open half, for asking and for the exact pass."""

    def briefly(
        self,
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Brevity:
        """Return what tells of facts, many times, what their trace comes to."""

    def outright(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outright | None:
        """Return the trace in letters; None where there is no shorter way than the trace."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The simple and slow form that every other one must equal."""

    model: Model

    def prepare(self) -> None:
        """Do nothing: the trees are walked as they stand."""

    def judge(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Trace:
        """Return the whole trace, open and closed."""
        return scores.judge(
            self.model, values, today=today, suspended=suspended, registrable=registrable
        )

    def outline(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outline:
        """Return the open half, for asking and for the exact pass."""
        return scores.outline(
            self.model, values, today=today, suspended=suspended, registrable=registrable
        )

    def briefly(
        self,
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Brevity:
        """Return what always gives None: here everything is evaluated in one way."""
        del today, suspended, registrable
        return lambda _facts: None

    def outright(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Outright | None:
        """Return None: here everything is evaluated in one way."""
        del values, today, registrable
        return None
