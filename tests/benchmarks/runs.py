"""A run that nobody measured, for tests of what is made from one."""

from benchmarks.figures import Measured, Spread
from benchmarks.ground import Effort
from benchmarks.results import Results

__all__ = ["invented_run"]

_MACHINE = {
    "date": "2026-11-24 09:30 UTC",
    "processor": "A & B <fast>",
    "cores": "2",
    "memory": "24 GB",
    "system": "Linux 6.1",
    "python": "3.13.1",
    "postgres": "18.6",
    "node": "none",
    "commit": "abc1234",
    "load before": "0.10",
}


def invented_run() -> Results:
    """Return a run with a line beyond each bar, one that reaches none, and one not measured."""

    def measured(*values: float, unit: str = "x") -> Measured:
        rounds = Spread(values, unit)
        ours, peer = Spread((8412.0,), "requests/s"), Spread((4006.0,), "requests/s")
        beside = {"our p99 at peak": Spread((6.25,), "ms")}
        return Measured(figure=rounds, ours=ours, peer=peer, beside=beside, notes=("a note",))

    results = Results(machine=_MACHINE, effort=Effort(), took_s=812.0)
    results.measured = {
        "P1": measured(2.0, 2.5, 2.1),
        "P2": measured(12.0, 11.0, 14.0),
        "P4": measured(3.0, 2.5, 3.5),
        "P11": measured(-0.2, 0.1, -0.1, unit="s"),
    }
    results.why_not = {"P3": "no node and no npm here"}
    return results
