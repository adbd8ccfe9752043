"""Stored facts as columns: one JSON array of objects to a list of values an attribute."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.bulk.fact_columns import ColumnDoor, FactColumn
from service.bulk.mapping import AttributeColumn
from service.rules import Attribute, RuleSet


@dataclass(slots=True)
class AccountDoor:
    """The way of stored facts to what one rule set reads of them."""

    attributes: Mapping[str, Attribute]
    doors: Mapping[str, ColumnDoor] = field(init=False)
    _decoder: Any = field(init=False)
    _fields: Sequence[str] = field(init=False)

    @classmethod
    def of(cls, rules: RuleSet) -> "AccountDoor":
        """Return the door of *rules*."""
        return cls(rules.attributes)

    def __post_init__(self) -> None:
        """Prepare to read no more than the attributes."""
        names = list(self.attributes)
        self.doors = {
            name: ColumnDoor(attribute, AttributeColumn(name, name))
            for name, attribute in self.attributes.items()
        }
        # A field of its own name could be a word of Python.
        self._fields = [f"field_{place}" for place in range(len(names))]
        row = msgspec.defstruct(
            "Row",
            [(name, object, None) for name in self._fields],
            rename=dict(zip(self._fields, names, strict=True)),
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]

    def admit(self, facts: bytes) -> Mapping[str, FactColumn]:
        """Return the facts of every account in a JSON array, by attribute."""
        columns = self._columns(facts)
        return {name: door.admit_values(columns[name]) for name, door in self.doors.items()}

    def _columns(self, facts: bytes) -> Mapping[str, list[Any]]:
        try:
            rows = self._decoder.decode(facts)
        except msgspec.DecodeError:  # a number past the doubles, which the door refuses by itself
            objects = json.loads(facts)
            return {name: [one.get(name) for one in objects] for name in self.attributes}
        return {
            name: [getattr(row, field_name) for row in rows]
            for name, field_name in zip(self.attributes, self._fields, strict=True)
        }
