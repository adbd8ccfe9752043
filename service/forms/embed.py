"""The script for web pages: one file, under a name that follows and one that never changes.

`/embed/v1.js` gets better while nobody looks. Whoever must know what runs on the page takes
the name with the digest, and the integrity that `/embed/v1.json` tells. Beside it stands a
form to try.
"""

import base64
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import orjson
from starlette.responses import Response

from service.web import Refusal, etag_of

__all__ = ["EmbedUnknown", "Script", "embedded", "script"]

_FILE: Final = Path(__file__).parent / "static/embed.js"
# A form to try: a page, and what it needs. The demo prints its address.
_PAGES: Final = {
    "form.html": "text/html",
    "form.js": "text/javascript",
    "form.css": "text/css",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FOLLOWING: Final = "public, max-age=3600, stale-while-revalidate=86400"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_DIGEST_LENGTH: Final = 16
# Pages of other origins load it, those that isolate themselves too.
_ANYWHERE: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}


class EmbedUnknown(Refusal):
    """There is no such file."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is sent: its *pinned* name holds its digest."""

    content: bytes
    pinned: str
    integrity: str


@functools.cache
def script() -> Script:
    """Return the script, without its comments and indentation."""
    lines = (line.strip() for line in _FILE.read_text(encoding="utf-8").splitlines())
    kept = [line for line in lines if line and not line.startswith("//")]
    content = "\n".join(kept).encode() + b"\n"
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
    integrity = base64.b64encode(hashlib.sha384(content).digest()).decode()
    return Script(content, pinned=f"v1-{digest}.js", integrity=f"sha384-{integrity}")


def embedded(name: str) -> Response:
    """Return the file *name* under `/embed`.

    Raises:
        EmbedUnknown: If there is none, or a pinned name is of another version.
    """
    now = script()
    if name == "v1.json":
        told = {"file": f"/embed/{now.pinned}", "integrity": now.integrity}
        headers = {"Cache-Control": "no-cache"} | _ANYWHERE
        return Response(orjson.dumps(told), media_type="application/json", headers=headers)
    if name in _PAGES:
        page = (_FILE.parent / name).read_bytes()
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
        return Response(page, media_type=_PAGES[name], headers=headers)
    if name not in {"v1.js", now.pinned}:
        words = "there is no such file; the script is /embed/v1.js"
        raise EmbedUnknown(words)
    headers = {"Cache-Control": _FOLLOWING if name == "v1.js" else _FOR_EVER} | _ANYWHERE
    headers["ETag"] = etag_of(now.integrity)
    return Response(now.content, media_type="text/javascript", headers=headers)
