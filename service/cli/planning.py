"""What a rule file would change on the server, and whether the server went its own way."""

from dataclasses import dataclass
from typing import Any, Literal

from service.cli.remote import Server
from service.cli.rule_folder import RuleFile
from service.rules import RuleSet, load_rule_set
from service.rules.compare import Comparison, compare

State = Literal["invalid", "new", "changed", "unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The server's newest version did not come from this folder.

    Attributes:
        based_on: The version that this folder was last applied as; None where it never was.
        comparison: What changed on the server since; None where there is nothing to compare.
    """

    version: int
    author: str
    note: str | None
    based_on: int | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One rule file beside what the server has.

    Attributes:
        newest: The number of the newest version, where there is one.
        version: The number of the version that says the same as the file, where there is one.
        live: The number of the version that is live now.
        comparison: From the newest version to the file.
        etag: Of the draft that the folder is applied through, where it exists.
    """

    file: RuleFile
    state: State
    is_known: bool = False
    newest: int | None = None
    version: int | None = None
    live: int | None = None
    comparison: Comparison | None = None
    drift: Drift | None = None
    etag: str | None = None


def plan_file(server: Server, file: RuleFile, *, draft: str) -> Planned:
    """Return what applying *file* through the draft called *draft* would do; changes nothing.

    Raises:
        Refused: If the key may not read rule sets.
    """
    rules = file.checked.rules
    if rules is None:
        return Planned(file=file, state="invalid")
    path = f"/rule-sets/{rules.id}"
    known = server.find(path)
    if known is None:
        return Planned(file=file, state="new")
    newest, live = known["latest_version"], known["live"]
    applied = server.find(f"{path}/drafts/{draft}")
    etag = None if applied is None else applied["etag"]
    shared = {"file": file, "is_known": True, "live": live and live["version"], "etag": etag}
    if newest is None:
        return Planned(**shared, state="new")
    head = server.send("GET", f"{path}/versions/{newest}")[0]
    comparison = compare(load_rule_set(head["document"]), rules)
    same = newest if comparison.is_same else _same_version(server, path, rules)
    if same is not None:
        return Planned(**shared, state="unchanged", newest=newest, version=same)
    based_on = None if applied is None else applied["base_version"]
    drift = None if based_on == newest else _drift(server, path, head, based_on)
    return Planned(**shared, state="changed", newest=newest, comparison=comparison, drift=drift)


def _same_version(server: Server, path: str, rules: RuleSet) -> int | None:
    """Return the number of an older version that says what *rules* say."""
    found = server.send("GET", f"{path}/versions?limit=100")[0]["data"]
    return next((one["version"] for one in found if one["digest"] == rules.digest), None)


def _drift(server: Server, path: str, head: dict[str, Any], based_on: int | None) -> Drift:
    comparison = None
    if based_on is not None:
        before = server.send("GET", f"{path}/versions/{based_on}")[0]
        comparison = compare(load_rule_set(before["document"]), load_rule_set(head["document"]))
    return Drift(
        version=head["version"],
        author=head["author"],
        note=head["note"],
        based_on=based_on,
        comparison=comparison,
    )
