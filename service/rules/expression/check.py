"""Names and types: syntax tree to typed tree, or every problem in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

from service.rules.expression import ast, bounds, parse
from service.rules.expression.ast import Constant, Kind, Node, Span, Type
from service.rules.expression.constants import Constants
from service.rules.expression.functions import COMPARISONS, SPECIAL_FORMS, TREATY
from service.rules.problems import did_you_mean


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use.

    *elsewhere* names things that exist but not here (a score inside a rule), with words;
    *called* is what a name should have been, where it is not one of a rule set.
    """

    attributes: Mapping[str, Type] = field(default_factory=dict)
    derived: Mapping[str, Type] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...] | tuple[float, ...]] = field(default_factory=dict)
    scores: frozenset[str] = frozenset()
    grades: Mapping[str, Type] = field(default_factory=dict)
    measures: Mapping[str, bounds.Measure] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    called: str | None = None

    def knowing(
        self,
        *,
        derived: Mapping[str, Type] | None = None,
        scores: Iterable[str] = (),
        grades: Mapping[str, Type] | None = None,
        measures: Mapping[str, bounds.Measure] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> "Scope":
        """Return this scope with more names."""
        return replace(
            self,
            derived={**self.derived, **(derived or {})},
            scores=self.scores | frozenset(scores),
            grades={**self.grades, **(grades or {})},
            measures={**self.measures, **(measures or {})},
            elsewhere={**self.elsewhere, **(elsewhere or {})},
        )

    def names(self) -> list[str]:
        """Return every bare name that may be used."""
        return [*self.attributes, *self.derived, *self.scores, *self.grades]


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """One thing wrong in an expression, with where it stands in the text."""

    code: str
    message: str
    span: Span
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """The typed tree, or None and the problems."""

    node: Node | None
    problems: tuple[ExpressionProblem, ...]


_WANTED: Final = {Kind.TRUTH: "a condition is needed here", Kind.NUMBER: "a number is needed here"}


def check_expression(text: str, scope: Scope, *, wanted: Kind | None = None) -> CheckedExpression:
    """Return the typed tree of *text*, or all its problems; *wanted* is the kind it must have."""
    try:
        syntax = parse.parse(text)
    except parse.SyntaxProblem as problem:
        found = ExpressionProblem(problem.code, problem.message, problem.span)
        return CheckedExpression(None, (found,))
    checker = _Checker(text, scope)
    node = checker.of_kind(syntax, wanted) if wanted is not None else checker.check(syntax)
    if node is not None and not checker.problems and node.type.kind is Kind.NUMBER:
        checker.bound(node)
    problems = tuple(checker.problems)
    return CheckedExpression(None if problems else node, problems)


class _Checker:
    """Walks one expression; a part with a problem becomes None and causes no further ones."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._variables: list[str] = []
        self.problems: list[ExpressionProblem] = []
        self._constants = Constants(self._complain)

    def _complain(self, code: str, message: str, span: Span, suggestion: str | None = None) -> None:
        self.problems.append(ExpressionProblem(code, message, span, suggestion))

    def _shown(self, span: Span) -> str:
        text = " ".join(self._text[span.start : span.end].split())
        return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"

    def bound(self, node: Node) -> None:
        """Complain where a number can pass 1e300 or fall below 1e-300."""
        if not bounds.measure(node, self._scope.measures).is_safe:
            message = f"{self._shown(node.span)} can pass 1e300 or fall below 1e-300;"
            self._complain("magnitude", f"{message} give its attributes `min` and `max`", node.span)

    def of_kind(self, syntax: parse.Syntax, kind: Kind) -> Node | None:
        """Return the checked node if it is of *kind*, else complain."""
        node = self.check(syntax)
        if node is None or node.type.kind is kind:
            return node
        is_what = f"{self._shown(syntax.span)} is {_a(node.type)}"
        self._complain("type", f"{is_what}; {_WANTED[kind]}", syntax.span)
        return None

    def check(self, syntax: parse.Syntax) -> Node | None:
        """Return the typed node, or None after complaining."""
        match syntax:
            case parse.Literal(value=value, span=span):
                return self._constants.literal(value, span)
            case parse.Name():
                return self._name(syntax)
            case parse.Select():
                return self._select(syntax)
            case parse.Items():
                return self._items(syntax)
            case parse.Call():
                return self._call(syntax)

    def _name(self, name: parse.Name) -> Node | None:
        scope, text, span = self._scope, name.text, name.span
        if text in self._variables:
            return ast.Variable(text, ast.TEXT, span)
        if text in scope.attributes:
            return ast.Attribute(text, scope.attributes[text], span)
        if text in scope.derived:
            return ast.Derived(text, scope.derived[text], span)
        if text in scope.scores:
            return ast.Score(text, ast.NUMBER, span)
        if text in scope.grades:
            return ast.Grade(text, scope.grades[text], span)
        if text in scope.elsewhere:
            self._complain("unknown-name", f"`{text}` {scope.elsewhere[text]}", span)
            return None
        hint, meant = did_you_mean(text, [*scope.names(), *self._variables])
        kind = "an attribute or derived name" if not scope.scores else "a name of this rule set"
        short = "an attribute" if not scope.derived and not scope.scores else kind
        what = scope.called if scope.called is not None else short
        self._complain("unknown-name", f"`{text}` is not {what}{hint}", span, meant)
        return None

    def _select(self, select: parse.Select) -> Node | None:
        if not (isinstance(select.base, parse.Name) and select.base.text == "lists"):
            message = f"{self._shown(select.span)} has a dot; only `lists.name` does"
            self._complain("unknown-name", message, select.span)
            return None
        values = self._scope.lists.get(select.field)
        if values is None:
            hint, meant = did_you_mean(select.field, self._scope.lists)
            message = f"`{select.field}` is not one of the rule set's lists{hint}"
            suggestion = f"lists.{meant}" if meant else None
            self._complain("unknown-name", message, select.span, suggestion)
            return None
        return self._constants.items(values, select.span, name=f"lists.{select.field}")

    def _items(self, items: parse.Items) -> Node | None:
        parts = [self.check(item) for item in items.items]
        if any(part is None for part in parts):
            return None
        return self._constants.from_parts([part for part in parts if part], items.span)

    def _call(self, call: parse.Call) -> Node | None:
        match call.function:
            case "&&" | "||":
                parts = self._conditions(call.arguments)
                operator: Literal["and", "or"] = "and" if call.function == "&&" else "or"
                return ast.Logic(operator, parts, call.span) if parts else None
            case "!":
                part = self.of_kind(call.arguments[0], Kind.TRUTH)
                return ast.Not(part, call.span) if part else None
            case "?:":
                return self._choose(call)
            case "has" | "at_least" | "date" | "exists" | "all":
                return self._special(call)
            case _:
                return self._apply(call)

    def _conditions(self, arguments: tuple[parse.Syntax, ...]) -> tuple[Node, ...] | None:
        parts = [self.of_kind(argument, Kind.TRUTH) for argument in arguments]
        found = tuple(part for part in parts if part is not None)
        return found if len(found) == len(parts) else None

    def _choose(self, call: parse.Call) -> Node | None:
        test = self.of_kind(call.arguments[0], Kind.TRUTH)
        branches = [self.check(branch) for branch in call.arguments[1:]]
        if test is None or branches[0] is None or branches[1] is None:
            return None
        aligned = self._constants.align([branches[0], branches[1]], call.span)
        if aligned is None:
            return None
        then, otherwise = aligned
        if then.type.kind is not otherwise.type.kind or then.type.members != otherwise.type.members:
            message = f"one branch is {_a(then.type)}, the other {_a(otherwise.type)};"
            self._complain("type", f"{message} both must be alike", call.span)
            return None
        kind = then if then.type.other else otherwise
        return ast.Choose(test, then, otherwise, kind.type, call.span)

    def _special(self, call: parse.Call) -> Node | None:
        is_method = call.function in {"exists", "all"}
        if call.is_method is not is_method:
            self._misuse(call)
            return None
        forms: Mapping[str, Callable[[parse.Call], Node | None]] = {
            "has": self._has,
            "at_least": self._at_least,
            "date": self._date,
            "exists": self._quantified,
            "all": self._quantified,
        }
        return forms[call.function](call)

    def _misuse(self, call: parse.Call) -> None:
        name = call.function
        written = TREATY[name].written if name in TREATY else SPECIAL_FORMS[name]
        self._complain("type", f"`{name}` is written `{written}`", call.span)

    def _has(self, call: parse.Call) -> Node | None:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], parse.Name):
            self._misuse(call)
            return None
        name = call.arguments[0]
        if name.text in self._scope.attributes:
            return ast.Has(name.text, call.span)
        hint, meant = did_you_mean(name.text, self._scope.attributes)
        message = f"`has` asks about an attribute, which `{name.text}` is not{hint}"
        self._complain("unknown-name", message, name.span, meant)
        return None

    def _at_least(self, call: parse.Call) -> Node | None:
        if len(call.arguments) < 2:
            self._misuse(call)
            return None
        count, *rest = call.arguments
        parts = self._conditions(tuple(rest))
        value = count.value if isinstance(count, parse.Literal) else None
        if not isinstance(value, float) or not value.is_integer() or not 1 <= value <= len(rest):
            message = f"the first argument of `at_least` is a whole number from 1 to {len(rest)}"
            self._complain("type", message, count.span)
            return None
        return ast.AtLeast(int(value), parts, call.span) if parts else None

    def _date(self, call: parse.Call) -> Node | None:
        argument = call.arguments[0] if len(call.arguments) == 1 else None
        text = argument.value if isinstance(argument, parse.Literal) else None
        if isinstance(text, str) and len(text) == len("2026-01-31"):
            try:
                return Constant(date.fromisoformat(text), ast.DATE, call.span)
            except ValueError:
                pass
        message = '`date` takes one calendar day in quotes, such as `date("2026-01-31")`'
        self._complain("type", message, call.span)
        return None

    def _quantified(self, call: parse.Call) -> Node | None:
        if len(call.arguments) != 3 or not isinstance(call.arguments[1], parse.Name):
            self._misuse(call)
            return None
        items = self.check(call.arguments[0])
        variable = call.arguments[1]
        taken = {*self._scope.names(), *self._variables, *parse.RESERVED, "lists"}
        if variable.text in taken:
            message = f"`{variable.text}` is taken; use another name such as `t`"
            self._complain("duplicate-name", message, variable.span)
            return None
        self._variables.append(variable.text)
        condition = self.of_kind(call.arguments[2], Kind.TRUTH)
        self._variables.pop()
        if items is None or condition is None:
            return None
        if items.type.kind is not Kind.LIST:
            message = (
                f"{self._shown(items.span)} is {_a(items.type)}; `{call.function}` asks a list"
            )
            self._complain("type", message, items.span)
            return None
        quantifier: Literal["exists", "all"] = "exists" if call.function == "exists" else "all"
        return ast.Quantified(quantifier, items, variable.text, condition, call.span)

    def _apply(self, call: parse.Call) -> Node | None:
        row = TREATY.get(call.function)
        if row is None:
            functions = [name for name in (*TREATY, *SPECIAL_FORMS) if name.isidentifier()]
            hint, meant = did_you_mean(call.function, functions)
            message = f"`{call.function}` is not a function of the language{hint}"
            self._complain("unknown-function", message, call.span, meant)
            return None
        is_function = row.name.isidentifier() and row.name not in {"in", "negate"}
        if is_function and call.is_method is not row.is_method and row.name != "size":
            self._misuse(call)
            return None
        checked = [self.check(argument) for argument in call.arguments]
        parts = [part for part in checked if part is not None]
        if len(parts) < len(checked):
            return None
        aligned = self._constants.align(parts, call.span, pattern=row.name == "matches")
        if aligned is None:
            return None
        return self._typed(row.name, tuple(aligned), call.span)

    def _typed(self, name: str, parts: tuple[Node, ...], span: Span) -> Node | None:
        row = TREATY[name]
        types = tuple(part.type for part in parts)
        arity_fits = name not in COMPARISONS or len(parts) == (3 if name == "between" else 2)
        result = row.rule(types) if arity_fits else None
        if result is None:
            self._complain("type", self._why_not(name, parts), span)
            return None
        if not self._constants.fits(name, parts, span):
            return None
        if (
            name == "negate"
            and isinstance(parts[0], Constant)
            and isinstance(parts[0].value, float)
        ):
            return Constant(-parts[0].value, ast.NUMBER, span)
        node = ast.Apply(name, parts, result, span)
        if name == "ratio":
            least = bounds.measure(parts[1], self._scope.measures).least
            node = ast.Apply(name, parts, result, span, least=least)
        if name in COMPARISONS:
            for part in parts:
                if part.type.kind is Kind.NUMBER:
                    self.bound(part)
        return node

    def _why_not(self, name: str, parts: tuple[Node, ...]) -> str:
        row = TREATY[name]
        first = parts[0]
        if (
            name in {"<", "<=", ">", ">="}
            and first.type.kind is Kind.CHOICE
            and not first.type.ordered
        ):
            shown = self._shown(first.span)
            return f"{shown} is a choice; `{name}` needs an ordered choice or a number"
        if name in COMPARISONS and {part.type.kind for part in parts} == {Kind.DATE, Kind.TEXT}:
            return f'a date is compared with a date; write `date("2026-01-31")` beside `{name}`'
        are = ", ".join(f"{self._shown(part.span)} is {_a(part.type)}" for part in parts)
        return f"{are}; `{row.written}` takes {row.takes}"


def _a(kind: Type) -> str:
    match kind.kind:
        case Kind.TRUTH:
            return "a condition"
        case Kind.NUMBERS:
            return "a list of numbers"
        case Kind.LIST:
            return "a list of texts"
        case other:
            return f"a {other.value}"
