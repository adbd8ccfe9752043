"""Generated functions that write the reasons of the rules that count, one after another."""

import ast as python
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

from service.rules.attributes import Fact
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_pieces import Names
from service.rules.expression.tokens import signed
from service.rules.telling.case import Telling
from service.rules.telling.filling import LONGEST
from service.rules.telling.forms import Form, Wording
from service.rules.telling.reasons import Voice
from service.rules.telling.sheet_numbers import NumberText
from service.rules.telling.values import Values

RulesWriter = Callable[
    [Values, Mapping[str, Fact], Sequence[float], Callable[[str], None], list[str]], None
]
"""Is given the values, the facts, what each rule added, what takes each reason, and a list for
the words of the first few, of which the summary is made."""

SAID: Final = 3
"""How many rules a summary names."""

_IN_ONE: Final = 64
"""How many rules one function tells of: Python's compiler takes its time over large ones."""

_PARAMETERS: Final = ("values", "facts", "effects", "tell", "said")
_VALUES, _FACTS, _EFFECTS, _TELL, _TOLD = (python.Name(n, python.Load()) for n in _PARAMETERS)


class Counted(NamedTuple):
    """A rule's place in the model, and what it adds to which score."""

    place: int
    points: float
    score: str


def writers_of(rules: Sequence[Counted], telling: Telling, main: str) -> tuple[RulesWriter, ...]:
    """Return the functions that tell of *rules* in this order; *main* is the summary's score."""
    starts = range(0, len(rules), _IN_ONE)
    return tuple(_writer(rules[at : at + _IN_ONE], telling, main) for at in starts)


def _writer(rules: Iterable[Counted], telling: Telling, main: str) -> RulesWriter:
    body = _Body(telling, main)
    for rule in rules:
        body.tell(rule)
    return body.build()


class _Body:
    """The body of one function: the numbers it speaks of as text, then rule after rule."""

    def __init__(self, telling: Telling, main: str) -> None:
        self._telling = telling
        self._main = main
        self._names = Names()
        self._numbers: dict[int, NumberText] = {}
        self._first: list[python.stmt] = []
        self._rules: list[python.stmt] = []

    def tell(self, rule: Counted) -> None:
        """Tell of *rule* where it counts."""
        voice = self._telling.rules[rule.place]
        _, head = self._telling.usual[rule.place]
        on = "" if rule.score == self._main else f" {rule.score}"
        points = f" ({signed(rule.points)}{on})"
        wording = voice.only_wording()
        if wording is None or max(len(wording.text.slots), len(wording.told.slots)) > LONGEST:
            said = self._names.bound(_as_it_came(voice, head, points))
            told: list[python.stmt] = [python.Expr(pieces.call(said, _VALUES, _TELL, _TOLD))]
        else:
            told = list(self._written(wording, head, points))
        self._rules.append(pieces.when(pieces.item(_EFFECTS, python.Constant(rule.place)), told))

    def build(self) -> RulesWriter:
        """Return the function."""
        body = [*self._first, *self._rules]
        made = pieces.build(pieces.function("write", _PARAMETERS, body), self._names)
        return cast("RulesWriter", made)

    def _written(self, wording: Wording, head: str, points: str) -> Iterator[python.stmt]:
        yield python.Expr(pieces.call(_TELL, self._text(head, wording.told, "")))
        count = pieces.call(self._names.bound(len), _TOLD)
        is_first = pieces.compare(count, python.Lt(), python.Constant(SAID))
        say = pieces.method(_TOLD, "append", self._text("", wording.text, points))
        yield pieces.when(is_first, [python.Expr(say)])

    def _text(self, before: str, form: Form, after: str) -> python.expr:
        """Return the text of *form* as an expression."""
        parts: list[python.expr] = [python.Constant(before + form.texts[0])]
        for slot, text in zip(form.slots, form.texts[1:], strict=True):
            parts += (_formatted(part) for part in self._in_slot(slot))
            parts.append(python.Constant(text))
        return python.JoinedStr([*parts, python.Constant(after)])

    def _in_slot(self, slot: int) -> Iterator[python.expr]:
        found = self._telling.slots.number_at(slot)
        if found is None:
            yield pieces.item(_VALUES, python.Constant(slot))
            return
        name, place = found
        number = self._numbers.get(place.bare)
        if number is None:
            number = self._numbers[place.bare] = NumberText(self._names, place)
            self._first += number.made(pieces.item(_FACTS, python.Constant(name)))
        yield from number.in_slot(slot)


def _formatted(part: python.expr) -> python.expr:
    return part if isinstance(part, python.Constant) else python.FormattedValue(part, -1)


def _as_it_came(
    voice: Voice, head: str, points: str
) -> Callable[[Values, Callable[[str], None], list[str]], None]:
    """Return what tells of a rule whose words depend on which of its checks were yes."""

    def write(values: Values, tell: Callable[[str], None], said: list[str]) -> None:
        words, reason = voice.say_yes(values, head)
        tell(reason)
        if len(said) < SAID:
            said.append(words.text.fill(values) + points)

    return write
