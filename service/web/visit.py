"""One request on its way through the house: what the doors learn about it.

It travels in the ASGI scope, so that a plain ASGI function, a FastAPI route and
the log line at the end all see the same.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec
from starlette.types import Scope as AsgiScope

from service.web.access import Access
from service.web.caller import Caller
from service.web.journal import stack_of

__all__ = ["Clock", "Visit", "visit_of"]

Clock = Callable[[], datetime]
"""Returns the instant, aware and in UTC."""

_PLACE: Final = "goodfit.visit"


class Visit(msgspec.Struct, kw_only=True):
    """What is known of a request so far.

    *head* holds the request's headers by lower-case name. *access* is there once the
    gate has found the route. *headers* are added to the answer whatever it turns out
    to be. *problem* is the code it was refused with, *defect* the kind of an
    unexpected error and *stack* where that came from.
    """

    request_id: str
    head: Mapping[bytes, bytes] = msgspec.field(default_factory=dict)
    access: Access | None = None
    caller: Caller | None = None
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    problem: str | None = None
    defect: str | None = None
    stack: list[str] = msgspec.field(default_factory=list)

    @property
    def template(self) -> str:
        """The route's address with its parameters' names in braces, or `none`."""
        return "none" if self.access is None else self.access.template

    def note_defect(self, error: Exception) -> None:
        """Remember an unexpected *error* for the journal: its kind and place, not its words.

        Now, because the layers on its way out take its traceback off.
        """
        if self.defect is None:
            self.defect = f"{type(error).__module__}.{type(error).__qualname__}"
            self.stack = stack_of(error)

    def enter(self, scope: AsgiScope) -> None:
        """Put this visit into *scope*, from where `visit_of` reads it."""
        scope[_PLACE] = self


def visit_of(scope: AsgiScope) -> Visit:
    """Return the visit that the envelope put into *scope*.

    Raises:
        KeyError: If the application runs without its envelope.
    """
    visit: Visit = scope[_PLACE]
    return visit
