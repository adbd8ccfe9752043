"""How far the scoring of a file is, kept beside its output, so that a stopped run can go on."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from service.bulk.map_document import MapDocument
from service.rules import RuleSet
from service.rules.decided import MEANING

__all__ = ["Journal", "Waypoint", "run_of"]

_FORMAT: Final = 1

Run = Mapping[str, object]
"""What a run is about. Only one of the same thing goes on with another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """A place at which everything before it is on the disk.

    Attributes:
        done: The rows before it, and the lines that are none.
        rows: How far the rows' file is, in its own unit: bytes, or parts.
        problems: How many bytes of the file of problems there are.
        complaints: How many lines that file has.
        tally: As `Tally.to_state` gives it.
    """

    done: int
    rows: int
    problems: int
    complaints: int
    tally: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journal:
    """The file of the last waypoint of one run.

    Attributes:
        at: The instant of the run's decisions.
        last: The waypoint that an earlier process left, None where none did.
    """

    path: Path
    run: Run
    at: datetime
    last: Waypoint | None = None

    @classmethod
    def beside(cls, output: Path, run: Run, *, at: datetime, is_at_given: bool) -> "Journal":
        """Return the journal of *run*, which writes *output*, with the waypoint to go on from.

        Where the instant is not *given*, it is that of the run which was stopped, else *at*.
        Whatever is no journal of this run is as none: the run begins anew.
        """
        path = output.with_name(f".{output.name}.journal")
        try:
            found = json.loads(path.read_bytes())
            begun = datetime.fromisoformat(found["at"])
            is_same = found["run"] == dict(run) and (not is_at_given or begun == at)
            last = Waypoint(**found["last"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path, run, at)
        return cls(path, run, begun, last) if is_same else cls(path, run, at)

    def keep(self, waypoint: Waypoint) -> None:
        """Keep *waypoint*; whoever is killed meanwhile leaves the one before."""
        partial = self.path.with_name(f"{self.path.name}.partial")
        members = {"run": dict(self.run), "at": self.at.isoformat(), "last": asdict(waypoint)}
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(members, stream, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self.path)

    def remove(self) -> None:
        """Leave nothing to go on from."""
        self.path.unlink(missing_ok=True)


def run_of(
    rules: RuleSet, document: MapDocument, *, path: Path, engine: str, with_summary: bool
) -> Run:
    """Return what scoring *path* is about: the file as it stands now, the rules, the map."""
    status = path.stat()
    return {
        "format": _FORMAT,
        "meaning": MEANING,
        "rules": rules.digest,
        "map": document.model_dump_json(),
        "input": [str(path.resolve()), status.st_size, status.st_mtime_ns],
        "engine": engine,
        "summary": with_summary,
    }
