"""Small pieces of Python syntax trees, for generated functions.

No Python text is ever formatted: a name is one we made ourselves, a constant goes into the
tree as the object it is, and whatever has no literal form is bound through the generated
module's globals (`Names.bound`).
"""

import ast
import types
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

NONE: Final = ast.Constant(None)
LONGEST_CHAIN: Final = 50
"""How many operands one expression nests; Python's own compiler recurses once for each."""


@dataclass(slots=True)
class Names:
    """The names of one generated module: fresh locals, and objects bound as globals."""

    bindings: dict[str, object] = field(default_factory=dict)
    _by_identity: dict[int, str] = field(default_factory=dict)
    _shared: dict[Hashable, object] = field(default_factory=dict)
    _count: int = 0

    def fresh(self, letter: str = "t") -> ast.Name:
        """Return a name that nothing else in the module has."""
        self._count += 1
        return ast.Name(f"{letter}{self._count}", ast.Load())

    def bound(self, value: object, letter: str = "G") -> ast.Name:
        """Return a global name under which generated code finds *value* itself."""
        name = self._by_identity.get(id(value))
        if name is None:
            name = self.fresh(letter).id
            self.bindings[name] = value
            self._by_identity[id(value)] = name
        return ast.Name(name, ast.Load())

    def shared(self, key: Hashable, value: object) -> object:
        """Return the first *value* that was given for *key*, so that equal tables are one."""
        return self._shared.setdefault(key, value)


def constant(value: float | str | bool | None) -> ast.Constant:  # noqa: FBT001  any literal
    """Return *value* as a literal; Python keeps 1.0, 1 and True apart in a code object."""
    return ast.Constant(value)


def is_atom(expr: ast.expr) -> bool:
    """Whether *expr* may be repeated for nothing: a name or a literal."""
    return isinstance(expr, ast.Name | ast.Constant)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.BinOp:
    """Return `left operator right`."""
    return ast.BinOp(left, operator, right)


def add(left: ast.expr, right: ast.expr) -> ast.BinOp:
    """Return `left + right`."""
    return ast.BinOp(left, ast.Add(), right)


def negative(expr: ast.expr) -> ast.UnaryOp:
    """Return `-expr`."""
    return ast.UnaryOp(ast.USub(), expr)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.Compare:
    """Return `left operator right`, a comparison."""
    return ast.Compare(left, [operator], [right])


def is_none(expr: ast.expr) -> ast.Compare:
    """Return `expr is None`."""
    return ast.Compare(expr, [ast.Is()], [NONE])


def is_bool(expr: ast.expr, *, value: bool) -> ast.Compare:
    """Return `expr is True` or `expr is False`."""
    return ast.Compare(expr, [ast.Is()], [ast.Constant(value)])


def is_not_bool(expr: ast.expr, *, value: bool) -> ast.Compare:
    """Return `expr is not True` or `expr is not False`."""
    return ast.Compare(expr, [ast.IsNot()], [ast.Constant(value)])


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """Return `then if test else otherwise`."""
    return ast.IfExp(test, then, otherwise)


def negate(expr: ast.expr) -> ast.UnaryOp:
    """Return `not expr`."""
    return ast.UnaryOp(ast.Not(), expr)


def both(parts: Sequence[ast.expr]) -> ast.expr:
    """Return `a and b and ...`; True of nothing."""
    return _joined(ast.And(), parts, empty=True)


def either(parts: Sequence[ast.expr]) -> ast.expr:
    """Return `a or b or ...`; False of nothing."""
    return _joined(ast.Or(), parts, empty=False)


def _joined(operator: ast.boolop, parts: Sequence[ast.expr], *, empty: bool) -> ast.expr:
    if not parts:
        return ast.Constant(empty)
    return parts[0] if len(parts) == 1 else ast.BoolOp(operator, list(parts))


def call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """Return `function(arguments)`."""
    return ast.Call(function, list(arguments), [])


def method(receiver: ast.expr, name: str, *arguments: ast.expr) -> ast.Call:
    """Return `receiver.name(arguments)`."""
    return ast.Call(member(receiver, name), list(arguments), [])


def member(base: ast.expr, name: str) -> ast.Attribute:
    """Return `base.name`."""
    return ast.Attribute(base, name, ast.Load())


def item(base: ast.expr, index: ast.expr) -> ast.Subscript:
    """Return `base[index]`."""
    return ast.Subscript(base, index, ast.Load())


def many(parts: Sequence[ast.expr]) -> ast.Tuple:
    """Return the tuple of *parts*."""
    return ast.Tuple(list(parts), ast.Load())


def walrus(name: ast.Name, expr: ast.expr) -> ast.NamedExpr:
    """Return `(name := expr)`."""
    return ast.NamedExpr(ast.Name(name.id, ast.Store()), expr)


def assign(name: ast.Name, expr: ast.expr) -> ast.Assign:
    """Return the statement `name = expr`."""
    return ast.Assign([ast.Name(name.id, ast.Store())], expr)


def when(test: ast.expr, body: Sequence[ast.stmt], otherwise: Sequence[ast.stmt] = ()) -> ast.If:
    """Return the statement `if test: body else: otherwise`."""
    return ast.If(test, [*body] or [ast.Pass()], [*otherwise])


def each(variable: ast.Name, items: ast.expr, body: list[ast.stmt]) -> ast.For:
    """Return the statement `for variable in items: body`."""
    return ast.For(ast.Name(variable.id, ast.Store()), items, body, [])


def function(name: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    """Return the definition of a function with positional *parameters*."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    made = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[])
    if "type_params" in ast.FunctionDef._fields:  # required from Python 3.12 on
        made.__dict__["type_params"] = []
    return made


def build(definition: ast.FunctionDef, names: Names) -> types.FunctionType:
    """Return the function that *definition* defines; it sees *names* and nothing else.

    Raises:
        TypeError: If it defines none.
    """
    module = ast.Module(body=[definition], type_ignores=[])
    _locate(module)
    code = compile(module, "<rule set>", "exec")
    namespace: dict[str, object] = {"__builtins__": _BUILTINS, **names.bindings}
    exec(code, namespace)  # noqa: S102  a tree of our own making, no text of anybody's
    made = namespace[definition.name]
    if not isinstance(made, types.FunctionType):
        msg = f"not a function: {made!r}"
        raise TypeError(msg)
    return made


def build_lambda(parameter: str, expr: ast.expr) -> Callable[..., Any]:
    """Return the function of one *parameter* that gives *expr*, which names nothing else."""
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(parameter)], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    module = ast.Expression(ast.Lambda(arguments, expr))
    _locate(module)
    made: Callable[..., Any] = eval(compile(module, "<rule set>", "eval"), _NOTHING)  # noqa: S307  as above
    return made


def _locate(root: ast.AST) -> None:
    """Give every node the line that Python's compiler asks for; shared nodes are visited once."""
    waiting: list[ast.AST] = [root]
    while waiting:
        node = waiting.pop()
        members = vars(node)
        if "lineno" in members:
            continue
        for value in members.values():
            if isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, ast.AST):
                waiting.append(value)
        members["lineno"] = members["end_lineno"] = 1
        members["col_offset"] = members["end_col_offset"] = 0


_BUILTINS: Final = {
    "float": float,
    "frozenset": frozenset,
    "len": len,
    "max": max,
    "min": min,
    "KeyError": KeyError,
}
_NOTHING: Final[dict[str, Any]] = {"__builtins__": {}}
