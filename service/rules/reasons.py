"""One rule's part in a decision, with what it read and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.rules.effects import Effect
from service.rules.expression.phrases import Words
from service.rules.expression.tokens import Tokens
from service.rules.truth import Truth

ReasonKind = Literal["gate", "points", "limit", "outcome", "suspended"]


@dataclass(frozen=True, slots=True)
class Check:
    """A single check as written, its result, and what the names in it stood for."""

    expression: str
    result: Truth
    values: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """Return all members; a name that is not known is null."""
        return {
            "expression": self.expression,
            "result": self.result.value,
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's part in a decision.

    Attributes:
        rule: The id of the gate, rule or outcome; of a formula the score's name; of a limit
            `group.cap`, `group.floor`, `score.ceiling`, `score.floor` or `score.range`.
        result: `yes`, `no` or `unknown`.
        effect: What it adds to which score, or None where it adds nothing.
        words: Typed *tokens*, and their *text*: a sentence without its full stop.
        checks: The single checks of its condition, in reading order.
    """

    rule: str
    kind: ReasonKind
    result: Truth
    effect: Effect | None
    words: Words
    checks: tuple[Check, ...] = ()

    @property
    def text(self) -> str:
        """The words as they are read."""
        return self.words.text

    @property
    def tokens(self) -> Tokens:
        """The words, typed."""
        return self.words.tokens

    def to_json(self) -> dict[str, object]:
        """Return all members in reading order."""
        return {
            "rule": self.rule,
            "kind": self.kind,
            "result": self.result.value,
            "effect": None if self.effect is None else self.effect.to_json(),
            "text": self.text,
            "tokens": [token.to_json() for token in self.tokens],
            "checks": [check.to_json() for check in self.checks],
        }
