"""Whichever engine scores a file, every byte that comes out is the same."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeGuard

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.bulk import (
    ENGINES,
    EnginesDisagree,
    EngineUnusable,
    MapDocument,
    Output,
    Scoring,
    Tally,
    choose_engine,
    open_input,
    open_output,
    plan_columns,
    problems_path,
    read_map,
)
from service.bulk.column_deciding import ColumnJudge
from service.rules import RuleSet, load_rule_set, read_source
from service.rules.templates import read_template, template_names
from tests.rules.strategies import values_for

FLEET = Path(__file__).resolve().parents[1] / "cases" / "fleet_leads.yaml"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEW = 37
"""A chunk ends every few rows, so that what spans chunks is seen."""
SHARES_MISSING = (0.0, 0.2, 0.6)
ODD: tuple[object, ...] = (
    "", " ", "n/a", "-", "1,250", "12.50", " 7 ", "+3", "1e5", "0x10", "9" * 16, "-0", "0.0000004",
    "TRUE", "yes", "off", "2", "2026-02-30", "2026-02-28", "2026-02-28T23:30:00-02:00",
    "1767225600000", "a;b", ";", "  x  ", "e\u0301", "\u00e9", "\u2003wide\u2003", "=1+1",
    "@home", "DE", "de", "\ufb01", "someone@Example.COM", "=HYPERLINK()",
)  # fmt: skip
MAP = """\
columns:
  vehicles: {column: vehicles, thousands: ",", times: 2}
  seniority: {column: seniority, replace: {boss: c_level, "?": null}}
  tools: {column: tools, split: "|"}
  has_budget: {value: maybe}
missing: ["n/a"]
"""


@pytest.fixture(params=[*template_names(), "fleet_leads"])
def rules(request: pytest.FixtureRequest) -> RuleSet:
    """Return each rule set that is shipped, and the example of the guide."""
    name = str(request.param)
    text = FLEET.read_text("utf-8") if name == "fleet_leads" else read_template(name)
    return load_rule_set(text)


def cells_of(rules: RuleSet, *, rows: int) -> Iterator[dict[str, object]]:
    """Give rows of values on and beside what the rules mention, and odd ones."""
    chance = random.Random(rules.digest)
    pools = values_for(rules)
    for number in range(rows):
        share = SHARES_MISSING[number % len(SHARES_MISSING)]
        row: dict[str, object] = {"note": chance.choice(ODD)}
        for name, pool in pools.items():
            if chance.random() >= share:
                row[name] = chance.choice(ODD if chance.random() < 0.1 else pool)
        yield row


def write_csv(file: Path, rules: RuleSet) -> None:
    """Write such rows as CSV, with lines between them that are no row."""
    names = ["note", *rules.attributes]
    lines = [",".join(names)]
    for number, row in enumerate(cells_of(rules, rows=150)):
        cells = (row.get(name) for name in names)
        lines.append(",".join(quoted(cell) for cell in cells))
        if number % 29 == 7:
            lines += ["", "too,few" if len(names) > 2 else "a,b,c,d", '"a"b' + "," * 40]
    file.write_text("\n".join(lines) + "\n", "utf-8")


def quoted(cell: object) -> str:
    """Return one cell of CSV."""
    if isinstance(cell, list | tuple):
        cell = ";".join(map(str, cell))
    if isinstance(cell, bool):
        cell = "true" if cell else "false"
    text = "" if cell is None else str(cell)
    return '"' + text.replace('"', '""') + '"'


def write_parquet(file: Path, rules: RuleSet) -> None:
    """Write such rows as Parquet, in columns of the attributes' own types where they fit."""
    rows = [*cells_of(rules, rows=150)]
    columns: dict[str, Any] = {"note": [str(row["note"]) for row in rows]}
    kept: list[Any]
    for name, attribute in rules.attributes.items():
        cells = [row.get(name) for row in rows]
        match attribute.type:
            case "number":
                kept = [
                    c if isinstance(c, int | float) and type(c) is not bool else None for c in cells
                ]
                columns[name] = pa.array([None if c is None else float(c) for c in kept])
            case "flag":
                columns[name] = pa.array([c if isinstance(c, bool) else None for c in cells])
            case "list":
                kept = [list(c) if isinstance(c, list | tuple) else None for c in cells]
                columns[name] = pa.array(kept, pa.list_(pa.string()))
            case _:
                columns[name] = pa.array([None if c is None else quoted(c)[1:-1] for c in cells])
    pq.write_table(pa.table(columns), file, row_group_size=60)


def is_number(cell: object) -> TypeGuard[float]:
    """Say whether *cell* is a number; a truth value is none."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def look_away(position: int, decided: int) -> None:
    """Do nothing with the progress."""


def score(
    engine: str, rules: RuleSet, file: Path, out: Path, *, with_summary: bool, map_text: str = ""
) -> dict[str, object]:
    """Score *file* into *out* and return the counts."""
    document, source = (
        read_map(map_text, rules.attributes) if map_text else (MapDocument(), read_source("{}"))
    )
    tally = Tally(rules)
    with open_input(file) as rows:
        plan = plan_columns(rules.attributes, rows.columns, document=document, source=source)
        scoring = Scoring(rules=rules, plan=plan, at=AT, path=file, rows=rows, chunk=FEW)
        types = getattr(rows, "types", {})
        output = Output(rules, plan, with_summary=with_summary, types=types)
        with open_output(out, output) as scored:
            ENGINES[choose_engine(engine, scoring)].score(
                scoring, tally=tally, file=scored, progress=look_away
            )
    return tally.to_json()


def assert_same(
    rules: RuleSet,
    file: Path,
    folder: Path,
    *,
    kind: str,
    with_summary: bool = False,
    map_text: str = "",
) -> dict[str, object]:
    """Score *file* with both engines; everything that comes out must be equal."""
    outs = {engine: folder / f"{engine}{kind}" for engine in ENGINES}
    counts = {
        engine: score(engine, rules, file, out, with_summary=with_summary, map_text=map_text)
        for engine, out in outs.items()
    }
    assert json.dumps(counts["duckdb"]) == json.dumps(counts["rows"])
    if kind == ".parquet":
        one, other = (pq.read_table(out) for out in outs.values())
        assert one.schema.equals(other.schema)
        assert repr(one.to_pylist()) == repr(other.to_pylist())  # NaN is not NaN
    else:
        assert outs["duckdb"].read_bytes() == outs["rows"].read_bytes()
    problems = [problems_path(out) for out in outs.values()]
    assert problems[0].exists() is problems[1].exists()
    if problems[0].exists():
        assert problems[0].read_bytes() == problems[1].read_bytes()
    return counts["rows"]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_both_engines_write_the_same_bytes(
    rules: RuleSet, tmp_path: Path, write: Callable[[Path, RuleSet], None]
) -> None:
    """Output, problems, counts and their order: nothing tells which engine it was."""
    file = tmp_path / ("in.csv" if write is write_csv else "in.parquet")
    write(file, rules)
    found = assert_same(rules, file, tmp_path, kind=".csv")
    assert found["rows"] == 150


@pytest.mark.parametrize("kind", [".csv", ".ndjson", ".parquet"])
def test_maps_and_words_come_out_alike(tmp_path: Path, kind: str) -> None:
    """Units, spellings, constants that cannot be read, and each decision in words."""
    rules = load_rule_set(FLEET.read_text("utf-8"))
    file = tmp_path / "in.csv"
    write_csv(file, rules)
    found = assert_same(rules, file, tmp_path, kind=kind, with_summary=True, map_text=MAP)
    assert isinstance(found["unreadable_values"], int)
    assert found["unreadable_values"] > 150


def test_types_that_only_parquet_has_come_out_alike(tmp_path: Path) -> None:
    """Whole numbers past 2^53, NaN, decimals, instants, and columns of other types."""
    rules = load_rule_set(FLEET.read_text("utf-8"))
    count = 6
    columns = {
        "vehicles": pa.array([2**53, 2**53 + 1, -1, None, 200, 2**62], pa.int64()),
        "email_clicks": pa.array([float("nan"), float("inf"), -0.0, 1e-7, 0.1 + 0.2, 3.0]),
        "country": pa.array(["DE", "XX", None, "AT", " ", "CH"]).dictionary_encode(),
        "seniority": pa.array([1, 2, 3, 4, 5, 6]),
        "has_budget": pa.array([1, 0, 2, None, 1, 0], pa.int8()),
        "tools": pa.array([["sap", " "], [], None, ["samsara"], [None], ["x"]]),
        "email": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * count),
        "joined": pa.array([date(2026, 1, 31)] * count),
        "price": pa.array([Decimal("1.50")] * count),
    }
    file = tmp_path / "in.parquet"
    pq.write_table(pa.table(columns), file)
    for kind in (".csv", ".parquet", ".ndjson"):
        found = assert_same(rules, file, tmp_path, kind=kind)
    assert found["unreadable_values"] == 12


def test_a_large_file_goes_to_duckdb_and_a_small_one_does_not(tmp_path: Path) -> None:
    """Whoever asks for nothing gets what suits the size; NDJSON has no columns to go by."""
    rules = load_rule_set(FLEET.read_text("utf-8"))
    small, large, lines = (tmp_path / name for name in ("s.csv", "l.csv", "l.ndjson"))
    small.write_text("vehicles\n300\n")
    large.write_text("vehicles\n" + "300\n" * 600_000)
    lines.write_text('{"vehicles": 300}\n' * 150_000)
    assert chosen("auto", rules, small) == "rows"
    assert chosen("auto", rules, large) == "duckdb"
    assert chosen("auto", rules, lines) == "rows"
    assert chosen("duckdb", rules, small) == "duckdb"
    with pytest.raises(EngineUnusable, match="columns of its own"):
        chosen("duckdb", rules, lines)


def chosen(engine: str, rules: RuleSet, file: Path) -> str:
    """Return which engine scores *file*."""
    with open_input(file) as rows:
        plan = plan_columns(
            rules.attributes, rows.columns, document=MapDocument(), source=read_source("{}")
        )
        return choose_engine(engine, Scoring(rules=rules, plan=plan, at=AT, path=file, rows=rows))


def test_a_chunk_that_many_threads_decide_keeps_its_order() -> None:
    """Batch by batch is what each thread takes; some rows lack a fact, and some do not."""
    rules = load_rule_set(FLEET.read_text("utf-8"))
    numbers = [float(number % 3_001) if number % 7 else None for number in range(90_000)]
    facts = {"vehicles": pa.array(numbers, pa.float64())}
    judge = ColumnJudge.of(rules, at=AT, final=False)
    try:
        whole = judge.decide(facts, rows=len(numbers))
        pieces = [
            judge.decide({"vehicles": facts["vehicles"].slice(first, 9_000)}, rows=9_000)
            for first in range(0, len(numbers), 9_000)
        ]
    finally:
        judge.close()
    assert len(set(whole["value_fit"].to_pylist())) > 1
    assert whole.to_pylist() == pa.concat_tables(pieces).to_pylist()


def test_a_wrong_answer_of_the_engine_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names rule set, line and columns, no value; and no output file appears."""
    rules = load_rule_set(FLEET.read_text("utf-8"))
    decide = ColumnJudge.decide

    def slightly_wrong(judge: ColumnJudge, facts: Any, *, rows: int) -> Any:  # noqa: ANN401
        answers = decide(judge, facts, rows=rows)
        place = answers.column_names.index("value_fit")
        values = [*answers["value_fit"].to_pylist()]
        values[0] += 1e-6
        return answers.set_column(place, "value_fit", pa.array(values))

    monkeypatch.setattr(ColumnJudge, "decide", slightly_wrong)
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("vehicles,country\n317,DE\n")
    with pytest.raises(EnginesDisagree) as found:
        score("duckdb", rules, file, out, with_summary=False)
    assert found.value.columns == ("value_fit",)
    assert "line 2 under `fleet_leads`" in str(found.value)
    assert "317" not in str(found.value)
    assert not out.exists()
