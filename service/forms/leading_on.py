"""Where a visitor goes after a posted form: to the outcome's address, else to thanks."""

import html
import re
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.responses import HTMLResponse, Response

__all__ = ["lead_on", "target_of"]

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_NOT_STORED: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_AS_IT_IS: Final = "%/:?#[]@!$&'()*+,;=~"
_THANKS: Final = "Thank you. We have what you told us."
# What a browser would read as something else than it looks like.
_SUSPECT: Final = re.compile(r"[\x00-\x20\\\x7f]")


def target_of(url: str | None, *, origin: str) -> str | None:
    """Return the address to lead to; None where *url* is none a visitor may be led to.

    It comes from the rule set's outcome, never from the form: https, or a path on the
    page's own *origin*.
    """
    if not url or _SUSPECT.search(url) or url.startswith("//"):
        return None
    if url.startswith("/"):
        return origin + url
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None


def lead_on(url: str | None, message: str | None, *, origin: str) -> Response:
    """Return 303 to where the outcome leads, or a page that says its *message*."""
    target = target_of(url, origin=origin)
    if target is not None:
        location = {"Location": quote(target, safe=_AS_IT_IS)}
        return Response(status_code=303, headers=location | _NOT_STORED)
    words = html.escape(message or _THANKS)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Thank you</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>main{font:1.2rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto}"
        f'</style><main role="status"><p>{words}</p></main></html>'
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY} | _NOT_STORED)
