"""Structured logs: one JSON object a line, and nothing of a lead in any of them.

Fields are chosen one by one. An unexpected error is logged by its kind and its place
in our code, never by its words: those of Postgres print the row, those of pydantic
the input.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Protocol, TextIO

import orjson
import structlog

__all__ = ["Journal", "configure_logs", "is_told", "journal", "stack_of", "tell_request"]

_HOME: Final = Path(__file__).resolve().parents[2]
_INNERMOST: Final = 3


class Journal(Protocol):
    """What is written to: an event in a few words, then fields."""

    def info(self, event: str, **fields: object) -> None:
        """Write what happened as it should."""

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody should look at some day."""

    def error(self, event: str, **fields: object) -> None:
        """Write what somebody should look at now."""


def configure_logs(
    *,
    level: str = "info",
    style: Literal["auto", "json", "console"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Send every log of this process, libraries' included, to *stream* (standard error).

    Call it once, in a front door. *style* `auto` is for eyes on a terminal, else JSON.
    """
    out = sys.stderr if stream is None else stream
    is_pretty = style == "console" or (style == "auto" and out.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if is_pretty else structlog.processors.JSONRenderer()
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _lines.stream = None if is_pretty else out
    _lines.is_kept = threshold <= logging.INFO
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _without_words],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.INFO))
    # They write whole addresses, and a query may name somebody.
    for name in ("httpx", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def journal(room: str) -> Journal:
    """Return the journal in which *room* writes."""
    written: Journal = structlog.get_logger(room=room)
    return written


@dataclass(slots=True)
class _Lines:
    """Where a request's line goes as JSON; None where it takes the way of all logs.

    *is_kept* says whether anybody wants it at all.
    """

    stream: TextIO | None = None
    is_kept: bool = True


_lines: Final = _Lines()


def is_told() -> bool:
    """Return whether anybody wants the line of an answered request."""
    return _lines.is_kept


def tell_request(fields: Mapping[str, object]) -> None:
    """Write the line of one answered request.

    The one line that is written thousands of times a second: as JSON it goes straight
    to the stream, in the form that every other event has.
    """
    if _lines.stream is None:
        journal("web").info("request", **fields)
        return
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")  # noqa: TID251 - a log's own clock
    line = orjson.dumps({"event": "request", "level": "info", "timestamp": at, **fields})
    _lines.stream.write(line.decode() + "\n")


def stack_of(error: BaseException) -> list[str]:
    """Return where *error* came from: our own places, then the innermost ones; no words."""
    frames = traceback.extract_tb(error.__traceback__)
    inner = len(frames) - _INNERMOST
    kept = [frame for at, frame in enumerate(frames) if at >= inner or _is_ours(frame.filename)]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in kept]


def _without_words(
    logger: object, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep a library's exception to its kind and place: its words may hold a lead's values."""
    del logger, name
    told: tuple[type[BaseException], BaseException, TracebackType] | bool | None
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()  # type: ignore[assignment] # (None, None, None) is falsy below
    if isinstance(told, tuple) and told[1] is not None:
        event["error"] = type(told[1]).__qualname__
        event["where"] = stack_of(told[1])
    return event


def _is_ours(path: str) -> bool:
    found = Path(path)
    return found.is_relative_to(_HOME) and "site-packages" not in found.parts


def _short(path: str) -> str:
    return str(Path(path).relative_to(_HOME)) if _is_ours(path) else Path(path).name
