"""The guide to the API speaks of every call there is, and of no other."""

import re

from service.app import build_api
from service.web import describe
from tests.docs.blocks import GUIDE

PAGE = (GUIDE / "api.md").read_text()
CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) +(/[a-z0-9/{}._-]+)")


def _served() -> set[tuple[str, str]]:
    """Every method and path of the running application, as its own description has it."""
    paths = describe(build_api())["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def _told() -> set[tuple[str, str]]:
    return {(method, path.rstrip("/.")) for method, path in CALL.findall(PAGE)}


def test_the_guide_speaks_of_every_call() -> None:
    """A call that nobody describes is a call that nobody finds."""
    assert _served() - _told() == set()


def test_the_guide_speaks_of_no_call_that_does_not_exist() -> None:
    """What the guide promises is served."""
    assert _told() - _served() == set()
