"""The README and the guide page, with the figures of the kept run in them.

`python -m benchmarks.pages` renews them and the chart from `docs/measurements/bench.json`;
a test fails while they show anything else.
"""

import re
from pathlib import Path
from typing import Final

from benchmarks.chart import CHART, draw
from benchmarks.figures import Measured
from benchmarks.lines import Line
from benchmarks.numbers import number, quantity, range_of
from benchmarks.results import KEPT, Results, read_results, write_results

__all__ = ["PAGES", "keep", "renew", "with_figures"]

_ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = (_ROOT / "README.md", _ROOT / "docs" / "guide" / "performance.md")
_CHART: Final = "![How far each line comes, its first bar being 1](../bench.svg)"
_REGION: Final = re.compile(r"(<!-- (bench:[a-z]+):begin -->\n).*?(<!-- \2:end -->)", re.DOTALL)


def keep(results: Results) -> None:
    """Make *results* the run that the pages speak of."""
    write_results(results, KEPT)
    renew()


def renew() -> None:
    """Write the kept run's figures into the pages, and its chart."""
    results = read_results(KEPT.read_text(encoding="utf-8"))
    CHART.write_text(draw(results), encoding="utf-8")
    for page in PAGES:
        page.write_text(with_figures(page.read_text(encoding="utf-8"), results), encoding="utf-8")


def with_figures(text: str, results: Results) -> str:
    """Return the page *text* with every marked region made from *results*."""
    return _REGION.sub(lambda match: f"{match[1]}{_region(match[2], results)}{match[3]}", text)


def _region(name: str, results: Results) -> str:
    match name:
        case "bench:chart":
            return f"{_CHART}\n"
        case "bench:short":
            return _short(results)
        case "bench:table":
            return _table(results)
        case "bench:beside":
            return _beside(results)
        case "bench:machine":
            return f"{_machine(results)}\n"
        case _:
            raise KeyError(name)


def _short(results: Results) -> str:
    rows = ["| | beside | |", "|---|---|---|"]
    for line in results.lines():
        found = results.measured.get(line.id)
        if found is not None:
            figure = f"**{number(found.figure.median)} {line.unit}**"
            rows.append(f"| {line.what} | {line.against} | {figure} |")
    return "\n".join([*rows, "", _machine(results), ""])


def _table(results: Results) -> str:
    rows = [
        "| | what | beside | ours | theirs | figure | rounds | bars | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in results.lines():
        found = results.measured.get(line.id)
        rows.append(_measured_row(line, found) if found else _missing_row(line, results))
    return "\n".join([*rows, ""])


def _measured_row(line: Line, found: Measured) -> str:
    cells = (
        line.id,
        line.what,
        line.against,
        quantity(found.ours),
        quantity(found.peer) if found.peer else "",
        f"**{number(found.figure.median)} {line.unit}**",
        range_of(found.figure),
        f"{line.bar:g}, {line.wish:g}",
        line.standing(found.figure),
    )
    return f"| {' | '.join(cells)} |"


def _missing_row(line: Line, results: Results) -> str:
    bars = f"{line.bar:g}, {line.wish:g}"
    why = f"not measured: {results.why_not[line.id]}"
    return f"| {line.id} | {line.what} | {line.against} | | | | | {bars} | {why} |"


def _beside(results: Results) -> str:
    told = []
    for line in results.lines():
        found = results.measured.get(line.id)
        if found is not None and (found.beside or found.notes):
            parts = [f"{name} {quantity(spread)}" for name, spread in found.beside.items()]
            told.append(f"- **{line.id}**: {'; '.join([*parts, *found.notes])}.")
    return "\n".join([*told, ""])


def _machine(results: Results) -> str:
    machine = results.machine
    return (
        f"Measured {machine['date']} at commit {machine['commit']} on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory']}, {machine['system']}, "
        f"Python {machine['python']}, Postgres {machine['postgres']}, Node {machine['node']}; "
        f"{results.effort.scale:,} accounts and stored decisions. Server, database and load "
        "generator shared the machine."
    )


if __name__ == "__main__":
    renew()
