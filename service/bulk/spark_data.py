"""What is scored on Spark, and what comes of it: values that load nothing."""

from dataclasses import dataclass
from datetime import datetime

from service.bulk.map_document import MapDocument
from service.bulk.mapping import ColumnPlan
from service.bulk.scoring import Unreadable
from service.bulk.summary import Tally
from service.rules import RuleSet, Source


class SparkUnusable(Exception):
    """Spark is not here, or did not start; the message says what to install or to look at."""

    code = "spark_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What to score on Spark and how.

    Attributes:
        path: A Parquet file or a folder of them, wherever Spark can read.
        out: The folder to write; None to count only.
    """

    rules: RuleSet
    document: MapDocument
    source: Source
    at: datetime
    path: str
    out: str | None
    with_summary: bool


@dataclass(frozen=True, slots=True)
class SparkScored:
    """What came of it: the counts, the columns, and some of what could not be read."""

    tally: Tally
    plan: ColumnPlan
    problems: list[tuple[str, Unreadable]]
