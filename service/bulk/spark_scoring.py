"""A data set scored on Spark: a folder of Parquet files in, a folder of Parquet files out.

Spark reads, spreads and writes; what a row means is decided by the column engine on the
workers. Of the rows the driver sees none: counts come back, and a bounded sample of what could
not be read.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from typing import Any, Final

from service.bulk.column_engine import untranslatable
from service.bulk.mapping import ColumnPlan, plan_columns
from service.bulk.parquet_rows import is_plain_type
from service.bulk.rows import UnreadableFile
from service.bulk.sampling import EnginesDisagree
from service.bulk.spark_data import DataSet, SparkScored, SparkUnusable
from service.bulk.spark_deciding import SparkJob, decide_partition
from service.bulk.spark_session import first_line
from service.bulk.spark_tally import PartTally, put_together
from service.bulk.summary import Tally

_LOOK_EVERY_S: Final = 0.5
_DISAGREE: Final = "goodfit-engines-disagree "
_DISAGREED: Final = re.compile(_DISAGREE + r"(\{[^\n]*\})")
_NOT_THERE: Final = frozenset({"PATH_NOT_FOUND", "UNABLE_TO_INFER_SCHEMA"})

Progress = Callable[[int, int], None]
"""Told the tasks that are done, and how many there are."""


def score_on_spark(session: Any, data: DataSet, *, progress: Progress) -> SparkScored:  # noqa: ANN401 - an extra
    """Score *data* in *session*.

    Raises:
        UnreadableFile: If there is nothing to read, or the output exists already.
        InvalidMap: If the map names columns that the data set does not have.
        SparkUnusable: If the rules cannot be told to an engine, or Spark stops.
        EnginesDisagree: If the evaluator decides a row of the sample otherwise.
    """
    why = untranslatable(data.rules, data.at.date())
    if why is not None:
        raise SparkUnusable(f"the rules cannot be decided by columns: {why}")
    with _told(data):
        frame = session.read.parquet(data.path)
    plan = plan_columns(
        data.rules.attributes, frame.columns, document=data.document, source=data.source
    )
    job, sent = _job(data, frame, plan)
    parts = session.sparkContext.accumulator({}, _parts())
    rows = sent.mapInArrow(_decider(job, parts), _spark_schema(job))
    with _told(data):
        _watch(session, lambda: _run(rows, data), progress)
    tally = Tally(data.rules)
    problems = put_together(parts.value, tally)
    return SparkScored(tally, plan, problems)


def _job(data: DataSet, frame: Any, plan: ColumnPlan) -> tuple[SparkJob, Any]:  # noqa: ANN401
    """Return the job, and the data set's columns that it is sent."""
    from pyspark.sql import functions  # noqa: PLC0415 - an extra
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415

    read = [one.column for one in plan.read if one.column is not None]
    names = tuple(dict.fromkeys([*read, *(plan.keep if data.out is not None else ())]))
    origin = frame.metadataColumn("_metadata")
    columns = [
        functions.col("`" + name.replace("`", "``") + "`").alias(f"column {place}")
        for place, name in enumerate(names)
    ]
    sent = frame.select(
        *columns,
        origin.getField("row_index").alias("row"),
        origin.getField("file_name").alias("file"),
    )
    arrow = to_arrow_schema(frame.select(*columns).schema, timezone="UTC")
    kinds = zip(names, arrow.types, strict=True)
    job = SparkJob(
        canonical=data.rules.canonical,
        document=data.document,
        columns=tuple(frame.columns),
        sent=names,
        types={name: kind for name, kind in kinds if is_plain_type(kind)},
        at=data.at,
        is_written=data.out is not None,
        with_summary=data.with_summary,
        names_files=len(frame.inputFiles()) > 1,
    )
    return job, sent


def _decider(job: SparkJob, parts: Any) -> Callable[[Iterator[Any]], Iterator[Any]]:  # noqa: ANN401
    """Return the function that Spark sends to its workers."""

    def decide(batches: Iterator[Any]) -> Iterator[Any]:
        from pyspark import TaskContext  # noqa: PLC0415 - an extra

        part = PartTally()
        try:
            yield from decide_partition(job, batches, part)
        except EnginesDisagree as error:
            words = json.dumps({"where": error.where, "columns": error.columns})
            raise RuntimeError(_DISAGREE + words) from None
        # By partition: one that is decided twice is counted once.
        parts.add({TaskContext.get().partitionId(): part})

    return decide


def _parts() -> Any:  # noqa: ANN401
    from pyspark.accumulators import AccumulatorParam  # noqa: PLC0415 - an extra

    class Parts(AccumulatorParam):  # type: ignore[misc]  # its base has no types here
        """What the partitions said, by their number."""

        def zero(self, value: dict[int, PartTally]) -> dict[int, PartTally]:
            """Return nothing."""
            del value
            return {}

        def addInPlace(  # noqa: N802 - Spark's name
            self, value1: dict[int, PartTally], value2: dict[int, PartTally]
        ) -> dict[int, PartTally]:
            """Return both."""
            value1.update(value2)
            return value1

    return Parts()


def _spark_schema(job: SparkJob) -> Any:  # noqa: ANN401
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415 - an extra

    return from_arrow_schema(job.schema())


def _run(rows: Any, data: DataSet) -> None:  # noqa: ANN401
    if data.out is None:
        rows.write.format("noop").mode("overwrite").save()
    else:
        rows.write.option("compression", "zstd").parquet(data.out)


def _watch(session: Any, action: Callable[[], None], progress: Progress) -> None:  # noqa: ANN401
    """Run *action*, and tell how many of its tasks are done."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        running: Future[None] = pool.submit(action)
        try:
            while not _ended(running):
                progress(*_tasks(session))
        except KeyboardInterrupt:
            session.sparkContext.cancelAllJobs()
            raise


def _ended(running: Future[None]) -> bool:
    try:
        running.result(timeout=_LOOK_EVERY_S)
    except NotYet:
        return False
    return True


def _tasks(session: Any) -> tuple[int, int]:  # noqa: ANN401
    tracker = session.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
    known = [stage for stage in stages if stage is not None]
    return sum(s.numCompletedTasks for s in known), sum(s.numTasks for s in known)


@contextmanager
def _told(data: DataSet) -> Iterator[None]:
    """Raise what an error of Spark in the block is to us."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError) as error:
        kind = error.getCondition() if isinstance(error, PySparkException) else None
        if kind in _NOT_THERE:
            message = f"`{data.path}` holds no Parquet files that Spark can read"
            raise UnreadableFile(message) from error
        if kind == "PATH_ALREADY_EXISTS":
            message = f"`{data.out}` exists already; name another folder, or remove it"
            raise UnreadableFile(message) from error
        if (found := _DISAGREED.search(str(error))) is not None:
            raise EnginesDisagree(data.rules, **json.loads(found[1])) from error
        raise SparkUnusable(f"Spark stopped: {first_line(error)}") from error
