"""What a door says when it says no.

A refusal is an exception that a room defines beside the function raising it.
It carries words for a person and places in the request, and never an HTTP
status: `service.web.problems` alone knows those, by code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Fault", "Refusal", "pointer_to"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong at one place of a request.

    *pointer* is a JSON pointer (RFC 6901) into the body; a fault of a header or a
    query parameter names it in *parameter* instead. *line* and *column* count
    from 1 and are there where the body is text. None of the words may repeat a
    lead's values.
    """

    code: str
    message: str
    pointer: str | None = None
    parameter: str | None = None
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the members that are known, in a fixed order."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in members.items() if value is not None}


class Refusal(Exception):
    """A request that cannot be carried out as asked, and why.

    Subclasses set *code*, which is part of the API and never changes. *detail* is
    lower case, without a full stop: what happened, then what to do. *headers* go
    out with the answer (`Retry-After`, `Allow`), *members* stand in it beside ours.
    """

    code: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def pointer_to(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) that takes *steps* from the root."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
