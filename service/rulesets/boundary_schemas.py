"""Tests on the thresholds of rules, as the wire shows them."""

from typing import Any, Literal

from pydantic import Field

from service.web import Shown

__all__ = ["BoundariesShown"]


class RulesExpected(Shown):
    """What a test on a threshold expects: nothing but the one rule's answer."""

    rules: dict[str, Literal["yes", "no", "unknown"]] = Field(examples=[{"large": "yes"}])


class BoundaryTest(Shown):
    """A test as it stands in a document's `tests`."""

    name: str = Field(examples=["large is yes: vehicles 50"])
    facts: dict[str, Any] = Field(examples=[{"vehicles": 50}])
    expect: RulesExpected


class BoundariesShown(Shown):
    """Tests just inside and just outside each threshold, by rule in document order."""

    tests: list[BoundaryTest] = Field(description="Those that the draft does not have yet.")
    without: list[str] = Field(
        description="Rules without any: they read no facts, or nothing turns them."
    )
