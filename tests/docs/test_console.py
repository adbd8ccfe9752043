"""Terminal sessions in the guide are run; what they print is what the page shows."""

from pathlib import Path

import pytest

from tests.docs.blocks import GUIDE
from tests.docs.console import rerun

PAGES = [page for page in sorted(GUIDE.glob("*.md")) if "```console run" in page.read_text()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_printed_session_is_what_the_commands_print(page: Path, tmp_path: Path) -> None:
    """A page that shows other output is out of date; `make sample` renews it."""
    assert rerun(page.read_text(), folder=tmp_path) == page.read_text()


def test_some_page_has_a_session() -> None:
    """The test above looks at something."""
    assert PAGES
