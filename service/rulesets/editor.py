"""Who changes rules."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

__all__ = ["Editor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who changes something, when, and where fresh ids come from."""

    person: str
    at: datetime
    new_uuid: Callable[[datetime], UUID]

    def fresh_id(self) -> UUID:
        """Return an id for something made now."""
        return self.new_uuid(self.at)
