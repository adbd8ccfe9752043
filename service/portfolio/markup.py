"""HTML and SVG as values: what stands in an element is text until it is written, and escaped then.

No text can become markup here, whoever wrote it: there is no way to hand in markup as text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Element", "Node", "element", "page", "to_text"]

# The elements of HTML that have no end. All others are closed, so that what is written is
# XML too, and the same text may stand in a page or alone.
_ENDLESS: Final = frozenset({"br", "col", "hr", "meta"})
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, however it is written."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element. Its attributes are text already; its children are elements or text."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple["Node", ...]


Node = Element | str
Value = str | int | float | None


def element(name: str, /, *children: Node | Iterable[Node], **attributes: Value) -> Element:
    """Return an element. An underscore in an attribute's name is a hyphen; one at the end is none.

    Attributes that are None are left out. Numbers are written with two places at most:
    that is a hundredth of a point on paper.
    """
    return Element(
        name,
        tuple(
            (key.rstrip("_").replace("_", "-"), _written(value))
            for key, value in attributes.items()
            if value is not None
        ),
        tuple(_flat(children)),
    )


def to_text(node: Node) -> str:
    """Return *node* as markup that is both HTML and XML."""
    return "".join(_parts(node))


def page(root: Element) -> str:
    """Return a whole HTML page."""
    return f"<!doctype html>\n{to_text(root)}\n"


def _flat(children: Iterable[Node | Iterable[Node]]) -> Iterator[Node]:
    for child in children:
        if isinstance(child, str | Element):
            yield child
        else:
            yield from child


def _parts(node: Node) -> Iterator[str]:
    if isinstance(node, str):
        yield _escaped(node)
        return
    attributes = "".join(f' {key}="{_escaped(value)}"' for key, value in node.attributes)
    if node.name in _ENDLESS:
        yield f"<{node.name}{attributes}/>"
        return
    yield f"<{node.name}{attributes}>"
    for child in node.children:
        yield from _parts(child)
    yield f"</{node.name}>"


def _escaped(text: str) -> str:
    clean = _FORBIDDEN.sub("\ufffd", text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        clean = clean.replace(character, entity)
    return clean


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")
