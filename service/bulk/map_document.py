"""The map file: how a file's columns become a rule set's attributes, as somebody writes it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from service.rules import Attribute, Problem, Source, nearest, read_source

Text = Annotated[str, StringConstraints(min_length=1)]
Constant = str | int | float | bool | list[str]

_ONLY_FOR: Final = {
    "times": "number", "decimal": "number", "thousands": "number",
    "split": "list", "date": "date",
}  # fmt: skip


class Part(BaseModel):
    """A part of the map: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ColumnDocument(Part):
    """Where one attribute comes from, and how its cells are written.

    Attributes:
        column: The column to read; else *value* is the same for every row.
        missing: Cells that mean nothing is known, besides the map's own.
        replace: Whole cells and what stands for them; null is missing.
        times: What one of the column's units is in the attribute's.
        decimal: The decimal mark in the cells; *thousands* the mark between thousands.
        date: The form of a day, as in `%d.%m.%Y`.
        split: What stands between the items of a list.
    """

    column: Text | None = None
    value: Constant | None = None
    missing: list[str] = Field(default_factory=list)
    replace: dict[str, Constant | None] = Field(default_factory=dict)
    times: float | None = Field(None, gt=-1e15, lt=1e15, allow_inf_nan=False)
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "_"] | None = None
    date: Text | None = None
    split: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value


class MapDocument(Part):
    """The whole map. An attribute it does not name is read from the column of its own name.

    Attributes:
        columns: By attribute; null where the column of that name is not to be read.
        missing: Cells that mean nothing is known, in every column.
        keep: Columns to copy into the output; all of a CSV or Parquet file when left out.
        encoding: Of a CSV file. *delimiter* is found from its header when left out.
    """

    columns: dict[str, ColumnDocument | None] = Field(default_factory=dict)
    missing: list[str] = Field(default_factory=list)
    keep: list[Text] | None = None
    encoding: Text = "utf-8"
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None


class InvalidMap(Exception):
    """The map cannot be used; `problems` says why, each with its place."""

    code = "invalid_map"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all *problems*; the message is the first one's."""
        super().__init__(problems[0].message)
        self.problems = problems


def read_map(
    source: str | bytes, attributes: Mapping[str, Attribute]
) -> tuple[MapDocument, Source]:
    """Return the map in YAML or JSON text, and where its parts stand.

    Raises:
        InvalidMap: If it is no map, or speaks of attributes in ways they do not have.
    """
    read = read_source(source)
    if read.problems:
        raise InvalidMap(read.problems)
    try:
        document = MapDocument.model_validate({} if read.data is None else read.data)
    except ValidationError as error:
        problems = [_shape_problem(detail, read) for detail in error.errors()]
        raise InvalidMap(tuple(problems)) from None
    problems = [*_problems(document, read, attributes)]
    if problems:
        raise InvalidMap(tuple(problems))
    return document, read


def _problems(
    document: MapDocument, read: Source, attributes: Mapping[str, Attribute]
) -> Iterator[Problem]:
    for name, column in document.columns.items():
        where = f"/columns/{name}"
        attribute = attributes.get(name)
        if attribute is None:
            meant = nearest(name, attributes)
            hint = f"did you mean `{meant}`?" if meant else "leave it out"
            message = f"`{name}` is not an attribute of the rule set; {hint}"
            yield read.problem("unknown-name", message, where, suggestion=meant)
        elif column is not None:
            yield from _column_problems(column, read, where, attribute)
    try:
        "".encode(document.encoding)
    except LookupError:
        message = f"`{document.encoding}` is no encoding; `utf-8` and `windows-1252` are"
        yield read.problem("unknown-encoding", message, "/encoding")


def _column_problems(
    column: ColumnDocument, read: Source, where: str, attribute: Attribute
) -> Iterator[Problem]:
    if (column.column is None) == (column.value is None):
        message = f"`{attribute.name}` needs either a `column` or a `value`"
        yield read.problem("shape", message, where)
    for option in column.model_fields_set:
        wanted = _ONLY_FOR.get(option)
        if wanted is not None and wanted != attribute.type:
            message = f"`{option}` is for a {wanted}; `{attribute.name}` is a {attribute.type}"
            yield read.problem("type", message, f"{where}/{option}")
    if column.times == 0:
        yield read.problem("shape", "`times` must not be 0", f"{where}/times")
    if column.thousands == column.decimal:
        message = f"`thousands` and `decimal` cannot both be `{column.decimal}`"
        yield read.problem("shape", message, f"{where}/thousands")


def _shape_problem(detail: ErrorDetails, read: Source) -> Problem:
    path = [str(step) for step in detail["loc"] if not _is_branch(step)]
    pointer = "".join(f"/{step}" for step in path)
    last = path[-1] if path else "the map"
    if detail["type"] == "extra_forbidden":
        known = MapDocument.model_fields if len(path) == 1 else ColumnDocument.model_fields
        meant = nearest(last, known)
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(known)}"
        message = f"`{last}` is not an option of a map; {hint}"
        return read.problem("unknown-key", message, pointer, suggestion=meant)
    said = detail["msg"][:1].lower() + detail["msg"][1:]
    return read.problem("shape", f"`{last}`: {said}", pointer)


def _is_branch(step: object) -> bool:
    """Say whether *step* names one branch of a union, which the author never wrote."""
    return step in {"str", "int", "float", "bool", "list[str]", "ColumnDocument", "constrained-str"}
