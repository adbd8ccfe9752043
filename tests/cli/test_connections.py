"""`goodfit connections`: a file of connections against a server behind a socket."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.cli.remote import Run, asking
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
SECRET = "zzsecret of the app"
DECLARED = """\
# What we hear from whom.
connections:
  crm:
    preset: hubspot
    public_url: https://goodfit.example.com
    map:
      kinds:
        company:
          attributes:
            vehicles: fields.fleet_size
    secrets:
      signing: [{env: CRM_CLIENT_SECRET}]
      access_token: {file: token.txt}
  signups:
    preset: tally
    secrets: {signing: [{env: CRM_CLIENT_SECRET}]}
"""

MISTAKES = (
    ("fields.fleet_size", "'fields.['", "10:23", "no JMESPath expression"),
    ("preset: tally", "preset: tallyho", "15:13", "input should be 'hubspot'"),
    ("preset: tally", "preset: tally\n    presets: x", "16:5", "is not known here"),
    ("https://goodfit.example.com", "goodfit.example.com", "5:17", "match"),
    ("access_token: {file: token.txt}", "access_token: pat-eu1", "13:21", "does not belong"),
    ("token.txt", "gone.txt", "13:21", "`gone.txt` cannot be read"),
    ("[{env: CRM_CLIENT_SECRET}]}", "[{env: NOT_SET}]}", "16:25", "no `NOT_SET`"),
    ("tally\n    secrets: {signing: [{env: CRM_CLIENT_SECRET}]}\n", "tally\n", "15:5", "add it"),
    ("  signups:", "  Sign ups:", "15:5", "is named by a lower-case letter"),
    ("connections:", "- connections:", "2:1", "no mapping"),
    ("preset: tally", "preset: tally\n    preset: tally", "16:5", "twice"),
)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own."""
    async with serving(database_url, is_attended=False) as served:
        yield served


@pytest.fixture
async def run(
    served: Served, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Return a function that runs `goodfit connections` against the application."""
    monkeypatch.setenv("CRM_CLIENT_SECRET", SECRET)
    async with asking(served, goodfit, monkeypatch) as run:
        yield partial(run, "connections")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of two connections, with a secret in a file beside it."""
    (tmp_path / "token.txt").write_text("pat-eu1\n")
    file = tmp_path / "connections.yaml"
    file.write_text(DECLARED)
    return file


def declare(file: Path, before: str, after: str) -> None:
    """Change the file as its author would."""
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


async def connections(served: Served) -> dict[str, dict[str, Any]]:
    """Return the connections of the server by name."""
    shown = (await served.ask("GET", "/v1/connections")).json()["data"]
    return {one["name"]: one for one in shown}


def told(result: Result) -> dict[str, Any]:
    """Return what was printed as JSON; the server in this process logs to the same stream."""
    told: dict[str, Any]
    # what the server logs may stand before it and after
    told, _ = json.JSONDecoder().raw_decode(result.stdout, result.stdout.index("{\n"))
    return told


async def test_a_file_is_tried_applied_and_then_changes_nothing(
    run: Run, file: Path, served: Served
) -> None:
    """The dry run shows all and keeps nothing; to apply it again makes no version and no entry."""
    tried = await run("apply", file, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "crm   new" in tried.stdout
    assert "+ /map  {'kinds': {'company'" in tried.stdout
    assert "2 connections would change" in tried.stdout
    assert await connections(served) == {}
    applied = await run("apply", file)
    assert applied.exit_code == 0, applied.output
    assert "https://goodfit.example.com/v1/intake/con_" in applied.stdout
    made = await connections(served)
    assert made["crm"]["has_secrets"] == ["access_token", "signing"]
    again = await run("apply", file)
    assert "nothing was to be changed" in again.stdout
    assert await connections(served) == made
    audit = (await served.ask("GET", "/v1/audit")).json()["data"]
    entries = [(one["actor"], one["action"]) for one in audit if "connections" in one["action"]]
    assert entries == [("ci@example.com", "connections.create")] * 2
    assert SECRET not in tried.output + applied.output + again.output


async def test_what_is_no_longer_said_is_taken_out_and_secrets_stay(
    run: Run, file: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is the whole of a connection; a patch could not take an attribute out again."""
    await run("apply", file)
    declare(file, "vehicles: fields.fleet_size", "industry: fields.industry")
    declare(file, "      access_token: {file: token.txt}\n", "")
    monkeypatch.setenv("CRM_CLIENT_SECRET", "another")
    applied = await run("apply", file)
    at = "/map/kinds/company/attributes"
    assert f"+ {at}/industry  fields.industry" in applied.stdout
    assert f"- {at}/vehicles  fields.fleet_size" in applied.stdout
    assert applied.stdout.count("~ secret signing") == 2
    crm = (await connections(served))["crm"]
    assert crm["map"]["kinds"]["company"]["attributes"] == {"industry": "fields.industry"}
    assert crm["has_secrets"] == ["access_token", "signing"]
    assert (await run("apply", file, "--json")).exit_code == 0
    audit = (await served.ask("GET", "/v1/audit?limit=2")).json()["data"]
    assert {one["action"] for one in audit} == {"connections.change"}


async def test_a_mistake_is_shown_with_its_line_and_nothing_is_applied(
    run: Run, file: Path, served: Served
) -> None:
    """What the API says of its body, at the place in the file; the other connection waits."""
    for before, after, place, words in MISTAKES:
        declare(file, before, after)
        result = await run("apply", file)
        assert result.exit_code == 1, result.output
        assert words in result.stdout
        assert f"connections.yaml:{place}  " in result.stdout, result.stdout
        declare(file, after, before)
    declare(file, "preset: tally", "preset: tallyho")
    declare(file, "preset: hubspot", "preset: 7")
    assert len(told(await run("apply", file, "--json"))["problems"]) == 2, "all, not the first"
    assert await connections(served) == {}


async def test_what_is_shown_can_be_applied(run: Run, file: Path) -> None:
    """The file that `show` prints declares the same; no secret is in it, only its name."""
    await run("apply", file)
    listed = await run("list")
    assert "signups  tally  last heard never" in listed.stdout
    assert len(told(await run("list", "--json"))["data"]) == 2
    shown = await run("show", "crm")
    assert "access_token, signing" in shown.stdout
    assert SECRET not in shown.stdout + listed.stdout
    declare(file, DECLARED, shown.stdout[shown.stdout.index("# con_") :])
    assert "nothing to change" in (await run("apply", file, "--dry-run")).stdout
    assert told(await run("show", "crm", "--json"))["health"]["waiting"] == 0
    assert (await run("show", "nobody")).exit_code == 1


async def test_a_connection_keeps_its_preset(run: Run, file: Path) -> None:
    """Who wants another one removes it first: what it sent would be read by another map."""
    await run("apply", file)
    declare(file, "preset: tally", "preset: typeform")
    refused = await run("apply", file)
    assert refused.exit_code == 1
    assert "connections.yaml:15:13" in refused.stdout
    assert "it is one of `tally`" in refused.stdout
