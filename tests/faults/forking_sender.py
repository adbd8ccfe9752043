"""Send deliveries in a child, and in another one when that is killed: started by a test.

Everything is loaded once; each child's process id is printed when it begins. It ends with its
standard input, and expects a process group of its own for that.
"""

import asyncio
import os
import signal
import sys
import threading
from datetime import UTC, datetime

from service.delivery import sending
from service.settings import read_settings
from service.storage import open_engine, session_limits
from service.web import configure_logs, open_house


async def send() -> None:
    """Send until killed."""
    settings = read_settings()
    configure_logs(level="error", style="json")
    engine = open_engine(sys.argv[1], limits=session_limits(settings))
    house = open_house(settings, engine, clock=lambda: datetime.now(UTC))
    async with sending(house):
        await asyncio.Event().wait()


def main() -> None:
    """Fork a child, wait for its end, and again, until standard input ends."""
    threading.Thread(target=end_with_input, daemon=True).start()
    while True:
        pid = os.fork()
        if pid == 0:
            asyncio.run(send())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        os.waitpid(pid, 0)


def end_with_input() -> None:
    """Wait until standard input ends, then end everybody."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
