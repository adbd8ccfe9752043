"""Stored facts as columns: one JSON array of objects to a list of values an attribute."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Union

import msgspec

from service.bulk.fact_columns import USUAL_KINDS, ColumnDoor, FactColumn
from service.bulk.mapping import AttributeColumn
from service.rules import Attribute, RuleSet


@dataclass(slots=True)
class AccountDoor:
    """The way of stored facts to what one rule set reads of them."""

    attributes: Mapping[str, Attribute]
    doors: Mapping[str, ColumnDoor] = field(init=False)
    _usual: Any = field(init=False)
    _any: Any = field(init=False)
    _getters: Mapping[str, Callable[[Any], Any]] = field(init=False)

    @classmethod
    def of(cls, rules: RuleSet) -> "AccountDoor":
        """Return the door of *rules*."""
        return cls(rules.attributes)

    def __post_init__(self) -> None:
        """Prepare to read no more than the attributes."""
        self.doors = {
            name: ColumnDoor(attribute, AttributeColumn(name, name))
            for name, attribute in self.attributes.items()
        }
        # A field of its own name could be a word of Python.
        fields = {name: f"field_{place}" for place, name in enumerate(self.attributes)}
        self._getters = {name: attrgetter(field_name) for name, field_name in fields.items()}
        kinds = {name: USUAL_KINDS[one.type] for name, one in self.attributes.items()}
        self._usual = _decoder(fields, kinds)
        self._any = _decoder(fields, dict.fromkeys(fields, (object,)))

    def admit(self, facts: bytes) -> Mapping[str, FactColumn]:
        """Return the facts of every account in a JSON array, by attribute."""
        try:
            rows = self._usual.decode(facts)
        except msgspec.DecodeError:
            columns = self._columns(facts)
            return {name: door.admit_values(columns[name]) for name, door in self.doors.items()}
        return {
            name: self.doors[name].admit_usual(list(map(get, rows)))
            for name, get in self._getters.items()
        }

    def _columns(self, facts: bytes) -> Mapping[str, list[Any]]:
        """Return values of whatever kind."""
        try:
            rows = self._any.decode(facts)
        except msgspec.DecodeError:  # a number past the doubles, which the door refuses by itself
            objects = json.loads(facts)
            return {name: [one.get(name) for one in objects] for name in self.attributes}
        return {name: list(map(get, rows)) for name, get in self._getters.items()}


def _decoder(fields: Mapping[str, str], kinds: Mapping[str, tuple[type, ...]]) -> Any:  # noqa: ANN401
    """Return what decodes a JSON array of objects to rows with *fields*, by member.

    Members are of *kinds*, and None where they are missing; other members are passed over.
    """
    row = msgspec.defstruct(
        "Row",
        [(field_name, Union[*kinds[name], None], None) for name, field_name in fields.items()],
        rename={field_name: name for name, field_name in fields.items()},
        gc=False,
    )
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
