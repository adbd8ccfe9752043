"""What a browser may open: the API's documentation, its description, what a problem means."""

import functools
import html
import re
from pathlib import Path
from typing import ClassVar, Final

import anyio.to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.web.openapi import descriptions
from service.web.problems import PROBLEMS
from service.web.refusals import Refusal
from service.web.static_files import FILES, address_of, file_at

__all__ = ["ProblemUnknown", "pages"]

pages = APIRouter(include_in_schema=False)

# Swagger UI draws its icons from data: addresses; everything else comes from here.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_SHORT: Final = {"Cache-Control": "no-cache"}


class ProblemUnknown(Refusal):
    """No problem has this code."""

    code: ClassVar[str] = "not_found"


@pages.get("/")
async def start() -> Response:
    """Lead a browser that knows only the host to the documentation."""
    return RedirectResponse("/docs", status_code=307)


@pages.get("/docs")
async def docs() -> Response:
    """Show the API, with its own key field and a button to try each call."""
    return HTMLResponse(_docs_page(), headers=_PAGE_HEADERS)


@pages.get("/static/{digest}/{name}")
async def static(digest: str, name: str) -> Response:
    """Serve one of our files under an address that names its content."""
    return file_at(digest, name)


@pages.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Return the description of this API, OpenAPI 3.1."""
    newer, _ = await anyio.to_thread.run_sync(descriptions, request.app)
    return Response(newer, media_type="application/json", headers=_SHORT)


@pages.get("/openapi-3.0.json")
async def openapi_3_0(request: Request) -> Response:
    """Return the same description as OpenAPI 3.0, for older generators."""
    _, older = await anyio.to_thread.run_sync(descriptions, request.app)
    return Response(older, media_type="application/json", headers=_SHORT)


@pages.get("/problems/{code}")
async def problem_page(code: str) -> Response:
    """Say what one problem type means: the address that stands in every refusal's `type`."""
    kind = PROBLEMS.get(code.replace("-", "_"))
    if kind is None:
        raise ProblemUnknown("no problem has this code; the codes are in /docs")
    title = html.escape(kind.title)
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>HTTP status {kind.status}, code <code>{html.escape(code)}</code>.</p>"
        "<p>The answer's <code>detail</code> and <code>errors</code> say what to do.</p></html>"
    )
    return HTMLResponse(body, headers=_PAGE_HEADERS)


@functools.cache
def _docs_page() -> str:
    page = (Path(__file__).parent / "static/docs.html").read_text(encoding="utf-8")
    names = "|".join(re.escape(name) for name in FILES)
    return re.sub(rf"\{{({names})\}}", lambda found: address_of(found[1]), page)
