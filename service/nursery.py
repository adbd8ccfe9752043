"""The process that has loaded the service once, and whose children serve.

`goodfit serve` starts it and asks it on a line: for a child that runs a program of ours, and
how a child ended. A child begins in milliseconds, and shares with the others every page of
memory that none of them writes to. It gets two descriptors from whoever asked: a line of its
own, and the listening socket where it answers requests.

Nothing here may start a thread, open a connection or make an event loop: a child would get
half of it. A child that has ended stays in the system's table until somebody asks how, so
its number means nobody else meanwhile. With its line this process ends; its children have
lines of their own.
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

# What most of a child is. What another program needs besides, it loads when it begins.
import service.server  # noqa: F401

__all__ = ["main"]

_ORDER_BYTES: Final = 4_096
_DESCRIPTORS: Final = 2


def main() -> None:
    """Bear children until the line ends; in a child, run its program to its end."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--line", type=int, required=True)
    line = socket.socket(fileno=asked.parse_args().line)
    _show("goodfit nursery")
    # What is frozen is never looked through, and so not written to, by any child's collections.
    gc.freeze()
    run = _attend(line)
    if run is not None:
        gc.enable()  # whoever started us switched it off while we loaded
        run()


def _attend(line: socket.socket) -> Callable[[], None] | None:
    """Do what is asked on *line* until it ends; in a child, return at once what it is to run."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(line, _ORDER_BYTES, _DESCRIPTORS)
        if not order:
            return None
        asked = json.loads(order)
        if "ended" in asked:
            answer = _how_ended(asked["ended"])
        else:
            answer = os.fork()
            if answer == 0:
                line.close()
                return _born(asked["program"], descriptors)
            for number in descriptors:
                os.close(number)
        line.sendall(json.dumps(answer).encode() + b"\n")


def _how_ended(pid: int) -> int | None:
    """Return the exit code of the child *pid*, once; None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _born(program: str, descriptors: list[int]) -> Callable[[], None]:
    """Return what this child runs: *program*, once its line says what its environment has more.

    Where the line ends before that, nothing is to be run.
    """
    _show(f"goodfit {program.split('.')[1]}")
    for number in descriptors:
        os.set_inheritable(number, False)  # noqa: FBT003 - the function's own signature
    line, *given = (socket.socket(fileno=number) for number in descriptors)

    def run() -> None:
        with line:
            main = importlib.import_module(program).main
            with line.makefile("rb") as told:
                word = told.readline()
            if word:
                os.environ.update(json.loads(word))
                sys.exit(main(line, *given))

    return run


def _show(name: str) -> None:
    """Let `ps` and `top` show *name*, where the system knows how."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")
