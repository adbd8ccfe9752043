"""`goodfit serve`: on a given database and on its own, with one process and with several."""

import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from service.rules.templates import read_template
from tests.journeys.processes import (
    GOODFIT,
    ROOT,
    Started,
    free_port,
    is_listening,
    postgres_in,
    started,
)

pytestmark = pytest.mark.slow
READY = "Goodfit is at"


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a data folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="gf-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    assert postgres_in(folder) == []
    shutil.rmtree(folder, ignore_errors=True)


def goodfit(*arguments: str, environment: dict[str, str]) -> str:
    """Run a command beside the server and return what it printed."""
    done = subprocess.run(
        [*GOODFIT, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def furnish(port: int, environment: dict[str, str]) -> httpx.Client:
    """Return a client with the first key, after making the worked example live."""
    made = goodfit("keys", "create", "--scope", "admin", "--person", "ann", "--json",
                   environment=environment)  # fmt: skip
    headers = {"Authorization": f"Bearer {json.loads(made)['key']}"}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)
    slug = "fleet_leads"
    sent = {"rule_set": slug, "subject": "lead", "title": "Fleets"}
    assert client.post("/v1/rule-sets", json=sent).status_code == 201
    draft = f"/v1/rule-sets/{slug}/drafts/main"
    put = client.put(draft, json={"source": read_template(slug)})
    assert put.status_code in {200, 201}, put.text
    committed = client.post(
        f"{draft}/commit", json={"note": "first"}, headers={"If-Match": put.headers["ETag"]}
    )
    assert committed.status_code == 201, committed.text
    release = {"version": 1, "mode": "live", "reason": "first"}
    released = client.post(f"/v1/rule-sets/{slug}/releases", json=release)
    assert released.status_code == 201, released.text
    return client


def ask(client: httpx.Client) -> str:
    """Return the verdict on a lead."""
    lead = {"vehicles": 300, "country": "DE", "seniority": "vp", "email_clicks": 4}
    question = {"rule_set": "fleet_leads", "lead": lead, "final": True}
    answer = client.post("/v1/qualify", json=question)
    assert answer.status_code == 200, answer.text
    verdict: str = answer.json()["verdict"]
    return verdict


def test_serving_on_its_own_database_from_nothing(home: Path) -> None:
    """A new folder, a schema, a key made beside the running server, a decision, and an end."""
    port = free_port()
    environment = {"GOODFIT_HOME": str(home)}
    arguments = ("serve", "--port", str(port))
    with started(home / "terminal", *arguments, environment=environment) as terminal:
        output = terminal.wait_for(READY)
        assert "Postgres (embedded)" in output
        assert f"http://127.0.0.1:{port}" in output
        with closing(furnish(port, environment)) as client:
            assert client.get("/readyz").status_code == 200
            assert client.get("/docs").status_code == 200
            assert ask(client) == "qualify"
        assert terminal.stop(signal.SIGTERM) == 0
    assert not is_listening(port)
    assert postgres_in(home) == []


def test_several_processes_share_the_port_and_end_together(
    home: Path, empty_database_url: str
) -> None:
    """Two workers on a given database; Ctrl-C in the terminal leaves none of them."""
    port = free_port()
    environment = {"DATABASE_URL": empty_database_url}
    arguments = ("serve", "--workers", "2", "--port", str(port))
    with started(home, *arguments, environment=environment) as terminal:
        terminal.wait_for(READY)
        children = psutil.Process(terminal.process.pid).children(recursive=True)
        assert len(children) >= 2
        with closing(furnish(port, environment)) as client:
            assert [ask(client) for _ in range(6)] == ["qualify"] * 6
        assert terminal.stop(signal.SIGINT) == 0
        gone, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        assert len(gone) == len(children)
    assert not is_listening(port)


def test_closing_the_terminal_ends_it(empty_database_url: str) -> None:
    """The signal that restarts a service in the background ends one whose terminal is gone."""
    port = free_port()
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["DATABASE_URL"] = empty_database_url
        os.execv(GOODFIT[0], [*GOODFIT, "serve", "--port", str(port)])  # noqa: S606 - our own command line
    printed = b""
    while READY.encode() not in printed:
        printed += os.read(screen, 4096)
    children = psutil.Process(pid).children()
    assert children
    os.close(screen)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert not is_listening(port)


def test_logs_hold_no_lead(home: Path, empty_database_url: str) -> None:
    """What a lead tells is in the database, and not on the terminal."""
    port = free_port()
    environment = {"DATABASE_URL": empty_database_url}
    with started(home, "serve", "--port", str(port), environment=environment) as terminal:
        terminal.wait_for(READY)
        with closing(furnish(port, environment)) as client:
            lead = {"email": "very.private@person.example", "vehicles": "many"}
            client.post("/v1/qualify", json={"rule_set": "fleet_leads", "lead": lead})
            client.get("/v1/decisions?external_id=very.private@person.example")
        terminal.stop()
        assert "/v1/qualify" in terminal.errors
        assert "very.private" not in _everything(terminal)


def _everything(terminal: Started) -> str:
    return terminal.output + terminal.errors
