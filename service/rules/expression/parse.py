"""CEL text to a small syntax tree with positions, by cel-python's grammar.

Only the parser of cel-python is used. What of CEL is no part of our subset (unsigned
numbers, bytes, null, maps, indexing, `%`, messages) is refused here, with its place; names
and types are the business of `check.py`. No input is walked by recursion deeper than the
language's depth limit.
"""

import re
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Final

import lark

from service.rules.expression.ast import Span
from service.rules.expression.strings import decode_literal

TOKEN_LIMIT: Final = 25_000
DEPTH_LIMIT: Final = 10
LIST_LIMIT: Final = 10_000

RESERVED: Final = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
        "while",
    }
)  # fmt: skip
"""CEL's reserved words, which can be nobody's name."""

_TOKEN: Final = re.compile(r"[A-Za-z_0-9.]+|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\S")


class SyntaxProblem(Exception):
    """The text is not an expression of the language."""

    def __init__(self, code: str, message: str, span: Span) -> None:
        """Keep the stable *code*, the words, and where in the text it is."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, or true or false."""

    value: float | str | bool
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """A list of expressions in square brackets."""

    items: tuple["Syntax", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Select:
    """`base.field`."""

    base: "Syntax"
    field: str
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function with its arguments; a method's receiver comes first.

    Operators carry their sign as the name, the ternary `?:`, the unary minus `negate`.
    A chain of one `&&`, `||`, `+` or `*` is one call.
    """

    function: str
    arguments: tuple["Syntax", ...]
    span: Span
    is_method: bool = False


Syntax = Name | Literal | Items | Select | Call


@lru_cache(maxsize=2048)
def parse(text: str) -> Syntax:
    """Return the syntax tree of *text*.

    Raises:
        SyntaxProblem: If *text* is no expression of the subset, or is past a limit.
    """
    tokens = sum(1 for _ in _TOKEN.finditer(text))
    if tokens == 0:
        raise SyntaxProblem("syntax", "the expression is empty; write a condition", Span(0, 0))
    if tokens > TOKEN_LIMIT:
        message = f"the expression has {tokens:,} tokens; at most {TOKEN_LIMIT:,} are allowed"
        raise SyntaxProblem("limit", message, Span(0, len(text)))
    try:
        tree = grammar().parse(text)
    except lark.exceptions.UnexpectedInput as error:
        raise _unexpected(error, text) from None
    return _Builder(text).build(tree, DEPTH_LIMIT)


@cache
def grammar() -> lark.Lark:
    """Return a parser for the grammar that cel-python ships, built once for all processes.

    Built here and not by cel-python, whose own parser loses the places of true and false
    and whose package takes longer to import than the grammar to build. That takes a third of
    a second, so its tables are kept where Python keeps this module compiled; lark looks
    whether they are of this grammar, and builds them again where they are not or are broken.

    Raises:
        ModuleNotFoundError: If cel-python is not installed.
    """
    package = find_spec("celpy")
    if package is None or package.origin is None:
        msg = "cel-python is not installed; its grammar is needed"
        raise ModuleNotFoundError(msg)
    text = Path(package.origin).with_name("cel.lark").read_text(encoding="utf-8")
    return lark.Lark(
        text,
        parser="lalr",
        start="expr",
        g_regex_flags=re.MULTILINE,
        lexer_callbacks={"IDENT": _truth_or_name},
        propagate_positions=True,
        maybe_placeholders=False,
        priority="invert",
        cache=_kept_tables() or False,
    )


def _kept_tables() -> str | None:
    """Return the file that keeps the grammar's tables; None where there is and will be none."""
    file = Path(cache_from_source(__file__)).with_suffix(".lark")
    return None if sys.dont_write_bytecode and not file.exists() else str(file)


def _truth_or_name(token: lark.Token) -> lark.Token:
    if token.value in {"true", "false"}:
        return lark.Token.new_borrow_pos("BOOL_LIT", token.value, token)
    return token


def _unexpected(error: lark.exceptions.UnexpectedInput, text: str) -> SyntaxProblem:
    start: int | None = error.pos_in_stream
    start = len(text) if start is None else start
    at_end = isinstance(error, lark.exceptions.UnexpectedToken) and error.token.type == "$END"
    if at_end or not 0 <= start < len(text):
        end = len(text)
        message = "the expression ends too early; something is missing at its end"
        return SyntaxProblem("syntax", message, Span(end, end))
    match = _TOKEN.match(text, start)
    shown = match.group() if match else text[start]
    message = f"`{shown[:40]}` cannot stand here"
    if shown == "=":
        message += "; compare with `==`"
    elif shown in {"and", "or", "not"}:
        message += "; write " + {"and": "`&&`", "or": "`||`", "not": "`!`"}[shown]
    elif shown in {'"', "'"}:
        message += "; the text is not closed"
    return SyntaxProblem("syntax", message, Span(start, start + len(shown)))


_CHAINS: Final = {
    "conditionalor": "||",
    "conditionaland": "&&",
    "addition_add": "+",
    "multiplication_mul": "*",
}
_BINARY: Final = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_sub": "-",
    "multiplication_div": "/",
}
_DECLINED: Final = {
    "multiplication_mod": "`%` is not part of the language",
    "member_index": "indexing is not part of the language; ask with `in` or `exists`",
    "member_object": "messages are not part of the language",
    "map_lit": "maps are not part of the language",
    "dot_ident": "a leading dot is not part of the language",
    "dot_ident_arg": "a leading dot is not part of the language",
    "UINT_LIT": "unsigned numbers are not part of the language; leave out the `u`",
    "BYTES_LIT": "bytes are not part of the language; leave out the `b`",
    "NULL_LIT": "`null` is not part of the language; ask with `has(x)`",
}


class _Builder:
    """Turns lark's tree into ours; *levels* is how many may still be nested."""

    def __init__(self, text: str) -> None:
        self._text = text

    def build(self, tree: lark.Tree[lark.Token] | lark.Token, levels: int) -> Syntax:
        node = tree
        while isinstance(node, lark.Tree) and len(node.children) == 1:
            if node.data == "paren_expr" or node.data in _WRAPPERS:
                node = node.children[0]
            else:
                break
        if isinstance(node, lark.Token):
            return self._literal(node)
        span = _span(node)
        kind = str(node.data)
        if kind in _DECLINED:
            raise SyntaxProblem("unsupported", _DECLINED[kind], span)
        if kind == "literal":
            return self._literal(_token(node.children[0]))
        if kind == "ident":
            return Name(str(node.children[0]), span)
        if levels == 0:
            message = f"the expression is nested more than {DEPTH_LIMIT} levels deep; name a part"
            raise SyntaxProblem("limit", f"{message} of it under `derived`", span)
        return self._compound(kind, node, span, levels - 1)

    def _compound(self, kind: str, node: lark.Tree[lark.Token], span: Span, levels: int) -> Syntax:
        parts = node.children
        match kind:
            case "expr":
                return Call("?:", tuple(self.build(part, levels) for part in parts), span)
            case "conditionalor" | "conditionaland":
                return self._chain(node, kind, span, levels)
            case "relation" | "addition" | "multiplication":
                return self._binary(node, span, levels)
            case "unary":
                sign = str(_tree(parts[0]).data)
                function = "!" if sign == "unary_not" else "negate"
                return Call(function, (self.build(parts[1], levels),), span)
            case "list_lit":
                return self._items(node, span, levels)
            case "member_dot":
                return Select(self.build(parts[0], levels), str(parts[1]), span)
            case "member_dot_arg":
                receiver = self.build(parts[0], levels)
                rest = self._arguments(parts[2:], levels)
                return Call(str(parts[1]), (receiver, *rest), span, is_method=True)
            case "ident_arg":
                return Call(str(parts[0]), self._arguments(parts[1:], levels), span)
            case _:
                raise self._declined(span)

    def _chain(self, node: lark.Tree[lark.Token], kind: str, span: Span, levels: int) -> Syntax:
        """Walk `((a && b) && c)` down its left side without recursion."""
        parts: list[lark.Tree[lark.Token] | lark.Token] = []
        current: lark.Tree[lark.Token] | lark.Token = node
        while isinstance(current, lark.Tree) and current.data == kind:
            if len(current.children) == 1:
                break
            parts.append(current.children[1])
            current = current.children[0]
        parts.append(current)
        built = tuple(self.build(part, levels) for part in reversed(parts))
        return Call(_CHAINS[kind], built, span)

    def _binary(self, node: lark.Tree[lark.Token], span: Span, levels: int) -> Syntax:
        """Walk `a + b + c`, which the grammar nests to the left through `addition_add`."""
        operator = _tree(node.children[0])
        sign = str(operator.data)
        if sign in _DECLINED:
            raise SyntaxProblem("unsupported", _DECLINED[sign], span)
        if sign in _BINARY:
            left = self.build(operator.children[0], levels)
            return Call(_BINARY[sign], (left, self.build(node.children[1], levels)), span)
        parts: list[lark.Tree[lark.Token] | lark.Token] = []
        current: lark.Tree[lark.Token] | lark.Token = node
        while isinstance(current, lark.Tree) and len(current.children) == 2:
            inner = _tree(current.children[0])
            if inner.data != sign:
                break
            parts.append(current.children[1])
            current = inner.children[0]
        parts.append(current)
        built = tuple(self.build(part, levels) for part in reversed(parts))
        return Call(_CHAINS[sign], built, span)

    def _items(self, node: lark.Tree[lark.Token], span: Span, levels: int) -> Items:
        items = self._arguments(node.children, levels)
        if len(items) > LIST_LIMIT:
            message = f"the list has {len(items):,} items; at most {LIST_LIMIT:,} are allowed"
            raise SyntaxProblem("limit", message, span)
        return Items(items, span)

    def _arguments(
        self, parts: list[lark.Tree[lark.Token] | lark.Token], levels: int
    ) -> tuple[Syntax, ...]:
        if not parts:
            return ()
        return tuple(self.build(part, levels) for part in _tree(parts[0]).children)

    def _literal(self, token: lark.Token) -> Literal:
        span = Span(token.start_pos or 0, token.end_pos or 0)
        match token.type:
            case "INT_LIT":
                return Literal(_number(str(token), span), span)
            case "FLOAT_LIT":
                return Literal(_number(str(token), span), span)
            case "BOOL_LIT":
                return Literal(str(token) == "true", span)
            case "STRING_LIT" | "MLSTRING_LIT":
                try:
                    return Literal(decode_literal(str(token)), span)
                except ValueError as error:
                    raise SyntaxProblem("syntax", str(error), span) from None
            case kind:
                message = _DECLINED.get(kind, f"`{token}` is not part of the language")
                raise SyntaxProblem("unsupported", message, span)

    def _declined(self, span: Span) -> SyntaxProblem:
        shown = self._text[span.start : span.end][:40]
        return SyntaxProblem("unsupported", f"`{shown}` is not part of the language", span)


_WRAPPERS: Final = frozenset(
    {
        "expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication",
        "unary", "member", "primary",
    }
)  # fmt: skip


def _span(tree: lark.Tree[lark.Token]) -> Span:
    return Span(tree.meta.start_pos, tree.meta.end_pos)


def _tree(node: lark.Tree[lark.Token] | lark.Token) -> lark.Tree[lark.Token]:
    if not isinstance(node, lark.Tree):
        msg = f"the grammar promised a tree, not {node!r}"
        raise TypeError(msg)
    return node


def _token(node: lark.Tree[lark.Token] | lark.Token) -> lark.Token:
    if not isinstance(node, lark.Token):
        msg = f"the grammar promised a token, not {node!r}"
        raise TypeError(msg)
    return node


def _number(text: str, span: Span) -> float:
    is_hex = "0x" in text
    number = float(int(text, 16)) if is_hex else float(text)
    exact = not is_hex or int(text, 16) == number
    if abs(number) > 2**53 or not exact:
        message = "the number is past 2^53, where whole numbers are no longer exact"
        raise SyntaxProblem("limit", message, span)
    return number
