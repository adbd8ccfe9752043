"""Names on keys: one person under several spellings, and several people."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rulesets.persons import is_among, is_same_person


@pytest.mark.parametrize(
    "spelling",
    ["Ann", " ann ", "ANN", "\tann\n", "ａｎｎ", "a\u200bnn", "\ufeffann", "a\u00adnn"],
)
def test_a_spelling_makes_no_other_person(spelling: str) -> None:
    """Case, blanks, width and what nobody sees tell nobody apart."""
    assert is_same_person("ann", spelling)
    assert is_among(spelling, ["bob", "ann"])


@pytest.mark.parametrize("other", ["anne", "an n", "bob", "", "ann@example.com", "änn"])
def test_another_name_is_another_person(other: str) -> None:
    """A letter more, a blank between, an accent: somebody else."""
    assert not is_same_person("ann", other)
    assert not is_among("ann", [other])


@given(name=st.text(min_size=1, max_size=20))
def test_composing_accents_otherwise_changes_nobody(name: str) -> None:
    """Every name is its own person under every normal form of Unicode."""
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert is_same_person(name, unicodedata.normalize(form, name))
