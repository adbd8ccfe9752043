"""`goodfit backtest`: a rule file tried on what a server has decided."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import pytest
from typer.testing import Result

from tests.backtests.office import LEADS, PAYING_TEXT, Office
from tests.cli.conftest import Goodfit
from tests.journeys.listening import listening
from tests.web.serving import serving

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(
    database_url: str, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Return a function that runs `goodfit` against a server with sixty decisions."""
    async with serving(database_url) as served:
        office = await Office.opened(served)
        await office.decide(*LEADS, final=True)
        async with listening(served.app) as (host, port):
            monkeypatch.setenv("GOODFIT_KEY", office.key)
            monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")

            async def in_thread(*arguments: object) -> Result:
                return await anyio.to_thread.run_sync(lambda: goodfit(*arguments))

            yield in_thread


@pytest.fixture
def generous(tmp_path: Path) -> Path:
    """Return a rule file in which medium fleets get far more points."""
    assert "points: 25" in PAYING_TEXT
    file = tmp_path / "fleet_leads.yaml"
    file.write_text(PAYING_TEXT.replace("points: 25", "points: 40").split("\ntests:")[0] + "\n")
    return file


def rename(file: Path, before: str, after: str) -> None:
    """Write *after* for *before* in a rule file."""
    file.write_text(file.read_text().replace(before, after))


async def test_a_file_is_tried_on_the_past(run: Run, generous: Path) -> None:
    """How many decisions, from which verdict to which, by which edit, what revenue."""
    result = await run("backtest", generous)
    assert result.exit_code == 0, result.output
    assert "60 decisions replayed" in result.stdout
    assert "to qualify" in result.stdout
    assert "would flip" in result.stdout
    assert "rule medium" in result.stdout
    assert "revenue of" in result.stdout


async def test_json_is_the_answer_of_the_api(run: Run, generous: Path) -> None:
    """And `--at-most` turns a share of flips into an exit code."""
    result = await run("backtest", generous, "--since", "1d", "--json", "--at-most", "100")
    assert result.exit_code == 0, result.output
    # The server in this process writes its log to the same stream, a line a request.
    found = json.loads(result.stdout[result.stdout.index("{\n") :])
    assert (found["state"], found["result"]["replayed"]) == ("done", 60)
    assert 0 < found["result"]["flips"] < 60
    too_many = await run("backtest", "fleet_leads", "--at-most", "0.5")
    assert (too_many.exit_code, "more than the 0.5 % allowed" in too_many.stdout) == (1, True)


async def test_a_rule_set_without_a_past_is_no_failure(run: Run, generous: Path) -> None:
    """A new file in a pull request has nobody to surprise."""
    rename(generous, "rule_set: fleet_leads", "rule_set: new_leads")
    result = await run("backtest", generous, "--at-most", "2")
    assert (result.exit_code, "no past to try it on" in result.stdout) == (0, True)
    told = await run("backtest", generous, "--json")
    assert '"no_past"' in told.stdout


async def test_what_cannot_be_tried_is_told(run: Run, generous: Path) -> None:
    """A time that is none; a rule set and a draft that are not there; errors in the file."""
    assert (await run("backtest", generous, "--since", "lately")).exit_code == 2
    missing = await run("backtest", "fleet_leads", "--draft", "nobody")
    assert (missing.exit_code, "no such draft" in missing.stderr) == (1, True)
    rename(generous, "vehicles >= 20", "vehicels >= 20")
    broken = await run("backtest", generous)
    assert (broken.exit_code, "did you mean `vehicles`?" in broken.stderr) == (1, True)
