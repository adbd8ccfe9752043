"""`goodfit score` decides every row of a file, and says what it could not read."""

import csv
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cli import app
from service.cli.opening import door_of
from tests.cli.conftest import Goodfit

LEADS = """\
id,email,vehicles,country,seniority,Tools,note
1,ann@haulage.example,300,DE,director,"sap,samsara",=1+1
2,bob@gmail.com,2,FR,individual,,+49 30 1234
3,carl@x.example,n.a.,DE,boss,sap,-5
4,dora@y.example,50,CH,manager,"two
lines",@home
"""
MAP = """\
columns:
  tools: {column: Tools, split: ","}
  seniority: {column: seniority, replace: {boss: c_level}}
  has_budget: {value: true}
  email_clicks: {value: 0}
"""


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    """Return a small file as a spreadsheet writes it."""
    file = tmp_path / "leads.csv"
    file.write_text(LEADS, encoding="utf-8")
    return file


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    """Return the map that goes with it."""
    file = tmp_path / "leads.map.yaml"
    file.write_text(MAP, encoding="utf-8")
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_every_row_gets_its_decision(
    goodfit: Goodfit, fleet: Path, leads: Path, map_file: Path, tmp_path: Path
) -> None:
    """The input's columns first, the decision behind them, the line in front."""
    out = tmp_path / "scored.csv"
    result = goodfit("score", fleet, leads, "--map", map_file, "-o", out)
    assert result.exit_code == 0, result.output
    rows = rows_of(out)
    assert [row["line"] for row in rows] == ["2", "3", "4", "5"]
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["outcome"] for row in rows] == ["tier_a", "consumer", "tier_b", "not_now"]
    assert rows[0]["verdict"] == "qualify"
    assert (rows[0]["fit"], rows[0]["fit_low"], rows[0]["fit_high"]) == ("80", "80", "80")
    assert rows[0]["fit_grade"] == "A"
    assert rows[0]["action"] == "book_meeting"
    assert (rows[2]["certain"], rows[2]["missing"]) == ("false", "vehicles")
    assert (rows[2]["fit_low"], rows[2]["fit_high"]) == ("10", "80")
    assert "Fleet size" in rows[0]["summary"]


def test_nothing_in_the_output_runs_in_a_spreadsheet(
    goodfit: Goodfit, fleet: Path, leads: Path, map_file: Path, tmp_path: Path
) -> None:
    """A cell that begins like a formula gets an apostrophe; a plain number does not."""
    out = tmp_path / "scored.csv"
    goodfit("score", fleet, leads, "--map", map_file, "-o", out)
    assert [row["note"] for row in rows_of(out)] == ["'=1+1", "'+49 30 1234", "-5", "'@home"]


def test_what_could_not_be_read_is_listed_by_line(
    goodfit: Goodfit, fleet: Path, leads: Path, map_file: Path, tmp_path: Path
) -> None:
    """Line, column, value and reason; and a word about it at the end."""
    out = tmp_path / "scored.csv"
    result = goodfit("score", fleet, leads, "--map", map_file, "-o", out)
    (problem,) = rows_of(tmp_path / "scored.problems.csv")
    assert (problem["line"], problem["column"], problem["value"]) == ("4", "vehicles", "n.a.")
    assert "not a plain number" in problem["reason"]
    assert '1 value could not be read (vehicles "n.a." 1)' in result.stdout
    map_file.write_text(MAP + "missing: [n.a.]\n")
    goodfit("score", fleet, leads, "--map", map_file, "-o", out)
    assert not (tmp_path / "scored.problems.csv").exists()


def test_the_summary_counts_verdicts_outcomes_rules_and_missing(
    goodfit: Goodfit, fleet: Path, leads: Path, map_file: Path
) -> None:
    """In words and in JSON the same numbers."""
    words = goodfit("score", fleet, leads, "--map", map_file).stdout
    assert "4 leads" in words
    assert "qualify     1   25.0 %     tier_a 1" in words
    assert "disqualify  2   50.0 %     consumer 1 · not_now 1" in words
    assert "most often missing: vehicles 1" in words
    assert "nothing was written; add -o" in words
    report = json.loads(goodfit("score", fleet, leads, "--map", map_file, "--json").stdout)
    assert report["rows"] == 4
    assert report["verdicts"]["disqualify"]["outcomes"] == {"consumer": 1, "not_now": 1}
    assert report["verdicts"]["qualify"]["share"] == 0.25
    assert report["missing"] == [{"attribute": "vehicles", "rows": 1}]
    assert report["columns"]["read"]["tools"] == "Tools"
    movers = {one["rule"]: (one["points"], one["rows"]) for one in report["decided_most_by"]}
    assert movers == {
        "home": (5, 3), "decider": (20, 2), "medium": (25, 1), "large": (40, 1),
        "stack": (15, 2), "is_consumer": (None, 1),
    }  # fmt: skip


def test_scoring_has_a_door_of_its_own_and_is_the_same_command_behind_it() -> None:
    """It is loaded alone where it is called, with the name and place that it has among all."""
    (alone,) = door_of(["score"]).registered_commands
    among_all = [one for one in app.registered_commands if one.callback is alone.callback]
    assert [vars(one) for one in among_all] == [vars(alone)]


def test_lines_that_are_no_row_do_not_stop_the_others(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """They keep their place in the output, without a verdict; the exit code says so."""
    file = tmp_path / "ragged.csv"
    file.write_text('vehicles,country\n300,DE\n1,DE,extra\n5\n"a"b,DE\n\n80,AT\n')
    out = tmp_path / "scored.csv"
    result = goodfit("score", fleet, file, "-o", out)
    assert result.exit_code == 1
    rows = rows_of(out)
    assert [(row["line"], bool(row["verdict"])) for row in rows] == [
        ("2", True), ("3", False), ("4", False), ("5", False), ("7", True),
    ]  # fmt: skip
    assert "has 3 cells where the header has 2" in rows[1]["summary"]
    assert "3 lines could not be read and have no decision" in result.stdout
    assert [row["line"] for row in rows_of(tmp_path / "scored.problems.csv")] == ["3", "4", "5"]


def test_json_lines_are_read_strictly(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """A bad line is reported, and the rest goes on."""
    file = tmp_path / "leads.ndjson"
    file.write_text(
        '{"id": 7, "vehicles": 300, "country": "DE", "tools": ["sap"]}\n'
        '{"vehicles": 1, "vehicles": 2}\n\nnonsense\n{"vehicles": "120"}\n'
    )
    out = tmp_path / "out.ndjson"
    keep = tmp_path / "map.yaml"
    keep.write_text("keep: [id]\n")
    result = goodfit("score", fleet, file, "-o", out, "--map", keep)
    assert result.exit_code == 1
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["line"], row["id"]) for row in rows] == [(1, 7), (2, None), (4, None), (5, None)]
    assert rows[0]["scores" if "scores" in rows[0] else "fit"] == 45
    assert rows[1]["verdict"] is None
    assert "stands in it twice" in rows[1]["summary"]
    assert rows[3]["verdict"] == "disqualify"


def test_parquet_is_read_with_its_own_types(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """Numbers, flags, lists and nulls arrive as what they are."""
    file = tmp_path / "leads.parquet"
    table = pa.table(
        {
            "vehicles": pa.array([300, None, 30], pa.int32()),
            "country": ["DE", "AT", None],
            "has_budget": [True, None, False],
            "tools": pa.array([["sap"], [], None], pa.list_(pa.string())),
            "email_clicks": pa.array([2.0, float("nan"), None]),
            "seen": [date(2026, 1, 1)] * 3,
        }
    )
    pq.write_table(table, file, row_group_size=2)
    out = tmp_path / "scored.csv"
    report = json.loads(goodfit("score", fleet, file, "-o", out, "--json").stdout)
    assert report["rows"] == 3
    rows = rows_of(out)
    assert [row["fit"] for row in rows] == ["60", "5", "25"]
    assert [row["intent"] for row in rows] == ["10", "0", "0"]
    assert rows[0]["seen"] == "2026-01-01"
    assert report["unreadable_values"] == 1  # NaN is no number


def test_a_map_that_names_a_column_that_is_not_there_is_refused(
    goodfit: Goodfit, fleet: Path, leads: Path, tmp_path: Path
) -> None:
    """Every wrong name, with its place in the map and the nearest column."""
    file = tmp_path / "bad.yaml"
    file.write_text("columns:\n  tools: Toolz\n  vehicles: {column: vehicels}\nkeep: [ids]\n")
    out = tmp_path / "scored.csv"
    result = goodfit("score", fleet, leads, "--map", file, "-o", out)
    assert result.exit_code == 2
    for words in (
        f"{file}:2:10",
        "no column `Toolz`; did you mean `Tools`?",
        f"{file}:3:22",
        "no column `vehicels`; did you mean `vehicles`?",
        f"{file}:4:8",
        "no column `ids`; did you mean `id`?",
    ):
        assert words in result.stderr
    assert not out.exists()


def test_a_file_that_cannot_be_read_says_why(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """Nothing is written, the exit code is 2, and the words name the fix."""
    cases: dict[str, tuple[bytes, str]] = {
        "empty.csv": (b"", "the file is empty"),
        "twice.csv": (b"vehicles,country,vehicles\n", "names `vehicles` twice, in columns 1 and 3"),
        "wide.csv": ("vehicles\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        "alien.csv": (b"a,b\n1,2\n", "no column is named after an attribute"),
        "x.parquet": (b"PAR0", "is not Parquet"),
        "x.xlsx": (b"", "of no kind that is read here"),
    }
    for name, (content, words) in cases.items():
        file = tmp_path / name
        file.write_bytes(content)
        result = goodfit("score", fleet, file, "-o", tmp_path / "out.csv")
        assert result.exit_code == 2, name
        assert words in result.stderr, name
        assert not (tmp_path / "out.csv").exists()
    assert goodfit("score", fleet, tmp_path / "nowhere.csv").exit_code == 2


def test_the_input_is_never_overwritten(goodfit: Goodfit, fleet: Path, leads: Path) -> None:
    """Giving the input as output is a slip of the hand."""
    result = goodfit("score", fleet, leads, "-o", leads)
    assert result.exit_code == 2
    assert "is the input itself" in result.stderr
    assert leads.read_text(encoding="utf-8") == LEADS


def test_a_column_that_was_probably_meant_is_named(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """A misspelt header would otherwise look like missing data."""
    file = tmp_path / "leads.csv"
    file.write_text("vehicles,contry\n300,DE\n")
    words = goodfit("score", fleet, file).stdout
    assert "the column `contry` was not read; did you mean `country`?" in words
    assert "no column for:" in words
