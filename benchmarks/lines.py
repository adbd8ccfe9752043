"""The twelve lines: what is measured against whom, and how far it has to come."""

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.figures import Spread

__all__ = ["LINES", "Line", "Standing"]

Standing = Literal["beyond the second bar", "beyond the first bar", "not reached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        id: `P1` to `P12`.
        what: What of ours is measured.
        against: What stands beside it.
        unit: What the figure counts, after the number.
        better: Whether a better figure is `more` or `less`.
        bar: What has to be reached.
        wish: Where we want to be.
    """

    id: str
    what: str
    against: str
    unit: str
    better: Literal["more", "less"]
    bar: float
    wish: float

    def standing(self, figure: Spread) -> Standing:
        """Return how far the median of *figure* comes."""
        if self.share_of(self.wish, figure.median) >= 1:
            return "beyond the second bar"
        return "beyond the first bar" if self.share(figure.median) >= 1 else "not reached"

    def share(self, value: float) -> float:
        """Return how far *value* comes, the first bar being 1 and more being better."""
        return self.share_of(self.bar, value)

    def share_of(self, bar: float, value: float) -> float:
        """Return how far *value* comes towards *bar*; a value under a thousandth counts as one."""
        return value / bar if self.better == "more" else bar / max(value, 0.001)


def _more(name: str, what: str, against: str, unit: str, *bars: float) -> Line:
    bar, wish = bars
    return Line(id=name, what=what, against=against, unit=unit, better="more", bar=bar, wish=wish)


def _less(name: str, what: str, against: str, unit: str, *bars: float) -> Line:
    bar, wish = bars
    return Line(id=name, what=what, against=against, unit=unit, better="less", bar=bar, wish=wish)


_QUALIFY: Final = "`/v1/qualify`, durable before the answer"

LINES: Final[tuple[Line, ...]] = (
    _more("P1", _QUALIFY, "a bare FastAPI echo", "x its requests/s", 1.0, 2.0),
    _more("P2", _QUALIFY, "FastAPI, zen-engine, one SQLAlchemy insert", "x its requests/s", 10, 20),
    _more("P3", _QUALIFY, "Fastify, json-rules-engine, one insert", "x its requests/s", 3, 7),
    _less("P4", "p99 at half of peak rate", "the bare echo at the same rate", "x its p99", 2, 1.2),
    _more(
        "P5", "verdict, scores and trace in process", "zen-engine with trace", "x as fast", 10, 50
    ),
    _more("P6", "verdict and scores in process", "compiled Rust CEL", "x as fast", 20, 100),
    _more(
        "P7",
        "reading and deciding stored accounts",
        "one jsonb SELECT in Postgres",
        "x as fast",
        2,
        5,
    ),
    _more("P8", "deciding a Parquet file", "zen-engine in a Python loop", "x as fast", 100, 500),
    _less("P9", "growth from 10 to 500 rules", "growing in proportion", "(exponent)", 1.1, 0.9),
    _less("P10", "slowest p99 on many stored decisions", "on 10,000", "x its p99", 1.2, 1.05),
    _less("P11", "from start to the first answer", "a bare FastAPI app", "s more", 2, 0.5),
    _less(
        "P12", "memory of a worker, 100 rule sets live", "a bare FastAPI worker", "MB more", 60, 25
    ),
)
