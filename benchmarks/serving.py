"""P1-P4: `/v1/qualify` beside an echo, and beside what one would build instead.

Every server is one process with the same settings, and all of them stay up while they are
loaded in turns. Database, servers and load share the machine.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from benchmarks.figures import Measured, Spread, ratios
from benchmarks.ground import Ground, NotMeasured, OutputsDiffer
from benchmarks.loading import Generator, Loaded, generator
from benchmarks.preparing import install_rules, make_peer_table, requests_of
from benchmarks.rules import CEILING, QUALIFIES_AT, leads, plain_rules, rule_set
from benchmarks.sampling import Sampled, sample
from benchmarks.servers import Served, peer_node, peer_uvicorn, serve_ours
from benchmarks.translations import to_jdm, to_json_rules
from service.storage import libpq_url

__all__ = ["measure_serving"]

_RULES: Final = 20
_CONNECTIONS: Final = 32
_COMPARED: Final = 100
_ROOMS: Final = 7
_OURS: Final = "goodfit"
_LINE_OF: Final = {"echo": "P1", "zen-engine": "P2", "fastify": "P3"}


def measure_serving(ground: Ground) -> dict[str, Measured | NotMeasured]:
    """Return P1 to P4."""
    effort = ground.effort
    with ground.database("bench_serving") as url, _servers(ground, url) as servers:
        _compare([server for server in servers if server.name != "echo"])
        with generator() as load:
            peaks = load.in_turns(
                servers, connections=_CONNECTIONS, seconds=effort.seconds, rounds=effort.rounds
            )
            found: dict[str, Measured | NotMeasured] = {
                line: _peak(peaks[_OURS], peaks[name])
                if name in peaks
                else NotMeasured(ground.peers.why_no_node)
                for name, line in _LINE_OF.items()
            }
            pair = [server for server in servers if server.name in {_OURS, "echo"}]
            rate = min(peaks[server.name].rates.median for server in pair) / 2
            _check_point(url)  # what the peaks left to be written; that has a figure of its own
            tails = load.in_turns(
                pair,
                connections=_CONNECTIONS,
                seconds=effort.seconds,
                rounds=effort.rounds,
                rate=rate,
            )
            checkpoint = _through_a_checkpoint(load, pair[-1], url, rate=rate, ground=ground)
            limits = sample(ground, load, url, pair[-1].requests, seconds=effort.seconds)
    notes = (f"{rate:.0f} requests/s to each", _wal(ground))
    return {**found, "P1": _limited(found["P1"], limits), "P4": _tail(tails, checkpoint, notes)}


def _peak(ours: Loaded, peer: Loaded) -> Measured:
    return Measured(
        figure=ratios(ours.rates, peer.rates),
        ours=ours.rates,
        peer=peer.rates,
        beside={
            "our p99 at peak": ours.latencies(0.99),
            "its p99 at peak": peer.latencies(0.99),
            "our server's processor time a request": ours.used_us,
            "its server's": peer.used_us,
        },
        notes=(_generator_words(ours, peer), *_refusals(ours, peer)),
    )


def _limited(found: Measured | NotMeasured, limits: Sampled) -> Measured | NotMeasured:
    """Return P1 with what its figure is made of."""
    if isinstance(found, NotMeasured):
        return found
    shares = ", ".join(
        f"{name} {share:.0%}" for name, share in list(limits.rooms().items())[:_ROOMS]
    )
    postgres = Spread((limits.used_us["Postgres"],), "us")
    return replace(
        found,
        beside={**found.beside, "Postgres's processor time a request": postgres},
        notes=(*found.notes, f"our server's time by part: {shares}"),
    )


def _tail(tails: Mapping[str, Loaded], checkpoint: Spread, notes: Sequence[str]) -> Measured:
    ours, echo = tails[_OURS], tails["echo"]
    return Measured(
        figure=ratios(ours.latencies(0.99), echo.latencies(0.99)),
        ours=ours.latencies(0.99),
        peer=echo.latencies(0.99),
        beside={
            "our median": ours.latencies(0.5),
            "its median": echo.latencies(0.5),
            "our p99 through a checkpoint": checkpoint,
        },
        notes=(*notes, *_refusals(ours, echo)),
    )


def _generator_words(ours: Loaded, peer: Loaded) -> str:
    return (
        f"the load generator was at work for {ours.busy:.0%} of the time against ours,"
        f" {peer.busy:.0%} against the peer"
    )


def _refusals(ours: Loaded, peer: Loaded) -> Iterator[str]:
    for whose, loaded in (("we", ours), ("the peer", peer)):
        if loaded.refused:
            yield f"{whose} refused {loaded.refused} requests"


def _through_a_checkpoint(
    load: Generator, served: Served, url: str, *, rate: float, ground: Ground
) -> Spread:
    """Return our p99 in milliseconds at *rate* while Postgres writes everything out."""
    seconds = max(3.0, ground.effort.seconds)

    timer = threading.Timer(seconds / 3, _check_point, args=(url,))
    timer.start()
    measured = load.run(served.load(connections=_CONNECTIONS, seconds=seconds, rate=rate))
    timer.join()
    return Spread((measured.latency_at(0.99) * 1e3,), "ms")


def _check_point(url: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _wal(ground: Ground) -> str:
    with psycopg.connect(libpq_url(ground.postgres.url())) as connection:
        row = connection.execute("SHOW wal_segment_size").fetchone()
    return f"WAL segments of {row[0] if row else 'unknown size'}"


@contextlib.contextmanager
def _servers(ground: Ground, url: str) -> Iterator[list[Served]]:
    """Serve the echo, the peers and, last, ours on the database at *url*."""
    key = install_rules(url, [rule_set(_RULES)])
    make_peer_table(url)
    requests = requests_of(leads(_COMPARED), key=key, rule_set=f"plain_rules_{_RULES}")
    python, rules = ground.python_peers(), _rules_file(ground.folder)
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(peer_uvicorn(python, "bare:app", name="echo")),
            stack.enter_context(
                peer_uvicorn(
                    python,
                    "obvious:app",
                    name="zen-engine",
                    environment={"DATABASE_URL": url, "PEER_RULES": str(rules)},
                )
            ),
        ]
        if ground.peers.node is not None:
            servers.append(stack.enter_context(peer_node(ground.peers.node, url=url, rules=rules)))
        servers.append(stack.enter_context(serve_ours(url)))
        yield [replace(server, requests=requests) for server in servers]


def _rules_file(folder: Path) -> Path:
    rules = plain_rules(_RULES)
    file = folder / "peer-rules.json"
    content = {
        "jdm": to_jdm(rules),
        "rules": to_json_rules(rules),
        "ceiling": CEILING,
        "qualifies_at": QUALIFIES_AT,
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def _compare(servers: list[Served]) -> None:
    """Send the same leads to every server.

    Raises:
        OutputsDiffer: If one comes to another fit or verdict than the others.
    """
    answers = {served.name: _answers(served) for served in servers}
    for name, given in answers.items():
        for place, (theirs, mine) in enumerate(zip(given, answers[_OURS], strict=True), start=1):
            if theirs != mine:
                raise OutputsDiffer(f"{name} says {theirs} of lead {place}, where we say {mine}")


def _answers(served: Served) -> list[tuple[float, str]]:
    """Return the fit and the verdict that come back for each of the server's requests."""
    with httpx.Client(base_url=served.url, timeout=10) as client:
        return [_answer(client, request) for request in served.requests]


def _answer(client: httpx.Client, request: bytes) -> tuple[float, str]:
    head, _, body = request.partition(b"\r\n\r\n")
    token = head.partition(b"Authorization: ")[2].partition(b"\r\n")[0].decode()
    headers = {"Authorization": token, "Content-Type": "application/json"}
    sent = client.post("/v1/qualify", content=body, headers=headers)
    answer: dict[str, Any] = sent.raise_for_status().json()
    fit = answer["fit"] if "fit" in answer else answer["scores"]["fit"]["value"]
    return float(fit), answer["verdict"]
