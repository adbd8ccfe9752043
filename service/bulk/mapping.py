"""A file's cells to what the rule set's door reads: names, units, spellings, nothing more."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from service.bulk.map_document import ColumnDocument, InvalidMap, MapDocument
from service.bulk.rows import UnreadableFile
from service.rules import Attribute, Problem, Source, nearest

_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)

Step = Callable[[object], object]


class UnreadableCell(Exception):
    """A cell is not written as the map says; the message says how not."""


@dataclass(frozen=True, slots=True)
class AttributeColumn:
    """One attribute's column, or None and the *constant*; and the steps its cells go through."""

    attribute: str
    column: str | None
    constant: object = None
    steps: tuple[Step, ...] = ()

    def read(self, cells: Mapping[str, object]) -> object:
        """Return the raw value for the door; None where nothing is known.

        Raises:
            UnreadableCell: If the cell is not written as the map says.
        """
        if self.column is None:
            return self.constant
        value = cells.get(self.column)
        for step in self.steps:
            if value is None:
                return None
            value = step(value)
        return value


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How every row is read.

    Attributes:
        read: The attributes that have a column or a constant.
        absent: Attributes for which the file has none.
        ignored: Columns nothing reads, with the attribute that one was probably meant to be.
        keep: Columns to copy into the output.
    """

    read: tuple[AttributeColumn, ...]
    absent: tuple[str, ...]
    ignored: Mapping[str, str | None]
    keep: tuple[str, ...]


def plan_columns(
    attributes: Mapping[str, Attribute],
    columns: Sequence[str] | None,
    *,
    document: MapDocument,
    source: Source,
) -> ColumnPlan:
    """Return how rows with *columns* (None: each its own) become facts.

    Raises:
        InvalidMap: If the map names columns that the file does not have.
        UnreadableFile: If no attribute has a column.
    """
    problems = [*_unknown_columns(columns, document, source)]
    if problems:
        raise InvalidMap(tuple(problems))
    read, absent = [], []
    for name, attribute in attributes.items():
        found = _column_of(attribute, columns, document)
        if found is None:
            absent.append(name)
        else:
            read.append(found)
    if not any(found.column is not None for found in read):
        raise UnreadableFile(_nothing_to_read(attributes, columns))
    used = {found.column for found in read}
    unused = [column for column in columns or () if column not in used]
    ignored = {column: _probably(column, absent) for column in unused}
    keep = (columns or ()) if document.keep is None else document.keep
    return ColumnPlan(tuple(read), tuple(absent), ignored, tuple(keep))


def _probably(column: str, absent: Sequence[str]) -> str | None:
    """Return the attribute that a column nobody reads was surely meant to be."""
    found = difflib.get_close_matches(column.casefold(), absent, n=1, cutoff=0.8)
    return found[0] if found else None


def _unknown_columns(
    columns: Sequence[str] | None, document: MapDocument, source: Source
) -> Iterator[Problem]:
    if columns is None:
        return
    named = [
        (column.column, f"/columns/{name}" + ("/column" if _is_long(name, source) else ""))
        for name, column in document.columns.items()
        if column is not None and column.column is not None
    ]
    named += [(name, f"/keep/{place}") for place, name in enumerate(document.keep or ())]
    for name, where in named:
        if name not in columns:
            meant = nearest(name, columns)
            hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(columns)}"
            message = f"the file has no column `{name}`; {hint}"
            yield source.problem("unknown-column", message, where, suggestion=meant)


def _is_long(name: str, source: Source) -> bool:
    data = source.data
    columns = data.get("columns") if isinstance(data, Mapping) else None
    return isinstance(columns, Mapping) and isinstance(columns.get(name), Mapping)


def _column_of(
    attribute: Attribute, columns: Sequence[str] | None, document: MapDocument
) -> AttributeColumn | None:
    name = attribute.name
    general = ColumnDocument(column=name)
    column = document.columns.get(name, general)
    if column is None or (column is general and columns is not None and name not in columns):
        return None
    if column.column is None:
        return AttributeColumn(name, None, column.value)
    steps = _steps(column, attribute, frozenset((*document.missing, *column.missing)))
    return AttributeColumn(name, column.column, steps=steps)


def _steps(
    column: ColumnDocument, attribute: Attribute, missing: frozenset[str]
) -> tuple[Step, ...]:
    steps: list[Step] = []
    if missing:
        steps.append(lambda value: None if _text(value) in missing else value)
    if column.replace:
        steps.append(lambda value: column.replace.get(_text(value), value))
    if attribute.type == "number" and (column.decimal != "." or column.thousands):
        steps.append(lambda value: _plain_number(value, column.decimal, column.thousands))
    if column.times is not None:
        factor = Decimal(repr(column.times))
        steps.append(lambda value: _times(value, factor))
    if column.date is not None:
        form = column.date
        steps.append(lambda value: _day(value, form))
    if column.split is not None:
        mark = column.split
        steps.append(lambda value: value.split(mark) if isinstance(value, str) else value)
    return tuple(steps)


def _text(value: object) -> str:
    """Return the text by which a cell is found in `missing` and `replace`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else str(value)


def _plain_number(value: object, decimal: str, thousands: str | None) -> object:
    """Return a number's text in the door's spelling; other texts as they are, for its refusal."""
    if not isinstance(value, str) or not value.strip():
        return value
    text = value.strip()
    mark = re.escape(thousands) if thousands else "(?!)"
    shape = rf"[+-]?([0-9]{{1,3}}({mark}[0-9]{{3}})+|[0-9]+)({re.escape(decimal)}[0-9]+)?"
    if not re.fullmatch(shape, text, re.ASCII):
        raise UnreadableCell(f"is not a number with the decimal mark `{decimal}`")
    return text.replace(thousands or "\0", "").replace(decimal, ".")


def _times(value: object, factor: Decimal) -> object:
    """Return the number in the attribute's unit, exactly; what is no number, for the door."""
    match value:
        case bool():
            return value
        case int() | float():
            return float(Decimal(repr(value)) * factor)
        case str() if _PLAIN.fullmatch(value.strip()):
            return float(Decimal(value.strip()) * factor)
        case _:
            return value


def _day(value: object, form: str) -> object:
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return datetime.strptime(value.strip(), form).date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise UnreadableCell(f"is not a day written as `{form}`") from None


def _nothing_to_read(attributes: Mapping[str, Attribute], columns: Sequence[str] | None) -> str:
    names = ", ".join(columns or ())
    wanted = ", ".join(attributes)
    return (
        f"no column is named after an attribute; the file has {names}, the rule set reads "
        f"{wanted}; say in a map which is which (`--map`)"
    )
