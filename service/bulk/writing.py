"""What scoring leaves behind: a row per row, and a file of what could not be read."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol, TextIO

from service.bulk.cells import safe_cell
from service.bulk.mapping import ColumnPlan
from service.bulk.rows import BadRow, UnreadableFile
from service.bulk.scoring import ScoredRow
from service.rules import Decision, RuleSet

OUTPUT_KINDS: Final = (".csv", ".ndjson", ".jsonl")
_PROBLEM_COLUMNS: Final = ("line", "column", "attribute", "value", "reason")


def problems_path(output: Path) -> Path:
    """Return where the unreadable values of *output* are listed: `scored.problems.csv`."""
    return output.with_name(f"{output.stem}.problems.csv")


class ScoredFile:
    """The two files being written. Made by `open_output`; closed by it too."""

    def __init__(self, rules: RuleSet, plan: ColumnPlan, stack: ExitStack, path: Path) -> None:
        """Begin both files; *path* ends in one of `OUTPUT_KINDS`."""
        self.problems = 0
        self._rules = rules
        self._carried = plan.keep
        self._decided = _decision_columns(rules)
        taken = {"line", *self._decided}
        self._names = ["line", *(_carried_name(c, taken) for c in plan.keep), *self._decided]
        self._rows = _row_writer(stack.enter_context(_text(_partial(path))), path)
        self._rows.write(self._names, header=True)
        self._problems = csv.writer(stack.enter_context(_text(_partial(problems_path(path)))))
        self._problems.writerow(_PROBLEM_COLUMNS)

    def write(self, scored: ScoredRow | BadRow) -> None:
        """Write one row of the output, and a line per value that could not be read."""
        if isinstance(scored, BadRow):
            self._write_bad(scored)
            return
        carried = (scored.row.cells.get(name) for name in self._carried)
        self._rows.write([scored.row.line, *carried, *_decision_cells(scored.decision)])
        for cell in scored.unreadable:
            self._complain(cell.line, cell.column, cell.attribute, cell.value, cell.reason)

    def _write_bad(self, bad: BadRow) -> None:
        cells: list[object] = [None] * len(self._names)
        cells[0], cells[-1] = bad.line, f"Not decided: the line {bad.reason}."
        self._rows.write(cells)
        self._complain(bad.line, None, None, None, f"the line {bad.reason}")

    def _complain(self, *cells: object) -> None:
        self.problems += 1
        self._problems.writerow([safe_cell(cell) for cell in cells])


@contextmanager
def open_output(path: Path, *, rules: RuleSet, plan: ColumnPlan) -> Iterator[ScoredFile]:
    """Write *path* and its problems file in the block.

    Both appear whole at its end or, when it ends in an exception, not at all; what stood
    there before is replaced. Without problems there is no problems file.

    Raises:
        UnreadableFile: If *path* is of no kind that is written here, or cannot be written.
    """
    if path.suffix.lower() not in OUTPUT_KINDS:
        raise UnreadableFile(f"`{path.name}` is of no kind that is written here; name it .csv "
                             "or .ndjson")  # fmt: skip
    problems = problems_path(path)
    try:
        with ExitStack() as stack:
            file = ScoredFile(rules, plan, stack, path)
            yield file
        _partial(path).replace(path)
        if file.problems:
            _partial(problems).replace(problems)
        else:
            problems.unlink(missing_ok=True)
    except OSError as error:
        words = (error.strerror or "it is no file").lower()
        raise UnreadableFile(f"`{path}` cannot be written: {words}") from None
    finally:
        for left in (_partial(path), _partial(problems)):
            left.unlink(missing_ok=True)


class _RowWriter(Protocol):
    def write(self, cells: list[object] | list[str], *, header: bool = False) -> None: ...


class _CsvRowWriter:
    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)

    def write(self, cells: list[object] | list[str], *, header: bool = False) -> None:
        del header  # a column's name is a text from outside like any other
        self._writer.writerow([safe_cell(cell) for cell in cells])


class _NdjsonRowWriter:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._names: list[str] = []

    def write(self, cells: list[object] | list[str], *, header: bool = False) -> None:
        if header:
            self._names = [str(cell) for cell in cells]
            return
        members = dict(zip(self._names, cells, strict=True))
        self._stream.write(json.dumps(members, ensure_ascii=False, default=str) + "\n")


def _row_writer(stream: TextIO, path: Path) -> _RowWriter:
    return _CsvRowWriter(stream) if path.suffix.lower() == ".csv" else _NdjsonRowWriter(stream)


def _text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _carried_name(column: str, taken: set[str]) -> str:
    name = column
    while name in taken:
        name = f"input_{name}"
    taken.add(name)
    return name


def _decision_columns(rules: RuleSet) -> list[str]:
    names = ["verdict", "outcome", "certain"]
    for score in rules.model.scores:
        names += [score.name, f"{score.name}_low", f"{score.name}_high"]
    names += [grade.name for grade in rules.model.grades]
    names += ["action", "missing", "summary"]
    unique: list[str] = []
    for name in names:
        unique.append(name if name not in unique else f"score_{name}")
    return unique


def _decision_cells(decision: Decision) -> list[object]:
    cells: list[object] = [decision.verdict, decision.outcome, decision.certain]
    for score in decision.scores.values():
        cells += [score.value, score.low, score.high]
    cells += [" or ".join(bands) for bands in decision.grades.values()]
    missing = "; ".join(missing.attribute for missing in decision.missing)
    return [*cells, decision.next.action, missing, decision.summary]
