"""The work of `goodfit connections`: a file of connections against a server."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import typer
from rich.text import Text
from ruamel.yaml import YAML

from service.cli.checking import problem_lines
from service.cli.connection_file import ConnectionFile, read_connections
from service.cli.remote import Refused, server_at
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.rules import Problem

_SIGNS: Final = {"added": "+", "changed": "~", "removed": "-"}
_STYLES: Final = {"added": "green", "changed": "yellow", "removed": "red"}
_WOULD: Final = {"created": "new", "changed": "would change", "unchanged": "unchanged"}
_SHORT: Final = 60


def apply(name: str, *, dry_run: bool, server: str | None, as_json: bool) -> None:
    """Bring the server's connections to what the file *name* declares, and print what changed.

    Where one cannot work nothing is changed, every mistake is printed with its line, and the
    command ends with 1.
    """
    file = read_connections(name)
    if file.problems:
        _give_up(file, file.problems, as_json=as_json)
    query = "?dry_run=true" if dry_run else ""
    with server_at(server) as there:
        try:
            told, _ = there.send("POST", f"/connections/apply{query}", json=file.declared)
        except Refused as refused:
            faults = refused.members.get("errors")
            if not faults:
                raise
            _give_up(file, [file.problem(one) for one in faults], as_json=as_json)
    if as_json:
        print_json({"ok": True, **told})
        return
    for one in told["connections"]:
        _print_applied(one, dry_run=dry_run)
    say(_closing(told["connections"], name, dry_run=dry_run))


def show_all(*, server: str | None, as_json: bool) -> None:
    """Print every connection, the newest first, and what is wrong with it."""
    with server_at(server) as there:
        found = there.list_all("/connections")
    if as_json:
        print_json({"data": found})
        return
    if not found:
        say("there are no connections; `goodfit connections apply FILE` makes them")
    for one in found:
        health = one["health"]
        state = health["degraded_why"] or f"last heard {health['last_received_at'] or 'never'}"
        say(f"{one['id']}  {one['name']}  {one['preset']}  {state}")


def show(name: str, *, server: str | None, as_json: bool) -> None:
    """Print the connection called *name*: as YAML that declares it, or whole as JSON."""
    with server_at(server) as there:
        found = next((one for one in there.list_all("/connections") if one["name"] == name), None)
        if found is None:
            words = "; `goodfit connections list` shows them all"
            refuse(f"there is no connection called `{name}`{words}", code=NO)
        whole = there.find(f"/connections/{found['id']}")
    if as_json:
        print_json(whole)
        return
    say(f"# {whole['id']}  {whole['address']}", style="dim")
    if whole["has_secrets"]:
        kept = ", ".join(whole["has_secrets"])
        say(f"# secrets that are kept, and stay where no others are given: {kept}", style="dim")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # the order of a reader
    yaml.dump({"connections": {name: {"preset": whole["preset"], **whole["document"]}}}, sys.stdout)


def _give_up(file: ConnectionFile, problems: Sequence[Problem], *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "problems": [problem.to_json() for problem in problems]})
    else:
        for line in problem_lines((file.name, problem) for problem in problems):
            say(line)
        say(f"nothing was applied: {count_of(len(problems), 'problem')}")
    raise typer.Exit(NO)


def _print_applied(one: dict[str, Any], *, dry_run: bool) -> None:
    state = _WOULD[one["state"]] if dry_run else one["state"]
    say(Text(f"  {one['name']}", style="bold").append(f"   {state}", style="not bold"))
    for change in one["changes"]:
        sign, what = _SIGNS[change["change"]], change["change"]
        before, after = _short(change["before"]), _short(change["after"])
        words = {"added": after, "removed": before, "changed": f"{before} -> {after}"}[what]
        say(f"    {sign} {change['at']}  {words}", style=_STYLES[what])
    for name, news in one["secrets"].items():
        if news != "unchanged":
            say(f"    {_SIGNS[news]} secret {name}", style=_STYLES[news])
    if one["state"] == "created" and one["address"]:
        say(f"    {one['address']}")
        say("    give that address to the vendor now: it is shown once", style="dim")


def _short(value: object) -> str:
    shown = str(value)
    return shown if len(shown) <= _SHORT else f"{shown[: _SHORT - 3]}..."


def _closing(applied: Sequence[dict[str, Any]], name: str, *, dry_run: bool) -> str:
    count = sum(one["state"] != "unchanged" for one in applied)
    if not count:
        return "nothing to change" if dry_run else "nothing was to be changed"
    if dry_run:
        words = f"{count_of(count, 'connection')} would change"
        return f"{words}; `goodfit connections apply {name}` does it"
    return f"{count_of(count, 'connection')} changed"
