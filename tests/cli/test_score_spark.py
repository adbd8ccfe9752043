"""`goodfit score --engine spark` reads, writes and counts; without Java it says what to install."""

from pathlib import Path

import pytest

from service.rules import load_rule_set
from tests.bulk.test_engines import AT, write_parquet
from tests.cli.conftest import Goodfit
from tests.parity.spark import why_not


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_the_command_scores_on_spark(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """The rows are those of the other engines, and the problems are listed beside them."""
    from tests.bulk.test_spark import by_rows, rows_of  # noqa: PLC0415 - skipped without Spark

    file, out = tmp_path / "leads.parquet", tmp_path / "spark"
    rules = load_rule_set(fleet.read_text("utf-8"))
    write_parquet(file, rules)
    arguments = ("--engine", "spark", "--master", "local[1]", "--conf", "spark.ui.enabled=false")
    at = AT.isoformat()
    result = goodfit("score", fleet, file, *arguments, "-o", out, "--at", at, "--no-summary")
    assert result.exit_code == 0, result.output
    assert "150 leads in" in result.output
    by_rows(rules, file, tmp_path / "rows.parquet")
    assert rows_of(out) == rows_of(tmp_path / "rows.parquet")
    problems = (tmp_path / "spark.problems.csv").read_text("utf-8").splitlines()
    assert problems[0] == "file,line,column,attribute,value,reason"
    assert len(problems) > 1


def test_without_java_it_says_what_to_install(
    goodfit: Goodfit, fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2 and the package or the program that is not there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    result = goodfit("score", fleet, tmp_path / "leads.parquet", "--engine", "spark")
    assert result.exit_code == 2
    assert "install Java 17" in result.stderr or "pip install 'goodfit[spark]'" in result.stderr


def test_sparks_options_are_refused_elsewhere(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """A `--master` that nothing would read is a mistake; so is a setting without a value."""
    file = tmp_path / "leads.parquet"
    result = goodfit("score", fleet, file, "--master", "local[2]")
    assert result.exit_code == 2
    assert "--engine spark" in result.stderr
