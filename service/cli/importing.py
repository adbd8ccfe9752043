"""The work of `goodfit import`: read, send, tell; what broke off is simply run again."""

import csv
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.bulk import Input, InvalidMap, UnreadableFile, open_input, problems_path, safe_cell
from service.bulk.import_rows import (
    Bad,
    Job,
    Kinds,
    Sendable,
    Skipped,
    plan_of,
    rows_of,
    written_in,
)
from service.bulk.import_tally import ImportTally
from service.cli.checking import problem_lines
from service.cli.files import read_file
from service.cli.remote import Refused, Server, server_at
from service.cli.screen import NO, USAGE, console, count_of, print_json, refuse, say

__all__ = ["Job", "import_file"]

_ROWS: Final = 500
_BYTES: Final = 900 * 1024
_PATIENCE: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_TAKEN: Final = ("created", "changed", "unchanged", "entered", "repeated")
_NOT_NOW: Final = frozenset({429, 503})


@dataclass(slots=True)
class _Count:
    """What became of the rows so far; bad ones go into the report as they come."""

    report: Any
    tally: ImportTally = field(default_factory=ImportTally)

    def add_bad(self, line: int, code: str, reason: str) -> None:
        """Count and report a row that was not sent."""
        self.tally.bad += 1
        self._report(line, code, reason)

    def add(self, line: int, result: dict[str, Any]) -> None:
        """Count one result; what waits, and what was refused, is reported too."""
        complaint = self.tally.add(result)
        if complaint is not None:
            self._report(line, *complaint)

    def _report(self, line: int, code: str, reason: str) -> None:
        self.report.writerow([line, safe_cell(code), safe_cell(reason)])


def import_file(
    file: Path,
    *,
    job: Job,
    map_file: str | None,
    report: Path | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Send every row of *file*, report those that were not taken, and print a summary."""
    began_s = time.monotonic()
    report = report or problems_path(file)
    map_text = "" if map_file is None else _text_of(map_file)
    try:
        with server_at(server) as there, ExitStack() as stack:
            kinds = _kinds_at(there) if job.what == "events" else {}
            encoding = written_in(map_text)
            rows = stack.enter_context(open_input(file, **encoding))
            _, plan = plan_of(job, rows.columns, map_text=map_text, kinds=kinds)
            stream = stack.enter_context(report.open("w", encoding="utf-8", newline=""))
            writer = csv.writer(stream)
            writer.writerow(["line", "code", "reason"])
            count = _Count(writer)
            _send_all(rows, rows_of(rows, plan, job=job, kinds=kinds), there, job, count)
    except InvalidMap as invalid:
        for line in problem_lines((map_file or "map", problem) for problem in invalid.problems):
            console(on_error=True).print(line)
        raise typer.Exit(USAGE) from None
    except UnreadableFile as error:
        refuse(str(error) if f"`{file}`" in str(error) else f"{file}: {error}")
    if count.tally.bad == 0:
        report.unlink()
    told = _summary(count, job, ignored=plan.ignored, elapsed_s=time.monotonic() - began_s)
    told["report"] = str(report) if count.tally.bad else None
    print_json(told) if as_json else _say(told, job)
    if count.tally.bad:
        raise typer.Exit(NO)


def _text_of(map_file: str) -> str:
    try:
        return read_file(map_file, what="map").decode()
    except UnicodeDecodeError:
        refuse(f"`{map_file}` is not UTF-8; save it so")


def _send_all(
    rows: Input,
    made: Iterator[Sendable | Bad | Skipped],
    server: Server,
    job: Job,
    count: _Count,
) -> None:
    screen = console(on_error=True)
    columns = (TextColumn(" {task.description}"), BarColumn(bar_width=24),
               TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())  # fmt: skip
    portion: list[Sendable] = []
    size = 0
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task(job.what, total=rows.size)
        for one in made:
            if isinstance(one, Bad):
                count.add_bad(one.line, one.code, one.reason)
                continue
            if isinstance(one, Skipped):
                count.tally.skipped += 1
                continue
            length = len(orjson.dumps(one.body)) + 1
            if portion and (len(portion) == _ROWS or size + length > _BYTES):
                _send(server, portion, job, count)
                taken = sum(count.tally.states.values())
                bar.update(task, completed=rows.position, description=f"{taken:,} {job.what}")
                portion, size = [], 0
            portion.append(one)
            size += length
        if portion:
            _send(server, portion, job, count)


def _send(server: Server, portion: list[Sendable], job: Job, count: _Count) -> None:
    """Send a portion, again where the server has no time now: a repeat changes nothing."""
    path = f"/{job.what}" + ("?dry_run=true" if job.is_dry else "")
    body = [one.body for one in portion]
    for wait_s in (*_PATIENCE, None):
        try:
            answer, _ = server.send("POST", path, json=body)
            break
        except Refused as refused:
            if refused.status not in _NOT_NOW or wait_s is None:
                raise
            time.sleep(wait_s)
    for one, result in zip(portion, answer["data"], strict=True):
        count.add(one.line, result)


def _kinds_at(server: Server) -> Kinds:
    answer, _ = server.send("GET", "/event-kinds")
    return {
        kind["kind"]: {name: one["type"] for name, one in kind["quantities"].items()}
        for kind in answer["data"]
    }


def _summary(
    count: _Count,
    job: Job,
    *,
    ignored: Iterable[str],
    elapsed_s: float,
) -> dict[str, Any]:
    tally = count.tally
    return {
        "what": job.what,
        "dry_run": job.is_dry,
        "rows": tally.rows,
        **{state: tally.states[state] for state in sorted(tally.states)},
        "left_out": tally.skipped,
        "bad": tally.bad,
        "ignored_columns": sorted(ignored),
        "seconds": round(elapsed_s, 3),
    }


def _say(told: dict[str, Any], job: Job) -> None:
    taken = sum(told.get(state, 0) for state in _TAKEN)
    verb = "would be taken" if job.is_dry else "taken"
    say(f"  {count_of(told['rows'], 'row')} in {told['seconds']:.1f} s: {taken:,} {verb}")
    for state in (*_TAKEN, "parked", "dropped", "refused"):
        if told.get(state):
            say(f"    {told[state]:>10,} {state}")
    if told["left_out"]:
        say(f"    {told['left_out']:>10,} left out by the map")
    if told["ignored_columns"]:
        say(f"  no column of these was read: {', '.join(told['ignored_columns'])}")
    if told["report"]:
        say(f"  {count_of(told['bad'], 'row')} not taken, by line in {told['report']}")
