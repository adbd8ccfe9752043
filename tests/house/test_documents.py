"""What the repository says about itself stays true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
PARTS = ("Context", "Decision", "Cost", "Considered", "Enforced")


def test_every_decision_is_linked_in_the_index() -> None:
    """The index leads to each record once, in order, and to nothing else."""
    linked = re.findall(r"\]\(([^)]+\.md)\)", (DECISIONS / "README.md").read_text())
    assert linked == [record.name for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_tells_its_context_cost_and_guard(record: Path) -> None:
    """Each record has the same five parts in the same order, under its own number."""
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]} · ")
    assert tuple(re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE)) == PARTS


def test_decisions_are_numbered_without_a_gap() -> None:
    """Numbers run from 0001, so that a missing record is noticed."""
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A link between our own pages names a file that exists, and a heading that it has."""
    dead = [link for link in _relative_links(page) if not _leads_somewhere(page, link)]
    assert dead == []


def test_the_readme_leads_to_every_page_of_the_guide() -> None:
    """A page without a link from the front is found by nobody."""
    linked = set(re.findall(r"\]\(docs/guide/([^)#]+\.md)\)", (ROOT / "README.md").read_text()))
    assert linked == {page.name for page in (ROOT / "docs" / "guide").glob("*.md")}


def test_the_changelog_has_one_line_for_each_change() -> None:
    """Versions head lists of single past-tense lines; the newest is named first."""
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert sections
    for section in sections:
        heading, *lines = section.strip().splitlines()
        assert re.fullmatch(r"Unreleased|\d+\.\d+\.\d+ · \d{4}-\d{2}-\d{2}", heading)
        assert lines[0] == ""
        for line in lines[1:]:
            assert re.match(r"- (★ )?[A-Z][a-z]+", line), line
            assert line.endswith("."), line


def _relative_links(page: Path) -> list[str]:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not heading or heading in _anchors(target)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
