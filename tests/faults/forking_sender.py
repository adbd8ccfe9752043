"""Send deliveries in a child, and in another one when that is killed: started by a test.

Everything is loaded once; each child's process id is printed when it begins.
"""

import asyncio
import os
import sys
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
    """Fork a child, wait for its end, and again; ends when nobody reads any more."""
    while True:
        pid = os.fork()
        if pid == 0:
            asyncio.run(send())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
