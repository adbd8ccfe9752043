"""A form's statistics as JSON and as a picture. Pure."""

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from service.storage import to_text
from service.web import rfc3339

__all__ = ["draw_statistics", "statistics_shown"]

_WIDTH: Final = 640
_LABEL: Final = 230
_BAR: Final = 330
_LINE: Final = 26
_STYLE: Final = "text{font:13px system-ui,sans-serif;fill:#222}.h{font-weight:600}"


def statistics_shown(
    form: Row[Any],
    visits: Sequence[Row[Any]],
    stops: Sequence[Row[Any]],
    *,
    labels: Mapping[str, str],
    since: datetime,
    until: datetime,
) -> dict[str, Any]:
    """Return the statistics of *form*; *labels* are its attributes' words."""
    total = next(row for row in visits if row.is_total)
    return {
        "form": {
            "key": to_text("key", form.id),
            "prefix": form.prefix,
            "name": form.name,
            "rule_set": form.rule_set,
        },
        "since": rfc3339(since),
        "until": rfc3339(until),
        "total": _numbers(total, _stops(stops, labels)),
        "sources": [
            {"source": row.source}
            | _numbers(row, _stops([one for one in stops if one.source == row.source], labels))
            for row in visits
            if not row.is_total
        ],
    }


def _stops(rows: Sequence[Row[Any]], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    visitors: dict[str | None, int] = {}
    for row in rows:
        visitors[row.asking] = visitors.get(row.asking, 0) + row.visitors
    ordered = sorted(visitors.items(), key=lambda one: (-one[1], one[0] or ""))
    return [
        {
            "attribute": name,
            "label": None if name is None else labels.get(name, name),
            "visitors": n,
        }
        for name, n in ordered
    ]


def _numbers(row: Row[Any], stops: list[dict[str, Any]]) -> dict[str, Any]:
    saved = row.fields - row.shown
    return {
        "started": row.started,
        "finished": row.finished,
        "under_way": row.under_way,
        "stopped": stops,
        "answered": row.answered,
        "verdicts": {
            name: getattr(row, name) for name in ("qualify", "review", "disqualify", "undecided")
        },
        "undecided_share": _share(row.undecided, row.answered),
        "questions": {
            "visitors": row.progressive,
            "fields": row.fields,
            "shown": row.shown,
            "saved": saved,
            "saved_per_visitor": _share(saved, row.progressive),
        },
        "caught": row.caught,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def draw_statistics(told: Mapping[str, Any]) -> str:
    """Return the total of `statistics_shown` as an SVG: a bar a line, with words for readers."""
    lines = list(_lines(told["total"]))
    most = max([1, *(count for _, count, _ in lines)])
    title = html.escape(f"{told['form']['name']}: {told['since'][:10]} to {told['until'][:10]}")
    height = _LINE * (len(lines) + 2)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="t">'
        f'<title id="t">{title}</title><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="h" x="8" y="22">{title}</text>'
    )
    drawn = [head]
    for place, (words, count, colour) in enumerate(lines):
        y = _LINE * (place + 2)
        width = round(_BAR * count / most)
        drawn.append(
            f'<text x="{_LABEL - 8}" y="{y}" text-anchor="end">{html.escape(words)}</text>'
            f'<rect x="{_LABEL}" y="{y - 13}" width="{width}" height="16" fill="{colour}"/>'
            f'<text x="{_LABEL + width + 6}" y="{y}">{count}</text>'
        )
    return "".join(drawn) + "</svg>"


def _lines(total: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Give each bar's words, length and colour."""
    yield "started", total["started"], "#1f4e79"
    yield "finished", total["finished"], "#1f4e79"
    for verdict, count in total["verdicts"].items():
        yield verdict, count, "#7a9cbf"
    for stop in total["stopped"][:8]:
        where = "before any question" if stop["label"] is None else f"at: {stop['label']}"
        yield f"stopped {where}"[:34], stop["visitors"], "#c46a2b"
    yield "questions saved", total["questions"]["saved"], "#4b8b57"
