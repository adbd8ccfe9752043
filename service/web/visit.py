"""One request on its way through the house: what the doors learn about it.

It travels in the ASGI scope, so that a plain ASGI function, a FastAPI route and
the log line at the end all see the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starlette.types import Scope as AsgiScope

from service.web.caller import Caller

__all__ = ["Clock", "Visit", "visit_of"]

Clock = Callable[[], datetime]
_PLACE: Final = "goodfit.visit"


@dataclass(slots=True, kw_only=True)
class Visit:
    """What is known of a request so far.

    *template* is the route's, with its parameters' names in braces, once the gate
    has found it; *headers* are added to the answer whatever it turns out to be.
    """

    request_id: str
    template: str | None = None
    caller: Caller | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def enter(self, scope: AsgiScope) -> None:
        """Put this visit into *scope*, from where `visit_of` reads it."""
        scope[_PLACE] = self


def visit_of(scope: AsgiScope) -> Visit:
    """Return the visit that the envelope put into *scope*.

    Raises:
        KeyError: If the application runs without its envelope.
    """
    visit = scope[_PLACE]
    assert isinstance(visit, Visit)
    return visit
