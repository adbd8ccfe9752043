"""The facts' door by columns: what `admit` says of a value, asked once per distinct value.

Nothing here gives a value a meaning. A value is either handed to `attributes.admit`, or it
is of a form of which `admit` is known to say the same as the column operation: numbers that
are numbers already, and texts of plain ASCII.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from service.bulk.mapping import AttributeColumn, UnreadableCell
from service.rules.attributes import Attribute, AttributeType, Fact, admit
from service.rules.ranges import LARGEST_EXACT

ARROW_TYPES: Final[Mapping[AttributeType, Any]] = {
    "number": pa.float64(), "text": pa.string(), "choice": pa.string(), "flag": pa.bool_(),
    "date": pa.date32(), "list": pa.list_(pa.string()),
}  # fmt: skip
USUAL_KINDS: Final[Mapping[AttributeType, tuple[type, ...]]] = {
    "number": (int, float), "text": (str,), "choice": (str,), "flag": (bool,), "date": (str,),
    "list": (list,),
}  # fmt: skip
"""How JSON holds the facts of a type, where nobody wrote them as texts."""
_PLAIN_NUMBER: Final = r"\A-?[0-9]{1,15}(?:\.[0-9]{1,10})?\z"
_PLAIN_TEXT: Final = r"\A[!-~](?:[ -~]*[!-~])?\z"
_FEW: Final = 256
_MOST_REMEMBERED: Final = 100_000
_REMARK: Final = "; it counts as missing"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A raw value in one row of the chunk that could not be read and counts as missing.

    *by_map* says that it is not written as the map says; the door was not asked.
    """

    row: int
    value: object
    reason: str
    by_map: bool


@dataclass(frozen=True, slots=True)
class FactColumn:
    """One attribute's facts as an Arrow array, NULL where missing, and what was unreadable."""

    values: Any
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of one distinct value: a fact, nothing, or why it is no fact."""

    fact: Fact | None
    reason: str | None
    by_map: bool = False

    def complain(self, row: int, value: object) -> Complaint:
        """Return what is wrong with *value* in *row*."""
        if self.reason is None:
            raise AssertionError("a value that was read is complained of")
        return Complaint(row, value, self.reason, self.by_map)


@dataclass(slots=True)
class ColumnDoor:
    """The way of one attribute's raw values to facts.

    Attributes:
        source: Where the values come from, and the steps of the map they go through.
    """

    attribute: Attribute
    source: AttributeColumn
    _known: dict[object, _Read] = field(default_factory=dict)

    @property
    def type(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        """The Arrow type of its facts."""
        return ARROW_TYPES[self.attribute.type]

    def repeat_constant(self, rows: int) -> FactColumn:
        """Return the map's constant as *rows* facts."""
        read = self._read(self.source.constant, lambda value: value)
        values = pa.array([_storable(read.fact)], type=self.type).take(_zeros(rows))
        if read.reason is None:
            return FactColumn(values)
        constant = self.source.constant
        return FactColumn(values, tuple(read.complain(row, constant) for row in range(rows)))

    def admit_values(self, values: list[Any]) -> FactColumn:
        """Return the facts in *values* as JSON holds them; None where nothing is known."""
        kinds = set(map(type, values)) - {type(None)}
        if kinds <= set(USUAL_KINDS[self.attribute.type]):
            return self.admit_usual(values)
        if kinds == {str}:
            return self.admit(pa.array(values, type=pa.string()))
        return self._one_by_one(values)

    def admit_usual(self, values: list[Any]) -> FactColumn:
        """Return the same of *values* that are of the attribute's `USUAL_KINDS`, or None."""
        match self.attribute.type:
            case "number":
                with contextlib.suppress(pa.ArrowInvalid):  # a whole number that no double holds
                    return self.admit(pa.array(values, type=pa.float64()))
            case "text" | "choice" | "date":
                return self.admit(pa.array(values, type=pa.string()))
            case "flag" if not self.source.steps:
                return FactColumn(pa.array(values, type=pa.bool_()))
        return self._one_by_one(values)

    def admit(self, raw: Any) -> FactColumn:  # noqa: ANN401 - pyarrow has no types
        """Return the facts in the Arrow array *raw*."""
        if not self.source.steps:
            if self.attribute.type == "number" and _is_number(raw.type):
                return self._numbers(raw)
            if self.type == raw.type and self.attribute.type in {"flag", "date"}:
                return FactColumn(raw)
        if pa.types.is_dictionary(raw.type):
            raw = raw.dictionary_decode()
        if pa.types.is_nested(raw.type):
            return self._one_by_one(raw.to_pylist())
        return self._by_distinct(raw)

    def _numbers(self, raw: Any) -> FactColumn:  # noqa: ANN401
        """Round as `six_places` does, the same operations in the same order."""
        numbers = pc.cast(raw, pa.float64(), safe=False)
        size = pc.abs(numbers)
        is_fact = pc.less_equal(size, LARGEST_EXACT)
        if pa.types.is_integer(raw.type):
            is_fact = pc.and_(is_fact, _is_exact(raw))
        scaled = pc.floor(pc.add(pc.multiply(numbers, 1e6), 0.5))
        rounded = pc.if_else(pc.less(size, 1e9), pc.divide(scaled, 1e6), numbers)
        if self.attribute.minimum is not None:
            is_fact = pc.and_(is_fact, pc.greater_equal(rounded, self.attribute.minimum))
        if self.attribute.maximum is not None:
            is_fact = pc.and_(is_fact, pc.less_equal(rounded, self.attribute.maximum))
        values = pc.if_else(is_fact, rounded, pa.scalar(None, pa.float64()))
        refused = pc.indices_nonzero(pc.invert(is_fact)).to_pylist()
        return FactColumn(values, self._complaints(raw, refused))

    def _by_distinct(self, raw: Any) -> FactColumn:  # noqa: ANN401
        encoded = pc.dictionary_encode(raw)
        dictionary = encoded.dictionary
        facts, refused = self._distinct(dictionary)
        values = facts.take(encoded.indices)
        if not refused:
            return FactColumn(values)
        unreadable = pa.array(list(refused), type=encoded.indices.type)
        rows = pc.indices_nonzero(pc.is_in(encoded.indices, value_set=unreadable)).to_pylist()
        places = encoded.indices.take(pa.array(rows, pa.int64())).to_pylist()
        cells = {place: plain(dictionary[place].as_py()) for place in refused}
        complaints = (
            refused[place].complain(row, cells[place])
            for row, place in zip(rows, places, strict=True)
        )
        return FactColumn(values, tuple(complaints))

    def _distinct(self, dictionary: Any) -> tuple[Any, dict[int, _Read]]:  # noqa: ANN401
        """Return the facts of distinct values, and by place what is none."""
        is_plain = self._is_plain(dictionary)
        if is_plain is None:
            read = [self._read(plain(value)) for value in dictionary.to_pylist()]
            facts = pa.array([_storable(one.fact) for one in read], type=self.type)
            return facts, {n: one for n, one in enumerate(read) if one.reason is not None}
        nothing = pa.scalar(None, dictionary.type)
        easy = pc.if_else(is_plain, dictionary, nothing)
        if self.attribute.type == "number":
            found = self._numbers(pc.cast(easy, pa.float64()))
            easy, hard = found.values, [c.row for c in found.complaints]
        else:
            hard = []
        hard += pc.indices_nonzero(pc.invert(is_plain)).to_pylist()
        if not hard:
            return easy, {}
        read = [self._read(dictionary[place].as_py()) for place in hard]
        replaced: list[object] = [None] * len(dictionary)
        for place, one in zip(hard, read, strict=True):
            replaced[place] = _storable(one.fact)
        facts = pc.coalesce(easy, pa.array(replaced, type=self.type))
        refused = zip(hard, read, strict=True)
        return facts, {place: one for place, one in refused if one.reason is not None}

    def _is_plain(self, dictionary: Any) -> Any:  # noqa: ANN401
        """Return where `admit` would take the text as it stands; None where none is worth it."""
        if len(dictionary) < _FEW or dictionary.type != pa.string() or self.source.steps:
            return None
        attribute = self.attribute
        if attribute.type == "number":
            is_plain = pc.match_substring_regex(dictionary, _PLAIN_NUMBER)
        elif attribute.type == "text" or (attribute.type == "choice" and attribute.other):
            is_plain = pc.match_substring_regex(dictionary, _PLAIN_TEXT)
        else:
            return None
        missing = pa.array(sorted(attribute.missing_values), pa.string())
        return pc.and_(is_plain, pc.invert(pc.is_in(dictionary, value_set=missing)))

    def _one_by_one(self, values: Iterable[object]) -> FactColumn:
        read = [self._read(plain(value)) for value in values]
        complaints = (
            one.complain(row, plain(value))
            for row, (value, one) in enumerate(zip(values, read, strict=True))
            if one.reason is not None
        )
        facts = pa.array([_storable(one.fact) for one in read], type=self.type)
        return FactColumn(facts, tuple(complaints))

    def _complaints(self, raw: Any, rows: list[int]) -> tuple[Complaint, ...]:  # noqa: ANN401
        found = []
        for row in rows:
            value = plain(raw[row].as_py())
            found.append(self._read(value).complain(row, value))
        return tuple(found)

    def _read(self, value: object, through: Callable[[object], object] | None = None) -> _Read:
        """Return what the map and the door make of one value, remembered for the next chunk."""
        key = (type(value), repr(value) if isinstance(value, list | dict) else value)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._ask(value, through or self._through_map)
        return found

    def _through_map(self, value: object) -> object:
        return self.source.read({self.source.column or "": value})

    def _ask(self, value: object, through: Callable[[object], object]) -> _Read:
        name = self.attribute.name
        try:
            raw = through(value)
        except UnreadableCell as error:
            return _Read(None, f"`{name}` {error}", by_map=True)
        facts = admit({name: raw}, {name: self.attribute})
        if facts.problems:
            return _Read(None, facts.problems[0].message.removesuffix(_REMARK))
        return _Read(facts.values.get(name), None)


def plain(value: object) -> object:
    """Return a column file's *value* as JSON has it; an instant without a zone is its day."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat() if value.tzinfo else value.date()
        case Decimal():
            return format(value, "f")
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def _is_number(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    is_float = pa.types.is_float64(kind) or pa.types.is_float32(kind)
    return is_float or bool(pa.types.is_integer(kind))


def _is_exact(raw: Any) -> Any:  # noqa: ANN401
    """Return where whole numbers are within 2^53, before any of them was rounded."""
    if raw.type.bit_width < 64:
        return pc.is_valid(raw)
    limit = pa.scalar(2**53, raw.type)
    if pa.types.is_unsigned_integer(raw.type):
        return pc.less_equal(raw, limit)
    lowest = pa.scalar(-(2**53), raw.type)
    return pc.and_(pc.less_equal(raw, limit), pc.greater_equal(raw, lowest))


def _storable(fact: Fact | None) -> object:
    return list(fact) if isinstance(fact, tuple) else fact


def _zeros(rows: int) -> Any:  # noqa: ANN401
    return pa.repeat(pa.scalar(0, pa.int32()), rows)
