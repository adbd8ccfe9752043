"""Sentences and checks as text with slots: what they say for every subject, worked out once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from service.rules.expression.phrasebook import Phrase, Run
from service.rules.expression.phrases import Words
from service.rules.json_text import quoted
from service.rules.telling.values import JSON, READ, TOKENS, Slots, Values, token_text
from service.rules.told import CheckPlan
from service.rules.truth import Truth

Piece = str | int
"""Text, or the slot of a value."""

_BETWEEN: Final = slice(1, None, 2)


class Form:
    """Text with slots."""

    __slots__ = ("_parts", "_pick")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """Make the form of *pieces*, one after another."""
        parts, slots = [""], []
        for piece in pieces:
            if isinstance(piece, int):
                slots.append(piece)
                parts += ("", "")
            else:
                parts[-1] += piece
        self._parts = parts
        self._pick = _picker(slots)

    def fill(self, values: Values) -> str:
        """Return the text with this subject's *values*."""
        if self._pick is None:
            return self._parts[0]
        parts = self._parts[:]
        parts[_BETWEEN] = self._pick(values)
        return "".join(parts)


def _picker(slots: list[int]) -> Callable[[Values], Iterable[str]] | None:
    """Return what takes the texts of *slots* together."""
    if len(slots) > 1:
        return itemgetter(*slots)
    return (lambda values: (values[slots[0]],)) if slots else None


@dataclass(frozen=True, slots=True)
class Wording:
    """One reason's words.

    Attributes:
        first: The text of the first token, or the slot of the value that it is.
        text: The sentence as it is read.
        rest: The tokens and the checks, as the last members of a JSON object.
    """

    first: Piece
    text: Form
    rest: Form


@dataclass(frozen=True, slots=True)
class Branching:
    """Words of which clauses end early where a value says all that they would.

    Attributes:
        ends: The slots of such values, and the value of each that ends its clause.
        made: Whether each ends, and the words then.
    """

    phrase: Phrase
    before: str | None
    checks: tuple[Piece, ...]
    slots: Slots
    ends: tuple[tuple[int, str], ...]
    made: dict[tuple[bool, ...], Wording]

    def to(self, values: Values) -> Wording:
        """Return the words for these *values*."""
        ended = tuple(values[slot] == end for slot, end in self.ends)
        found = self.made.get(ended)
        if found is None:
            made = _worded(self.phrase, self.checks, self.slots, self.before, iter(ended))
            found = self.made[ended] = made
        return found


def wording(
    phrase: Phrase, checks: Iterable[Piece], slots: Slots, *, before: str | None = None
) -> Wording | Branching:
    """Return the words of *phrase* with its *checks*, after *before*, the author's own."""
    holes = [piece.hole for clause in phrase for piece in clause if not isinstance(piece, Run)]
    ends = [(slots.of(hole), hole.stops_at) for hole in holes if hole.stops_at is not None]
    if ends:
        return Branching(phrase, before, tuple(checks), slots, tuple(ends), {})
    return _worded(phrase, checks, slots, before, iter(()))


def _worded(
    phrase: Phrase,
    checks: Iterable[Piece],
    slots: Slots,
    before: str | None,
    ended: Iterator[bool],
) -> Wording:
    """Return the words where of the values that may end a clause these have *ended* it."""
    text: list[Piece] = []
    tokens: list[Piece] = []
    if before is not None:
        text.append(f"{before} ")
        tokens.append(_text_token(before))
    for clause in phrase:
        for piece in clause:
            if isinstance(piece, Run):
                text.append(piece.text)
                tokens += map(token_text, piece.tokens)
                continue
            slot = slots.of(piece.hole)
            text += (piece.lead, slot + READ)
            tokens.append(slot + TOKENS)
            if piece.hole.stops_at is not None and next(ended):
                break
    first = _first(phrase, slots) if before is None else before
    return Wording(first, Form(text), Form(_members(tokens, checks)))


def _first(phrase: Phrase, slots: Slots) -> Piece:
    piece = phrase[0][0]
    return piece.tokens[0].text if isinstance(piece, Run) else slots.of(piece.hole)


def plain(words: str, checks: Iterable[Piece] = ()) -> Wording:
    """Return words in which nothing is to be linked."""
    return Wording(words, Form([words]), Form(_members([_text_token(words)], checks)))


def as_said(words: Words, checks: str) -> Wording:
    """Return words that values decided, with their *checks* as JSON."""
    members = _members(map(token_text, words.tokens), [checks])
    return Wording(words.tokens[0].text, Form([words.text]), Form(members))


def checks_of(
    plans: Sequence[CheckPlan], results: Sequence[Truth], slots: Slots
) -> Iterator[Piece]:
    """Yield the single checks as JSON, with slots for what they read."""
    for place, (plan, result) in enumerate(zip(plans, results, strict=True)):
        between = "," if place else ""
        expression = quoted(plan.expression)
        yield f'{between}{{"expression":{expression},"result":"{result.value}","values":{{'
        for number, (name, node) in enumerate(plan.reads):
            yield f"{',' if number else ''}{quoted(name)}:"
            yield slots.read(name, node) + JSON
        yield "}}"


def _members(tokens: Iterable[Piece], checks: Iterable[Piece]) -> Iterator[Piece]:
    yield ',"tokens":['
    for place, token in enumerate(tokens):
        if place:
            yield ","
        yield token
    yield '],"checks":['
    yield from checks
    yield "]}"


def _text_token(words: str) -> str:
    return f'{{"kind":"text","text":{quoted(words)}}}'
