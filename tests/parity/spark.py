"""Spark as an engine that runs the SELECT in tests; needs `goodfit[spark]` and Java."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.rules.sql import Selection
from tests.parity.engines import Rows
from tests.parity.tables import Table


def why_not() -> str | None:
    """Return what Spark lacks here; None where it can run."""
    if importlib.util.find_spec("pyspark") is None:
        return "Spark is not installed (pip install 'goodfit[spark]')"
    return None if shutil.which("java") else "Spark needs Java, and there is none"


class Spark:
    """Spark in this process, on one thread."""

    dialect = "spark"

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - has no types where not installed
        """Work in *session*."""
        self._session = session

    def run(self, table: Table, selection: Selection) -> Rows:
        """Select from a temporary view of the leads."""
        columns, types = table.columns(selection), table.types(selection)
        rows = [
            tuple(list(cell) if isinstance(cell, tuple) else cell for cell in row)
            for row in zip(*columns.values(), strict=True)
        ]
        declared = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
        leads = self._session.createDataFrame(rows, declared).coalesce(1)
        leads.createOrReplaceTempView("leads")
        return sorted(tuple(row) for row in self._session.sql(selection.sql).collect())


@contextmanager
def spark() -> Iterator[Spark]:
    """Start Spark in local mode, for the block."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - where it is installed

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield Spark(session)
    finally:
        session.stop()
