"""P10: whether answers stay as fast when a million decisions are stored already."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import httpx
import psycopg

from benchmarks.figures import Measured, ratios
from benchmarks.ground import Ground
from benchmarks.loading import Generator, Loaded, generator
from benchmarks.preparing import install_rules, requests_of
from benchmarks.rules import leads, rule_set
from benchmarks.servers import HOST, Served, serve_ours
from service.storage import libpq_url

__all__ = ["measure_stored"]

_RULES: Final = 20
_NAME: Final = f"plain_rules_{_RULES}"
_FEW: Final = 10_000
_SAMPLES: Final = 200
_QUALIFY_RATE: Final = 200.0
_LIST_RATE: Final = 40.0
_CONNECTIONS: Final = 8
_ROUNDS_MORE: Final = 2
"""A p99 of a steady load needs more rounds than a rate does."""

# Copies of real decisions, each at another millisecond of the last days of this month, under
# the id of that instant and another external id.
_COPY: Final = """
    WITH columns AS MATERIALIZED (
        SELECT row_number() OVER () AS place, decision.* FROM decision ORDER BY id LIMIT %(samples)s
    ), spans AS (
        SELECT greatest(date_trunc('month', now()), now() - interval '20 days') AS began
    ), given AS (
        SELECT number, date_trunc('milliseconds', began + (now() - began) * random()) AS at
        FROM spans, generate_series(1, %(count)s) AS number
    )
    INSERT INTO decision (decided_at, id, external_id, {names})
    SELECT at,
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008'
            || substr(md5(random()::text), 1, 15))::uuid,
        'crm-' || number, {names}
    FROM given JOIN columns ON place = 1 + number %% %(samples)s
"""


def measure_stored(ground: Ground) -> dict[str, Measured]:
    """Return P10: the p99 of deciding and of listing, beside those on ten thousand decisions."""
    effort = ground.effort
    with ground.database("bench_few") as few_url:
        key = install_rules(few_url, [rule_set(_RULES)])
        _decide_samples(few_url, key)
        with ground.database("bench_many", like="bench_few") as many_url:
            _fill(few_url, _FEW - _SAMPLES)
            _fill(many_url, effort.scale - _SAMPLES)
            with serve_ours(few_url) as few, serve_ours(many_url) as many, generator() as load:
                pair = [replace(few, name="few"), replace(many, name="many")]
                decided = _load(load, pair, _questions(key), _QUALIFY_RATE, ground)
                listed = _load(load, pair, _lists(key), _LIST_RATE, ground)
    return {"P10": _worst(decided, listed, effort.scale)}


def _worst(decided: Mapping[str, Loaded], listed: Mapping[str, Loaded], stored: int) -> Measured:
    """Return the slower of the two by its ratio, the other one beside it."""
    tails = {
        name: {size: loaded.latencies(0.99) for size, loaded in loads.items()}
        for name, loads in (("deciding", decided), ("listing", listed))
    }
    grown = {name: ratios(by_size["many"], by_size["few"]) for name, by_size in tails.items()}
    worst = max(grown, key=lambda name: grown[name].median)
    beside = {f"{name}, p99 on many by p99 on few": ratio for name, ratio in grown.items()}
    for name, by_size in tails.items():
        beside |= {f"{name}, p99 on {size}": spread for size, spread in by_size.items()}
    notes = (f"{_FEW:,} and {stored:,} decisions are stored; the figure is of {worst}",)
    return Measured(
        figure=grown[worst],
        ours=tails[worst]["many"],
        peer=tails[worst]["few"],
        beside=beside,
        notes=notes,
    )


def _load(
    load: Generator,
    servers: Sequence[Served],
    requests: Sequence[bytes],
    rate: float,
    ground: Ground,
) -> dict[str, Loaded]:
    found = load.in_turns(
        [replace(served, requests=requests) for served in servers],
        connections=_CONNECTIONS,
        seconds=ground.effort.seconds,
        rounds=ground.effort.rounds + _ROUNDS_MORE,
        rate=rate,
    )
    refused = sum(loaded.refused for loaded in found.values())
    if refused:
        raise RuntimeError(f"{refused} requests were refused")
    return found


def _questions(key: str) -> list[bytes]:
    return requests_of(leads(_SAMPLES, seed=4), key=key, rule_set=_NAME)


def _lists(key: str) -> list[bytes]:
    """Return what people look at: the newest decisions, those of a verdict, those of a lead."""
    queries = (
        f"rule_set={_NAME}",
        f"rule_set={_NAME}&verdict=qualify",
        *(f"external_id=crm-{number}" for number in range(1, 20)),
    )
    head = f"Host: {HOST}\r\nAuthorization: Bearer {key}\r\n\r\n"
    return [f"GET /v1/decisions?limit=50&{query} HTTP/1.1\r\n{head}".encode() for query in queries]


def _decide_samples(url: str, key: str) -> None:
    """Have real decisions made, to be copied."""
    headers = {"Authorization": f"Bearer {key}"}
    with serve_ours(url) as served, httpx.Client(base_url=served.url, headers=headers) as client:
        for lead in leads(_SAMPLES, seed=4):
            question = {"rule_set": _NAME, "lead": lead, "external_id": "sample"}
            client.post("/v1/qualify", json=question).raise_for_status()


def _fill(url: str, count: int) -> None:
    """Store *count* copies of the decisions that are there, and let Postgres settle."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        names = ", ".join(_copied_columns(connection))
        statement = _COPY.format(names=names).encode()
        connection.execute(statement, {"samples": _SAMPLES, "count": count})
        connection.execute("VACUUM ANALYZE decision")
        connection.execute("CHECKPOINT")


def _copied_columns(connection: psycopg.Connection) -> Iterator[str]:
    made = {"decided_at", "id", "external_id"}
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'decision'::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return (name for (name,) in rows if name not in made)
