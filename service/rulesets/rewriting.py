"""Make a text say another document: comments, quotes and order of what stays are kept."""

import io
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from service.rules import read_source
from service.rules.merge import is_same
from service.rulesets.patching import text_of

__all__ = ["rewritten"]

_WIDE: Final = 100
_INDENTED: Final = re.compile(
    r"^( *)[^\s#-].*:[^\S\n]*(?:#.*)?\n(?:\s*#.*\n)*\1  +- ", re.MULTILINE
)
"""A list that stands further in than its name."""
# What every reader of YAML, old or new, takes for a text without quotes.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ ./%-]*")
_NOT_TEXT: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def rewritten(source: str, document: Mapping[str, object]) -> str:
    """Return *source*, a rule file, changed so that it says *document*.

    Text that was JSON stays JSON. List items are matched by their `id` or `name`, so that a
    comment stays with its rule. Where YAML cannot be changed in place, the whole document
    comes as JSON, which is YAML too: nothing that was merged is ever lost.
    """
    if source.lstrip().startswith("{"):
        return text_of(document)
    yaml = _round_trip(source)
    tree = yaml.load(source)
    if not isinstance(tree, CommentedMap):
        return text_of(document)
    _fit_map(tree, document)
    out = io.StringIO()
    yaml.dump(tree, out)
    text = out.getvalue()
    return text if is_same(read_source(text).data, document) else text_of(document)


def _round_trip(source: str) -> YAML:
    """Return a reader and writer that indents lists as *source* does."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = max(_WIDE, *(len(line) for line in source.splitlines()))
    if _INDENTED.search(source):
        yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _fit(node: Any, value: object, *, like: Any = None) -> Any:  # noqa: ANN401 - ruamel's nodes
    """Return *node* changed to say *value*, or a new node where it says something else."""
    if isinstance(node, CommentedMap) and isinstance(value, Mapping):
        _fit_map(node, value)
        return node
    if isinstance(node, CommentedSeq) and isinstance(value, list):
        _fit_list(node, value)
        return node
    is_number = isinstance(node, int | float) and isinstance(value, int | float)
    is_flag = isinstance(node, bool), isinstance(value, bool)
    if node == value and (isinstance(node, str) or (is_number and len(set(is_flag)) == 1)):
        return node
    return _made(value, like=like)


def _fit_map(node: CommentedMap, value: Mapping[str, object]) -> None:
    for name in [name for name in node if name not in value]:
        del node[name]
    sample = next((one for one in node.values() if isinstance(one, CommentedMap)), None)
    for index, (name, one) in enumerate(value.items()):
        if name in node:
            fitted = _fit(node[name], one)
            if fitted is not node[name]:
                node[name] = fitted
        else:
            node.insert(index, name, _made(one, like=sample))


def _fit_list(node: CommentedSeq, value: list[object]) -> None:
    wanted = [_called(one) for one in value]
    for index in reversed(range(len(node))):
        if _called(node[index]) not in wanted:
            del node[index]
    sample = next((one for one in node if isinstance(one, CommentedMap)), None)
    kept = [_called(one) for one in node]
    if kept != [name for name in wanted if name in kept]:
        by_name = dict(zip(kept, list(node), strict=True))
        ordered = [by_name[name] for name in wanted if name in by_name]
        for index, one in enumerate(ordered):
            node[index] = one
        del node[len(ordered) :]
    for index, one in enumerate(value):
        if index < len(node) and _called(node[index]) == wanted[index]:
            node[index] = _fit(node[index], one)
        else:
            node.insert(index, _made(one, like=sample))


def _called(item: object) -> object:
    """Return by what a list item is told apart from the others."""
    if isinstance(item, Mapping):
        return "by id", item.get("id", item.get("name"))
    return type(item).__name__ if isinstance(item, list) else (isinstance(item, bool), item)


def _made(value: object, *, like: Any = None) -> Any:  # noqa: ANN401 - ruamel's nodes
    """Return a new node for *value*, in one line where *like* stands in one."""
    is_in_line = like is None or bool(like.fa.flow_style())
    if isinstance(value, Mapping):
        made = CommentedMap({name: _made(one) for name, one in value.items()})
        if is_in_line:
            made.fa.set_flow_style()
        return made
    if isinstance(value, list):
        items = CommentedSeq([_made(one) for one in value])
        if is_in_line or not any(isinstance(one, Mapping) for one in value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT and value[-1] != " "
        return value if is_plain else DoubleQuotedScalarString(value)
    return value
