"""How much processor time a process and its children have used."""

import contextlib

import psutil

__all__ = ["used_s"]


def used_s(pid: int | None) -> float:
    """Return the seconds of processor time of *pid* and its children; 0 where there is none.

    Those that ended are counted in whoever waited for them: the sum never falls.
    """
    if pid is None:
        return 0.0
    try:
        own = psutil.Process(pid)
        processes = [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
