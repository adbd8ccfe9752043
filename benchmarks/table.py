"""The results as a table on a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.figures import Measured
from benchmarks.lines import Line
from benchmarks.numbers import number, quantity, range_of
from benchmarks.results import Results

__all__ = ["show"]

_STYLES = {
    "beyond the second bar": "bold green",
    "beyond the first bar": "green",
    "not reached": "red",
}


def show(results: Results, console: Console) -> None:
    """Print a row for each line, then what belongs to it, then what it was measured on."""
    table = Table(title="Side by side, medians of interleaved rounds", title_justify="left")
    for heading in ("", "what, beside whom", "ours, theirs", "figure", "bars", ""):
        table.add_column(heading)
    for line in results.lines():
        found = results.measured.get(line.id)
        row = _row(line, found) if found else _missing(line, results.why_not[line.id])
        table.add_row(line.id, f"{line.what}\n{line.against}", *row, end_section=True)
    console.print(table)
    for line in results.lines():
        if line.id in results.measured:
            _show_beside(line, results.measured[line.id], console)
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    console.print(f"\n{machine}; {results.took_s:.0f} s", highlight=False)


def _row(line: Line, found: Measured) -> tuple[str | Text, ...]:
    standing = line.standing(found.figure)
    return (
        f"{quantity(found.ours)}\n{quantity(found.peer) if found.peer else ''}",
        f"{number(found.figure.median)} {line.unit}\n{range_of(found.figure)}",
        _bars(line),
        Text(standing, style=_STYLES[standing]),
    )


def _missing(line: Line, why: str) -> tuple[str | Text, ...]:
    return ("", "", _bars(line), Text(f"not measured: {why}", style="yellow"))


def _bars(line: Line) -> str:
    return f"{line.bar:g}\n{line.wish:g}"


def _show_beside(line: Line, found: Measured, console: Console) -> None:
    beside = [f"{name} {quantity(spread)}" for name, spread in found.beside.items()]
    told = "; ".join([*beside, *found.notes])
    if told:
        console.print(Text(f"{line.id:<4}{told}", style="dim"), highlight=False)
