"""`goodfit score`: decide every row of a file."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from service.bulk import (
    AUTO,
    ENGINES,
    ColumnPlan,
    DataSet,
    EnginesDisagree,
    EngineUnusable,
    Input,
    InvalidMap,
    Journal,
    MapDocument,
    Output,
    ScoredFile,
    Scoring,
    SparkUnusable,
    Tally,
    UnreadableFile,
    choose_engine,
    open_input,
    open_output,
    plan_columns,
    problems_path,
    read_map,
    run_of,
)
from service.cli.checking import problem_lines
from service.cli.deciding import Instant, RuleFile, read_instant
from service.cli.files import load_rules, read_file
from service.cli.score_words import print_summary
from service.cli.screen import NO, USAGE, AsJson, console, count_of, print_json, refuse
from service.cli.spark_scoring import SPARK, Master, Settings, decide_data_set
from service.rules import RuleSet, Source, read_source

InputFile = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A .csv, .tsv, .ndjson or .parquet file; with spark, a folder of Parquet files too.",
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        metavar="OUT",
        help="Write the decided rows, .csv, .ndjson or .parquet; with spark, a new folder.",
    ),
]
MapFile = Annotated[
    str | None,
    typer.Option("--map", metavar="MAP", help="YAML: columns, units, spellings, missing values."),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="|".join((AUTO, *ENGINES, SPARK)),
        help="What decides: rows one at a time, DuckDB by columns, or Spark; auto chooses "
        "between the first two.",
    ),
]
WithSummary = Annotated[
    bool,
    typer.Option(
        "--summary/--no-summary",
        help="Write each decision in words too; without them a large file is done much faster.",
    ),
]


def score(
    file: RuleFile,
    input_file: InputFile,
    *,
    out: Out = None,
    map_file: MapFile = None,
    at: Instant = None,
    engine: EngineName = AUTO,
    with_summary: WithSummary = True,
    master: Master = None,
    conf: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Decide every row of a file. Exit 1 where a line is no row and has no decision."""
    started = time.monotonic()
    clock = datetime.now(UTC) if at is None else read_instant(at)
    if engine not in (AUTO, *ENGINES, SPARK):
        refuse(f"`{engine}` is no engine; say {', '.join((AUTO, *ENGINES))} or {SPARK}")
    if engine != SPARK and (master or conf):
        refuse("`--master` and `--conf` are for `--engine spark`")
    rules = load_rules(file, as_json=as_json)
    if out is not None and Path(out).resolve() == Path(input_file).resolve():
        refuse(f"`{out}` is the input itself; give another file to write")
    with _refusing(input_file, map_file):
        document, source = _read_map(map_file, rules)
        data = DataSet(
            rules=rules, document=document, source=source, at=clock,
            path=input_file, out=out, with_summary=with_summary,
        )  # fmt: skip
        if engine == SPARK:
            tally, plan, wrote = decide_data_set(data, master=master, settings=conf or ())
        else:
            tally, plan, wrote, engine = _decide_file(data, engine, is_at_given=at is not None)
    elapsed = time.monotonic() - started
    if as_json:
        print_json(_report(tally, plan, elapsed, engine=engine, out=out, problems=wrote))
    else:
        print_summary(tally, plan, elapsed_s=elapsed, out=out, problems=wrote)
    if tally.bad_lines:
        raise typer.Exit(NO)


@contextmanager
def _refusing(input_file: str, map_file: str | None) -> Iterator[None]:
    """End the command where the file, its map or the engine does not let the block go on."""
    try:
        yield
    except InvalidMap as invalid:
        for line in problem_lines((map_file or "map", problem) for problem in invalid.problems):
            console(on_error=True).print(line)
        raise typer.Exit(USAGE) from None
    except UnreadableFile as error:
        refuse(str(error) if f"`{input_file}`" in str(error) else f"{input_file}: {error}")
    except (EngineUnusable, SparkUnusable) as error:
        refuse(str(error))
    except EnginesDisagree as error:
        refuse(str(error), code=NO)


def _read_map(name: str | None, rules: RuleSet) -> tuple[MapDocument, Source]:
    if name is None:
        return MapDocument(), read_source("{}")
    return read_map(read_file(name, what="map"), rules.attributes)


def _decide_file(
    data: DataSet, engine: str, *, is_at_given: bool
) -> tuple[Tally, ColumnPlan, Path | None, str]:
    """Decide a file on this machine.

    Returns the counts, the columns, the file of problems and the engine that did it.
    """
    rules, document, tally = data.rules, data.document, Tally(data.rules)
    path, out = Path(data.path), Path(data.out) if data.out else None
    with open_input(path, encoding=document.encoding, delimiter=document.delimiter) as rows:
        plan = plan_columns(rules.attributes, rows.columns, document=document, source=data.source)
        scoring = Scoring(rules=rules, plan=plan, at=data.at, path=path, rows=rows)
        used = choose_engine(engine, scoring)
        if out is None:
            _score(scoring, engine=used, tally=tally, file=None)
        else:
            run = run_of(rules, document, path=path, engine=used, with_summary=data.with_summary)
            journal = Journal.beside(out, run, at=data.at, is_at_given=is_at_given)
            _write(scoring, data, engine=used, tally=tally, journal=journal)
    has_problems = tally.unreadable_count or tally.bad_lines
    return tally, plan, problems_path(out) if out and has_problems else None, used


def _write(scoring: Scoring, data: DataSet, *, engine: str, tally: Tally, journal: Journal) -> None:
    """Score into a file, from where a run of the same was stopped."""
    if journal.last is not None:
        scoring = replace(scoring, at=journal.at)
        tally.take_up(journal.last.tally)
        rows = count_of(tally.rows, scoring.rules.subject)
        words = f"  going on behind {rows} of a run that was stopped, as of {journal.at:%Y-%m-%d}"
        console(on_error=True).print(words)
    output = Output(
        scoring.rules, scoring.plan, with_summary=data.with_summary, types=_types(scoring.rows)
    )
    try:
        with open_output(Path(data.out or ""), output, journal=journal) as file:
            _score(scoring, engine=engine, tally=tally, file=file)
    except KeyboardInterrupt:
        if journal.path.exists():
            refuse("stopped; the same command goes on from here", code=NO)
        raise


def _score(scoring: Scoring, *, engine: str, tally: Tally, file: ScoredFile | None) -> None:
    rows = scoring.rows
    with _progress() as progress:
        task = progress.add_task(f"{scoring.rules.subject}s", total=rows.size, rows=0)

        def tell(position: int, decided: int) -> None:
            progress.update(task, completed=position, rows=decided)

        ENGINES[engine].score(scoring, tally=tally, file=file, progress=tell)
        tell(rows.size, tally.rows)


def _types(rows: Input) -> Mapping[str, object]:
    """Return the Arrow types of the input's columns, where it has any."""
    types: Mapping[str, object] = getattr(rows, "types", {})
    return types


class _Rows(ProgressColumn):
    """How many rows have a decision."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['rows']:,} {task.description}")


def _progress() -> Progress:
    screen = console(on_error=True)
    return Progress(
        TextColumn(" "),
        _Rows(),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    )


def _report(
    tally: Tally,
    plan: ColumnPlan,
    elapsed_s: float,
    *,
    engine: str,
    out: str | None,
    problems: Path | None,
) -> dict[str, object]:
    return {
        **tally.to_json(),
        "bad_lines": [{"line": bad.line, "reason": bad.reason} for bad in tally.bad],
        "columns": {
            "read": {column.attribute: column.column for column in plan.read},
            "absent": list(plan.absent),
            "ignored": list(plan.ignored),
        },
        "engine": engine,
        "output": out,
        "problems": str(problems) if problems else None,
        "seconds": round(elapsed_s, 3),
    }
