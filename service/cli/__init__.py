"""The front door for people at a terminal: `goodfit`.

One module a command. Exit codes: 0 done, 1 the answer is no, 2 the call cannot be understood.
"""

from service.cli.door import app, main

__all__ = ["app", "main"]
