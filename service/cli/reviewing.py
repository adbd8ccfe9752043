"""The work of `goodfit reviews`, `approve`, `reject`, `freeze` and `unfreeze`."""

from typing import Any

from service.cli.change_words import change_lines, changes_read
from service.cli.remote import Server, server_at
from service.cli.screen import NO, print_json, refuse, say


def list_reviews(rule_set: str, *, server: str | None, as_json: bool) -> None:
    """Print the reviews of a rule set, the newest first."""
    with server_at(server) as there:
        page = there.send("GET", f"/rule-sets/{rule_set}/reviews")[0]
    if as_json:
        print_json(page)
        return
    for one in page["data"]:
        what = f"draft {one['draft']}" if one["version"] is None else f"version {one['version']}"
        ended = f" by {one['ended_by']}" if one["ended_by"] else ""
        say(f"  {one['id']}  {one['state']}{ended}   {what}, asked by {one['asked_by']}")
    if not page["data"]:
        say(f"  nobody asked for a review of `{rule_set}`")


def approve(review: str, *, comment: str | None, server: str | None, as_json: bool) -> None:
    """Show what a review is of, and approve exactly that."""
    with server_at(server) as there:
        found = _found(there, review)
        if not as_json:
            _show(found)
        path = f"/rule-sets/{found['rule_set']}/reviews/{review}/approve"
        asked = {"digest": found["digest"], "comment": comment}
        ended = there.send("POST", path, json=asked)[0]
    if as_json:
        print_json(ended)
        return
    say(f"  approved by {ended['ended_by']}")
    target = f" --version {ended['version']}" if ended["version"] is not None else ""
    say(f"  now it may go live: goodfit publish {ended['rule_set']}{target} --reason '...'")


def reject(review: str, *, comment: str, server: str | None, as_json: bool) -> None:
    """Say no to a review, and why."""
    with server_at(server) as there:
        found = _found(there, review)
        path = f"/rule-sets/{found['rule_set']}/reviews/{review}/reject"
        ended = there.send("POST", path, json={"comment": comment})[0]
    print_json(ended) if as_json else say(f"  rejected by {ended['ended_by']}: {comment}")


def freeze(rule_set: str, *, reason: str, server: str | None, as_json: bool) -> None:
    """Let nobody release anything until somebody unfreezes."""
    _turn("freeze", rule_set, reason=reason, server=server, as_json=as_json)


def unfreeze(rule_set: str, *, reason: str, server: str | None, as_json: bool) -> None:
    """Let releases through again."""
    _turn("unfreeze", rule_set, reason=reason, server=server, as_json=as_json)


def _turn(verb: str, rule_set: str, *, reason: str, server: str | None, as_json: bool) -> None:
    with server_at(server) as there:
        shown = there.send("POST", f"/rule-sets/{rule_set}/{verb}", json={"reason": reason})[0]
    if as_json:
        print_json(shown)
        return
    frozen = shown["frozen"]
    say(f"  {rule_set} is open for releases again" if frozen is None
        else f"  {rule_set} is frozen by {frozen['by']}: {frozen['reason']}")  # fmt: skip
    for one in shown["planned"]:
        say(f"  version {one['version']} still goes live at {one['effective_at']}")


def _found(server: Server, review: str) -> dict[str, Any]:
    """Return a review, whichever rule set it is of."""
    found: dict[str, Any] | None = None
    path = "/rule-sets?limit=200"
    while path and found is None:
        page = server.send("GET", path)[0]
        addresses = [f"/rule-sets/{one['rule_set']}/reviews/{review}" for one in page["data"]]
        found = next((read for at in addresses if (read := server.find(at)) is not None), None)
        cursor = page["next_cursor"]
        path = f"/rule-sets?limit=200&cursor={cursor}" if cursor else ""
    if found is None:
        refuse(f"there is no review `{review}`; `goodfit reviews RULE_SET` lists them", code=NO)
    return found


def _show(review: dict[str, Any]) -> None:
    """Print what is approved: whose it is, what it changes, whom it turns."""
    what = (
        f"draft {review['draft']}" if review["version"] is None else f"version {review['version']}"
    )
    say(f"  {review['rule_set']}   {what}   {review['digest'][:19]}")
    say(f"  written by {', '.join(review['authors'])}; asked by {review['asked_by']}")
    if review["note"]:
        say(f'  "{review["note"]}"')
    if review["comparison"] is not None:
        for line in change_lines(changes_read(review["comparison"]["changes"]), indent="    "):
            say(line)
    evidence = review["evidence"]
    if evidence is None:
        say("  no backtest of it was made")
        return
    revenue = evidence["revenue"]
    worth = "" if revenue is None else f", worth {revenue:,.0f} {evidence['unit'] or ''}".rstrip()
    say(f"  {evidence['flips']:,} of {evidence['replayed']:,} decisions would flip{worth}")
