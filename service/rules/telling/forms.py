"""Sentences and checks as text with slots: what they say for every subject, worked out once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.rules.expression.phrasebook import Phrase, Run
from service.rules.expression.phrases import Words
from service.rules.json_text import inside, quoted
from service.rules.telling.filling import LONGEST, filler
from service.rules.telling.places import Piece, token_text
from service.rules.telling.values import Slots, Values
from service.rules.told import CheckPlan
from service.rules.truth import Truth

_COMPILED_AFTER: Final = 8


class Form:
    """Text with slots. `fill` returns it with one subject's values."""

    __slots__ = ("fill", "slots", "texts")
    fill: Callable[[Values], str]

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """Make the form of *pieces*, one after another."""
        texts, slots = [""], list[int]()
        for piece in pieces:
            if isinstance(piece, int):
                slots.append(piece)
                texts.append("")
            else:
                texts[-1] += piece
        self.texts, self.slots = tuple(texts), tuple(slots)
        self.fill = self._first_filler(self.texts, self.slots)

    def _first_filler(
        self, texts: tuple[str, ...], slots: tuple[int, ...]
    ) -> Callable[[Values], str]:
        """Return what fills the form until it was filled often enough to be compiled."""
        if not slots:
            (text,) = texts
            return lambda _: text
        times = iter(range(_COMPILED_AFTER))

        def fill(values: Values) -> str:
            if next(times, None) is None and len(slots) <= LONGEST:
                self.fill = filler(texts, slots)
            found = [texts[0]]
            for slot, text in zip(slots, texts[1:], strict=True):
                found += (values[slot], text)
            return "".join(found)

        return fill


@dataclass(frozen=True, slots=True)
class Wording:
    """One reason's words.

    Attributes:
        first: The text of the first token, or the slot of the value that it is.
        text: The sentence as it is read.
        told: The text, the tokens and the checks, as the last members of a JSON object.
    """

    first: Piece
    text: Form
    told: Form


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
    ends = [(slots.of(hole).bare, hole.stops_at) for hole in holes if hole.stops_at is not None]
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
    within: list[Piece] = []
    tokens: list[tuple[Piece, ...]] = []
    if before is not None:
        text.append(f"{before} ")
        within.append(inside(f"{before} "))
        tokens.append((_text_token(before),))
    for clause in phrase:
        for piece in clause:
            if isinstance(piece, Run):
                text.append(piece.text)
                within.append(inside(piece.text))
                tokens += ((token_text(token),) for token in piece.tokens)
                continue
            place = slots.of(piece.hole)
            text += (piece.lead, place.read)
            within += (inside(piece.lead), place.inside)
            tokens.append(place.tokens)
            if piece.hole.stops_at is not None and next(ended):
                break
    first = _first(phrase, slots) if before is None else before
    return Wording(first, Form(text), Form(_members(within, tokens, checks)))


def _first(phrase: Phrase, slots: Slots) -> Piece:
    piece = phrase[0][0]
    return piece.tokens[0].text if isinstance(piece, Run) else slots.of(piece.hole).bare


def plain(words: str, checks: Iterable[Piece] = ()) -> Wording:
    """Return words in which nothing is to be linked."""
    members = _members([inside(words)], [(_text_token(words),)], checks)
    return Wording(words, Form([words]), Form(members))


def as_said(words: Words, checks: str) -> Wording:
    """Return words that values decided, with their *checks* as JSON."""
    tokens = [(token_text(token),) for token in words.tokens]
    members = _members([inside(words.text)], tokens, [checks])
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
            yield slots.read(name, node).json
        yield "}}"


def _members(
    text: Iterable[Piece], tokens: Iterable[Iterable[Piece]], checks: Iterable[Piece]
) -> Iterator[Piece]:
    yield '"text":"'
    yield from text
    yield '","tokens":['
    for place, token in enumerate(tokens):
        if place:
            yield ","
        yield from token
    yield '],"checks":['
    yield from checks
    yield "]}"


def _text_token(words: str) -> str:
    return f'{{"kind":"text","text":{quoted(words)}}}'
