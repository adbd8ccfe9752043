"""Spark scores what the other engines score, and every cell that comes out is the same."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.bulk import (
    DataSet,
    EnginesDisagree,
    InvalidMap,
    MapDocument,
    Output,
    Scoring,
    SparkScored,
    Tally,
    UnreadableFile,
    open_input,
    open_output,
    plan_columns,
    read_map,
)
from service.bulk.engines import RowEngine
from service.bulk.spark_deciding import SparkJob
from service.bulk.spark_scoring import score_on_spark
from service.bulk.spark_session import open_session
from service.bulk.spark_tally import PartTally
from service.rules import RuleSet, load_rule_set, read_source
from service.rules.templates import read_template, template_names
from tests.bulk.test_engines import AT, FLEET, MAP, look_away, write_parquet
from tests.parity.spark import why_not

if (lacking := why_not()) is not None:
    pytest.skip(lacking, allow_module_level=True)

pytestmark = pytest.mark.slow
Session: TypeAlias = Any
"""Spark's session, which has no types where it is not installed."""

EVERY_TYPE = """\
rule_set: every_type
attributes:
  whole: {type: number, ask: How many?}
  exact: {type: number, min: 0}
  short: {type: number}
  born: {type: date}
  seen: {type: date}
  since: {type: date}
  name: {type: text}
  region: {type: text}
  active: {type: flag}
  tools: {type: list}
scores:
  fit:
    groups:
      - id: all
        rules:
          - {id: many, when: whole >= 9007199254740992, points: 10}
          - {id: cheap, when: exact < 0.3, points: 5.5}
          - {id: thin, when: short == 0.1, points: 7}
          - {id: young, when: 'born > date("2000-01-01")', points: 1}
          - {id: recent, when: age_days(seen) < 2, points: 3}
          - {id: loyal, when: age_months(since) >= 0, points: 4}
          - {id: named, when: lower(name) == "i̇stanbul", points: 20}
          - {id: odd, when: 'region == "01" || "ß" in tools', points: 2}
          - {id: alive, when: active, points: 6}
grades:
  grade: {of: fit, A: 20, B: 5, C: null}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 20, action: book_meeting}
  - {id: rest, verdict: review}
"""


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Return Spark in local mode, with batches so small that there are several."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "37",
        "spark.sql.files.maxPartitionBytes": "4000",
    }
    found = open_session(master="local[2]", settings=settings)
    yield found
    found.stop()


def by_spark(
    session: Session,
    rules: RuleSet,
    path: Path,
    out: Path | None,
    *,
    map_text: str = "",
    with_summary: bool = False,
) -> SparkScored:
    """Score *path* into *out* on Spark."""
    document, source = read_map(map_text, rules.attributes) if map_text else (None, None)
    data = DataSet(
        rules=rules,
        document=document or MapDocument(),
        source=source or read_source("{}"),
        at=AT,
        path=str(path),
        out=str(out) if out else None,
        with_summary=with_summary,
    )
    return score_on_spark(session, data, progress=look_away)


def by_rows(
    rules: RuleSet, path: Path, out: Path, *, map_text: str = "", with_summary: bool = False
) -> Tally:
    """Score one file into *out* with the evaluator, a row at a time."""
    document, source = (
        read_map(map_text, rules.attributes) if map_text else (MapDocument(), read_source("{}"))
    )
    tally = Tally(rules)
    with open_input(path) as rows:
        plan = plan_columns(rules.attributes, rows.columns, document=document, source=source)
        scoring = Scoring(rules=rules, plan=plan, at=AT, path=path, rows=rows)
        types = getattr(rows, "types", {})
        output = Output(rules, plan, with_summary=with_summary, types=types)
        with open_output(out, output) as file:
            RowEngine().score(scoring, tally=tally, file=file, progress=look_away)
    return tally


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, or of a folder that Spark wrote, by their line."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: (row.get("file", ""), row["line"]))


def every_type() -> pa.Table:
    """Return columns of the types that Parquet has and Spark might read otherwise."""
    zone = pa.timestamp("us", tz="Europe/Berlin")
    rows = 90
    wholes = [2**53, 2**53 + 1, -7, None, 0]
    names = ["İstanbul", "i\u0307stanbul", " x ", "\u00a0", "ß", "a%_'\"\\", None]
    instants = [
        datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 1, 0, 0, tzinfo=UTC),
        None,
    ]
    days = [None if one is None else one.replace(tzinfo=None) for one in instants]
    prices = [Decimal("0.29"), Decimal("0.30"), Decimal("-1.00"), None]
    lists = [["ß", None, " "], [], None, ["a"]]

    def filled(values: list[Any]) -> list[Any]:
        return [values[place % len(values)] for place in range(rows)]

    return pa.table(
        {
            "whole": pa.array(filled(wholes), pa.int64()),
            "exact": pa.array(filled(prices), pa.decimal128(9, 2)),
            "short": pa.array(filled([0.1, 0.5, None]), pa.float32()),
            "born": pa.array(filled([date(1999, 1, 1), date(2001, 1, 1), None]), pa.date32()),
            "seen": pa.array(filled(instants), zone),
            "since": pa.array(filled(days), pa.timestamp("us")),
            "name": pa.array(filled(names), pa.string()),
            "region": pa.array(filled(["01", "1", None]), pa.string()),
            "active": pa.array(filled([True, False, None]), pa.bool_()),
            "tools": pa.array(filled(lists), pa.list_(pa.string())),
            "a `note`, with.dots": pa.array(range(rows), pa.int16()),
        }
    )


@pytest.mark.parametrize("name", [template_names()[0], "fleet_leads"])
def test_every_cell_is_the_same_as_row_by_row(session: Session, name: str, tmp_path: Path) -> None:
    """Verdict, outcome, scores, grades, action, missing and words; the counts, and the problems."""
    text = FLEET.read_text("utf-8") if name == "fleet_leads" else read_template(name)
    rules, file = load_rule_set(text), tmp_path / "leads.parquet"
    write_parquet(file, rules)
    map_text = MAP if name == "fleet_leads" else ""
    options = {"map_text": map_text, "with_summary": True}
    expected = by_rows(rules, file, tmp_path / "rows.parquet", **options)  # type: ignore[arg-type]
    found = by_spark(session, rules, file, tmp_path / "spark", **options)  # type: ignore[arg-type]
    assert rows_of(tmp_path / "spark") == rows_of(tmp_path / "rows.parquet")
    assert found.tally.to_json() == expected.to_json()
    assert found.problems
    assert all(cell.line > 0 and file_name == file.name for file_name, cell in found.problems)


def test_every_type_of_parquet_is_read_alike(session: Session, tmp_path: Path) -> None:
    """Whole numbers past 2^53, decimals, floats, instants, days without a zone, lists."""
    rules, file = load_rule_set(EVERY_TYPE), tmp_path / "leads.parquet"
    pq.write_table(every_type(), file)
    expected = by_rows(rules, file, tmp_path / "rows.parquet")
    found = by_spark(session, rules, file, tmp_path / "spark")
    assert rows_of(tmp_path / "spark") == rows_of(tmp_path / "rows.parquet")
    assert found.tally.to_json() == expected.to_json()
    moved = {mover["rule"] for mover in _listed(expected.to_json()["decided_most_by"])}
    assert moved == {rule.id for rule in rules.model.rules}, "a rule that never moves shows nothing"


def _listed(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def test_partitions_are_columns_and_their_texts_stay_texts(
    session: Session, tmp_path: Path
) -> None:
    """`region=01` is not the number 1, and each row says which file it comes from."""
    rules, folder = load_rule_set(EVERY_TYPE), tmp_path / "leads"
    table = every_type().drop_columns(["region"])
    for region in ("01", "1"):
        (folder / f"region={region}").mkdir(parents=True)
        pq.write_table(table, folder / f"region={region}" / f"part-{region}.parquet")
    expected = []
    for region in ("01", "1"):
        file = tmp_path / f"part-{region}.parquet"
        regions = pa.array([region] * table.num_rows)
        pq.write_table(table.append_column("region", regions), file)
        by_rows(rules, file, tmp_path / "rows.parquet")
        expected += [{"file": file.name, **row} for row in rows_of(tmp_path / "rows.parquet")]
    found = by_spark(session, rules, folder, tmp_path / "spark")
    assert rows_of(tmp_path / "spark") == expected
    assert found.tally.rows == 2 * table.num_rows


def test_without_an_output_only_the_counts_come_back(session: Session, tmp_path: Path) -> None:
    """The same numbers as with one, and nothing is written."""
    rules, file = load_rule_set(EVERY_TYPE), tmp_path / "leads.parquet"
    pq.write_table(every_type(), file)
    found = by_spark(session, rules, file, None)
    assert [path.name for path in tmp_path.iterdir()] == ["leads.parquet"]
    expected = by_rows(rules, file, tmp_path / "rows.parquet")
    assert found.tally.to_json() == expected.to_json()


def test_a_difference_from_the_evaluator_stops_the_run(
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a worker finds out ends the whole job, and leaves no output that looks finished."""
    rules, file = load_rule_set(EVERY_TYPE), tmp_path / "leads.parquet"
    pq.write_table(every_type(), file)

    def lie(job: SparkJob, batches: Iterator[Any], part: PartTally) -> Iterator[Any]:
        from service.bulk.column_deciding import ColumnJudge  # noqa: PLC0415 - on the worker
        from service.bulk.spark_deciding import decide_partition  # noqa: PLC0415

        honest = ColumnJudge.decide

        def decide(
            self: ColumnJudge,
            facts: Mapping[str, Any],
            *,
            rows: int,
            days: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            from pyarrow import compute  # noqa: PLC0415

            answers = honest(self, facts, rows=rows, days=days)
            place = answers.column_names.index("value_fit")
            other = compute.add(answers["value_fit"], 1.0)
            return answers.set_column(place, "value_fit", other)

        ColumnJudge.decide = decide  # type: ignore[method-assign]
        try:
            yield from decide_partition(job, batches, part)
        finally:
            ColumnJudge.decide = honest  # type: ignore[method-assign]

    monkeypatch.setattr("service.bulk.spark_scoring.decide_partition", lie)
    with pytest.raises(EnginesDisagree, match=r"differ on line [0-9]+ under `every_type`") as error:
        by_spark(session, rules, file, tmp_path / "spark")
    assert error.value.columns == ("value_fit",)
    assert not (tmp_path / "spark" / "_SUCCESS").exists()


def test_what_cannot_be_read_or_written_is_said(session: Session, tmp_path: Path) -> None:
    """No such folder, a folder in the way, a map that names other columns."""
    rules, file = load_rule_set(EVERY_TYPE), tmp_path / "leads.parquet"
    with pytest.raises(UnreadableFile, match="holds no Parquet files"):
        by_spark(session, rules, file, None)
    pq.write_table(every_type(), file)
    (tmp_path / "spark").mkdir()
    with pytest.raises(UnreadableFile, match="exists already"):
        by_spark(session, rules, file, tmp_path / "spark")
    with pytest.raises(InvalidMap):
        by_spark(session, rules, file, None, map_text="columns: {whole: wholes}")
