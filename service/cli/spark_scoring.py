"""`goodfit score --engine spark`: decide a folder of Parquet files, on as many machines."""

import csv
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.bulk import (
    ColumnPlan,
    DataSet,
    SparkScored,
    SparkUnusable,
    Tally,
    problems_path,
    safe_cell,
)
from service.cli.screen import console, refuse

SPARK: Final = "spark"

Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="With spark: the cluster. Left out, it is spark-submit's, else this machine.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--conf", metavar="NAME=VALUE", help="With spark: a setting of Spark's."),
]

_PROBLEM_COLUMNS: Final = ("file", "line", "column", "attribute", "value", "reason")


def _read(settings: Sequence[str]) -> dict[str, str]:
    """Return the settings by name; refuse what is none."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not name or not equals:
            refuse(f"`--conf {setting}` is no setting; write NAME=VALUE")
        found[name] = value
    return found


def decide_data_set(
    data: DataSet, *, master: str | None, settings: Sequence[str]
) -> tuple[Tally, ColumnPlan, Path | None]:
    """Decide *data* on Spark, with progress on a terminal.

    Returns the counts, the columns and the file of problems; raises what `score_on_spark` does.
    """
    # Loading this loads DuckDB, and Spark with it.
    from service.bulk.spark_scoring import score_on_spark
    from service.bulk.spark_session import lacking, open_session

    why = lacking(os.environ.get("JAVA_HOME"))
    if why is not None:
        raise SparkUnusable(why)
    if master is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        master = "local[*]"  # nobody's spark-submit started us
    with ExitStack() as stack:
        session = open_session(master=master, settings=_read(settings))
        stack.callback(session.stop)
        progress = stack.enter_context(_progress())
        task = progress.add_task("tasks", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None)

        scored = score_on_spark(session, data, progress=tell)
    return scored.tally, scored.plan, _write_problems(scored, data.out)


def _write_problems(scored: SparkScored, out: str | None) -> Path | None:
    """Write the sample of what could not be read beside *out*, where that is on this machine."""
    if out is None or "://" in out or not scored.problems:
        return None
    path = problems_path(Path(out))
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(_PROBLEM_COLUMNS)
        for file, cell in scored.problems:
            cells = (file, cell.line, cell.column, cell.attribute, cell.value, cell.reason)
            rows.writerow([safe_cell(one) for one in cells])
    return path


def _progress() -> Progress:
    screen = console(on_error=True)
    return Progress(
        TextColumn("  {task.completed:,.0f} tasks done"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    )
