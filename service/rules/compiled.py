"""The compiled form of a rule set: generated functions with the results of `scores.judge`.

`judge` takes the short way where every attribute that is read is known: plain Python values,
one evaluation that is open and closed at once. Where one is missing it evaluates both, with
None for what is unknown and two locals for a range.
"""

import ast as python
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, cast

from service.rules.attributes import Fact
from service.rules.compiled_body import Body
from service.rules.compiled_brief import BriefBody
from service.rules.compiled_scores import drawn_into
from service.rules.expression import ast, text
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_numbers import REGISTRABLE, TODAY
from service.rules.expression.compile_parts import Part, View
from service.rules.expression.compile_pieces import Names
from service.rules.meaning import Brevity
from service.rules.model import Condition, Model
from service.rules.trace import Outline, Outright, ScoreRange, Trace

Registrable = Callable[[str], str]
_Judge = Callable[[Mapping[str, Fact], date, Registrable], Trace]
_Outline = Callable[[Mapping[str, Fact], date, Registrable], Outline]
_Outright = Callable[[Mapping[str, Fact], date, Registrable], Outright | None]

VARIANTS_KEPT: Final = 16
"""How many sets of suspended rules a compiled model keeps functions for."""

_RANGES: Final = "judge_ranges"
"""The global name under which `judge` finds the long way."""

_VALUES: Final = python.Name("values", python.Load())
_FACTS: Final = python.Name("facts", python.Load())
_PARAMETERS: Final = (_VALUES, TODAY, REGISTRABLE)
_REFUSED: Final = ast.Constant(value=False, type=ast.TRUTH, span=ast.Span(0, 0))


class _Functions:
    """The generated functions of one model, each compiled when it is first called.

    Two threads may both compile one; they get the same code, and the later one stays.
    """

    __slots__ = ("_brief", "_model", "judge", "outline", "outright")
    _brief: tuple[types.CodeType, dict[str, Any]] | None
    _model: Model
    judge: _Judge
    outline: _Outline
    outright: _Outright

    def __init__(self, model: Model) -> None:
        def judge(*case: Any) -> Trace:  # noqa: ANN401  passed on as it comes
            self.judge = cast("_Judge", _judge_complete(model))
            return self.judge(*case)

        def outline(*case: Any) -> Outline:  # noqa: ANN401  passed on as it comes
            self.outline = cast("_Outline", _outline(model))
            return self.outline(*case)

        def outright(*case: Any) -> Outright | None:  # noqa: ANN401  passed on as it comes
            self.outright = cast("_Outright", _outright(model))
            return self.outright(*case)

        self._model = model
        self._brief = None
        self.judge = judge
        self.outline = outline
        self.outright = outright

    @property
    def brief(self) -> tuple[types.CodeType, dict[str, Any]]:
        """The code of facts, the day and the table of domains that tells the brief, and its names.

        A function of both is made for each case, so that nothing stands between it and facts.
        """
        if self._brief is None:
            made = _brief(self._model)
            self._brief = made.__code__, made.__globals__
        return self._brief

    def compile(self) -> None:
        """Compile everything now."""
        function = _judge_complete(self._model)
        function.__globals__[_RANGES] = _judge_ranges(self._model)
        self.judge = cast("_Judge", function)
        self.outline = cast("_Outline", _outline(self._model))


@dataclass(frozen=True, slots=True)
class Compiled:
    """One model, compiled; immutable to its users and safe to share between threads.

    It evaluates facts as the door makes them: numbers rounded to six places, choices that
    are on their list.
    """

    model: Model
    _functions: _Functions = field(compare=False, repr=False)
    _variants: dict[frozenset[str], _Functions] = field(
        default_factory=dict, compare=False, repr=False
    )

    def judge(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Registrable = text.registrable_domain,
    ) -> Trace:
        """Return the whole trace, open and closed: exactly that of `scores.judge`."""
        functions = self._variant(suspended) if suspended else self._functions
        return functions.judge(values, today, registrable)

    def outline(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Registrable = text.registrable_domain,
    ) -> Outline:
        """Return the open half: exactly that of `scores.outline`."""
        functions = self._variant(suspended) if suspended else self._functions
        return functions.outline(values, today, registrable)

    def briefly(
        self,
        *,
        today: date,
        suspended: Collection[str] = (),
        registrable: Registrable = text.registrable_domain,
    ) -> Brevity:
        """Return what tells of facts what their trace comes to; of missing ones it gives None."""
        functions = self._variant(suspended) if suspended else self._functions
        case = (today, registrable)
        return cast("Brevity", types.FunctionType(*functions.brief, "briefly", case))

    def outright(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        registrable: Registrable = text.registrable_domain,
    ) -> Outright | None:
        """Return the whole trace in letters; None where a fact is missing."""
        return self._functions.outright(values, today, registrable)

    def prepare(self) -> None:
        """Compile now what would be compiled when it is first called: tens of milliseconds."""
        self._functions.compile()

    def _variant(self, suspended: Collection[str]) -> _Functions:
        """Return the functions of the model without what is *suspended*, made once."""
        ids = {gate.id for gate in self.model.gates} | {rule.id for rule in self.model.rules}
        ids |= {outcome.suspended_as for outcome in self.model.outcomes}
        key = ids.intersection(suspended)
        if not key:
            return self._functions
        found = self._variants.get(frozenset(key))
        if found is None:
            if len(self._variants) >= VARIANTS_KEPT:
                self._variants.clear()
            found = self._variants[frozenset(key)] = _Functions(_without(self.model, key))
        return found


def compile_model(model: Model) -> Compiled:
    """Return the compiled form of *model*.

    Nothing is compiled before it is needed; that takes a few milliseconds for twenty rules.
    """
    return Compiled(model, _Functions(model))


def _without(model: Model, suspended: Collection[str]) -> Model:
    """Return *model* with the whole conditions of what is *suspended* refused, checks kept."""

    def refused(condition: Condition) -> Condition:
        return replace(condition, node=_REFUSED)

    return replace(
        model,
        gates=tuple(
            replace(gate, condition=refused(gate.condition)) if gate.id in suspended else gate
            for gate in model.gates
        ),
        rules=tuple(
            replace(rule, condition=refused(rule.condition)) if rule.id in suspended else rule
            for rule in model.rules
        ),
        outcomes=tuple(
            replace(outcome, condition=refused(outcome.condition))
            if outcome.condition is not None and outcome.suspended_as in suspended
            else outcome
            for outcome in model.outcomes
        ),
    )


def _judge_complete(model: Model) -> types.FunctionType:
    """Return `judge`: the short way, or the long one where a fact is missing."""
    body = _complete(model, otherwise=pieces.call(_name(_RANGES), *_PARAMETERS))
    names = body.names
    judged = body.judge()
    body.finish(judged.scores)
    outcomes = body.outcomes()
    results = body.local(body.results(judged, outcomes))
    scores = [
        _score_range(names, score, score) for score in (body.scores[s.name] for s in model.scores)
    ]
    trace = pieces.call(
        names.bound(Trace),
        results,
        results,
        body.letters(body.checks()),
        pieces.many(judged.effects),
        pieces.many(scores),
    )
    function = _finished(body, trace)
    globals_ = function.__globals__

    def judge_ranges(*case: object) -> object:
        made = globals_[_RANGES] = _judge_ranges(model)
        return made(*case)

    globals_[_RANGES] = judge_ranges
    return function


def _brief(model: Model) -> types.FunctionType:
    """Return `brief`: the short way and nothing beside it; None where a fact is missing."""
    body = BriefBody(Names(), model)
    body.emit(pieces.assign(_VALUES, pieces.member(_FACTS, "values")))
    _loaded(body, otherwise=pieces.NONE)
    body.tell()
    return _finished(body, pieces.NONE, (_FACTS, TODAY, REGISTRABLE))


def _outright(model: Model) -> types.FunctionType:
    """Return `outright`: what `judge` gives by the short way, None where a fact is missing."""
    body = _complete(model, otherwise=pieces.NONE)
    judged = body.judge()
    body.finish(judged.scores)
    outcomes = body.outcomes()
    return _finished(
        body,
        pieces.call(
            body.names.bound(Outright),
            *map(body.letters, (judged.gates, judged.rules, outcomes, body.checks())),
            pieces.many(judged.effects),
            pieces.many([body.scores[score.name].low for score in model.scores]),
        ),
    )


def _complete(model: Model, *, otherwise: python.expr) -> Body:
    """Return a body that has loaded its facts; it returns *otherwise* where one is missing."""
    return _loaded(Body(Names(), model, View.COMPLETE), otherwise=otherwise)


def _loaded(body: Body, *, otherwise: python.expr) -> Body:
    """Return *body*, which now loads its facts first and returns *otherwise* without one."""
    loads = [
        pieces.assign(local, pieces.item(_VALUES, python.Constant(name)))
        for name, local in body.values.items()
    ]
    if loads:
        body.emit(_unless_missing(loads, otherwise))
    _fold(body, may_miss=False)
    return body


def _judge_ranges(model: Model) -> types.FunctionType:
    """Return `judge_ranges`: the open and the closed evaluation."""
    body = _beginning(model)
    names = body.names
    opened = body.judge()
    body.finish(opened.scores)
    open_results = body.local(body.results(opened, body.outcomes()))
    body.view = View.CLOSED
    closed = body.judge()
    values = {
        name: drawn_into(body, closed.scores[name], opened.scores[name]) for name in closed.scores
    }
    body.finish(values)
    closed_results = body.local(body.results(closed, body.outcomes()))
    trace = pieces.call(
        names.bound(Trace),
        open_results,
        closed_results,
        body.letters(body.checks()),
        pieces.many(closed.effects),
        pieces.many(
            [_score_range(names, opened.scores[s.name], values[s.name]) for s in model.scores]
        ),
    )
    return _finished(body, trace)


def _outline(model: Model) -> types.FunctionType:
    """Return `outline`: the open evaluation alone."""
    body = _beginning(model)
    judged = body.judge()
    body.finish(judged.scores)
    outcomes = body.outcomes()
    outline = pieces.call(
        body.names.bound(Outline),
        body.truths(judged.gates),
        body.truths(judged.rules),
        body.truths(outcomes),
        body.truths(body.checks()),
        pieces.many([_pair(points) for points in judged.points]),
        pieces.many([_pair(judged.scores[score.name]) for score in model.scores]),
    )
    return _finished(body, outline)


def _finished(
    body: Body, result: python.expr, given: Sequence[python.Name] = _PARAMETERS
) -> types.FunctionType:
    body.emit(python.Return(result))
    parameters = [name.id for name in given]
    return pieces.build(pieces.function("judge", parameters, body.body), body.names)


def _beginning(model: Model) -> Body:
    """Return an open body that has loaded its facts, None where one is missing."""
    body = Body(Names(), model, View.OPEN)
    get = body.names.fresh("g")
    body.emit(pieces.assign(get, pieces.member(_VALUES, "get")))
    for name, local in body.values.items():
        body.emit(pieces.assign(local, pieces.call(get, python.Constant(name))))
    _fold(body, may_miss=True)
    return body


def _fold(body: Body, *, may_miss: bool) -> None:
    """Let folded attributes read as their folded text."""
    fold = body.names.bound(text.fold)
    for name, local in body.values.items():
        attribute = body.model.attributes[name]
        if attribute.fold and attribute.type in {"text", "choice"}:
            folded = pieces.assign(local, pieces.call(fold, local))
            known = pieces.compare(local, python.IsNot(), pieces.NONE)
            body.emit(pieces.when(known, [folded]) if may_miss else folded)


def _unless_missing(loads: Sequence[python.stmt], otherwise: python.expr) -> python.stmt:
    handler = python.ExceptHandler(_name("KeyError"), None, [python.Return(otherwise)])
    return python.Try(list(loads), [handler], [], [])


def _score_range(names: Names, span: Part, value: Part) -> python.expr:
    return pieces.call(names.bound(ScoreRange), span.low, span.high, value.low)


def _pair(part: Part) -> python.expr:
    return pieces.many([part.low, part.high])


def _name(name: str) -> python.Name:
    return python.Name(name, python.Load())
