"""What changed between two rule sets, a line a part: `~ rule medium  points 25 -> 30`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from service.rules.compare import Change, Comparison, FieldChange

_MARKS: Final = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_STYLES: Final = {"added": "green", "removed": "red", "changed": "yellow", "moved": "cyan"}
_LONGEST: Final = 100
# What already stands elsewhere in the line of a part that came or went.
_NOT_TOLD: Final = frozenset({"group", "score", "note", "reason"})
_PLAIN_FIRST: Final = ("when", "formula", "expression", "items", "verdict", "type", "then")


def change_lines(changes: Sequence[Change], *, indent: str = "  ") -> list[Text]:
    """Return a line a change, in columns; a line more for each further member that changed."""
    names = [f"{change.part} {change.id}" for change in changes]
    width = max((len(name) for name in names), default=0)
    lines = []
    for name, change in zip(names, changes, strict=True):
        told = _told(change)
        for index, words in enumerate(told):
            head = f"{_MARKS[change.kind]} {name:<{width}}" if index == 0 else " " * (width + 2)
            line = Text(indent)
            line.append(head, style=_STYLES[change.kind])
            lines.append(line.append(f"  {words}"))
    return lines


def changes_read(shown: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return the changes that the API shows."""
    return [
        Change(
            kind=one["kind"],
            part=one["part"],
            id=one["id"],
            fields=tuple(FieldChange(**field) for field in one["fields"]),
            is_only_words=one["is_only_words"],
        )
        for one in shown
    ]


def change_json(comparison: Comparison) -> dict[str, object]:
    """Return the comparison as JSON members, the same as the API's."""
    return {
        "is_same": comparison.is_same,
        "is_same_logic": comparison.is_same_logic,
        "changes": [
            {
                "kind": change.kind,
                "part": change.part,
                "id": change.id,
                "is_only_words": change.is_only_words,
                "fields": [
                    {"field": one.field, "before": one.before, "after": one.after}
                    for one in change.fields
                ],
            }
            for change in comparison.changes
        ],
    }


def _told(change: Change) -> list[str]:
    if change.kind == "moved":
        return ["stands elsewhere among its neighbours"]
    if change.part == "test" and change.kind != "changed":
        return [""]
    if change.kind == "changed":
        only = "  (words only)" if change.is_only_words and change.part != "test" else ""
        return [f"{_field(field)}{only}" for field in change.fields]
    values = {
        field.field: field.after if change.kind == "added" else field.before
        for field in change.fields
    }
    return [" ".join(_whole(values)) or ""]


def _field(field: FieldChange) -> str:
    if field.before is None:
        return f"{field.field} {_value(field.after)} (new)"
    if field.after is None:
        return f"{field.field} {_value(field.before)} (gone)"
    if isinstance(field.before, Mapping) and isinstance(field.after, Mapping):
        return f"{field.field}: {_between(field.before, field.after)}"
    if isinstance(field.before, list) and isinstance(field.after, list):
        came_and_went = _items(field.before, field.after)
        if came_and_went:
            return f"{field.field} {came_and_went}"
    return f"{field.field} {_value(field.before)} -> {_value(field.after)}"


def _between(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    names = [n for n in dict.fromkeys([*before, *after]) if before.get(n) != after.get(n)]
    parts = (_field(FieldChange(name, before.get(name), after.get(name))) for name in names)
    return ", ".join(parts)


def _items(before: Sequence[object], after: Sequence[object]) -> str:
    came = [f"+{_value(item)}" for item in after if item not in before]
    went = [f"-{_value(item)}" for item in before if item not in after]
    return _short(" ".join([*came, *went]))


def _whole(values: Mapping[str, object]) -> Iterator[str]:
    """Yield the members of a part that came or went: its condition first, its points last."""
    for name in _PLAIN_FIRST:
        if name in values:
            yield _value(values[name])
    for name, value in values.items():
        if name in _PLAIN_FIRST or name in _NOT_TOLD or value is False or value in ([], {}):
            continue
        if name == "points":
            yield f" {value:+g}" if isinstance(value, int | float) else f" {_value(value)}"
        else:
            yield f"{name} {_value(value)}"


def _value(value: object) -> str:
    match value:
        case str():
            return _short(value)
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return f"{value:,g}" if abs(value) < 1e6 else f"{value:,.0f}"
        case _:
            return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
