"""What the solver may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Time and memory of one piece of work."""

    seconds: float = 20.0
    megabytes: int = 2_048

    def to_json(self) -> dict[str, object]:
        """Return all members."""
        return {"seconds": self.seconds, "megabytes": self.megabytes}
