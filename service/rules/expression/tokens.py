"""Words as typed tokens: a page can link, highlight or hide what a plain sentence could not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

TokenKind = Literal["attribute", "operator", "value", "unit", "text"]

_SEPARATED_FROM: Final = 10_000
_MOST_LISTED: Final = 5
_JOINING: Final = frozenset({",", ";", ")"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a sentence.

    Attributes:
        kind: `attribute` names what is asked about; `value` is a value; `unit` belongs to the
            value before it; `operator` says how they relate; `text` is everything else.
        text: As it is read.
        attribute: On `attribute`, and on a `value` that is the subject's own, the attribute,
            derived name or score it belongs to. A value from the rule has none.
        pii: Whether the value is personal: the attribute is, or what a derived name reads.
    """

    kind: TokenKind
    text: str
    attribute: str | None = None
    pii: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the members that say something."""
        members: dict[str, object] = {"kind": self.kind, "text": self.text}
        if self.attribute is not None:
            members["attribute"] = self.attribute
        if self.pii:
            members["pii"] = True
        return members


Tokens = tuple[Token, ...]


def operator(words: str) -> Tokens:
    """Return *words* that relate what stands around them."""
    return (Token("operator", words),)


def text(words: str) -> Tokens:
    """Return *words* that only join."""
    return (Token("text", words),)


def constant(value: object) -> Tokens:
    """Return a value that the rule names."""
    return (Token("value", shown(value)),)


def quoted(value: object) -> Tokens:
    """Return a text that the rule names, in quotes."""
    return (Token("value", f'"{value}"'),)


def sentence(tokens: Iterable[Token]) -> str:
    """Return the tokens as they are read."""
    return "".join(spaced(tokens))


def spaced(tokens: Iterable[Token]) -> Iterator[str]:
    """Yield each token's text with a space before it: not the first, none at punctuation."""
    opened = True
    for token in tokens:
        is_text = token.kind == "text"
        joins = opened or (is_text and token.text in _JOINING)
        yield token.text if joins else f" {token.text}"
        opened = is_text and token.text == "("


def shown(value: object) -> str:
    """Return *value* for people: no trailing zeros, ISO days, yes and no."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(float(value))
        case date():
            return value.isoformat()
        case tuple() | list():
            return listed([shown(item) for item in value]) if value else "empty"
        case "":
            return "empty"
        case _:
            return str(value)


def number(x: float) -> str:
    """Return *x* with up to six places, and commas from 10,000 on (a year keeps none)."""
    if x.is_integer():
        return f"{int(x):,}" if abs(x) >= _SEPARATED_FROM else str(int(x))
    digits = "," if abs(x) >= _SEPARATED_FROM else ""
    written = f"{x:{digits}.6f}".rstrip("0").rstrip(".")
    return "0" if written in {"-0", ""} else written


def signed(x: float) -> str:
    """Return *x* with its sign: `+25`, `-30`."""
    return f"+{number(x)}" if x >= 0 else number(x)


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """Return `a, b and c`; of many only the first ones, and how many more there are."""
    if len(words) > _MOST_LISTED:
        rest = len(words) - _MOST_LISTED + 1
        words = [*words[: _MOST_LISTED - 1], f"{rest:,} more"]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def uncapitalised(label: str) -> str:
    """Return *label* as it stands inside a sentence; `CRM in use` keeps its capitals."""
    second = label[1:2]
    is_word = second.islower() or (second != "" and second in "- ")
    return label[:1].lower() + label[1:] if is_word else label


def singular(unit: str) -> str:
    """Return a unit as it stands after 1: `vehicle`; one that is no English plural stays."""
    if not unit.islower() or len(unit) < 4 or unit.endswith("ss"):
        return unit
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("xes", "x"), ("sses", "ss"), ("s", "")):
        if unit.endswith(ending):
            return unit.removesuffix(ending) + instead
    return unit
