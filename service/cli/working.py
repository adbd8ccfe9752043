"""`goodfit worker`: one more process that works on the queue, on this machine or another."""

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from service.cli.screen import USAGE, print_json, refuse, say
from service.cli.starting import settings_of_process

__all__ = ["work"]

# Of this installation, whatever folder the command was started in.
_HOME: Final = str(Path(__file__).resolve().parents[2])
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1));"
    " from service.queue.main import main; sys.exit(main())"
)


def work(*, as_json: bool) -> NoReturn:
    """Become the process that works on the queue, until a signal."""
    settings = settings_of_process()
    if settings.database_url is None:
        words = "set DATABASE_URL; on a database of its own `goodfit serve` works on the queue too"
        refuse(words, code=USAGE)
    if as_json:
        print_json({"at_once": settings.jobs_at_once, "lease_s": settings.job_lease_s})
    else:
        say(f"  working on up to {settings.jobs_at_once} jobs at a time; Ctrl-C ends it")
    sys.stdout.flush()
    os.execv(sys.executable, (sys.executable, "-P", "-c", _PROGRAM, _HOME))  # noqa: S606 - our own program
