"""What a backtest found, as lines for a terminal."""

from collections.abc import Iterator
from typing import Any, Final

from service.cli.screen import count_of

_VERDICTS: Final = ("qualify", "review", "disqualify", "undecided")


def flip_share(found: dict[str, Any]) -> float:
    """Return which share of the decisions that were made again flips; 0 where there are none."""
    result = found["result"]
    return result["flips"] / result["replayed"] if result and result["replayed"] else 0.0


def backtest_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the number of decisions, the movements between verdicts, the causes, the revenue."""
    result = found["result"]
    if found["state"] != "done" or result is None:
        yield f"  {found['id']} is {found['state']}: {found['failure'] or found['summary']}"
        return
    missing = result["not_replayable"]
    left_out = missing["decisions"] + missing["erased"]
    asks = ", ".join(f"`{one['attribute']}`" for one in missing["attributes"])
    why = f" (never stored: {asks})" if asks else ""
    rest = f"      {left_out:,} not replayable{why}" if left_out else ""
    yield f"  {count_of(result['replayed'], 'decision')} replayed{rest}"
    yield from _matrix(result["verdicts"])
    yield f"  {found['summary']}"
    revenue = result["revenue"]
    if revenue is not None and revenue["subjects"]:
        unit = f" {revenue['unit']}" if revenue["unit"] else ""
        yield (
            f"  {revenue['attribute']} of {count_of(revenue['known'], 'subject')} that flip: "
            f"{revenue['amount']:,.0f}{unit}"
        )


def _matrix(movements: list[dict[str, Any]]) -> Iterator[str]:
    counts = {(one["before"], one["after"]): one["decisions"] for one in movements}
    shown = [v for v in _VERDICTS if any(v in pair for pair in counts)]
    if not shown:
        return
    width = max(12, *(len(f"{number:,}") + 2 for number in counts.values()))
    yield " " * 14 + "".join(f"{'to ' + verdict:>{width + 3}}" for verdict in shown)
    for before in shown:
        cells = (counts.get((before, after), 0) for after in shown)
        numbers = "".join(f"{f'{n:,}' if n else '-':>{width + 3}}" for n in cells)
        yield f"  {before:<12}{numbers}"
