"""The work of `goodfit publish` and `goodfit rollback`: what goes live, and what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import typer

from service.cli.backtest_words import backtest_lines
from service.cli.backtesting import wait_for
from service.cli.change_words import change_json, change_lines
from service.cli.comparing import closing_of
from service.cli.remote import Refused, Server, server_at
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.rules import load_rule_set
from service.rules.compare import compare

_HINTS: Final = {
    "frozen": "`goodfit unfreeze` ends it",
    "invalid_rule_set": "`goodfit check` lists what to mend",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to put live: a draft, or a version; from when on, and why."""

    draft: str | None
    version: int | None
    reason: str
    since: datetime | None = None
    backtests: bool = False


def publish(rule_set: str, wish: Wish, *, server: str | None, is_dry: bool, as_json: bool) -> None:
    """Commit a draft and put it live, or say what that waits for; ends with 1 where it waits."""
    with server_at(server) as there:
        head = there.send("GET", f"/rule-sets/{rule_set}")[0]
        if is_dry:
            _tell_difference(there, head, wish, as_json=as_json)
            return
        number = wish.version or _commit(there, head, wish)
        found = _release(there, head, number, wish, as_json=as_json)
    if as_json:
        print_json(found)
    if found["state"] != "released":
        raise typer.Exit(NO)


def rollback(
    rule_set: str, *, to: int | None, reason: str, server: str | None, as_json: bool
) -> None:
    """Put a version live again: the one before the present one, where *to* does not name it."""
    with server_at(server) as there:
        head = there.send("GET", f"/rule-sets/{rule_set}")[0]
        number = to or _version_before(there, head)
        wish = Wish(draft=None, version=number, reason=reason)
        found = _release(there, head, number, wish, as_json=as_json)
    if as_json:
        print_json(found)
    if found["state"] != "released":
        raise typer.Exit(NO)


def draft_of(head: dict[str, Any], draft: str | None) -> str:
    """Return the draft that is meant: the one named, else the only one there is."""
    drafts: list[str] = head["drafts"]
    if draft is not None:
        if draft not in drafts:
            refuse(f"`{head['rule_set']}` has no draft `{draft}`; it has {_named(drafts)}", code=NO)
        return draft
    if len(drafts) != 1:
        refuse(f"`{head['rule_set']}` has {_named(drafts)}; name one with --draft", code=NO)
    return drafts[0]


def _named(drafts: list[str]) -> str:
    return "no draft" if not drafts else "the drafts " + ", ".join(f"`{one}`" for one in drafts)


def _commit(server: Server, head: dict[str, Any], wish: Wish) -> int:
    path = f"/rule-sets/{head['rule_set']}/drafts/{draft_of(head, wish.draft)}/commit"
    version = server.send("POST", path, json={"note": wish.reason})[0]
    return int(version["version"])


def _release(
    server: Server, head: dict[str, Any], number: int, wish: Wish, *, as_json: bool
) -> dict[str, Any]:
    """Release a version, and tell what became of it; ask for what it lacks."""
    path = f"/rule-sets/{head['rule_set']}"
    asked: dict[str, object] = {"version": number, "reason": wish.reason}
    if wish.since is not None:
        asked["from"] = wish.since.isoformat()
    try:
        release = server.send("POST", f"{path}/releases", json=asked)[0]
    except Refused as refused:
        if refused.code == "backtest_required" and wish.backtests:
            _backtest(server, refused.members["backtest"], as_json=as_json)
            again = Wish(draft=wish.draft, version=number, reason=wish.reason, since=wish.since)
            return _release(server, head, number, again, as_json=as_json)
        if refused.code == "backtest_required":
            return _needs_backtest(head, number, refused, as_json=as_json)
        if refused.code == "review_required":
            return _ask_review(server, path, number, wish, refused, as_json=as_json)
        hint = _HINTS.get(refused.code)
        refuse(f"{refused}" + (f"; {hint}" if hint else ""), code=NO)
    live = head["live"]
    if not as_json:
        instead = "" if live is None else f" instead of version {live['version']}"
        since = release["effective_at"]
        say(f"  {head['rule_set']}   version {number} is live from {since} on{instead}")
        if release["approved_by"]:
            say(f"  approved by {release['approved_by']}")
        if live is not None and live["version"] != number:
            say(f"  back again: goodfit rollback {head['rule_set']} --reason '...'")
    return {"state": "released", "release": release}


def _backtest(server: Server, body: dict[str, Any], *, as_json: bool) -> None:
    found = wait_for(server, server.send("POST", "/backtests", json=body)[0])
    if not as_json:
        for line in backtest_lines(found):
            say(line)
    if found["state"] != "done":
        raise typer.Exit(NO)


def _needs_backtest(
    head: dict[str, Any], number: int, refused: Refused, *, as_json: bool
) -> dict[str, Any]:
    if not as_json:
        why = str(refused).partition("; POST ")[0]
        say(f"  version {number} is not live: {why}")
        again = f"goodfit publish {head['rule_set']} --version {number} --backtest --reason '...'"
        say(f"  try it on the past, then publish: {again}")
    return {
        "state": "backtest_required",
        "version": number,
        "backtest": refused.members["backtest"],
    }


def _ask_review(
    server: Server, path: str, number: int, wish: Wish, refused: Refused, *, as_json: bool
) -> dict[str, Any]:
    """Ask for a review, or find the one that waits already."""
    waiting = refused.members.get("review")
    if waiting is None:
        asked = {"version": number, "note": wish.reason}
        review = server.send("POST", f"{path}/reviews", json=asked)[0]
    else:
        review = server.send("GET", f"{path}/reviews/{waiting}")[0]
    if not as_json:
        why = str(refused).partition("; ")[0]
        say(f"  review asked for: {why}")
        say(
            "  waiting for a second person: ask somebody with rules:publish to run "
            f"`goodfit approve {review['id']}`"
        )
    return {"state": "review_required", "version": number, "review": review}


def _version_before(server: Server, head: dict[str, Any]) -> int:
    """Return the version that was live before the one that is."""
    live = head["live"]
    if live is None:
        refuse(f"no version of `{head['rule_set']}` is live; there is nothing to go back from",
               code=NO)  # fmt: skip
    history = server.send("GET", f"/rule-sets/{head['rule_set']}/releases?limit=200")[0]["data"]
    before = [
        one["version"]
        for one in history
        if one["mode"] == "live" and one["effective_at"] <= live["since"]
    ]
    others = [int(number) for number in before if number != live["version"]]
    if not others:
        words = f"version {live['version']} of `{head['rule_set']}` is the first that was live"
        refuse(words, code=NO)
    return others[0]


def _tell_difference(server: Server, head: dict[str, Any], wish: Wish, *, as_json: bool) -> None:
    """Print what would be other than what is live; changes nothing."""
    path, live = f"/rule-sets/{head['rule_set']}", head["live"]
    if wish.version is None:
        path_of_text = f"{path}/drafts/{draft_of(head, wish.draft)}"
        _refuse_broken(server.send("POST", f"{path_of_text}/check")[0])
    else:
        path_of_text = f"{path}/versions/{wish.version}"
    after = load_rule_set(server.send("GET", path_of_text)[0]["source"])
    if live is None:
        words = "nothing is live yet; this would be the first version"
        print_json({"state": "first", "live": None}) if as_json else say(f"  {words}")
        return
    before = load_rule_set(server.send("GET", f"{path}/versions/{live['version']}")[0]["source"])
    comparison = compare(before, after)
    if as_json:
        print_json({"state": "compared", "live": live["version"], **change_json(comparison)})
        return
    for line in change_lines(comparison.changes):
        say(line)
    say(f"  {closing_of(comparison)}, from version {live['version']} which is live")
    say("  nothing was changed")


def _refuse_broken(checked: dict[str, Any]) -> None:
    """End the command with a draft's errors, where it has some."""
    errors = [one for one in checked["problems"] if one["severity"] == "error"]
    for one in errors:
        say(f"  {one['line'] or 1}:{one['column'] or 1}  {one['code']}   {one['message']}")
    if not checked["ok"]:
        refuse(f"the draft has {count_of(len(errors), 'error')}; mend them first", code=NO)
