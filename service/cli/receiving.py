"""The work of `goodfit endpoints`: who hears of events, and how it went."""

import time
from collections.abc import Mapping
from typing import Any, Final

import typer
from rich.text import Text

from service.cli.remote import Server, server_at
from service.cli.screen import NO, count_of, print_json, refuse, say

_PATIENCE_S: Final = 25.0
_LOOK_EVERY_S: Final = 0.25
_STYLES: Final = {"delivered": "green", "failed": "bold red", "enabled": "green"}
_ENABLE: Final = 'mend it there, then PATCH /v1/endpoints/{id} with {"state": "enabled"}'


def show_all(*, server: str | None, as_json: bool) -> None:
    """Print every endpoint, the newest first; end with 1 where one was switched off by us."""
    with server_at(server) as there:
        found = there.list_all("/endpoints")
    unheard = [one for one in found if one["disabled_because"] in {"gone", "failing"}]
    if as_json:
        print_json({"ok": not unheard, "data": found})
    else:
        if not found:
            say("nobody hears of events; `goodfit endpoints add URL` makes an endpoint")
        for one in found:
            events = ", ".join(one["events"]) or "all events"
            about = f" about {', '.join(one['outcomes'])}" if one["outcomes"] else ""
            say(_marked(one["id"], _state_of(one), f"{one['url']}  {events}{about}"))
        if unheard:
            say(f"{count_of(len(unheard), 'endpoint')} switched off by Goodfit; {_ENABLE}")
    if unheard:
        raise typer.Exit(NO)


def add(sent: Mapping[str, object], *, server: str | None, as_json: bool) -> None:
    """Make an endpoint and print it with its secret."""
    with server_at(server) as there:
        made, _ = there.send("POST", "/endpoints", json=sent)
    _print_secret(made, as_json=as_json)


def rotate(endpoint: str, *, old_lasts_h: int, server: str | None, as_json: bool) -> None:
    """Give an endpoint a fresh secret and print it."""
    with server_at(server) as there:
        path = f"/endpoints/{endpoint}/rotate-secret"
        made, _ = there.send("POST", path, json={"old_lasts_h": old_lasts_h})
    _print_secret(made, as_json=as_json)


def test(endpoint: str, *, server: str | None, as_json: bool) -> None:
    """Send a test event, wait for its first attempt, and print how that went."""
    with server_at(server) as there:
        sent, _ = there.send("POST", f"/endpoints/{endpoint}/test")
        ended = _first_attempt(there, sent["id"])
    if as_json:
        print_json(ended)
    else:
        _print_delivery(ended)
        if not _has_ended(ended):
            say("nobody has sent it yet; does `goodfit serve` or `goodfit worker` run?")
    if ended["state"] != "delivered":
        raise typer.Exit(NO)


def show_deliveries(endpoint: str, *, state: str | None, server: str | None, as_json: bool) -> None:
    """Print the newest deliveries of an endpoint."""
    query = f"?state={state}" if state else ""
    with server_at(server) as there:
        page, _ = there.send("GET", f"/endpoints/{endpoint}/deliveries{query}")
    if as_json:
        print_json(page)
        return
    if not page["data"]:
        say("nothing was sent" if state is None else f"nothing is {state}")
    for one in page["data"]:
        _print_delivery(one)


def redeliver(
    what: str, *, since: str | None, until: str | None, server: str | None, as_json: bool
) -> None:
    """Send one delivery again, or what an endpoint missed."""
    is_one = what.startswith("dlv_")
    if is_one and (since or until):
        refuse("--since and --until are of an endpoint; a delivery is sent again by itself")
    if not is_one and since is None:
        refuse("say from when on with --since, such as --since 2026-11-26T09:00:00Z")
    with server_at(server) as there:
        if is_one:
            told, _ = there.send("POST", f"/deliveries/{what}/redeliver")
        else:
            asked = {"since": since} | ({} if until is None else {"until": until})
            told = {"redelivered": 0}
            while told.get("more", True):
                more, _ = there.send("POST", f"/endpoints/{what}/redeliver", json=asked)
                told = {**more, "redelivered": told["redelivered"] + more["redelivered"]}
    if as_json:
        print_json(told)
    elif is_one:
        _print_delivery(told)
    else:
        say(f"{count_of(told['redelivered'], 'delivery', 'deliveries')} on the way again")


def _first_attempt(there: Server, delivery: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return a delivery once its first attempt is over, or as it stands when patience ends."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        found, _ = there.send("GET", f"/deliveries/{delivery}")
        if _has_ended(found) or time.monotonic() > until:
            return found
        time.sleep(_LOOK_EVERY_S)


def _has_ended(delivery: Mapping[str, Any]) -> bool:
    return any(map(_is_over, delivery["attempts"]))


def _is_over(attempt: Mapping[str, Any]) -> bool:
    return attempt["status"] is not None or attempt["problem"] is not None


def _state_of(endpoint: Mapping[str, Any]) -> str:
    if endpoint["state"] == "disabled":
        return f"off ({endpoint['disabled_because']})"
    failing = endpoint["failing_since"]
    return f"failing since {failing}" if failing else "enabled"


def _print_delivery(one: Mapping[str, Any]) -> None:
    attempts = one["attempts"]
    how = "not sent yet"
    if attempts:
        last = [attempts[-1], *filter(_is_over, attempts)][-1]
        took = "" if last["took_ms"] is None else f" in {last['took_ms']} ms"
        how = f"{last['status'] or last['problem'] or 'no answer yet'}{took}"
        if len(attempts) > 1:
            how += f", {count_of(len(attempts), 'attempt')}"
        if last["excerpt"]:
            how += f": {' '.join(last['excerpt'].split())[:80]}"
    then = f"; next {one['next_attempt_at']}" if attempts and one["next_attempt_at"] else ""
    say(_marked(one["id"], one["state"], f"{one['type']}  {how}{then}"))


def _print_secret(made: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    say(_marked(made["id"], made["state"], made["url"]))
    say(made["secret"], style="bold")
    say("keep the secret where the receiver can read it: it is shown once", style="dim")
    if made["old_secret_until"]:
        say(f"the one before signs too until {made['old_secret_until']}", style="dim")


def _marked(name: str, state: str, words: str) -> Text:
    style = _STYLES.get(state, "yellow")
    return Text(f"{name}  ").append(state, style=style).append(f"  {words}")
