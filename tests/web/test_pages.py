"""The documentation page works without the internet, and lets nothing else in."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import service.web
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
VENDOR = Path(service.web.__file__).parent / "static" / "vendor"


@pytest.mark.parametrize(
    "manifest", sorted(VENDOR.glob("*/manifest.json")), ids=lambda it: it.parent.name
)
def test_vendored_files_are_as_published(manifest: Path) -> None:
    """Each file we ship from elsewhere is the one its manifest names, licence included."""
    told = json.loads(manifest.read_text(encoding="utf-8"))
    there = {path.name for path in manifest.parent.iterdir()} - {"manifest.json"}
    assert there == set(told["files"])
    assert "LICENSE" in there
    for name, digest in told["files"].items():
        assert hashlib.sha256((manifest.parent / name).read_bytes()).hexdigest() == digest, name


async def test_the_docs_page_needs_nobody_else(shared: Served) -> None:
    """Whatever the page loads comes from this service, and is there."""
    page = await shared.ask("GET", "/docs", key=None)
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page.text)
    assert len(addresses) >= 5
    for address in addresses:
        if address != "data:,":
            assert address.startswith("/")
            assert (await shared.ask("GET", address, key=None)).status_code == 200, address


async def test_the_docs_page_runs_no_foreign_script(shared: Served) -> None:
    """The policy allows scripts and styles of ours, in files, and no frame around the page."""
    page = await shared.ask("GET", "/docs", key=None)
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=", page.text)


async def test_a_file_is_kept_for_ever_under_its_digest(shared: Served) -> None:
    """A file's address changes with its content, so that a browser never asks twice."""
    page = (await shared.ask("GET", "/docs", key=None)).text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        found = await shared.ask("GET", address, key=None)
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        _, _, digest, name = address.split("/")
        assert hashlib.sha256(found.content).hexdigest().startswith(digest)
        for wrong in (f"/static/{'0' * 16}/{name}", f"/static/{digest}/manifest.json"):
            assert (await shared.ask("GET", wrong, key=None)).status_code == 404


async def test_the_host_alone_leads_to_the_docs(shared: Served) -> None:
    """Who types only the host arrives at something to read."""
    answer = await shared.ask("GET", "/", key=None)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_an_unknown_problem_has_no_page(shared: Served) -> None:
    """Only codes of the table are explained; nothing of the address is repeated."""
    answer = await shared.ask("GET", "/problems/<script>", key=None)
    assert answer.status_code == 404
    assert "<script>" not in answer.text
