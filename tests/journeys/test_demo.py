"""`goodfit demo`: start, try what it prints, stop, and start again."""

import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.cli.demo_portfolio import make_portfolio
from service.cli.demo_samples import LEADS
from tests.journeys.planted import check_planted
from tests.journeys.processes import (
    Started,
    free_port,
    is_listening,
    postgres_in,
    started,
)

pytestmark = pytest.mark.slow
LAST_LINE = "demo --reset` starts over."
READY_WITHIN_S = 300
"""Far more than it takes; other tests load the machine meanwhile."""


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a data folder whose path is short enough for a socket, open to the server's user."""
    folder = Path(tempfile.mkdtemp(prefix="gf-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    assert postgres_in(folder) == []
    shutil.rmtree(folder, ignore_errors=True)


def lines_to_try(output: str) -> list[str]:
    """Return the curl commands of *output*, as somebody would select and paste them."""
    text = output[output.index("Try:") : output.index("Ctrl-C")]
    return re.findall(r"^ +(curl (?:.*\\\n)*.*)$", text, re.MULTILINE)


def run(line: str) -> Any:  # noqa: ANN401 - JSON
    """Paste *line* into a shell and return what it printed, as JSON."""
    done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=30, check=True)
    return json.loads(done.stdout)


def demo(home: Path, port: int, *options: str) -> Any:  # noqa: ANN401 - a context manager
    """Start the demo in *home*."""
    settings = {"GOODFIT_HOME": str(home)}
    arguments = ("demo", "--port", str(port), *options)
    return started(home / "terminal", *arguments, environment=settings)


def ask(line: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """Ask for another *path* with the address and key of a line to try."""
    address, header = re.search(r"(http://\S+?)/v1\S* (-H '[^']*')", line).groups()  # type: ignore[union-attr]
    return run(f"curl -s '{address}{path}' {header}")


def test_the_demo_prints_lines_that_work_and_keeps_its_data(home: Path) -> None:
    """From first to last: killed while loading, loaded, asked, stopped, found again, reset."""
    port = free_port()
    with demo(home, port) as terminal:
        _kill_while_loading(terminal, home)
    with demo(home, port) as terminal:
        output = terminal.wait_for(LAST_LINE, within_s=READY_WITHIN_S)
        assert "5 rule sets, 60 leads, 300 accounts over two years" in output
        *to_read, picture = lines_to_try(output)
        asked, decided, explained, summary, systemic = (run(line) for line in to_read)
        _check_answers(asked, decided, explained)
        assert len(summary["groups"]) == 11
        assert len(systemic["findings"]) == 1
        done = subprocess.run(["bash", "-c", picture], cwd=home, timeout=30, check=True)
        assert done.returncode == 0
        assert (home / "whale-curve.svg").read_text().startswith("<svg")
        _check_samples(lines_to_try(output)[0])
        _check_portfolio(lines_to_try(output)[0], home)
        again = run(lines_to_try(output)[0])
        assert again["id"] != asked["id"]
        _check_second(home, port)
        _check_end(terminal, home, port)
    with demo(home, port) as terminal:
        second = terminal.wait_for(LAST_LINE)
        assert "there already" in second
        assert lines_to_try(second) == lines_to_try(output)
        assert run(lines_to_try(second)[2])["id"] == explained["id"]
        found = ask(lines_to_try(second)[0], f"/v1/decisions/{again['id']}")
        assert found["summary"] == again["summary"]
        _check_end(terminal, home, port, signal.SIGTERM)
    _check_json(home, port)
    _check_reset(home, port)


def _check_second(home: Path, port: int) -> None:
    """Whoever starts a second one is told which of the two to change, and nothing is made."""
    with demo(home / "other", port) as second:
        assert second.process.wait(timeout=60) == 1
        assert f"port {port} is in use" in second.errors
    assert not (home / "other" / "demo").exists()
    arguments = ("demo", "--port", str(free_port()))
    settings = {"GOODFIT_HOME": str(home)}
    with started(home / "second", *arguments, environment=settings) as second:
        assert second.process.wait(timeout=60) == 1
        assert "is in use by another Goodfit" in second.errors


def _check_reset(home: Path, port: int) -> None:
    """A fresh start has fresh keys, and none of what was asked before."""
    before = json.loads((home / "demo" / "demo.json").read_text())
    with demo(home, port, "--reset") as terminal:
        terminal.wait_for("ready in")
        after = json.loads((home / "demo" / "demo.json").read_text())
        assert after["secret_key"] != before["secret_key"]
        terminal.stop()


def _kill_while_loading(terminal: Started, home: Path) -> None:
    terminal.wait_for("ready in")
    state = home / "demo" / "demo.json"
    deadline = time.monotonic() + 90
    while json.loads(state.read_text())["as_of"] is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)
    terminal.process.kill()
    terminal.process.wait(timeout=30)
    assert LAST_LINE not in terminal.output


def _check_json(home: Path, port: int) -> None:
    """A program gets one object with all that is needed to use the demo."""
    with demo(home, port, "--json") as terminal:
        found = json.loads(terminal.wait_for("}\n"))
        address = f"{found['url']}/v1/decisions/{found['decision']}"
        kept = run(f"curl -s {address} -H 'Authorization: Bearer {found['secret_key']}'")
        assert kept["verdict"] == "undecided"
        assert found["publishable_key"].startswith("gf_pk_demo_")
        terminal.stop()
        assert json.loads(terminal.output) == found


def _check_answers(asked: Any, decided: Any, explained: Any) -> None:  # noqa: ANN401 - JSON
    assert asked["verdict"] == "undecided"
    assert asked["missing"][0]["ask"] == "What is your role?"
    assert decided["verdict"] == "disqualify"
    assert decided["next"]["message"] == "Here is our maintenance guide"
    assert explained["verdict"] == "undecided"
    assert explained["facts"] == {"email": "ann@haulage.example", "vehicles": 120, "country": "DE"}
    assert {"large", "medium", "home"} <= {reason["rule"] for reason in explained["reasons"]}
    assert explained["summary"] == asked["summary"]


def _check_samples(line: str) -> None:
    decisions = _pages(line, "/v1/decisions?")
    samples = [one for one in decisions if (one["subject"]["external_id"] or "")[:7] == "sample-"]
    assert len(samples) == LEADS
    told = list(_pages(line, "/v1/outcomes?"))
    assert len({one["external_id"] for one in told if one["external_id"]}) > LEADS // 3
    assert {one["result"] for one in told} == {"won", "lost", "renewed", "churned"}
    assert all(one["is_known"] for one in told)
    assert {one["rule_set"]["id"] for one in samples} == {
        "fleet_leads", "saas_leads", "product_led", "consumer_to_business",
    }  # fmt: skip
    verdicts = {one["verdict"] for one in samples}
    assert verdicts == {"qualify", "review", "disqualify", "undecided"}
    assert len({one["outcome"] for one in samples}) >= 10


def _check_portfolio(line: str, home: Path) -> None:
    """Each account is there once, with its whole ledger, and found to be what was planted."""
    state = json.loads((home / "demo" / "demo.json").read_text())
    members = make_portfolio(datetime.fromisoformat(state["as_of"]))
    kept = list(_pages(line, "/v1/accounts?"))
    assert sorted(one["key"] for one in kept) == sorted(one.key for one in members)
    fullest = max(members, key=lambda one: len(one.happenings))
    events = list(_pages(line, f"/v1/accounts/{fullest.key}/events?"))
    assert Counter(one["event_id"] for one in events) == Counter(
        one.event_id for one in fullest.happenings
    )
    check_planted(lambda path: ask(line, f"/v1/portfolio/account_portfolio/{path}"), members)


def _pages(line: str, path: str) -> Iterator[Any]:
    """Give what a list holds, page by page."""
    cursor = ""
    while cursor is not None:
        page = ask(line, f"{path}&limit=200{cursor}")
        yield from page["data"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"


def _check_end(
    terminal: Started, home: Path, port: int, number: signal.Signals = signal.SIGINT
) -> None:
    assert postgres_in(home)
    assert is_listening(port)
    assert terminal.stop(number) == 0
    assert "the data stays" in terminal.output
    assert not is_listening(port)
    assert postgres_in(home) == []
