"""Compiled rule sets gone wrong, as only a defect of ours could make them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from service.rules.attributes import Fact
from service.rules.meaning import Brevity, Meaning
from service.rules.model import Model
from service.rules.trace import Outline, Outright, Trace
from tests.decisions.shadows import Shadowed

__all__ = ["CANARY", "answer_nonsense", "divide", "recurse", "run_out", "spoil"]

CANARY: Final = "ann@canary.example"


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A compiled rule set gone wrong: whatever it is asked, it does *harm* instead."""

    model: Model
    harm: Callable[[], Any]

    def prepare(self) -> None:
        """Be ready."""

    def judge(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = str,
    ) -> Trace:
        """Do harm."""
        del values, today, suspended, registrable
        harmed: Trace = self.harm()
        return harmed

    def outline(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = str,
    ) -> Outline:
        """Do harm."""
        del values, today, suspended, registrable
        harmed: Outline = self.harm()
        return harmed

    def briefly(
        self,
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Callable[[str], str] = str,
    ) -> Brevity:
        """Do harm."""
        del today, suspended, registrable
        harmed: Brevity = self.harm()
        return harmed

    def outright(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        registrable: Callable[[str], str] = str,
    ) -> Outright | None:
        """Do harm."""
        del values, today, registrable
        harmed: Outright | None = self.harm()
        return harmed


def divide() -> None:
    """Fail with somebody's values in the words."""
    raise ZeroDivisionError(CANARY)


def recurse() -> None:
    """Go on until the interpreter has had enough."""
    recurse()


def run_out() -> None:
    """Ask for more than there is."""
    raise MemoryError


def answer_nonsense() -> str:
    """Return what is no trace at all."""
    return CANARY


async def spoil(stage: Shadowed, version: int, harm: Callable[[], Any]) -> None:
    """Spoil the compiled form of a version, as a defect of ours would."""
    running = await stage.served.app.api.state.live.version("fleet_leads", version)
    spoilt: Meaning = Spoilt(running.rules.model, harm)
    object.__setattr__(running.rules, "meaning", spoilt)
