"""The script for pages: small, alone, and under a name that can be pinned."""

import base64
import gzip
import hashlib
import re

import pytest

from service.forms.embed import script
from tests.forms.conftest import PAGE, Form

pytestmark = pytest.mark.anyio

LARGEST_GZ_BYTES = 6_000


def test_it_is_small() -> None:
    """What a visitor's browser fetches is under six kilobytes, compressed."""
    assert len(gzip.compress(script().content, 9)) < LARGEST_GZ_BYTES


def test_it_stores_nothing_and_loads_nothing() -> None:
    """No cookie, no storage, no fingerprint, no other code: the words are not in it."""
    text = script().content.decode()
    for word in ("cookie", "localStorage", "sessionStorage", "indexedDB", "userAgent", "canvas"):
        assert word not in text
    for word in (
        "eval(",
        "Function(",
        "import(",
        "innerHTML",
        "document.write",
        "createElement('s",
    ):
        assert word not in text
    assert re.findall(r"https?://", text) == []
    assert not any(line.lstrip().startswith("//") for line in text.splitlines())


async def test_it_follows_or_is_pinned(shared_form: Form) -> None:
    """One name for an hour, one for ever; the integrity is that of both."""
    served = shared_form.served
    told = (await served.ask("GET", "/embed/v1.json", key=None)).json()
    for name, kept in (("/embed/v1.js", "max-age=3600"), (told["file"], "immutable")):
        answer = await served.ask("GET", name, key=None, headers={"Origin": PAGE})
        assert answer.status_code == 200
        assert kept in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["access-control-allow-origin"] == PAGE
        digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
        assert told["integrity"] == f"sha384-{digest}"
        again = {"If-None-Match": answer.headers["etag"]}
        unchanged = await served.ask("GET", name, key=None, headers=again)
        assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["v2.js", "v1-0000000000000000.js", "embed.js", "..%2Fv1.js", "v1.js.map"]
)
async def test_there_is_nothing_else(shared_form: Form, name: str) -> None:
    """Other names are not there, and a pinned one of another version is not that version."""
    answer = await shared_form.served.ask("GET", f"/embed/{name}", key=None)
    assert answer.status_code == 404
