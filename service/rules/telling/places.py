"""The places of values in words: their slots, and what stands around a value there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.rules import json_text
from service.rules.expression.phrasebook import Hole
from service.rules.expression.tokens import Token

SLOTS: Final = 5
"""How many slots in a row a value has."""

Piece = str | int
"""Text, or the slot of a value."""

Fill = Callable[[dict[int, str], str, str, str], None]
"""Fills the slots of a value: with its words, the same inside a JSON text, and as JSON."""


@dataclass(frozen=True, slots=True)
class Place:
    """The slots of a value, and what stands around it.

    Attributes:
        bare: The slot of the value in words.
        json: That of the value as a check shows it.
        inside: That of the words, with their unit, between the quotes of a JSON text.
        read: That of the words with their unit; without one it is *bare*.
        told: That of the same as typed tokens; without a unit these are *front*, *inside*
            and a *back*.
        front: What comes before the value in its token.
        backs: What comes after it there, and after a 1, units included.
        units: What follows the value, and a 1, in a sentence; None where nothing does.
    """

    bare: int
    json: int
    inside: int
    read: int
    told: int
    front: str
    backs: tuple[str, str]
    units: tuple[str, str] | None

    @classmethod
    def of(cls, first: int, hole: Hole) -> "Place":
        """Return the place from the slot *first* on."""
        bare, json, inside, read, told = range(first, first + SLOTS)
        token = token_text(Token("value", "", hole.attribute, hole.pii))
        before, _, after = token.partition('""')
        front, back = f'{before}"', f'"{after}'
        if hole.unit is not None and hole.unit_of_one is not None:
            kinds = hole.unit, hole.unit_of_one
            many, one = (f"{back},{token_text(unit)}" for unit in kinds)
            units = f" {kinds[0].text}", f" {kinds[1].text}"
            return cls(bare, json, inside, read, told, front, (many, one), units)
        if hole.age is None:
            read = bare
        return cls(bare, json, inside, read, told, front, (back, back), None)

    @property
    def tokens(self) -> tuple[Piece, ...]:
        """The value as typed tokens in JSON."""
        is_alone = self.read == self.bare
        return (self.front, self.inside, self.backs[0]) if is_alone else (self.told,)

    def filler(self) -> Fill:
        """Return what fills the slots."""
        if self.units is None:
            return self._fill_alone
        unit, unit_of_one = self.units
        inner, inner_of_one = map(json_text.inside, self.units)
        back, back_of_one = self.backs

        def fill(values: dict[int, str], words: str, within: str, shown_as: str) -> None:
            is_one = words == "1"
            values[self.bare] = words
            values[self.json] = shown_as
            values[self.inside] = f"{within}{inner_of_one if is_one else inner}"
            values[self.read] = f"{words}{unit_of_one if is_one else unit}"
            values[self.told] = f"{self.front}{within}{back_of_one if is_one else back}"

        return fill

    def _fill_alone(self, values: dict[int, str], words: str, within: str, shown_as: str) -> None:
        values[self.bare] = words
        values[self.json] = shown_as
        values[self.inside] = within


def token_text(token: Token) -> str:
    """Return one typed token as JSON."""
    said = json_text.quoted(token.text)
    attribute = token.attribute
    belongs = "" if attribute is None else f',"attribute":{json_text.quoted(attribute)}'
    personal = ',"pii":true' if token.pii else ""
    return f'{{"kind":"{token.kind}","text":{said}{belongs}{personal}}}'
