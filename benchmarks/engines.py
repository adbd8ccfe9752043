"""The other engines as seen from here: a process in the peers' environment, asked over a pipe."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.environment import PEERS
from benchmarks.rules import CEILING, QUALIFIES_AT, PlainRule
from benchmarks.translations import to_cel, to_cel_as_one, to_jdm

__all__ = ["Engines", "running_engines"]

Lead = dict[str, float]


class Engines:
    """Engines that hold the same rules, one name each: `zen`, `zen_trace`, `cel`, `cel_as_one`."""

    def __init__(self, into: IO[str], out_of: IO[str], rules: Sequence[PlainRule]) -> None:
        self._into, self._out_of = into, out_of
        jdm = to_jdm(rules)
        limits = {"ceiling": CEILING, "qualifies_at": QUALIFIES_AT}
        self._load("zen", "zen", jdm=jdm)
        self._load("zen_trace", "zen", jdm=jdm, has_trace=True)
        self._load("cel", "cel", rules=to_cel(rules), **limits)
        self._load("cel_as_one", "cel_as_one", expression=to_cel_as_one(rules), **limits)

    def judge(self, name: str, leads: Sequence[Lead]) -> list[tuple[float, str]]:
        """Return the fit and the verdict of each of *leads*."""
        answers = self._ask(do="judge", name=name, leads=leads)
        return [(float(fit), verdict) for fit, verdict in answers]

    def time(self, name: str, leads: Sequence[Lead], *, seconds: float) -> float:
        """Return the seconds that one judgement takes, over about *seconds* of them."""
        return float(self._ask(do="time", name=name, leads=leads, seconds=seconds))

    def _load(self, name: str, engine: str, **given: object) -> None:
        self._ask(do="load", name=name, engine=engine, **{"with": given})

    def _ask(self, **asked: object) -> Any:  # noqa: ANN401 - whatever was asked for
        print(json.dumps(asked), file=self._into, flush=True)
        line = self._out_of.readline()
        if not line:
            raise RuntimeError("the peers' engines ended; their words are above")
        return json.loads(line)


@contextmanager
def running_engines(python: Path, rules: Sequence[PlainRule]) -> Iterator[Engines]:
    """Run the engines with *rules* for the block, in the interpreter *python* of the peers."""
    command = [str(python), str(PEERS / "engines.py")]
    with subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdin is None or process.stdout is None:  # asked for above
                raise RuntimeError("the peers' engines have no pipe")
            yield Engines(process.stdin, process.stdout, rules)
        finally:
            process.kill()
