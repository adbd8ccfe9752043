"""The few files a browser needs, served by us: a page must work without the internet.

Each has an address with its own digest in it, so that it may be kept for ever and a new
version is a new address.
"""

import functools
import hashlib
from pathlib import Path
from typing import ClassVar, Final

from starlette.responses import Response

from service.web.refusals import Refusal

__all__ = ["FILES", "FileUnknown", "address_of", "file_at"]

_HERE: Final = Path(__file__).parent / "static"
_DIGEST_LENGTH: Final = 16
FILES: Final = {
    "docs.css": (_HERE / "docs.css", "text/css"),
    "docs.js": (_HERE / "docs.js", "text/javascript"),
    "swagger-ui.css": (_HERE / "vendor/swagger-ui/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_HERE / "vendor/swagger-ui/swagger-ui-bundle.js", "text/javascript"),
}


class FileUnknown(Refusal):
    """There is no such file, or not with that content."""

    code: ClassVar[str] = "not_found"


def address_of(name: str) -> str:
    """Return the path under which the file *name* of `FILES` is served."""
    return f"/static/{_read(name)[1]}/{name}"


def file_at(digest: str, name: str) -> Response:
    """Return the file *name* whose content has *digest*.

    Raises:
        FileUnknown: If there is none.
    """
    if name not in FILES or _read(name)[1] != digest:
        raise FileUnknown("there is no such file; reload the page that asked for it")
    return Response(
        _read(name)[0],
        media_type=FILES[name][1],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    content = FILES[name][0].read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
