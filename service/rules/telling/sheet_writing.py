"""Generated functions that write the reasons of the rules that count, and of the outcome."""

import ast as python
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar, cast

from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_pieces import Names
from service.rules.expression.tokens import signed
from service.rules.telling.case import Telling
from service.rules.telling.filling import LONGEST
from service.rules.telling.forms import Form, Wording
from service.rules.telling.reasons import Voice
from service.rules.telling.sheet_numbers import Numbers, NumberText
from service.rules.telling.values import Values
from service.rules.truth import YES

RulesWriter = Callable[
    [Values, Sequence[str], Sequence[str], Sequence[float], Callable[[str], None], list[str]], None
]
"""Is given the values, the numbers in words and as JSON, what each rule added, what takes each
reason, and a list for the words of the first few, of which the summary is made."""

OutcomeWriter = Callable[[Values, Sequence[str], Sequence[str]], str]
"""Is given the same, and returns the reason."""

_Function = TypeVar("_Function", RulesWriter, OutcomeWriter)

SAID: Final = 3
"""How many rules a summary names."""

_IN_ONE: Final = 64
"""How many rules one function tells of: Python's compiler takes its time over large ones."""

_PARAMETERS: Final = ("values", "words", "shown", "effects", "tell", "said")
_OF_OUTCOME: Final = 3
"""How many of them the writer of an outcome has."""
_VALUES, _, _, _EFFECTS, _TELL, _TOLD = (python.Name(n, python.Load()) for n in _PARAMETERS)


class Writer(NamedTuple, Generic[_Function]):
    """A generated function, and whether it reads the values that it is given."""

    write: _Function
    reads_values: bool


class Counted(NamedTuple):
    """A rule's place in the model, and what it adds to which score."""

    place: int
    points: float
    score: str


def writers_of(
    rules: Sequence[Counted], telling: Telling, numbers: Numbers, *, main: str
) -> tuple[Writer[RulesWriter], ...]:
    """Return the functions that tell of *rules* in this order; *main* is the summary's score."""
    starts = range(0, len(rules), _IN_ONE)
    return tuple(_writer(rules[at : at + _IN_ONE], telling, numbers, main) for at in starts)


def outcome_writer(voice: Voice, telling: Telling, numbers: Numbers) -> Writer[OutcomeWriter]:
    """Return what tells of the outcome of *voice*, to which its condition led."""
    wording = voice.only_wording()
    if wording is None or len(wording.told.slots) > LONGEST:
        return Writer(lambda values, *_: voice.say_yes(values)[1], reads_values=True)
    return _Body(telling, numbers, "").build_outcome(voice.head(YES), wording)


def _writer(
    rules: Iterable[Counted], telling: Telling, numbers: Numbers, main: str
) -> Writer[RulesWriter]:
    body = _Body(telling, numbers, main)
    for rule in rules:
        body.tell(rule)
    return body.build()


class _Body:
    """The body of one function: the numbers it speaks of as text, then rule after rule."""

    def __init__(self, telling: Telling, numbers: Numbers, main: str) -> None:
        self._telling = telling
        self._places = numbers.places
        self._main = main
        self._names = Names()
        self._numbers: dict[int, NumberText] = {}
        self._reads_values = False
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
            self._reads_values = True
            said = self._names.bound(_as_it_came(voice, head, points))
            told: list[python.stmt] = [python.Expr(pieces.call(said, _VALUES, _TELL, _TOLD))]
        else:
            told = list(self._written(wording, head, points))
        self._rules.append(pieces.when(pieces.item(_EFFECTS, python.Constant(rule.place)), told))

    def build(self) -> Writer[RulesWriter]:
        """Return the function."""
        body = [*self._first, *self._rules]
        made = pieces.build(pieces.function("write", _PARAMETERS, body), self._names)
        return Writer(cast("RulesWriter", made), self._reads_values)

    def build_outcome(self, head: str, wording: Wording) -> Writer[OutcomeWriter]:
        """Return the function that tells of one outcome."""
        reason = python.Return(self._text(head, wording.told, ""))
        definition = pieces.function("write", _PARAMETERS[:_OF_OUTCOME], [*self._first, reason])
        made = cast("OutcomeWriter", pieces.build(definition, self._names))
        return Writer(made, self._reads_values)

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
            self._reads_values = True
            yield pieces.item(_VALUES, python.Constant(slot))
            return
        name, place = found
        number = self._numbers.get(place.bare)
        if number is None:
            number = NumberText(self._names, place, self._places[name])
            self._numbers[place.bare] = number
            self._first += number.made()
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
