"""Spark, if it is here: the session, and what Goodfit needs of its settings."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from service.bulk.spark_data import SparkUnusable

_OLDEST_JAVA: Final = 17
_VERSION: Final = re.compile(r'version "([0-9]+)')
_SETTINGS: Final = {
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # A batch is a chunk of ours: large enough that a query a chunk costs little.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
_MEANINGS: Final = {
    # What a value means may not depend on Spark's guesses, or on where it runs.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}


def lacking(java_home: str | None) -> str | None:
    """Return what Spark lacks here, and how to get it; None where it can start."""
    for package in ("pyspark", "pandas"):
        if importlib.util.find_spec(package) is None:
            return "Spark is not installed; pip install 'goodfit[spark]'"
    program = shutil.which(str(Path(java_home) / "bin" / "java")) if java_home else None
    program = program or shutil.which("java")
    wanted = (
        f"install Java {_OLDEST_JAVA} or later (Debian: apt-get install openjdk-17-jre-headless)"
    )
    if program is None:
        return f"Spark needs Java and there is none; {wanted}, or set JAVA_HOME"
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = _VERSION.search(said.stderr)
    if found is not None and int(found[1]) < _OLDEST_JAVA:
        return f"Spark needs Java {_OLDEST_JAVA} and `{program}` is Java {found[1]}; {wanted}"
    return None


def open_session(*, master: str | None, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - an extra
    """Return a session on *master*, or where it is None on the one that `spark-submit` named.

    *settings* win over ours, except those on which the meaning of values rests.

    Raises:
        SparkUnusable: If Spark cannot be started.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    builder = SparkSession.builder.appName("goodfit score")
    if master is not None:
        builder = builder.master(master)
    for name, value in {**_SETTINGS, **settings, **_MEANINGS}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    # Java that is missing is an OSError, py4j has kinds of its own, a cluster's come from plugins:
    # whatever it is, its first line is what the person who started Spark has to read.
    except Exception as error:
        raise SparkUnusable(f"Spark did not start: {first_line(error)}") from error
    if master is not None and master.startswith("local"):
        # Its workers are processes of this machine: let them be of this very Python.
        session.sparkContext.pythonExec = sys.executable
    return session


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
