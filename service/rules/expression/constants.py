"""Constants in an expression: typed by what they stand beside, and checked against it."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from service.rules.expression import ast
from service.rules.expression.ast import Constant, Kind, Node, Span, Type
from service.rules.expression.text import compile_pattern, fold
from service.rules.problems import did_you_mean

Complain = Callable[[str, str, Span, str | None], None]
_NAMED: Final = {Kind.CHOICE: "choices", Kind.GRADE: "grades"}
_SHOWN: Final = 6


class Constants:
    """Makes constants and gives them the type of what they are compared with."""

    def __init__(self, complain: Complain) -> None:
        """Report every problem through *complain* (code, message, span, suggestion)."""
        self._complain = complain

    def literal(self, value: ast.ConstantValue, span: Span) -> Constant:
        """Return a literal as written; texts in NFC, as the door keeps facts."""
        if isinstance(value, bool):
            return Constant(value, ast.TRUTH, span)
        if isinstance(value, float):
            return Constant(value, ast.NUMBER, span)
        return Constant(unicodedata.normalize("NFC", str(value)), ast.TEXT, span)

    def items(
        self, values: Sequence[str] | Sequence[float], span: Span, *, name: str | None = None
    ) -> Constant:
        """Return a list of texts or of numbers; never empty."""
        if values and isinstance(values[0], float):
            numbers = tuple(value for value in values if isinstance(value, float))
            return Constant(numbers, ast.NUMBERS, span, name)
        texts = (unicodedata.normalize("NFC", v) for v in values if isinstance(v, str))
        return Constant(tuple(texts), ast.LIST, span, name)

    def from_parts(self, parts: list[Node], span: Span) -> Constant | None:
        """Return the list that literals in brackets make, or complain."""
        if not parts:
            message = "the list is empty, so nothing is in it; leave the condition out"
            self._complain("empty-list", message, span, None)
            return None
        values = [part.value for part in parts if isinstance(part, Constant)]
        texts = [value for value in values if isinstance(value, str)]
        numbers = [value for value in values if isinstance(value, float)]
        if len(texts) == len(parts):
            return self.items(texts, span)
        if len(numbers) == len(parts):
            return self.items(numbers, span)
        message = "a list in brackets holds only texts in quotes, or only numbers"
        self._complain("type", message, span, None)
        return None

    def align(self, parts: list[Node], span: Span, *, pattern: bool = False) -> list[Node] | None:
        """Return *parts* with constants typed and folded like what they stand beside.

        A text beside a choice or grade becomes a member of it; one beside a folded text is
        folded. A pattern stays as written.
        """
        model = next((p.type for p in parts if p.type.kind in _NAMED), None)
        if model is not None:
            return self._as_members(parts, model)
        folded = any(part.type.fold for part in parts)
        texts = [part for part in parts if part.type.kind in {Kind.TEXT, Kind.LIST}]
        if not folded or len(texts) == 1 or pattern:
            return parts
        if any(not isinstance(part, Constant) and not part.type.fold for part in texts):
            message = "one text is compared case-folded and the other is not;"
            self._complain(
                "type", f"{message} declare both with `fold: true` or use `lower`", span, None
            )
            return None
        return [_folded(part) for part in parts]

    def _as_members(self, parts: list[Node], model: Type) -> list[Node] | None:
        typed: list[Node] = []
        for part in parts:
            if not isinstance(part, Constant) or part.type.kind not in {Kind.TEXT, Kind.LIST}:
                typed.append(part)
                continue
            values = part.value if isinstance(part.value, tuple) else (part.value,)
            strangers = [v for v in values if isinstance(v, str) and v not in model.members]
            for stranger in strangers:
                hint, meant = did_you_mean(stranger, model.members)
                hint = hint or _there_are(model.members)
                message = f"`{stranger}` is not one of the {_NAMED[model.kind]}{hint}"
                self._complain("unknown-choice", message, part.span, meant)
            if strangers:
                return None
            is_list = part.type.kind is Kind.LIST
            member = replace(model, other=False)
            typed.append(part if is_list else replace(part, type=member))
        return typed

    def fits(self, operator: str, parts: Sequence[Node], span: Span) -> bool:
        """Whether the constants suit *operator*: divisor, pattern, list; else complain."""
        last = parts[-1]
        if operator == "/" and not (isinstance(last, Constant) and last.value):
            message = "`/` divides by a number other than 0; use `ratio(x, y, otherwise)`"
            self._complain("division", message, span, None)
            return False
        if operator == "matches":
            return self._is_pattern(last)
        if operator == "in" and parts[0].type.kind in _NAMED and not isinstance(last, Constant):
            message = f"a {parts[0].type.kind.value} is looked up in a list of constants"
            self._complain("type", message, span, None)
            return False
        return True

    def _is_pattern(self, node: Node) -> bool:
        if not isinstance(node, Constant) or not isinstance(node.value, str):
            message = "`matches` takes a pattern in quotes"
        else:
            try:
                compile_pattern(node.value)
            except ValueError as error:
                message = str(error)
            else:
                return True
        self._complain("pattern", message, node.span, None)
        return False


def _there_are(members: Sequence[str]) -> str:
    shown = ", ".join(f"`{member}`" for member in members[:_SHOWN])
    return f"; there are {shown}{' and others' if len(members) > _SHOWN else ''}"


def _folded(part: Node) -> Node:
    if not isinstance(part, Constant) or part.type.fold:
        return part
    if isinstance(part.value, str):
        return Constant(fold(part.value), ast.FOLDED_TEXT, part.span, part.name)
    if isinstance(part.value, tuple):
        texts = tuple(fold(value) for value in part.value if isinstance(value, str))
        return Constant(texts, part.type, part.span, part.name)
    return part
