"""The work of `goodfit audit verify`: on the database itself, past any API."""

import re
from typing import Final

import typer
from rich.text import Text

from service.cli.database import database_of, on_database
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.cli.starting import settings_of_process
from service.storage import AuditAnchor, AuditReport, verify_audit

_ANCHOR: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def verify(anchor: str | None, *, as_json: bool) -> None:
    """Print whether the chain holds, where not, and the anchor to write down; else end with 1."""
    noted = None if anchor is None else _read_anchor(anchor)
    with database_of(settings_of_process()) as url:
        report = on_database(url, lambda engine: verify_audit(engine, anchor=noted))
    if as_json:
        print_json(_report_json(report))
    else:
        _print(report)
    if not report.holds:
        raise typer.Exit(NO)


def _read_anchor(text: str) -> AuditAnchor:
    match = _ANCHOR.fullmatch(text.strip().lower())
    if match is None:
        refuse("an anchor is a number, `:` and 64 hexadecimal digits, as `audit verify` prints it")
    return AuditAnchor(int(match[1]), bytes.fromhex(match[2]))


def _print(report: AuditReport) -> None:
    entries = count_of(report.entries, "entry", "entries")
    if report.holds:
        words = f"{entries}, each as it was written and in its place" if report.entries else entries
        say(Text("  ok  ", style="green").append(words, style="not bold default"))
        if report.entries:
            say(f"      anchor {_anchor_text(report.anchor)}")
            say(
                "      kept elsewhere, it lets `--anchor` find a record rewritten whole",
                style="dim",
            )
        return
    for found in report.breaks:
        line = Text("  NO  ", style="bold red")
        say(line.append(f"entry {found.seq:,}  {found.message}", style="not bold default"))
    say(f"{entries}, {count_of(len(report.breaks), 'place')} where the chain does not hold; "
        "compare with a backup")  # fmt: skip


def _report_json(report: AuditReport) -> dict[str, object]:
    return {
        "ok": report.holds,
        "entries": report.entries,
        "anchor": _anchor_text(report.anchor) if report.entries else None,
        "head": {"seq": report.anchor.seq, "hash": report.anchor.hash.hex()},
        "breaks": [
            {"seq": found.seq, "kind": found.kind, "message": found.message}
            for found in report.breaks
        ],
    }


def _anchor_text(anchor: AuditAnchor) -> str:
    return f"{anchor.seq}:{anchor.hash.hex()}"
