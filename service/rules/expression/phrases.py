"""Whole conditions in words: which checks carried the result, put into one sentence.

Most conditions say the same for every subject with the same results, but for the values; so
their words are kept as phrases with slots, one per pattern of results.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from service.rules.expression import ast
from service.rules.expression.ast import Node
from service.rules.expression.carrying import Carried, handed_out, judged
from service.rules.expression.nouns import filled
from service.rules.expression.phrasebook import Hole, NeedsValuesError, Phrase, Run, Slot
from service.rules.expression.seen import Seen, missing_in
from service.rules.expression.tokens import (
    Token,
    Tokens,
    sentence,
    spaced,
    text,
    uncapitalised,
)
from service.rules.expression.words import claim, not_known
from service.rules.truth import UNKNOWN, Truth

_MOST_PHRASES: Final = 2_000
_JOINED: Final = {"includes": "and", "does not include": "or"}


@dataclass(frozen=True, slots=True)
class Words:
    """Typed tokens, and the sentence they make, without its full stop."""

    tokens: Tokens
    text: str


def plain(words: str) -> Words:
    """Return words in which nothing is to be linked."""
    return Words(text(words), words)


def say(node: Node, results: tuple[Truth, ...], seen: Seen, *, source: str) -> Words:
    """Return what the whole condition *node* says, its single checks having these *results*.

    *node* is one of the rule set's that the phrasebook belongs to, made from *source*.
    """
    phrases = seen.book.phrases
    kept = phrases.get((id(node), results))
    if kept is None:
        kept = (node, phrase_of(node, results, seen.reading(source)))
        if len(phrases) < _MOST_PHRASES:
            phrases[id(node), results] = kept
    if kept[1] is not None:
        return _fill(kept[1], seen)
    return spoken(judged(node, seen.reading(source), handed_out(results)).carried)


def spoken(carried: tuple[Carried, ...]) -> Words:
    """Return the checks' claims as one sentence, each said once.

    What several lists' checks or missing attributes share is said together: "Software in
    use includes sap and samsara", "Country and seniority are not known".
    """
    unknown: dict[str, None] = {}
    clauses: list[Tokens] = []
    for check in carried:
        names = missing_in(check.node, check.seen) if check.result is UNKNOWN else ()
        unknown |= dict.fromkeys(names)
        if not names:
            clauses.append(claim(check.node, check.seen, check.result))
    sentences = _together(clauses)
    if unknown:
        sentences.append(not_known(tuple(unknown), carried[0].seen))
    tokens = tuple(token for clause in _continued(sentences) for token in clause)
    return Words(tokens, sentence(tokens))


def _together(clauses: list[Tokens]) -> list[Tokens]:
    """Return *clauses* each once, with those merged that say what one list holds."""
    joined: list[Tokens] = []
    for clause in {_likeness(clause): clause for clause in reversed(clauses)}.values():
        joined.insert(0, clause)
    merged: list[Tokens] = []
    for clause in joined:
        last = merged[-1] if merged else ()
        joins = _JOINED.get(clause[1].text) if len(clause) == 3 else None
        if joins is not None and last[:2] == clause[:2]:
            merged[-1] = (*last, *text(joins), clause[2])
        else:
            merged.append(clause)
    return merged


def _likeness(clause: Tokens) -> tuple[tuple[str, str | None, str], ...]:
    """Return what two clauses have in common that say the same; a hole is its attribute's."""
    return tuple((token.kind, token.attribute, token.text) for token in clause)


def _continued(clauses: list[Tokens]) -> Iterator[Tokens]:
    """Yield *clauses* as they follow each other: a semicolon, and a label without a capital."""
    for place, clause in enumerate(clauses):
        first, *rest = clause
        if not place:
            yield clause
        elif first.kind == "attribute":
            yield (*text(";"), replace(first, text=uncapitalised(first.text)), *rest)
        else:
            yield (*text(";"), *clause)


# --- phrases -----------------------------------------------------------------------------------


def phrase_of(
    node: Node, results: tuple[Truth, ...], seen: Seen, *, missing: Collection[str] = ()
) -> Phrase | None:
    """Return the sentence with slots for the values, or None where it is worded by them.

    What is unknown says which attributes are *missing*; where none is, values word it.
    """
    if any(isinstance(leaf, ast.Derived | ast.Choose) for leaf in _leaves(node)):
        return None
    carried = judged(node, seen.with_holes(), handed_out(results)).carried
    clauses: list[Tokens] = []
    unknown: dict[str, None] = {}
    try:
        for check in carried:
            if check.result is not UNKNOWN:
                clauses.append(claim(check.node, check.seen, check.result))
                continue
            names = [name for name in seen.book.reads(check.node) if name in missing]
            if not names:
                return None
            unknown |= dict.fromkeys(names)
    except NeedsValuesError:
        return None
    sentences = _together(clauses)
    if unknown:
        sentences.append(not_known(tuple(unknown), seen))
    return tuple(pieces_of(clause) for clause in _continued(sentences))


def _leaves(node: Node) -> Iterator[Node]:
    match node:
        case ast.Not() | ast.Logic() | ast.AtLeast():
            for part in ast.children(node):
                yield from _leaves(part)
        case _:
            yield node


def pieces_of(clause: Tokens) -> tuple[Run | Slot, ...]:
    """Return *clause* with what never changes in as few pieces as possible."""
    pieces: list[Run | Slot] = []
    for token, words in zip(clause, spaced(clause), strict=True):
        if isinstance(token, Hole):
            pieces.append(Slot(words.removesuffix(token.text), token))
        elif pieces and isinstance(last := pieces[-1], Run):
            pieces[-1] = Run((*last.tokens, token), last.text + words)
        else:
            pieces.append(Run((token,), words))
    return tuple(pieces)


def _fill(phrase: Phrase, seen: Seen) -> Words:
    tokens: list[Token] = []
    words: list[str] = []
    for clause in phrase:
        for piece in clause:
            if isinstance(piece, Run):
                tokens += piece.tokens
                words.append(piece.text)
                continue
            value = _told(piece.hole, seen)
            tokens += value
            words.append(piece.lead)
            words.append(value[0].text)
            if len(value) > 1:
                words.append(f" {value[1].text}")
            if value[0].text == piece.hole.stops_at:
                break
    return Words(tuple(tokens), "".join(words))


def _told(hole: Hole, seen: Seen) -> Tokens:
    """Return the value of *hole* with its unit; a name's is made once."""
    if hole.name is None:
        return filled(hole, seen)
    known = seen.told.get(hole.name)
    if known is None:
        known = seen.told[hole.name] = filled(hole, seen)
    return known
