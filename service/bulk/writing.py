"""What scoring leaves behind: a row per row, and a file of what could not be read."""

import csv
import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from service.bulk.cells import safe_cell
from service.bulk.mapping import ColumnPlan
from service.bulk.output_rows import OUTPUT_KINDS, keep_text, open_rows, text_file
from service.bulk.rows import BadRow, UnreadableFile
from service.bulk.scoring import ScoredRow, Unreadable, missing_names
from service.bulk.summary import Tally
from service.bulk.waypoints import Journal, Waypoint
from service.rules import Decision, RuleSet

_PROBLEM_COLUMNS: Final = ("line", "column", "attribute", "value", "reason")
BETWEEN_BANDS: Final = " or "
BETWEEN_MISSING: Final = "; "


def problems_path(output: Path) -> Path:
    """Return where the unreadable values of *output* are listed: `scored.problems.csv`."""
    return output.with_name(f"{output.stem}.problems.csv")


class ScoredFile:
    """The two files being written. Made by `open_output`; closed by it too.

    Attributes:
        problems: How many lines the second one has.
        done: How many rows, and lines that are none, were written by a run that was stopped, or
            up to the last time that they were kept.
        with_summary: Whether each row's decision comes in words too.
    """

    def __init__(
        self, output: "Output", *, path: Path, stack: ExitStack, journal: Journal | None
    ) -> None:
        """Begin both files, or go on with them; *path* ends in one of `OUTPUT_KINDS`."""
        last = None if journal is None else journal.last
        self.problems = 0 if last is None else last.complaints
        self.done = 0 if last is None else last.done
        self.with_summary = output.with_summary
        self._journal = journal
        self._carried = output.plan.keep
        names, types = output_columns(output)
        self._width = len(names)
        kept = 0 if last is None else last.rows
        self._rows = open_rows(partial_of(path), names, types, target=path, stack=stack, kept=kept)
        kept = 0 if last is None else last.problems
        self._listed = stack.enter_context(text_file(partial_of(problems_path(path)), kept=kept))
        self._problems = csv.writer(self._listed)
        if last is None:
            self._problems.writerow(_PROBLEM_COLUMNS)

    def keep(self, tally: Tally) -> None:
        """Have everything up to here on the disk, and note that it is: a run can go on from here.

        *tally* has counted exactly the rows that were written.
        """
        if self._journal is None:
            return
        self.done = tally.rows + tally.bad_lines
        waypoint = Waypoint(
            done=self.done,
            rows=self._rows.keep(),
            problems=keep_text(self._listed),
            complaints=self.problems,
            tally=tally.to_state(),
        )
        self._journal.keep(waypoint)

    def write(self, scored: ScoredRow | BadRow) -> None:
        """Write one row of the output, and a line per value that could not be read."""
        if isinstance(scored, BadRow):
            self.write_bad(scored)
            return
        carried = (scored.row.cells.get(name) for name in self._carried)
        cells = _decision_cells(scored.decision, with_summary=self.with_summary)
        self.write_rows([[scored.row.line, *carried, *cells]])
        self.complain(scored.unreadable)

    def write_rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows as they are: the line, the carried cells, the decision's."""
        self._rows.write(rows)

    def write_bad(self, bad: BadRow) -> None:
        """Write a line that is no row: in its place, without a decision."""
        cells: list[object] = [None] * self._width
        cells[0] = bad.line
        if self.with_summary:
            cells[-1] = f"Not decided: the line {bad.reason}."
        self._rows.write([cells])
        self._complain(bad.line, None, None, None, f"the line {bad.reason}")

    def complain(self, unreadable: Iterable[Unreadable]) -> None:
        """List values that could not be read."""
        for cell in unreadable:
            self._complain(cell.line, cell.column, cell.attribute, cell.value, cell.reason)

    def _complain(self, *cells: object) -> None:
        self.problems += 1
        self._problems.writerow([safe_cell(cell) for cell in cells])


@dataclass(frozen=True, slots=True)
class Output:
    """What a scored file holds.

    Attributes:
        types: Arrow types of input columns, where the input has types.
    """

    rules: RuleSet
    plan: ColumnPlan
    with_summary: bool = True
    types: Mapping[str, Any] = field(default_factory=dict)


class RowSink(Protocol):
    """What decided chunks are written to: a `ScoredFile`, or whatever takes its place.

    Attributes:
        with_summary: Whether each row's decision is wanted in words too.
    """

    with_summary: bool

    def write_rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Take rows as they are: the line, the carried cells, the decision's."""

    def write_bad(self, bad: BadRow) -> None:
        """Take a line that is no row, in its place."""

    def complain(self, unreadable: Iterable[Unreadable]) -> None:
        """Take values that could not be read."""


@contextmanager
def open_output(
    path: Path, output: Output, *, journal: Journal | None = None
) -> Iterator[ScoredFile]:
    """Write *path* and its problems file in the block.

    Both appear whole at its end or, when it ends in an exception, not at all; what stood
    there before is replaced. Without problems there is no problems file. With a *journal*,
    what was kept outlives a process that is killed or interrupted, and is gone on with.

    Raises:
        UnreadableFile: If *path* is of no kind that is written here, or cannot be written.
    """
    if path.suffix.lower() not in OUTPUT_KINDS:
        raise UnreadableFile(f"`{path.name}` is of no kind that is written here; name it .csv, "
                             ".ndjson or .parquet")  # fmt: skip
    problems = problems_path(path)
    is_interrupted = False
    try:
        if journal is None or journal.last is None:
            _clear(path)
        with ExitStack() as stack:
            file = ScoredFile(output, path=path, stack=stack, journal=journal)
            yield file
        partial_of(path).replace(path)
        if file.problems:
            partial_of(problems).replace(problems)
        else:
            problems.unlink(missing_ok=True)
    except OSError as error:
        words = (error.strerror or "it is no file").lower()
        raise UnreadableFile(f"`{path}` cannot be written: {words}") from None
    except KeyboardInterrupt:
        is_interrupted = journal is not None and journal.path.exists()
        raise
    finally:
        if not is_interrupted:
            _clear(path)
            if journal is not None:
                journal.remove()


def _clear(path: Path) -> None:
    """Remove what is written of *path* until it is whole."""
    partial = partial_of(path)
    for left in (
        *partial.parent.glob(f"{glob.escape(partial.name)}*"),
        partial_of(problems_path(path)),
    ):
        left.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return where *path* is written until it is whole."""
    return path.with_name(f".{path.name}.partial")


def output_columns(output: Output) -> tuple[list[str], list[Any]]:
    """Return the names of the columns, and the kind or Arrow type of each."""
    decided = decision_columns(output.rules, with_summary=output.with_summary)
    taken = {"line", *decided}
    names = ["line", *(_carried_name(c, taken) for c in output.plan.keep), *decided]
    carried = [output.types.get(name, "text") for name in output.plan.keep]
    return names, ["whole", *carried, *decided.values()]


def _carried_name(column: str, taken: set[str]) -> str:
    name = column
    while name in taken:
        name = f"input_{name}"
    taken.add(name)
    return name


def decision_columns(rules: RuleSet, *, with_summary: bool) -> dict[str, str]:
    """Return the names of a decision's columns, and what each holds."""
    found = [("verdict", "text"), ("outcome", "text"), ("certain", "flag")]
    for score in rules.model.scores:
        found += [(f"{score.name}{end}", "number") for end in ("", "_low", "_high")]
    found += [(grade.name, "text") for grade in rules.model.grades]
    found += [("action", "text"), ("missing", "text")]
    if with_summary:
        found.append(("summary", "text"))
    unique: dict[str, str] = {}
    for name, kind in found:
        unique[name if name not in unique else f"score_{name}"] = kind
    return unique


def _decision_cells(decision: Decision, *, with_summary: bool) -> list[object]:
    cells: list[object] = [decision.verdict, decision.outcome, decision.certain]
    for score in decision.scores.values():
        cells += [score.value, score.low, score.high]
    cells += [BETWEEN_BANDS.join(bands) for bands in decision.grades.values()]
    cells += [decision.next.action, BETWEEN_MISSING.join(missing_names(decision))]
    return [*cells, decision.summary] if with_summary else cells
