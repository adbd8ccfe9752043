"""A dossier prints on two sheets, of A4 and of Letter, however much there is to tell."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import anyio
import pytest

from tests.portfolio.customers import Book, book_on

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_PAGE: Final = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.fixture(scope="module")
def browser() -> str:
    """Return a browser that prints; without one nobody can tell."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser to print with; install one of {', '.join(BROWSERS)}")
    return found


@pytest.fixture(scope="module")
async def book(module_database_url: str) -> AsyncIterator[Book]:
    """Return an application with the template live, and a usual and an enormous account."""
    async for book in book_on(module_database_url):
        await book.over_served("usual")
        await book.judge("usual")
        await book.heavy("enormous")
        yield book


@pytest.mark.parametrize(("account", "paper"), [("usual", "A4"), ("enormous", "Letter")])
async def test_two_sheets_hold_a_dossier(
    book: Book, browser: str, tmp_path: Path, account: str, paper: str
) -> None:
    """Lists that are too long are cut and say so; nothing runs on to a third sheet."""
    page = (await book.page(account)).replace("size: auto", f"size: {paper}")
    assert f"size: {paper}" in page
    source, printed = tmp_path / "dossier.html", tmp_path / "dossier.pdf"
    source.write_text(page, encoding="utf-8")
    await anyio.run_process(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={printed}",
            str(source),
        ],
        check=True,
    )
    assert len(_PAGE.findall(printed.read_bytes())) == 2
    if account == "enormous":
        assert re.search(r"and \d+ more", page)
