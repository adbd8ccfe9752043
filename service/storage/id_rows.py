"""Ids in a row, as the database sends them: sixteen bytes each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, overload
from uuid import UUID

__all__ = ["Ids"]

_UUID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Ids(Sequence[UUID]):
    """Ids in a row, sixteen bytes each; one becomes an object when somebody asks for it."""

    raw: bytes

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.raw) // _UUID_BYTES

    @overload
    def __getitem__(self, place: int) -> UUID: ...
    @overload
    def __getitem__(self, place: slice) -> "Ids": ...
    def __getitem__(self, place: int | slice) -> "UUID | Ids":
        """Return the id at *place*, or those in a slice without steps."""
        if isinstance(place, slice):
            first, last, _ = place.indices(len(self))
            return Ids(self.raw[first * _UUID_BYTES : last * _UUID_BYTES])
        first = range(len(self))[place] * _UUID_BYTES
        return UUID(bytes=self.raw[first : first + _UUID_BYTES])

    def hex_of(self, place: int) -> str:
        """Return the id at *place*, which is not negative, as 32 hexadecimal digits."""
        first = place * _UUID_BYTES
        return self.raw[first : first + _UUID_BYTES].hex()
