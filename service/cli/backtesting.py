"""The work of `goodfit backtest`: write the draft, ask, wait, tell."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import typer

from service.cli.backtest_words import backtest_lines, flip_share
from service.cli.remote import Server, server_at
from service.cli.rule_folder import rule_files
from service.cli.screen import NO, console, print_json, refuse, say

_AGO: Final = re.compile(r"(\d{1,5})([dh])")
_WAITS_S: Final = (0.2, 0.5, 1.0, 2.0)


def window_start(since: str | None) -> datetime | None:
    """Return the instant that `90d`, `12h` or an RFC 3339 instant means; else end with 2."""
    if since is None:
        return None
    match = _AGO.fullmatch(since.strip())
    if match is not None:
        number = int(match[1])
        return datetime.now(UTC) - timedelta(**{{"d": "days", "h": "hours"}[match[2]]: number})
    return instant_of(since, otherwise="90d, 12h, or ")


def instant_of(text: str | None, *, otherwise: str = "") -> datetime | None:
    """Return the RFC 3339 instant in *text*, in UTC where it names no zone; else end with 2."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        said = f"say {otherwise}an instant such as 2026-01-31T09:00:00Z"
        refuse(f"`{text}` is no time; {said}")
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def backtest(
    rules: str,
    *,
    since: datetime | None,
    at_most: float | None,
    server: str | None,
    draft: str,
    as_json: bool,
) -> None:
    """Print what the draft would have decided; ends with 1 where it failed or too many flip."""
    with server_at(server) as there:
        slug = _written(there, rules, draft=draft) if Path(rules).is_file() else rules
        if slug is None:
            words = "no version of it has been live; there is no past to try it on"
            print_json({"state": "no_past"}) if as_json else say(f"  {rules}: {words}")
            return
        window = {} if since is None else {"from": since.isoformat()}
        asked = {"rule_set": slug, "draft": draft, "window": window}
        begun = there.send("POST", "/backtests", json=asked)[0]
        found = wait_for(there, begun)
    share = flip_share(found)
    is_over = at_most is not None and share * 100 > at_most
    if as_json:
        print_json(found)
    else:
        for line in backtest_lines(found):
            say(line)
        if is_over:
            say(f"  {share:.1%} would flip, more than the {at_most:g} % allowed", style="bold red")
    if is_over or found["state"] != "done":
        raise typer.Exit(NO)


def _written(server: Server, file: str, *, draft: str) -> str | None:
    """Write the rule file into the draft and return its rule set's id.

    None where no version of it is live, so that there is nothing to compare with.
    """
    (read,) = rule_files(file)
    known = server.find(f"/rule-sets/{read.rule_set}")
    if known is None or known["live"] is None:
        return None
    path = f"/rule-sets/{read.rule_set}/drafts/{draft}"
    current = server.find(path)
    etag = None if current is None else current["etag"]
    server.send("PUT", path, text=read.text, if_match=etag)
    return read.rule_set


def wait_for(server: Server, begun: dict[str, Any]) -> dict[str, Any]:
    """Return the backtest once it is over; Ctrl-C leaves it to the server."""
    found, path = begun, f"/backtests/{begun['id']}"
    waits = iter(_WAITS_S)
    wait = _WAITS_S[0]
    screen = console(on_error=True)
    try:
        with screen.status(begun["id"]) as status:
            while found["state"] in {"queued", "running"}:
                wait = next(waits, wait)
                time.sleep(wait)
                found = server.send("GET", path)[0]
                done, total = found["progress"]["done"], found["progress"]["total"]
                of = "" if total is None else f" of {total:,}"
                status.update(f"{done:,}{of} decisions looked at")
    except KeyboardInterrupt:
        refuse(f"`{begun['id']}` goes on on the server; GET /v1{path} shows it", code=NO)
    return found
