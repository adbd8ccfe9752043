"""P7: deciding every stored account, by us and by one SELECT over the facts in Postgres."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from benchmarks.figures import Measured, Spread, ratios
from benchmarks.ground import Ground, OutputsDiffer
from benchmarks.preparing import install_rules
from benchmarks.rules import ATTRIBUTES, QUALIFIES_AT, plain_rules, rule_set
from benchmarks.translations import to_sql
from benchmarks.turns import in_turns
from service.bulk.account_judging import PIECE_ACCOUNTS, AccountJudge, decide_pieces
from service.bulk.account_store import Piece, read_accounts
from service.rules import RuleSet, load_rule_set
from service.storage import libpq_url

__all__ = ["fill_accounts", "measure_accounts"]

_RULES: Final = 20
_TURNS: Final = 3

_FACTS: Final = ", ".join(
    f"'{name}', round(least(100, greatest(0, random_normal(level, 15)))::numeric, 1)"
    for name in ATTRIBUTES
)
_FILL: Final = f"""
    INSERT INTO account (id, key, facts, provenance, row_version, created_at, updated_at)
    SELECT uuidv7(), 'account-' || number, jsonb_build_object({_FACTS}), '{{}}', 1, now(), now()
    FROM (SELECT number, 10 + 100 * random() AS level FROM generate_series(1, %s) AS number) AS new
"""  # noqa: S608 - our own names
_SELECT: Final = f"""
    SELECT CASE WHEN fit >= {QUALIFIES_AT} THEN 'qualify' ELSE 'disqualify' END AS verdict,
        count(*), sum(fit)
    FROM (SELECT {to_sql(plain_rules(_RULES), facts="facts")} AS fit FROM account) AS judged
    GROUP BY verdict
"""  # noqa: S608 - our own rules

Found = dict[str, tuple[int, float]]
"""How many accounts have a verdict, and the sum of their fits."""


def measure_accounts(ground: Ground) -> dict[str, Measured]:
    """Return P7."""
    document = rule_set(_RULES, subject="account")
    rules = load_rule_set(document)
    with ground.database("bench_accounts") as url:
        install_rules(url, [document])
        fill_accounts(url, ground.effort.scale)
        found: dict[str, Found] = {}
        us = in_turns(
            {
                "ours": partial(_timed, "ours", partial(_decide, rules, url), found),
                "sql": partial(_timed, "sql", partial(_select, url), found),
            },
            turns=_TURNS,
        )
        if found["ours"] != found["sql"]:
            raise OutputsDiffer(f"of the accounts we say {found['ours']}, SQL {found['sql']}")
        written, why_not = _rescore_twice(url, rules.id)
    ours, sql = (
        Spread(tuple(value / 1e6 for value in us[name].values), "s") for name in ("ours", "sql")
    )
    note = f"{ground.effort.scale:,} accounts; Postgres may take a second core for its SELECT"
    measured = Measured(
        figure=ratios(sql, ours), ours=ours, peer=sql, beside=written, notes=(note, *why_not)
    )
    return {"P7": measured}


def _rescore_twice(url: str, name: str) -> tuple[dict[str, Spread], list[str]]:
    """Return how long `goodfit rescore` takes that writes every result, and that writes none.

    Where it fails, that is said instead: the figure of the line does not depend on it.
    """
    found: dict[str, Spread] = {}
    command = [str(Path(sys.executable).with_name("goodfit")), "rescore", name, "--json"]
    for what in ("`goodfit rescore`, every result written", "again, where nothing changed"):
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            env={**os.environ, "DATABASE_URL": url},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            said = [line.strip("│ ") for line in done.stderr.splitlines()]
            words = [line for line in said if re.search(r"\w", line)] or ["it said nothing"]
            return found, [f"`goodfit rescore` failed: {words[-1]}"]
        found[what] = Spread((time.perf_counter() - began,), "s")
    return found, []


def fill_accounts(url: str, count: int) -> None:
    """Store *count* accounts whose facts `plain_rules` read."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(_FILL.encode(), (count,))
        connection.execute("VACUUM ANALYZE account")
        connection.execute("CHECKPOINT")


def _timed(name: str, work: partial[Found], found: dict[str, Found]) -> float:
    began = time.perf_counter()
    found[name] = work()
    return time.perf_counter() - began


def _select(url: str) -> Found:
    with psycopg.connect(libpq_url(url)) as connection:
        rows = connection.execute(_SELECT.encode())
        return {verdict: (count, float(total)) for verdict, count, total in rows}


def _decide(rules: RuleSet, url: str) -> Found:
    return asyncio.run(_decide_all(rules, url, at=datetime.now(UTC)))


async def _decide_all(rules: RuleSet, url: str, *, at: datetime) -> Found:
    """Decide as rescoring does, and count instead of writing."""
    counts: Counter[str] = Counter()
    fits: Counter[str] = Counter()
    judge = AccountJudge.of(rules, at=at)
    connection = await psycopg.AsyncConnection.connect(libpq_url(url))

    def read(after: UUID | None) -> "asyncio.Future[Piece]":
        return asyncio.ensure_future(
            read_accounts(connection, after=after, at=at, limit=PIECE_ACCOUNTS)
        )

    try:
        async for decided in decide_pieces(read, judge, after=None):
            for row in (
                decided.answers.group_by("verdict")
                .aggregate([("verdict", "count"), ("value_fit", "sum")])
                .to_pylist()
            ):
                counts[row["verdict"]] += row["verdict_count"]
                fits[row["verdict"]] += row["value_fit_sum"]
    finally:
        judge.close()
        await connection.close()
    return {verdict: (count, fits[verdict]) for verdict, count in counts.items()}
