"""What a command that serves needs first: settings, and an end that leaves nothing running.

Loads no database driver, so that the serving processes can begin to load before that.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from service.cli.screen import refuse
from service.settings import InvalidSettings, Settings, read_settings

__all__ = ["settings_of_process", "stopped_by_signals"]


def settings_of_process() -> Settings:
    """Return this process's settings; where one cannot be used, say which and end with 2."""
    try:
        return read_settings()
    except InvalidSettings as error:
        refuse(str(error))


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM, and a terminal that closes, unwind the stack like Ctrl-C does.

    So what was started is stopped.
    """

    def unwind(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {n: signal.signal(n, unwind) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
