"""Rows come out of CSV and NDJSON as they went in, whoever wrote the file."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bulk.cells import safe_cell
from service.bulk.csv_rows import open_csv
from service.bulk.json_lines import UnreadableJson, read_object
from service.bulk.lines import LONGEST_LINE_BYTES
from service.bulk.ndjson_rows import open_ndjson
from service.bulk.rows import BadRow, Row, UnreadableFile


def rows(content: bytes | str, encoding: str = "utf-8") -> list[Row | BadRow]:
    """Return what a CSV file with *content* gives."""
    raw = content.encode() if isinstance(content, str) else content
    return list(open_csv(io.BytesIO(raw), size=len(raw), encoding=encoding))


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n",
        "a;b\r\n1;2\r\n",
        "a\tb\n1\t2",
        "\ufeffa,b\n1,2\n",
        '"a","b"\n"1","2"\n',
        "sep=;\na;b\n1;2\n",
        "a,b\n\n1,2\n\n",
    ],
)
def test_every_spreadsheets_dialect_is_read_alike(content: str) -> None:
    """Commas, semicolons, tabs, byte order marks, quotes, line ends and blank lines."""
    (row,) = rows(content)
    assert isinstance(row, Row)
    assert row.cells == {"a": "1", "b": "2"}


def test_the_delimiter_is_not_looked_for_inside_quotes() -> None:
    """A header such as "Name, first" says nothing about the delimiter."""
    (row,) = rows('"x,y,z";b\n1;2\n')
    assert isinstance(row, Row)
    assert row.cells == {"x,y,z": "1", "b": "2"}


def test_a_quoted_cell_may_hold_lines_and_the_next_row_keeps_its_line() -> None:
    """The line that is reported is where the record begins in the file."""
    found = rows('a,b\n"1\n1","2"\n3,4\n')
    assert [(row.line, row.cells["a"]) for row in found if isinstance(row, Row)] == [
        (2, "1\n1"),
        (4, "3"),
    ]


def test_a_hint_of_the_delimiter_counts_as_a_line() -> None:
    """Lines are those of the file, as an editor shows them."""
    assert rows("sep=;\na;b\n1;2\n")[0].line == 3


def test_a_quote_that_never_closes_swallows_nothing_silently() -> None:
    """The rows behind it are reported as not read."""
    first, broken = rows('a,b\n1,2\n"3,4\n5,6\n')
    assert isinstance(first, Row)
    assert isinstance(broken, BadRow)
    assert broken.line == 3
    assert "never closed; lines 3 to 4 were not read" in broken.reason


def test_bytes_that_are_no_text_cost_one_row() -> None:
    """A file of mixed encodings is read as far as it goes."""
    good, bad, more = rows(b"a,b\n1,2\n\xff,2\n3,4\n")
    assert isinstance(good, Row)
    assert isinstance(bad, BadRow)
    assert "not UTF-8" in bad.reason
    assert isinstance(more, Row)


def test_another_encoding_can_be_named() -> None:
    """Older spreadsheets write Windows' own."""
    (row,) = rows("größe,b\n1,ä\n".encode("windows-1252"), encoding="windows-1252")
    assert isinstance(row, Row)
    assert row.cells == {"größe": "1", "b": "ä"}


def test_a_nul_costs_one_row() -> None:
    """A NUL is nobody's data."""
    found = rows(b"a,b\n1,\x002\n3,4\n")
    assert [type(row) for row in found] == [BadRow, Row]


def test_a_column_without_a_name_gets_one() -> None:
    """Exports of tables begin with an unnamed index."""
    (row,) = rows(",b\n0,2\n")
    assert isinstance(row, Row)
    assert row.cells == {"column 1": "0", "b": "2"}


def test_a_line_without_end_is_no_reason_to_run_out_of_memory() -> None:
    """What is no file of rows is noticed after four megabytes."""
    with pytest.raises(UnreadableFile, match="longer than 4 MB"):
        rows(b"a,b\n" + b"x" * (LONGEST_LINE_BYTES + 1))


def test_a_cell_past_the_limit_costs_what_it_swallowed_and_no_more() -> None:
    """After it the reader finds its feet again."""
    found = rows(b"a,b\n1," + b"x" * 200_000 + b"\n3,4\n")
    assert isinstance(found[0], BadRow)
    assert "too long" in found[0].reason
    assert isinstance(found[-1], Row)


def test_json_lines_keep_their_line_numbers() -> None:
    """Blank lines count and are no rows."""
    content = b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2}\n[3]\n'
    found = list(open_ndjson(io.BytesIO(content), size=len(content)))
    assert [(row.line, type(row)) for row in found] == [(1, Row), (3, Row), (4, BadRow)]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    """Whatever stands in a file, the answer is rows, complaints or one refusal."""
    try:
        found = rows(content)
    except UnreadableFile:
        found = []
    lines: list[Row | BadRow] = []
    with suppress(UnreadableFile):
        lines = list(open_ndjson(io.BytesIO(content), size=len(content)))
    assert all(isinstance(row, Row | BadRow) for row in (*found, *lines))


@given(st.text(max_size=200))
def test_no_text_breaks_the_json_reader(text: str) -> None:
    """It is an object or it is refused."""
    with suppress(UnreadableJson):
        assert isinstance(read_object(text), dict)


@given(st.text(max_size=20))
def test_a_cell_never_begins_like_a_formula(text: str) -> None:
    """Unless it is a plain number, which calculates nothing."""
    cell = safe_cell(text)
    if cell[:1] in set("=+-@\t\r\n"):
        assert float(cell.replace(",", "").replace(".", "")) is not None
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == text
