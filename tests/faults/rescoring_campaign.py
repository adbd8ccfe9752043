"""`make endurance`: a million accounts rescored twice, once killed again and again on the way.

Both runs are of one instant and of the same accounts, so what they leave has to be the same,
decision by decision. What was found goes into a file under `docs/measurements`.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from service.rescorings import ask_for
from service.rulesets import Editor
from service.storage import libpq_url, migrate, open_engine, transaction
from service.storage.embedded import EmbeddedPostgres
from tests.bulk.books import decisions_per_account, fill, go_live, new_uuid
from tests.faults.test_rescoring_kills import killed_behind, query, started
from tests.parity.campaign import ROOT, machine, revision, say

RESULT: Final = ROOT / "docs" / "measurements" / "rescoring-kills.json"
ACCOUNTS, KILLS, SEED = 1_000_000, 3, 20_261_126
# The sum of two hashes of every account's row: equal whatever the order of the rows.
_SUMS: Final = """
    SELECT count(*), sum(hashtextextended(told, 1)), sum(hashtextextended(told, 2)) FROM (
        SELECT jsonb_build_array(account.key, stands.at, stands.version, stands.verdict,
            stands.outcome, decided.verdict, decided.outcome, decided.certain, decided.scores,
            decided.facts, decided.trace, decided.tabled, decided.data_problems,
            decided.digest, decided.source)::text AS told
        FROM assessment AS stands JOIN account ON account.id = stands.account_id
        JOIN decision AS decided
            ON decided.decided_at = stands.at AND decided.id = stands.decision_id
    ) AS rows
"""


def make(url: str, accounts: int) -> None:
    """Store accounts, bring the rules live, and ask for a rescoring that nobody works on yet."""
    migrate(url)
    fill(url, accounts)
    asyncio.run(_ask(url))


async def _ask(url: str) -> None:
    engine = open_engine(url)
    running = await go_live(engine)
    editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
    async with transaction(engine) as connection:
        await ask_for(connection, running, editor=editor)
    await engine.dispose()


def finish(url: str) -> float:
    """Go on with the rescoring to its end; return the seconds that took."""
    began = time.monotonic()
    process = started(url)
    _, error = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the rescoring failed: {error}")
    return time.monotonic() - began


def kill_on_the_way(url: str, accounts: int, kills: int) -> list[int]:
    """Start the rescoring and kill it, so many times; return how far it was each time."""
    chance, reached = random.Random(SEED), []
    for place in sorted(chance.randrange(accounts * 3 // 4) for _ in range(kills)):
        asyncio.run(killed_behind(url, place))
        reached.append(int(query(url, "SELECT done FROM rescoring")))
        say(f"killed after {reached[-1]:,} accounts")
    return reached


def found_in(url: str) -> dict[str, Any]:
    """Return what a finished rescoring left: sums over all of it, and its own account of itself."""
    with psycopg.connect(libpq_url(url)) as connection:
        sums = connection.execute(_SUMS.encode()).fetchone()
        told = connection.execute("SELECT state, done, tally FROM rescoring").fetchone()
    return {
        "decisions_per_account": {str(n): count for n, count in decisions_per_account(url).items()},
        "sums": [str(one) for one in sums or ()],
        "rescoring": told,
    }


def main() -> None:
    """Run both, compare them, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    began = {"revision": revision(), "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}", **machine()}
    with tempfile.TemporaryDirectory(prefix="goodfit-kills-", dir="/var/tmp") as home:
        Path(home).chmod(0o755)  # its server is another user where we are root
        with EmbeddedPostgres.start(Path(home) / "home") as server:
            found = _compare(server, chosen.accounts, chosen.kills)
    members = {"command": "make endurance", "accounts": chosen.accounts, **began, **found}
    chosen.out.write_text(json.dumps(members, indent=1) + "\n", "utf-8")
    say(f"written to {chosen.out}")
    if not found["alike"]:
        sys.exit("the rescoring that was killed left something else")


def _compare(server: EmbeddedPostgres, accounts: int, kills: int) -> dict[str, Any]:
    names = ("undisturbed", "killed")
    with psycopg.connect(libpq_url(server.url()), autocommit=True) as connection:
        connection.execute("CREATE DATABASE undisturbed")
        say(f"storing {accounts:,} accounts")
        make(server.url("undisturbed"), accounts)
        connection.execute("CREATE DATABASE killed TEMPLATE undisturbed")
    seconds = finish(server.url("undisturbed"))
    say(f"undisturbed: {seconds:.0f} s")
    began = time.monotonic()
    reached = kill_on_the_way(server.url("killed"), accounts, kills)
    finish(server.url("killed"))
    seconds_killed = time.monotonic() - began
    say(f"killed {kills} times: {seconds_killed:.0f} s")
    left = {name: found_in(server.url(name)) for name in names}
    alike = left["undisturbed"] == left["killed"]
    once = left["killed"]["decisions_per_account"] == {"1": accounts}
    return {
        "alike": alike and once,
        "killed_after": reached,
        "seconds": {"undisturbed": round(seconds), "killed_and_resumed": round(seconds_killed)},
        "left": left,
    }


if __name__ == "__main__":
    main()
