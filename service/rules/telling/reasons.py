"""Reasons as JSON objects, from wordings that are made once for each pattern of results."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from service.rules.explain import told_before
from service.rules.expression import ast
from service.rules.expression.evaluate import Known
from service.rules.expression.nouns import computed
from service.rules.expression.phrases import Words, phrase_of, pieces_of
from service.rules.expression.seen import Seen
from service.rules.json_text import quoted
from service.rules.model import Condition, Formula, Gate, Model, Outcome, Rule
from service.rules.reasons import ReasonKind
from service.rules.telling.forms import (
    Branching,
    Form,
    Wording,
    as_said,
    checks_of,
    plain,
    wording,
)
from service.rules.telling.places import Piece
from service.rules.telling.values import Slots, Values
from service.rules.told import CheckPlan, reads, told_of
from service.rules.trace import letters_of, truths_of
from service.rules.truth import NO, UNKNOWN, YES, Truth

_MOST_KEPT: Final = 2_000
_CHECKS: Final = "checks"
_UNKNOWN: Final = letters_of([UNKNOWN])

# Of an outcome that has no condition.
_UNASKED: Final = Condition("", ast.Constant(True, ast.TRUTH, ast.Span(0, 0)), (), 0)  # noqa: FBT003  a literal

Spoken = tuple[Wording, str]
"""A reason: its words, and the reason as JSON."""

_Made = Wording | Branching | Form
"""Words with checks; the checks alone where values decide the words."""


class Shelf:
    """Keeps the wordings of one rule set, of which there are as many as patterns of results.

    Safe to share between threads: at worst something is made twice.
    """

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self._count = 0
        self._drawers: list[dict[object, _Made]] = []

    def drawer(self) -> "dict[object, _Made]":
        """Return a place of its own for a part of the rule set."""
        self._drawers.append({})
        return self._drawers[-1]

    def keep(self, drawer: "dict[object, _Made]", key: object, made: _Made) -> None:
        """Keep *made*; where that would be too many, forget all of them first."""
        if self._count >= _MOST_KEPT:
            self._count = 0
            for each in self._drawers:
                each.clear()
        self._count += 1
        drawer[key] = made


class Wordbook:
    """What the reasons of one rule set are made of."""

    def __init__(self, model: Model) -> None:
        """Begin with no words made."""
        self.slots = Slots(model)
        self.shelf = Shelf()
        self.told = told_of(model)
        nothing = Known(values={}, attributes=model.attributes, today=date.min, is_open=False)
        self._template = Seen(nothing, {}, self.told.book)

    def word(
        self,
        condition: Condition,
        letters: str,
        *,
        missing: tuple[str, ...],
        reason: str | None,
    ) -> _Made:
        """Return the words of *condition* with these results where these facts are *missing*.

        *reason* is the author's, to stand before them.
        """
        checks = list(self.checks(condition, letters))
        seen = self._template.reading(condition.text)
        phrase = phrase_of(condition.node, truths_of(letters), seen, missing=missing)
        if phrase is None:
            return Form(checks)
        before = None if reason is None else told_before(reason)
        return wording(phrase, checks, self.slots, before=before)

    def computed(self, label: str, formula: Formula) -> Wording | Branching:
        """Return the words of a score that is computed."""
        seen = self._template.reading(formula.text).with_holes()
        phrase = (pieces_of(computed(label, formula.node, seen)),)
        plan = CheckPlan(formula.text, tuple(reads(formula.node)))
        return wording(phrase, checks_of([plan], [YES], self.slots), self.slots)

    def checks(self, condition: Condition, letters: str) -> Iterable[Piece]:
        """Return the single checks as JSON."""
        return checks_of(self.told.checks(condition), truths_of(letters), self.slots)


class Voice:
    """Tells the reasons of one gate, rule or outcome."""

    __slots__ = (
        "_book",
        "_condition",
        "_end",
        "_first",
        "_front",
        "_made",
        "_reads",
        "_reason",
        "id",
    )

    def __init__(self, book: Wordbook, kind: ReasonKind, part: Gate | Rule | Outcome) -> None:
        """Begin with no words made."""
        condition = part.condition or _UNASKED
        self.id = part.id
        self._book = book
        self._front = f'{{"rule":{quoted(part.id)},"kind":"{kind}","result":'
        self._condition = condition
        self._first = condition.first_check
        self._end = condition.first_check + len(condition.checks)
        self._reads = book.told.book.reads(condition.node)
        self._reason = part.reason
        self._made = book.shelf.drawer()

    def head(self, result: Truth, effect: str = "null") -> str:
        """Return how a reason with this *result* begins; *effect* is JSON."""
        return f'{self._front}"{result.value}","effect":{effect},'

    def only_wording(self) -> Wording | None:
        """Return the words of every yes; None where they depend on what was yes in it."""
        results = _only_results(self._condition.node)
        if results is None:
            return None
        found = self._made.get(results) or self._make(results, results, (), self._reason)
        return found if isinstance(found, Wording) else None

    def say(self, values: Values, result: Truth) -> Spoken:
        """Return what carried the *result*, after the author's words for a yes."""
        return self.say_yes(values) if result is YES else self.say_without_author(values, result)

    def say_yes(self, values: Values, head: str | None = None) -> Spoken:
        """Return what carried a yes, after the author's words; *head* is its own otherwise."""
        results = values.checks[self._first : self._end]
        found = self._made.get(results)
        if found is None:
            found = self._make(results, results, (), self._reason)
        if head is None:
            head = self.head(YES)
        if isinstance(found, Wording):  # nearly always
            return found, head + found.told.fill(values)
        return self._filled(values, head, found, YES, self._reason)

    def say_without_author(self, values: Values, result: Truth) -> Spoken:
        """Return what carried the *result*, whatever the author said."""
        results = values.checks[self._first : self._end]
        missing: tuple[str, ...] = ()
        if _UNKNOWN in results:
            missing = tuple(name for name in self._reads if name not in values.facts)
        key = (results, missing)
        found = self._made.get(key)
        if found is None:
            found = self._make(key, results, missing, None)
        return self._filled(values, self.head(result), found, result, None)

    def say_plainly(self, values: Values, result: Truth, words: str) -> Spoken:
        """Return *words* in which nothing is to be linked, beside the condition's checks."""
        results = values.checks[self._first : self._end]
        found = self._made.get((words, results))
        if not isinstance(found, Wording):
            found = plain(words, self._book.checks(self._condition, results))
            self._book.shelf.keep(self._made, (words, results), found)
        return filled(values, self.head(result), found)

    def say_unasked(self, words: str) -> str:
        """Return the reason, in these *words*, of a yes that no condition stands behind."""
        told = plain(words).told
        return self.head(YES) + "".join(told.texts)

    def say_words(self, values: Values, result: Truth, words: Words) -> Spoken:
        """Return these *words* beside the condition's checks."""
        results = values.checks[self._first : self._end]
        found = self._made.get((_CHECKS, results))
        if not isinstance(found, Form):
            found = Form(self._book.checks(self._condition, results))
            self._book.shelf.keep(self._made, (_CHECKS, results), found)
        return filled(values, self.head(result), as_said(words, found.fill(values)))

    def _filled(
        self, values: Values, head: str, found: _Made, result: Truth, reason: str | None
    ) -> Spoken:
        if isinstance(found, Form):
            words = values.teller.said(self._condition, reason, result)
            return filled(values, head, as_said(words, found.fill(values)))
        return filled(values, head, found)

    def _make(
        self,
        key: object,
        results: str,
        missing: tuple[str, ...],
        reason: str | None,
    ) -> _Made:
        made = self._book.word(self._condition, results, missing=missing, reason=reason)
        self._book.shelf.keep(self._made, key, made)
        return made


def _only_results(node: ast.Node) -> str | None:
    """Return what the checks of a condition came to where it is yes, if there is but one way."""
    match node:
        case ast.Logic(operator="and", parts=parts):
            each = [_only_results(part) for part in parts]
            return None if None in each else "".join(one for one in each if one is not None)
        case ast.Not(part=ast.Logic() | ast.AtLeast() | ast.Not()) | ast.Logic() | ast.AtLeast():
            return None
        case ast.Not():
            return letters_of([NO])
        case _:
            return letters_of([YES])


def filled(values: Values, head: str, worded: Wording | Branching) -> Spoken:
    """Return the reason that begins with *head*, in these words with these *values*."""
    words = worded.to(values) if isinstance(worded, Branching) else worded
    return words, head + words.told.fill(values)
