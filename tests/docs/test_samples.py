"""What the README and the guide print as answers is what the rules answer."""

from pathlib import Path

import pytest

from tests.docs.sample import PAGES, with_samples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_printed_answer_is_the_one_the_rules_give(page: Path) -> None:
    """A page that shows another answer is out of date; `make sample` renews it."""
    text = page.read_text()
    assert "<!-- sample:" in text
    assert with_samples(text) == text
