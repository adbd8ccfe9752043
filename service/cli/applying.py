"""The work of `goodfit plan` and `goodfit apply`: rule files in git against a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from service.cli.plan_words import plan_json, print_plan
from service.cli.planning import Planned, plan_file
from service.cli.remote import Refused, Server, server_at
from service.cli.rule_folder import rule_files
from service.cli.screen import NO, count_of, print_json, refuse, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to apply: through which draft, with what note, over drift or not, and released why."""

    draft: str
    note: str | None = None
    overwrite: bool = False
    reason: str | None = None


def plan(folder: str, *, server: str | None, draft: str, as_json: bool) -> None:
    """Print what applying *folder* would change; ends with 1 where it could not be applied."""
    files = rule_files(folder)
    with server_at(server) as there:
        plans = [plan_file(there, file, draft=draft) for file in files]
    if as_json:
        print_json({"ok": _is_fit(plans), "rule_sets": [plan_json(one) for one in plans]})
    else:
        print_plan(plans)
        say(_closing(plans, folder))
    if not _is_fit(plans):
        raise typer.Exit(NO)


def apply(folder: str, wish: Wish, *, server: str | None, as_json: bool) -> None:
    """Commit every changed rule file as a version, and release it where *wish* has a reason.

    Nothing is changed where a file has errors, or the server went its own way and *wish*
    does not say to overwrite that; then the command ends with 1.
    """
    files = rule_files(folder)
    with server_at(server) as there:
        plans = [plan_file(there, file, draft=wish.draft) for file in files]
        if not _is_fit(plans, overwrite=wish.overwrite):
            _print_unfit(plans, folder, as_json=as_json)
            raise typer.Exit(NO)
        done = []
        for one in plans:
            try:
                done.append(_applied(there, one, wish))
            except Refused as refused:
                refuse(f"`{one.file.rule_set}` was refused: {refused}", code=NO)
            if not as_json:
                say(_told(done[-1]))
    if as_json:
        print_json({"ok": True, "rule_sets": done})


def _print_unfit(plans: Sequence[Planned], folder: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "rule_sets": [plan_json(one) for one in plans]})
        return
    print_plan(plans)
    say(f"nothing was applied: {_closing(plans, folder)}")


def _applied(server: Server, one: Planned, wish: Wish) -> dict[str, Any]:
    version, path = one.version, f"/rule-sets/{one.file.rule_set}"
    if one.state != "unchanged":
        version = _committed(server, one, wish)
    is_released = wish.reason is not None and version != one.live
    if is_released:
        server.send("POST", f"{path}/releases", json={"version": version, "reason": wish.reason})
    return {
        "file": one.file.name,
        "rule_set": one.file.rule_set,
        "state": one.state,
        "version": version,
        "released": is_released,
        "live": version if is_released else one.live,
    }


def _committed(server: Server, one: Planned, wish: Wish) -> int:
    """Write the file's text as the draft and commit it; return the version's number."""
    rules = one.file.checked.rules
    if rules is None:
        raise AssertionError("a file with errors is never applied")
    path = f"/rule-sets/{rules.id}"
    if not one.is_known:
        title = (rules.document.title or "")[:200]
        asked = {"rule_set": rules.id, "subject": rules.subject, "title": title}
        server.send("POST", "/rule-sets", json=asked)
    draft = f"{path}/drafts/{wish.draft}"
    _, headers = server.send("PUT", draft, text=one.file.text, if_match=one.etag)
    commit = f"{draft}/commit"
    version, _ = server.send("POST", commit, json={"note": wish.note}, if_match=headers["etag"])
    return int(version["version"])


def _is_fit(plans: Sequence[Planned], *, overwrite: bool = False) -> bool:
    return all(p.state != "invalid" and (p.drift is None or overwrite) for p in plans)


def _closing(plans: Sequence[Planned], folder: str) -> str:
    invalid = sum(one.state == "invalid" for one in plans)
    drifted = sum(one.drift is not None for one in plans)
    changing = sum(one.state in {"new", "changed"} for one in plans)
    if invalid:
        return f"{count_of(invalid, 'rule file')} cannot be applied; mend what check lists"
    if drifted:
        return (
            f"{count_of(drifted, 'rule set')} changed on the server meanwhile; take the changes "
            "into the files, or apply with --overwrite"
        )
    if not changing:
        return "nothing to apply"
    return f"{count_of(changing, 'rule set')} would change; `goodfit apply {folder}` does it"


def _told(done: dict[str, Any]) -> str:
    what = "unchanged:" if done["state"] == "unchanged" else "committed as"
    released = ", released" if done["released"] else ""
    waiting = "" if done["live"] == done["version"] else ", not live yet"
    return f"  {done['rule_set']}   {what} version {done['version']}{released}{waiting}"
