"""`goodfit publish` and its sisters: what goes live, what it waits for, and the way back."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import anyio.to_thread
import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.journeys.listening import listening
from tests.rulesets.four_eyes import NEXT, FourEyes
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own."""
    async with serving(database_url) as served:
        yield served


@pytest.fixture
async def team(served: Served) -> FourEyes:
    """Ann, who wrote what is live, and bob."""
    return await FourEyes.opened(served)


@pytest.fixture
async def run(
    served: Served, team: FourEyes, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Return a function that runs `goodfit` as ann, or as bob."""
    async with listening(served.app) as (host, port):
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")

        async def in_thread(*arguments: object, by: str = "ann") -> Result:
            monkeypatch.setenv("GOODFIT_KEY", getattr(team, by).key)
            return await anyio.to_thread.run_sync(lambda: goodfit(*arguments))

        yield in_thread


def told(result: Result) -> dict[str, object]:
    """Return the JSON that a command printed; the server's log stands before it."""
    found: dict[str, object] = json.loads(result.stdout[result.stdout.index("{\n") :])
    return found


async def live_is(team: FourEyes, version: int) -> None:
    """Wait until *version* is live: a release takes effect a second after its commit."""
    with anyio.fail_after(10):
        while (await team.ann.ask("GET")).json()["live"]["version"] != version:  # noqa: ASYNC110 - no event tells
            await anyio.sleep(0.05)


async def test_a_draft_goes_live_and_back_again(run: Run, team: FourEyes) -> None:
    """Publish commits and releases; rollback needs no number."""
    await team.edit(NEXT)
    shown = await run("publish", "small_leads", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "~ rule medium  points 30 -> 35" in shown.stdout
    assert "from version 1 which is live" in shown.stdout
    assert (await team.ann.ask("GET")).json()["latest_version"] == 1
    done = await run("publish", "small_leads", "--reason", "mid-size fleets convert")
    assert done.exit_code == 0, done.output
    assert "version 2 is live from" in done.stdout
    assert "instead of version 1" in done.stdout
    await live_is(team, 2)
    differs = await run("publish", "small_leads", "--version", "1", "--dry-run")
    assert (differs.exit_code, "points 35 -> 30" in differs.stdout) == (0, True), differs.output
    back = await run("rollback", "small_leads", "--to", "1", "--reason", "it did not work")
    assert (back.exit_code, "version 1 is live from" in back.stdout) == (0, True), back.output


async def test_a_dry_run_of_a_broken_draft_names_the_place(run: Run, team: FourEyes) -> None:
    """The same place and words as `goodfit check`, and exit 1."""
    await team.edit(NEXT.replace("vehicles >= 20", "vehicels >= 20"))
    shown = await run("publish", "small_leads", "--dry-run")
    assert (shown.exit_code, "did you mean `vehicles`" in shown.stdout) == (1, True), shown.output
    assert "the draft has 1 error" in shown.stderr


async def test_publishing_waits_for_a_second_person(run: Run, team: FourEyes) -> None:
    """It names the review and who may approve it; the author may not; then it goes live."""
    await team.policy(review_required=True)
    await team.edit(NEXT)
    waits = await run("publish", "small_leads", "--note", "mid-size fleets convert")
    assert waits.exit_code == 1, waits.output
    assert "waiting for a second person" in waits.stdout
    review = told(await run("publish", "small_leads", "--version", "2", "--note", "x", "--json"))
    name = review["review"]["id"]  # type: ignore[index]
    assert f"goodfit approve {name}" in waits.stdout
    own = await run("approve", name)
    assert (own.exit_code, "the server refused" in own.stderr) == (1, True)
    listed = await run("reviews", "small_leads", by="bob")
    assert name in listed.stdout
    agreed = await run("approve", name, "--comment", "looks right", by="bob")
    assert agreed.exit_code == 0, agreed.output
    for words in (
        "written by ann@example.com",
        "rule medium",
        "points 30 -> 35",
        "approved by bob",
    ):
        assert words in agreed.stdout
    done = await run("publish", "small_leads", "--version", "2", "--reason", "agreed")
    assert (done.exit_code, "approved by bob@example.com" in done.stdout) == (0, True), done.output


async def test_a_budget_is_tried_on_the_past_first(run: Run, team: FourEyes) -> None:
    """Without evidence it says how to get some; with `--backtest` it gets it."""
    await team.policy(flip_budget={"share": 0.02, "window_days": 30})
    await team.edit(NEXT)
    refused = await run("publish", "small_leads", "--reason", "go")
    assert refused.exit_code == 1, refused.output
    assert "goodfit publish small_leads --version 2 --backtest" in refused.stdout
    done = await run("publish", "small_leads", "--version", "2", "--backtest", "--reason", "go")
    assert (done.exit_code, "version 2 is live" in done.stdout) == (0, True), done.output


async def test_a_review_is_rejected_with_a_reason(run: Run, team: FourEyes) -> None:
    """Whoever says no says why."""
    await team.edit(NEXT)
    review = await team.reviewed()
    no = await run("reject", review["id"], "--comment", "too many small fleets", by="bob")
    assert (no.exit_code, "rejected by bob@example.com" in no.stdout) == (0, True), no.output
    assert await team.state(review) == "rejected"


async def test_a_freeze_stops_everybody(run: Run, team: FourEyes) -> None:
    """Freeze, a refused publish that says how it ends, unfreeze."""
    await team.edit(NEXT)
    frozen = await run("freeze", "small_leads", "--reason", "quarter end")
    assert (frozen.exit_code, "frozen by ann@example.com" in frozen.stdout) == (0, True)
    refused = await run("publish", "small_leads", "--reason", "go")
    assert (refused.exit_code, "quarter end" in refused.stderr) == (1, True), refused.output
    opened = await run("unfreeze", "small_leads", "--reason", "over")
    assert (opened.exit_code, "open for releases" in opened.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("publish", "small_leads"), 2, "say why with --reason"),
        (("publish", "small_leads", "--reason", " "), 2, "say why with --reason"),
        (("publish", "small_leads", "--draft", "a", "--version", "1"), 2, "exclude each other"),
        (("publish", "small_leads", "--reason", "x", "--from", "soon"), 2, "is no time"),
        (("publish", "small_leads", "--reason", "x", "--draft", "none"), 1, "has no draft"),
        (("publish", "none", "--reason", "x"), 1, "no rule set with this id"),
        (("rollback", "small_leads", "--reason", "x"), 1, "is the first that was live"),
        (("approve", "rev_01m82amv90f7assrm6pf8d3pr0"), 1, "there is no review"),
        (("approve", "nonsense"), 1, "the id"),
    ],
)
async def test_what_cannot_be_is_said_in_words(
    run: Run, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """The place and the fix, and an exit code that scripts can trust."""
    result = await run(*arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.output
