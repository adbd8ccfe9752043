"""The work of `goodfit forms`: keys of pages, the tag, what became of visitors."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from service.cli.remote import address_of, server_at
from service.cli.screen import count_of, print_json, refuse, say

_FORM: Final = """\
<form data-goodfit method="post" action="/thank-you">
  <input name="email" type="email" required>
  <button>Send</button>
</form>"""
_MODES: Final = frozenset({"submit", "redirect", "progressive"})


def show_all(*, server: str | None, as_json: bool) -> None:
    """Print the publishable keys that are not revoked, the newest first."""
    with server_at(server) as there:
        every = there.list_all("/keys")
    found = [one for one in every if one["kind"] == "publishable" and one["revoked_at"] is None]
    if as_json:
        print_json({"data": found})
        return
    if not found:
        words = "`goodfit keys create --publishable RULE_SET --origin URL --person YOU` makes one"
        say(f"no page has a key; {words}")
    for one in found:
        used = one["last_used_at"] or "never"
        origins = ", ".join(one["origins"]) or "no page"
        say(f"{one['id']}  {one['prefix']}...  {one['rule_set']}  {origins}  last used {used}")


def snippet(
    key: str, *, mode: str | None, source: str | None, server: str | None, as_json: bool
) -> None:
    """Print the script's tag, and a form to begin with; nobody is asked."""
    if not key.startswith("gf_pk_"):
        refuse("a page takes a publishable key, gf_pk_...; a secret key must never stand in one")
    strange = sorted(set((mode or "").split()) - _MODES)
    if strange:
        refuse(f"there is no mode `{strange[0]}`; take submit, redirect or progressive")
    options = {"key": key, "mode": mode, "source": source}
    given = "".join(f' data-{n}="{escape(v)}"' for n, v in options.items() if v is not None)
    tag = f'<script async src="{escape(address_of(server))}/embed/v1.js"{given}></script>'
    if as_json:
        print_json({"tag": tag, "form": _FORM})
        return
    say(f"{tag}\n\n{_FORM}")


def statistics(
    key: str, *, since: str | None, until: str | None, server: str | None, as_json: bool
) -> None:
    """Print what became of a form's visitors, in all and by source."""
    asked = {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    query = f"?{urlencode(asked)}" if asked else ""
    with server_at(server) as there:
        told, _ = there.send("GET", f"/forms/{key}/statistics{query}")
    if as_json:
        print_json(told)
        return
    say(f"{told['form']['name']} ({told['form']['rule_set']}), {told['since']} to {told['until']}")
    for line in _numbers(told["total"]):
        say(f"  {line}")
    for one in told["sources"]:
        name = one["source"] or "no source"
        say(f"  {name}: {one['started']:,} started, {one['finished']:,} finished")


def _numbers(told: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{told['started']:,} started, {told['finished']:,} finished,"
        f" {told['under_way']:,} under way"
    )
    for one in told["stopped"]:
        place = one["label"] or "before any question"
        yield f"stopped at {place}: {one['visitors']:,}"
    verdicts = ", ".join(f"{number:,} {name}" for name, number in told["verdicts"].items())
    yield f"{told['answered']:,} answered: {verdicts}"
    if told["undecided_share"] is not None:
        yield f"{told['undecided_share']:.0%} of them undecided"
    saved = told["questions"]
    if saved["visitors"]:
        yield (
            f"{count_of(saved['saved'], 'question')} saved by progressive mode,"
            f" of {saved['fields']:,}"
        )
    if told["caught"]:
        yield f"{told['caught']:,} caught in a trap for machines, counted nowhere else"
