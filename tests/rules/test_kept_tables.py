"""The grammar's tables that one process keeps for the next: a loss of them costs time only."""

from pathlib import Path

import pytest

from service.rules.expression import parse as parsing

TEXTS = ("a > 1 && b in ['x', 'y']", "true || !(has(a) && a.startsWith('é'))", "1 +", "a ? 2 : -3")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where they are kept in this test."""
    file = tmp_path / "parse.lark"
    monkeypatch.setattr(parsing, "_kept_tables", lambda: str(file))
    return file


def trees() -> list[str]:
    """Return what each of the texts is read as, by a parser that was just made."""
    parsing.grammar.cache_clear()
    parsing.parse.cache_clear()
    found = []
    for text in TEXTS:
        try:
            found.append(repr(parsing.parse(text)))
        except parsing.SyntaxProblem as problem:
            found.append(f"{problem} at {problem.span}")
    return found


def test_a_parser_of_kept_tables_reads_the_same(kept: Path) -> None:
    """The first makes them, the second takes them."""
    made = trees()
    tables = kept.read_bytes()
    assert trees() == made
    assert kept.read_bytes() == tables


@pytest.mark.parametrize("damage", ["nothing", "half of them", "of another grammar", "no tables"])
def test_tables_that_cannot_be_used_are_made_again(kept: Path, damage: str) -> None:
    """Cut off while they were written, of another grammar, or anything else."""
    made = trees()
    tables = kept.read_bytes()
    digest, _, rest = tables.partition(b"\n")
    damaged = {
        "nothing": b"",
        "half of them": tables[: len(tables) // 2],
        "of another grammar": b"0" * len(digest) + b"\n" + rest,
        "no tables": b"something else",
    }[damage]
    kept.write_bytes(damaged)
    assert trees() == made
    assert kept.read_bytes() != damaged
    assert kept.read_bytes().startswith(digest)
    assert trees() == made


def test_where_nothing_can_be_kept_the_parser_is_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an installation of somebody else's, or in a container that is read only."""
    monkeypatch.setattr(parsing, "_kept_tables", lambda: str(tmp_path / "nowhere" / "parse.lark"))
    made = trees()
    monkeypatch.setattr(parsing, "_kept_tables", lambda: None)
    assert trees() == made
    assert list(tmp_path.iterdir()) == []
