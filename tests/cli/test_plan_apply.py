"""`goodfit plan` and `goodfit apply`: rule files in git against a server behind a socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.journeys.listening import listening
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]
MEDIUM = "{id: medium, when: vehicles >= 20, points: 30}"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own."""
    async with serving(database_url) as served:
        yield served


@pytest.fixture
async def ann(served: Served) -> Author:
    """Somebody who edits the same rule set on the server."""
    key = await served.new_key("rules:read", "rules:write", "rules:publish")
    return Author(served, key)


@pytest.fixture
async def run(
    served: Served, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Return a function that runs `goodfit` against the application, over a socket."""
    person = "ci@example.com"
    key = await served.new_key("rules:read", "rules:write", "rules:publish", person=person)
    async with listening(served.app) as (host, port):
        monkeypatch.setenv("GOODFIT_KEY", key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")

        async def in_thread(*arguments: object) -> Result:
            return await anyio.to_thread.run_sync(lambda: goodfit(*arguments))

        yield in_thread


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one rule file, and files that are none."""
    folder = tmp_path / "rules"
    (folder / "fleet").mkdir(parents=True)
    (folder / "fleet" / "small_leads.yaml").write_text(TEXT)
    (folder / "leads.map.yaml").write_text("columns: {vehicles: fleet_size}\n")
    (folder / "rule-set.schema.json").write_text("{}")
    return folder


def edit(folder: Path, before: str, after: str) -> None:
    """Change the rule file as its author would."""
    file = folder / "fleet" / "small_leads.yaml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def planned(result: Result) -> dict[str, Any]:
    """Return the one rule set of a plan in JSON."""
    # The server in this process writes its log to the same stream, a line a request.
    (one,) = json.loads(result.stdout[result.stdout.index("{\n") :])["rule_sets"]
    return dict(one)


async def test_a_new_folder_is_planned_and_applied(run: Run, folder: Path, ann: Author) -> None:
    """The plan changes nothing; apply makes the rule set and a version, and releases nothing."""
    plan = await run("plan", folder)
    assert plan.exit_code == 0, plan.output
    assert "small_leads   new" in plan.stdout
    assert "tests: 1 of 1" in plan.stdout
    assert (await ann.ask("GET")).status_code == 404
    applied = await run("apply", folder, "--note", "from git")
    assert applied.exit_code == 0, applied.output
    assert "committed as version 1, not live yet" in applied.stdout
    version = (await ann.ask("GET", "/versions/1")).json()
    assert (version["author"], version["note"]) == ("ci@example.com", "from git")
    assert version["source"] == TEXT, "the text as it was written, comments and all"
    assert (await ann.ask("GET")).json()["live"] is None


async def test_what_was_applied_is_unchanged(run: Run, folder: Path) -> None:
    """A second plan has nothing to do, and a second apply makes nothing."""
    await run("apply", folder)
    plan = await run("plan", folder)
    assert (plan.exit_code, plan.stdout.splitlines()[-1]) == (0, "nothing to apply")
    assert "unchanged: version 1" in plan.stdout
    again = await run("apply", folder)
    assert (again.exit_code, "unchanged: version 1" in again.stdout) == (0, True)


async def test_an_edit_is_shown_by_its_parts(run: Run, folder: Path) -> None:
    """The rule, and its points before and after; a comment alone is no change."""
    await run("apply", folder)
    edit(folder, "# Who we are for", "# Whom we serve")
    assert "nothing to apply" in (await run("plan", folder)).stdout
    edit(folder, MEDIUM, MEDIUM.replace("30", "35"))
    plan = await run("plan", folder)
    assert "small_leads   draft from version 1" in plan.stdout
    assert "    ~ rule medium  points 30 -> 35" in plan.stdout
    assert plan.exit_code == 0
    assert "version 2" in (await run("apply", folder)).stdout
    assert planned(await run("plan", folder, "--json"))["state"] == "unchanged"


async def test_a_version_goes_live_only_when_asked_with_a_reason(
    run: Run, folder: Path, ann: Author
) -> None:
    """`--release` without `--reason` is refused, and so is the other way round."""
    for half in (["--release"], ["--reason", "Q3 review"], ["--release", "--reason", " "]):
        refused = await run("apply", folder, *half)
        assert (refused.exit_code, "go together" in refused.stderr) == (2, True)
    applied = await run("apply", folder, "--release", "--reason", "Q3 review")
    assert "committed as version 1, released" in applied.stdout
    (release,) = (await ann.ask("GET", "/releases")).json()["data"]
    assert (release["version"], release["reason"]) == (1, "Q3 review")
    again = await run("apply", folder, "--release", "--reason", "again")
    assert again.exit_code == 0
    assert len((await ann.ask("GET", "/releases")).json()["data"]) == 1, "it is live already"


async def test_errors_and_failing_tests_stop_everything(
    run: Run, folder: Path, ann: Author
) -> None:
    """Exit 1 with every problem and its place; nothing of the folder is applied."""
    edit(folder, "fit: 70", "fit: 71")
    (folder / "other.yaml").write_text(TEXT.replace("small_leads", "other_leads"))
    for command in ("plan", "apply"):
        result = await run(command, folder)
        assert result.exit_code == 1
        assert "small_leads.yaml:" in result.stdout
        assert "test-failed" in result.stdout
    assert (await ann.served.ask("GET", "/v1/rule-sets")).json()["data"] == []


async def test_what_was_edited_on_the_server_is_found(run: Run, folder: Path, ann: Author) -> None:
    """Who changed what since the folder was applied; apply refuses until it is told to."""
    await run("apply", folder)
    await ann.write(TEXT.replace("Small leads", "Their title"))
    assert (await ann.commit(note="in a hurry")).json()["version"] == 2
    edit(folder, MEDIUM, MEDIUM.replace("30", "35"))
    plan = await run("plan", folder)
    assert plan.exit_code == 1
    assert "version 2 by ann@example.com (in a hurry) is newer than version 1" in plan.stdout
    assert "~ setting title  title Small leads -> Their title" in plan.stdout
    refused = await run("apply", folder)
    assert (refused.exit_code, "nothing was applied" in refused.stdout) == (1, True)
    assert (await ann.ask("GET")).json()["latest_version"] == 2
    told = planned(await run("plan", folder, "--json"))
    assert (told["drift"]["version"], told["drift"]["based_on"]) == (2, 1)
    forced = await run("apply", folder, "--overwrite")
    assert (forced.exit_code, "version 3" in forced.stdout) == (0, True)
    edit(folder, "points: 35", "points: 36")
    assert planned(await run("plan", folder, "--json"))["drift"] is None


async def test_rules_that_never_came_from_files_are_not_overwritten(
    run: Run, folder: Path, ann: Author
) -> None:
    """A first apply beside versions made elsewhere says so, unless both say the same."""
    await ann.publish()
    assert "unchanged: version 1 and live" in (await run("plan", folder)).stdout
    edit(folder, MEDIUM, MEDIUM.replace("30", "35"))
    plan = await run("plan", folder)
    assert (plan.exit_code, "did not come from this folder" in plan.stdout) == (1, True)


async def test_an_older_text_is_the_version_it_was(run: Run, folder: Path) -> None:
    """A revert in git is no new version: the older one is there, to be released."""
    await run("apply", folder)
    edit(folder, MEDIUM, MEDIUM.replace("30", "35"))
    await run("apply", folder, "--release", "--reason", "more")
    edit(folder, "points: 35", "points: 30")
    assert "unchanged: version 1, live is 2" in (await run("plan", folder)).stdout
    back = await run("apply", folder, "--release", "--reason", "too much")
    assert "unchanged: version 1, released" in back.stdout


async def test_a_key_without_the_right_is_told_so(
    run: Run, folder: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with the server's words; without any key exit 2."""
    monkeypatch.setenv("GOODFIT_KEY", await served.new_key("rules:read"))
    refused = await run("apply", folder)
    assert refused.exit_code == 1
    assert "`small_leads` was refused" in refused.stderr
    monkeypatch.setenv("GOODFIT_KEY", "gf_sk_nothing")
    assert (await run("plan", folder)).exit_code == 1
    monkeypatch.delenv("GOODFIT_KEY")
    missing = await run("plan", folder)
    assert (missing.exit_code, "set GOODFIT_KEY" in missing.stderr) == (2, True)


async def test_a_folder_that_cannot_be_used_is_told(run: Run, tmp_path: Path, folder: Path) -> None:
    """No folder, no rule file in it, two files of one rule set, no server there."""
    assert (await run("plan", tmp_path / "nowhere")).exit_code == 2
    (tmp_path / "empty").mkdir()
    empty = await run("plan", tmp_path / "empty")
    assert (empty.exit_code, "holds no rule file" in empty.stderr) == (2, True)
    away = await run("plan", folder, "--server", "http://127.0.0.1:1")
    assert (away.exit_code, "is it running" in away.stderr) == (1, True)
    wrong = await run("plan", folder, "--server", "127.0.0.1:8321")
    assert wrong.exit_code == 2
    (folder / "twice.yaml").write_text(TEXT)
    twice = await run("plan", folder)
    assert (twice.exit_code, "both of `small_leads`" in twice.stderr) == (2, True)


async def test_a_file_that_is_no_yaml_is_not_passed_over(run: Run, folder: Path) -> None:
    """A slip of the pen in a rule file stops the folder, and does not make it vanish."""
    edit(folder, "attributes:", "attributes: [")
    plan = await run("plan", folder)
    assert (plan.exit_code, "syntax" in plan.stdout) == (1, True)
