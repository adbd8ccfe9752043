"""How a rule set reads each attribute: in checks of its own, or mixed with others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from service.rules import attributes
from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Kind, Node
from service.rules.expression.evaluate import Known, Value
from service.rules.model import Derived, Model
from service.rules.truth import Truth


@dataclass(slots=True)
class Use:
    """The places where a rule set reads one attribute.

    Attributes:
        checks: The single checks that read this attribute and nothing else.
        is_loose: Whether it is also read outside of them: beside another attribute, in
            points, in a formula.
        beside: The constants of the loose places.
        is_asked: Whether it is asked with `has`, which tells no two known values apart.
    """

    checks: list[Node] = field(default_factory=list)
    is_loose: bool = False
    beside: list[ast.ConstantValue] = field(default_factory=list)
    is_asked: bool = False

    @property
    def is_none(self) -> bool:
        """Whether nothing reads the attribute."""
        return not (self.checks or self.is_loose or self.is_asked)


@dataclass(frozen=True)
class Reader:
    """What the trees of one rule set read, through its derived names.

    Not slotted: it keeps the reads of derived names, which never change.
    """

    formulas: Mapping[str, Node]

    @classmethod
    def of(cls, model: Model) -> "Reader":
        """Return the reader of *model*."""
        return cls({derived.name: derived.node for derived in model.derived})

    @cached_property
    def _derived(self) -> dict[str, frozenset[str]]:
        return {}

    def attributes(self, node: Node) -> frozenset[str]:
        """Return the attributes that *node* reads, also through derived names and `has`."""
        names: set[str] = set()
        for part in ast.walk(node):
            match part:
                case ast.Attribute(name=name) | ast.Has(attribute=name):
                    names.add(name)
                case ast.Derived(name=name):
                    names |= self._of_derived(name)
                case _:
                    pass
        return frozenset(names)

    def _of_derived(self, name: str) -> frozenset[str]:
        if name not in self._derived:
            self._derived[name] = self.attributes(self.formulas[name])
        return self._derived[name]

    def derived(self, node: Node) -> frozenset[str]:
        """Return the derived names that *node* needs, also through each other."""
        found: set[str] = set()
        waiting = [node]
        while waiting:
            for part in ast.walk(waiting.pop()):
                if isinstance(part, ast.Derived) and part.name not in found:
                    found.add(part.name)
                    waiting.append(self.formulas[part.name])
        return frozenset(found)

    def reads_clock(self, node: Node) -> bool:
        """Whether *node*'s value depends on the decision's day."""
        inside = [node, *(self.formulas[name] for name in self.derived(node))]
        return any(
            isinstance(part, ast.Apply) and part.operator in {"age_days", "age_months"}
            for tree in inside
            for part in ast.walk(tree)
        )

    def is_closed(self, node: Node) -> bool:
        """Whether *node* reads facts only: no score, no grade, no variable from outside it."""
        bound: set[str] = set()
        for part in ast.walk(node):
            match part:
                case ast.Score() | ast.Grade():
                    return False
                case ast.Quantified(variable=variable):
                    bound.add(variable)
                case ast.Variable(name=name) if name not in bound:
                    return False
                case _:
                    pass
        return True


def expressions(model: Model) -> Iterator[Node]:
    """Yield every tree that can alter a result, in document order; derived names are inside."""
    for gate in model.gates:
        yield gate.condition.node
    for rule in model.rules:
        yield rule.condition.node
        if rule.points.formula is not None:
            yield rule.points.formula.node
    for score in model.scores:
        if score.formula is not None:
            yield score.formula.node
    for outcome in model.outcomes:
        if outcome.condition is not None:
            yield outcome.condition.node


def reads_clock(model: Model) -> bool:
    """Return whether anything that can alter a result depends on the decision's day."""
    reader = Reader.of(model)
    return any(reader.reads_clock(node) for node in expressions(model))


def uses_of(model: Model, nodes: Iterable[Node]) -> dict[str, Use]:
    """Return how *nodes* read each attribute of *model*; one nothing reads has an empty use."""
    survey = _Survey(Reader.of(model), {name: Use() for name in model.attributes})
    for node in nodes:
        survey.visit(node)
    return survey.uses


_TAKEN_APART = (ast.Logic, ast.Not, ast.AtLeast, ast.Choose, ast.Derived, ast.Has, ast.Constant)


@dataclass(frozen=True)
class _Survey:
    reader: Reader
    uses: dict[str, Use]
    _seen: set[str] = field(default_factory=set)

    def visit(self, node: Node) -> None:
        if node.type.kind is Kind.TRUTH and not isinstance(node, _TAKEN_APART):
            names = self.reader.attributes(node)
            if len(names) == 1 and self.reader.is_closed(node):
                (name,) = names
                self.uses[name].checks.append(node)
                return
        match node:
            case ast.Attribute(name=name):
                self.uses[name].is_loose = True
            case ast.Has(attribute=name):
                self.uses[name].is_asked = True
            case ast.Derived(name=name):
                if name not in self._seen:
                    self._seen.add(name)
                    self.visit(self.reader.formulas[name])
            case ast.Apply(arguments=parts):
                self._note_constants(node, parts)
                for part in parts:
                    self.visit(part)
            case _:
                for part in ast.children(node):
                    self.visit(part)

    def _note_constants(self, node: Node, parts: tuple[Node, ...]) -> None:
        constants = [part.value for part in parts if isinstance(part, ast.Constant)]
        for name in self.reader.attributes(node) if constants else ():
            self.uses[name].beside.extend(constants)


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks the checks of one attribute about single values of it."""

    attribute: Attribute
    checks: tuple[Node, ...]
    derived: tuple[Derived, ...]
    today: date

    @classmethod
    def of(cls, model: Model, attribute: Attribute, *, checks: list[Node], today: date) -> "Probe":
        """Return the probe for *checks*, which read *attribute* alone."""
        reader = Reader.of(model)
        needed = {name for check in checks for name in reader.derived(check)}
        derived = tuple(name for name in model.derived if name.name in needed)
        return cls(attribute, tuple(checks), derived, today)

    def signature(self, value: Fact) -> tuple[Truth, ...]:
        """Return every check's result where the attribute is *value*."""
        known = self.knowing(value)
        return tuple(evaluate.check(check, known) for check in self.checks)

    def knowing(self, value: Fact) -> Known:
        """Return what an expression sees where only the attribute is known, as *value*."""
        named = {self.attribute.name: self.attribute}
        values: dict[str, Value] = {}
        known = Known(
            values=evaluate.reading({self.attribute.name: value}, named),
            attributes=named,
            today=self.today,
            is_open=True,
            derived=values,
        )
        for derived in self.derived:
            values[derived.name] = evaluate.derive(derived.node, known)
        return known

    def asking(self, node: Node) -> "Probe":
        """Return a probe that asks *node* alone; it may need the same derived names."""
        return replace(self, checks=(node,))

    def admits(self, value: Fact) -> bool:
        """Whether *value* passes the door unchanged."""
        name = self.attribute.name
        raw = value.isoformat() if isinstance(value, date) else value
        return attributes.admit({name: raw}, {name: self.attribute}).values.get(name) == value
