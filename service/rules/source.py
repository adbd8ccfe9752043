"""Rule-set text to plain data, remembering where everything stood.

YAML 1.2 (so JSON too): `NO` is Norway. Duplicate keys, odd tags and odd numbers are problems,
never surprises. Nothing is constructed by the YAML library; it only composes nodes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from service.rules.problems import Place, Problem, Severity

SIZE_LIMIT_BYTES: Final = 256 * 1024
_NODE_LIMIT: Final = 50_000
_DEPTH_LIMIT: Final = 16
_BRACKET: Final = re.compile(r"[\[\]{}]")
_BRACKET_LIMIT: Final = 100
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Plain data (dict, list, str, float, int, bool, None) and the places of its parts."""

    data: object
    problems: tuple[Problem, ...] = ()
    _nodes: Mapping[str, Node] = field(default_factory=dict)
    _keys: Mapping[str, Node] = field(default_factory=dict)
    _lines: tuple[str, ...] = ()

    def place(self, pointer: str, offset: int = 0) -> Place:
        """Return where the part at *pointer* stands, *offset* characters into its text.

        A part that does not exist is placed at its nearest parent.
        """
        nearest = pointer
        while nearest not in self._nodes and nearest:
            nearest = nearest.rpartition("/")[0]
        node = self._nodes.get(nearest)
        if node is None:
            return Place(pointer)
        line, column = self._inside(node, offset if nearest == pointer else 0)
        return Place(pointer, line + 1, column + 1)

    def problem(
        self, code: str, message: str, pointer: str, *, offset: int = 0,
        severity: Severity = "error", suggestion: str | None = None,
    ) -> Problem:  # fmt: skip
        """Return a problem placed at *pointer*."""
        place = self.place(pointer, offset)
        return Problem(code, severity, message, pointer, place.line, place.column, suggestion)

    def at_key(self, problem: Problem) -> Problem:
        """Return *problem* placed at the key of what it points to."""
        node = self._keys.get(problem.pointer)
        if node is None:
            return problem
        mark = node.start_mark
        return replace(problem, line=mark.line + 1, column=mark.column + 1)

    def _inside(self, node: Node, offset: int) -> tuple[int, int]:
        line, column = node.start_mark.line, node.start_mark.column
        if not isinstance(node, ScalarNode) or not offset:
            return line, column + (1 if _is_quoted(node) and offset else 0)
        if node.style in {"|", ">"}:
            return self._inside_block(node, offset)
        quote = 1 if _is_quoted(node) else 0
        end = node.end_mark
        is_plain = end.line == line and end.column - column == len(node.value) + 2 * quote
        return (line, column + quote + offset) if is_plain else (line, column)

    def _inside_block(self, node: ScalarNode, offset: int) -> tuple[int, int]:
        before = node.value[:offset]
        first = node.start_mark.line + 1
        text = next((line for line in self._lines[first:] if line.strip()), "")
        indent = len(text) - len(text.lstrip(" "))
        line = first + before.count("\n")
        return line, indent + len(before.rpartition("\n")[2])


def read_source(source: str | bytes | Mapping[str, object]) -> Source:
    """Return the data of YAML or JSON text, or of an object parsed already.

    What cannot be read is in `problems`; then `data` may be partial or None.
    """
    if isinstance(source, Mapping):
        return Source(source)
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        root = _compose(text)
    except UnicodeDecodeError:
        return Source(None, (Problem("syntax", "error", "the file is not UTF-8 text"),))
    except _Unreadable as unreadable:
        return Source(None, (unreadable.problem,))
    reader = _Reader()
    data = None if root is None else reader.read(root, "", _DEPTH_LIMIT)
    problems = tuple(reader.problems)
    return Source(data, problems, reader.nodes, reader.keys, tuple(text.splitlines()))


class _Unreadable(Exception):  # it never leaves this module
    """The text is no YAML, or past a limit."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _compose(text: str) -> Node | None:
    if len(text.encode("utf-8", "replace")) > SIZE_LIMIT_BYTES:
        message = "the rule set is larger than 256 kB; split it or shorten its lists"
        raise _Unreadable(Problem("limit", "error", message))
    if _nests_too_deeply(text):
        message = "the text nests brackets more than 100 deep; a rule set needs far fewer"
        raise _Unreadable(Problem("limit", "error", message, line=1, column=1))
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise _Unreadable(_yaml_problem(error)) from None
    except (YAMLError, ValueError, RecursionError):
        message = "the text is not YAML; a control character or an unclosed part is in the way"
        raise _Unreadable(Problem("syntax", "error", message, line=1, column=1)) from None
    return root


def pointer_to(*parts: str | int) -> str:
    """Return the JSON pointer (RFC 6901) to the nested *parts*."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _nests_too_deeply(text: str) -> bool:
    """Whether brackets nest so deeply that the YAML library would take seconds to refuse."""
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += 1 if match.group() in "[{" else -1
        if depth > _BRACKET_LIMIT:
            return True
    return False


def _yaml_problem(error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    words = (error.problem or error.context or "something is not closed").strip()
    message = f"the text is not YAML: {words}"
    if mark is None:
        return Problem("syntax", "error", message)
    return Problem("syntax", "error", message, line=mark.line + 1, column=mark.column + 1)


def _is_quoted(node: ScalarNode | Node) -> bool:
    return isinstance(node, ScalarNode) and node.style in {"'", '"'}


class _Reader:
    """Turns composed nodes into plain data and keeps every node by its pointer."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.keys: dict[str, Node] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def _complain(self, code: str, message: str, pointer: str, node: Node) -> None:
        mark = node.start_mark
        self.problems.append(
            Problem(code, "error", message, pointer, mark.line + 1, mark.column + 1)
        )

    def read(self, node: Node, pointer: str, levels: int) -> object:
        self._count += 1
        if self._count > _NODE_LIMIT or levels == 0:
            if self._count <= _NODE_LIMIT + 1:
                message = "the rule set has too many parts, or is nested too deeply"
                self._complain("limit", message, pointer, node)
            self._count = _NODE_LIMIT + 1
            return None
        self.nodes[pointer] = node
        if isinstance(node, MappingNode):
            return self._mapping(node, pointer, levels - 1)
        if isinstance(node, SequenceNode):
            return [
                self.read(item, f"{pointer}/{index}", levels - 1)
                for index, item in enumerate(node.value)
            ]
        return self._scalar(node, pointer) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, pointer: str, levels: int) -> dict[str, object]:
        members: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._complain("syntax", "a key must be a plain word", pointer, key_node)
                continue
            key = str(key_node.value)
            where = pointer + pointer_to(key)
            if key in members:
                line = self.nodes[where].start_mark.line + 1
                message = f"`{key}` stands twice; the first is in line {line}"
                self._complain("duplicate-key", message, where, key_node)
                continue
            self.keys[where] = key_node
            members[key] = self.read(value_node, where, levels)
            self.nodes.setdefault(where, value_node)
        return members

    def _scalar(self, node: ScalarNode, pointer: str) -> object:
        text = str(node.value)
        kind = str(node.tag).rpartition(":")[2]
        if node.style is not None or kind in {"str", "timestamp"}:
            if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
                self._complain("syntax", "the text holds a NUL or half a character", pointer, node)
            return text
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if _INTEGER.fullmatch(text) and len(text) < 20:
                return int(text)
            case "float" if _FLOAT.fullmatch(text):
                number = float(text)
                if abs(number) < 1e300:
                    return number
        message = f"`{text[:40]}` is not a plain number or text; put texts in quotes"
        self._complain("syntax", message, pointer, node)
        return None
