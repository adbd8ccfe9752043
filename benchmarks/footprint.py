"""P11, P12: how soon a server answers after its start, and how much memory it keeps."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.figures import Measured, Spread, differences
from benchmarks.ground import Ground
from benchmarks.preparing import clone_live, install_rules
from benchmarks.rules import leads, rule_set
from benchmarks.servers import HOST, Served, free_port, peer_command, peer_uvicorn, running, stop

__all__ = ["measure_memory", "measure_start"]

_RULES: Final = 20
_RULE_SETS: Final = 100
_STARTS: Final = 7
_WORKERS: Final = 3
_WITHIN_S: Final = 60.0
_LEAD: Final = next(leads(1))


def measure_start(ground: Ground) -> dict[str, Measured]:
    """Return P11: seconds from the command to the first verdict, beside those to an echo."""
    echo_command = peer_command(ground.python_peers(), "bare:app")
    our_command = [str(Path(sys.executable).with_name("goodfit")), "serve"]
    ours, echo = [], []
    with ground.database("bench_start") as url:
        key = install_rules(url, [rule_set(_RULES)])
        given = {"DATABASE_URL": url, "GOODFIT_LOG_LEVEL": "warning"}
        _first_answer(our_command, key, given)  # fills the disk's cache
        for _ in range(_STARTS):
            ours.append(_first_answer(our_command, key, given))
            echo.append(_first_answer(echo_command, key, {}))
    one, other = Spread(tuple(ours), "s"), Spread(tuple(echo), "s")
    return {"P11": Measured(figure=differences(one, other), ours=one, peer=other)}


def measure_memory(ground: Ground) -> dict[str, Measured]:
    """Return P12: what a worker holds, once every rule set decided; each has its part of a page.

    Ours shares pages with the process that it was forked of, the peer's with nobody.
    """
    python = ground.python_peers()
    names = [f"rules_{number}" for number in range(_RULE_SETS)]
    few, many, own, whole, echo = [], [], [], [], []
    with ground.database("bench_memory") as url:
        key = install_rules(url, [rule_set(_RULES, name=names[0])])
        clone_live(url, names[1:], model=names[0])
        for _ in range(_WORKERS):
            with _goodfit_serve(url) as served:
                _ask(served, key, names[:1])
                few.append(_mb("pss", _worker_of(served)))
                _ask(served, key, names)
                worker = _worker_of(served)
                many.append(_mb("pss", worker))
                own.append(_mb("uss", worker))
                whole.append(_mb("pss", *_tree_of(served)))
            with peer_uvicorn(python, "bare:app", name="echo") as served:
                _ask(served, key, names)
                echo.append(_mb("pss", psutil.Process(served.pid)))
    one, other = Spread(tuple(many), "MB"), Spread(tuple(echo), "MB")
    return {
        "P12": Measured(
            figure=differences(one, other),
            ours=one,
            peer=other,
            beside={
                "with one rule set live": Spread(tuple(few), "MB"),
                "shared with nobody": Spread(tuple(own), "MB"),
                "all processes of `goodfit serve` with one worker": Spread(tuple(whole), "MB"),
            },
        )
    }


def _first_answer(command: Sequence[str], key: str, environment: Mapping[str, str]) -> float:
    """Return the seconds from starting *command* to its first answer to a lead.

    Raises:
        RuntimeError: If there is none within a minute.
    """
    port = free_port()
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command line
        [*command, "--port", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            with httpx.Client(base_url=f"http://{HOST}:{port}", headers=_headers(key)) as client:
                while time.perf_counter() - began < _WITHIN_S:
                    with contextlib.suppress(httpx.TransportError):
                        client.post("/v1/qualify", json=_question(f"plain_rules_{_RULES}"))
                        return time.perf_counter() - began
                    time.sleep(0.005)
        finally:
            stop(process)
    raise RuntimeError(f"`{' '.join(command)}` did not answer within {_WITHIN_S:.0f} s")


def _ask(served: Served, key: str, names: Sequence[str]) -> None:
    with httpx.Client(base_url=served.url, headers=_headers(key), timeout=30) as client:
        for name in names:
            for _ in range(3):
                client.post("/v1/qualify", json=_question(name)).raise_for_status()


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _question(name: str) -> dict[str, object]:
    return {"rule_set": name, "lead": _LEAD, "external_id": "crm-1"}


def _goodfit_serve(url: str) -> contextlib.AbstractContextManager[Served]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("goodfit")), "serve", "--port", str(port)]
    given = {"DATABASE_URL": url, "GOODFIT_LOG_LEVEL": "warning"}
    return running(command, name="goodfit", port=port, environment=given)


def _tree_of(served: Served) -> list[psutil.Process]:
    command = psutil.Process(served.pid)
    return [command, *command.children(recursive=True)]


def _worker_of(served: Served) -> psutil.Process:
    (worker,) = (one for one in _tree_of(served) if one.name() == "goodfit server")
    return worker


def _mb(kind: str, *processes: psutil.Process) -> float:
    held: int = sum(getattr(one.memory_full_info(), kind) for one in processes)
    return held / 2**20
