"""The results of a run as JSON: what the table, the chart and the pages are made from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Measured, Spread
from benchmarks.ground import Effort
from benchmarks.lines import LINES, Line

__all__ = ["KEPT", "Results", "as_text", "read_results", "write_results"]

KEPT: Final = Path(__file__).resolve().parent.parent / "docs" / "measurements" / "bench.json"
"""The run that the README and the guide speak of."""


@dataclass(slots=True, kw_only=True)
class Results:
    """One run.

    Attributes:
        machine: What the figures depend on besides the code.
        effort: How long and how large it was.
        took_s: How long all of it lasted.
        measured: What was found, by line.
        why_not: Why a line was not measured, by line.
        has_failed: Whether that was so for a defect.
    """

    machine: Mapping[str, str]
    effort: Effort
    took_s: float = 0.0
    measured: dict[str, Measured] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)
    has_failed: bool = False

    def lines(self) -> list[Line]:
        """Return the lines that were asked for, in order."""
        return [line for line in LINES if line.id in self.measured or line.id in self.why_not]

    def to_json(self) -> dict[str, Any]:
        """Return everything."""
        return {
            "machine": dict(self.machine),
            "effort": {name: getattr(self.effort, name) for name in Effort.__slots__},
            "took_s": round(self.took_s),
            "lines": [self._line(line) for line in self.lines()],
        }

    def _line(self, line: Line) -> dict[str, Any]:
        head = {
            "id": line.id,
            "what": line.what,
            "against": line.against,
            "unit": line.unit,
            "better": line.better,
            "bar": line.bar,
            "wish": line.wish,
        }
        found = self.measured.get(line.id)
        if found is None:
            return {**head, "standing": "not measured", "why": self.why_not[line.id]}
        return {**head, "standing": line.standing(found.figure), **found.to_json()}


def write_results(results: Results, file: Path) -> None:
    """Write *results* into *file*, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".partial")
    unfinished.write_text(as_text(results), encoding="utf-8")
    unfinished.replace(file)


def as_text(results: Results) -> str:
    """Return *results* as indented JSON."""
    return json.dumps(results.to_json(), indent=2) + "\n"


def read_results(text: str) -> Results:
    """Return the results in *text*, written by `write_results`."""
    given = json.loads(text)
    results = Results(
        machine=given["machine"], effort=Effort(**given["effort"]), took_s=given["took_s"]
    )
    for line in given["lines"]:
        if line["standing"] == "not measured":
            results.why_not[line["id"]] = line["why"]
        else:
            results.measured[line["id"]] = _measured(line)
    return results


def _measured(line: Mapping[str, Any]) -> Measured:
    peer = line["peer"]
    return Measured(
        figure=_spread(line["figure"]),
        ours=_spread(line["ours"]),
        peer=None if peer is None else _spread(peer),
        beside={name: _spread(value) for name, value in line["beside"].items()},
        notes=tuple(line["notes"]),
    )


def _spread(value: Mapping[str, Any]) -> Spread:
    return Spread(tuple(value["rounds"]), value["unit"])
