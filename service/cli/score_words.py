"""The closing words of `goodfit score`: what came of the file, and what to look at."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rich.text import Text

from service.bulk import ColumnPlan, Tally, ranked
from service.cli.screen import count_of, say

_VERDICTS = ("qualify", "review", "disqualify")
_STYLES = {"qualify": "green", "review": "cyan", "disqualify": "red"}


def print_summary(
    tally: Tally, plan: ColumnPlan, *, elapsed_s: float, out: str | None, problems: Path | None
) -> None:
    """Print the counts of *tally*; *problems* is the file that lists what could not be read."""
    say(f"  {count_of(tally.rows, tally.rules.subject)} in {elapsed_s:.1f} s")
    for line in _verdict_lines(tally):
        say(line)
    for words in _remarks(tally, plan, problems):
        say(f"  {words}")
    say(f"  written to {out}" if out else "  nothing was written; add -o scored.csv to keep it")


def _verdict_lines(tally: Tally) -> Iterator[Text]:
    verdicts = tally.verdicts()
    width = max((len(f"{outcomes.total():,}") for outcomes in verdicts.values()), default=0)
    for verdict in _VERDICTS:
        outcomes = verdicts.get(verdict)
        if outcomes:
            share = 100 * outcomes.total() / tally.rows
            line = Text(f"  {verdict:<10}", style=_STYLES[verdict])
            counts = f"  {outcomes.total():>{width},}  {share:>5.1f} %     {_listed(outcomes)}"
            yield line.append(counts, style="default")


def _remarks(tally: Tally, plan: ColumnPlan, problems: Path | None) -> Iterator[str]:
    if tally.uncertain:
        rows = count_of(tally.uncertain, tally.rules.subject)
        most = f"; most often missing: {_listed(tally.missing, 3)}" if tally.missing else ""
        yield f"{rows} could have another verdict if more were known{most}"
    elif tally.missing:
        yield f"most often missing: {_listed(tally.missing, 3)}"
    if tally.movers:
        yield f"decided most often by:  {' · '.join(islice(_movers(tally), 3))}"
    if plan.absent:
        yield f"no column for: {', '.join(plan.absent)}"
    for column, meant in plan.ignored.items():
        if meant:
            yield f"the column `{column}` was not read; did you mean `{meant}`?"
    if tally.unreadable:
        where = f": see {problems}" if problems else ""
        yield f"{_unreadable(tally)}{where}"
    for bad in tally.bad[:3]:
        yield f"line {bad.line:,} {bad.reason}"
    if tally.bad_lines:
        see = f": see {problems}" if problems else ""
        yield f"{count_of(tally.bad_lines, 'line')} could not be read and have no decision{see}"


def _movers(tally: Tally) -> Iterator[str]:
    for name, points, count in tally.top_movers():
        shown = name if points is None else f"{name} {points:+g}"
        yield f"{shown} ({count:,})"


def _unreadable(tally: Tally) -> str:
    by_column: dict[str, Counter[str]] = {}
    for (column, value, _), count in tally.unreadable.items():
        by_column.setdefault(column, Counter())[value] += count
    parts = [f"{column} {_quoted(values)}" for column, values in islice(by_column.items(), 3)]
    more = f" and {len(by_column) - 3} more columns" if len(by_column) > 3 else ""
    values = count_of(tally.unreadable_count, "value")
    return f"{values} could not be read ({'; '.join(parts)}{more})"


def _quoted(values: Counter[str]) -> str:
    shown = [f'"{value}" {count:,}' for value, count in ranked(values, 3)]
    return ", ".join([*shown, *(["..."] if len(values) > 3 else [])])


def _listed(counts: Counter[str], most: int | None = None) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in ranked(counts, most))
