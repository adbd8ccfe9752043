"""Random tamperings of a chain of ten thousand entries: each is found, and where."""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection, sql

from service.storage import libpq_url, open_engine, verify_audit
from tests.sizes import size

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LENGTH = 10_000
ROUNDS = size(50, quick=15)
A_ROUND = 40
COLUMNS = ("seq", "at", "actor", "action", "subject", "digest", "payload", "prev_hash", "hash")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = dict[str, Any]
Found = tuple[int, str]


def hash_of(row: Row) -> bytes:
    """Return an entry's hash, from the words of `service.storage.audit` alone."""
    micros = (row["at"] - EPOCH) // timedelta(microseconds=1)
    content = row["prev_hash"] + row["seq"].to_bytes(8, "big") + micros.to_bytes(8, "big")
    for name in ("actor", "action", "subject", "digest", "payload"):
        value = row[name]
        if value is None:
            content += (-1).to_bytes(8, "big", signed=True)
            continue
        written = value if isinstance(value, bytes) else value.encode()
        content += len(written).to_bytes(8, "big") + written
    return hashlib.sha256(content).digest()


def chain() -> list[Row]:
    """Return ten thousand entries, each covering the one before."""
    rows: list[Row] = []
    before = bytes(32)
    for seq in range(1, LENGTH + 1):
        row: Row = {
            "seq": seq,
            "at": NOON + timedelta(seconds=seq),
            "actor": f"person{seq % 7}@example.com",
            "action": "rulesets.edit" if seq % 3 else "rulesets.commit",
            "subject": f"fleet_leads/{seq % 11}",
            "digest": None if seq % 3 else f"sha256:{seq:064x}",
            "payload": b'{"version":%d}' % seq,
            "prev_hash": before,
        }
        row["hash"] = before = hash_of(row)
        rows.append(row)
    return rows


class Forger:
    """Somebody who owns the server and writes past its triggers, one thing at a time."""

    def __init__(self, owner: Connection[Any], rows: list[Row], chance: random.Random) -> None:
        self.owner, self.rows, self.chance = owner, rows, chance

    def change(self, seq: int) -> list[Found]:
        """Change one column of an entry."""
        statement = self.chance.choice([
            "UPDATE audit_entry SET actor = actor || 'x' WHERE seq = %s",
            "UPDATE audit_entry SET action = 'keys.revoke' WHERE seq = %s",
            "UPDATE audit_entry SET subject = 'another/1' WHERE seq = %s",
            "UPDATE audit_entry SET digest = coalesce(digest, '') || '0' WHERE seq = %s",
            "UPDATE audit_entry SET payload = payload || ' ' WHERE seq = %s",
            "UPDATE audit_entry SET at = at - interval '1 microsecond' WHERE seq = %s",
        ])  # fmt: skip
        self.owner.execute(statement.encode(), (seq,))
        return [(seq, "changed")]

    def change_and_hash_again(self, seq: int) -> list[Found]:
        """Change an entry so that it fits itself: then the next does not follow it."""
        row = {**self.rows[seq - 1], "actor": "eve@example.com"}
        statement = "UPDATE audit_entry SET actor = %s, hash = %s WHERE seq = %s"
        self.owner.execute(statement, (row["actor"], hash_of(row), seq))
        return [(seq + 1, "out_of_place")]

    def remove(self, seq: int) -> list[Found]:
        """Take an entry out."""
        self.owner.execute("DELETE FROM audit_entry WHERE seq = %s", (seq,))
        return [(seq, "removed")]

    def swap(self, seq: int) -> list[Found]:
        """Exchange an entry and the next, numbers and all."""
        self._renumber(seq, -seq)
        self._renumber(seq + 1, seq)
        self._renumber(-seq, seq + 1)
        wrong = ("out_of_place", "changed")
        return [*((seq + n, kind) for n in (0, 1) for kind in wrong), (seq + 2, "out_of_place")]

    def insert(self, seq: int) -> list[Found]:
        """Put a forged entry in, and give every later one the next number."""
        self.owner.execute("UPDATE audit_entry SET seq = -seq - 1 WHERE seq >= %s", (seq,))
        self.owner.execute("UPDATE audit_entry SET seq = -seq WHERE seq < 0")
        forged = {**self.rows[seq - 1], "actor": "eve@example.com"}
        self._add({**forged, "hash": hash_of(forged)})
        return [(seq + 1, "out_of_place")]

    def cut_off(self, seq: int) -> list[Found]:
        """Take out the end."""
        self.owner.execute("DELETE FROM audit_entry WHERE seq >= %s", (seq,))
        return [(LENGTH, "cut_off")]

    def go_on(self, seq: int) -> list[Found]:
        """Add a perfect entry at the end that the head knows nothing of."""
        del seq
        row = {**self.rows[-1], "seq": LENGTH + 1, "prev_hash": self.rows[-1]["hash"]}
        self._add({**row, "hash": hash_of(row)})
        return [(LENGTH + 1, "past_the_end")]

    def _renumber(self, seq: int, to: int) -> None:
        self.owner.execute("UPDATE audit_entry SET seq = %s WHERE seq = %s", (to, seq))

    def _add(self, row: Row) -> None:
        into = sql.SQL("INSERT INTO audit_entry ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
            sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS)),
        )
        self.owner.execute(into, [row[name] for name in COLUMNS])


@pytest.fixture
def rows() -> list[Row]:
    """Return the chain as it was written."""
    return chain()


@pytest.fixture
def owner(database_url: str, rows: list[Row]) -> Iterator[Connection[Any]]:
    """Return a connection past the triggers, on a database that holds the chain and a copy."""
    with Connection.connect(libpq_url(database_url), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("ALTER TABLE audit_entry DROP CONSTRAINT ck_audit_entry_seq")
        names = ", ".join(COLUMNS)
        with (
            owner.cursor() as cursor,
            cursor.copy(f"COPY audit_entry ({names}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row([row[name] for name in COLUMNS])
        head = (LENGTH, rows[-1]["hash"])
        owner.execute("UPDATE audit_head SET seq = %s, hash = %s", head)
        owner.execute("CREATE TABLE as_written AS TABLE audit_entry")
        yield owner


def places(chance: random.Random) -> list[int]:
    """Return where to tamper, far enough apart that two tamperings do not touch; in order."""
    spots = sorted(chance.sample(range(1, LENGTH // 5 - 1), A_ROUND))
    return [5 * spot for spot in spots]


async def test_tamperings_are_found_where_they_were_done(
    database_url: str, owner: Connection[Any], rows: list[Row]
) -> None:
    """Fifty rounds of forty; the last of each is at the end, or moves what follows."""
    engine = open_engine(database_url)
    chance = random.Random(20261122)
    untouched = await verify_audit(engine)
    assert (untouched.holds, untouched.entries) == (True, LENGTH)
    for _ in range(ROUNDS):
        forger = Forger(owner, rows, chance)
        *spots, last = places(chance)
        # A swap breaks five links; a report lists no more than a hundred.
        local = [forger.change, forger.change_and_hash_again, forger.remove]
        acts = chance.choices([*local, forger.swap], weights=[4, 4, 4, 1], k=len(spots))
        expected = [found for act, seq in zip(acts, spots, strict=True) for found in act(seq)]
        final = chance.choice([forger.insert, forger.cut_off, forger.go_on])(last)
        report = await verify_audit(engine)
        told = [(found.seq, found.kind) for found in report.breaks]
        assert told[: len(expected)] == expected
        assert told[len(expected)] == final[0]
        owner.execute("TRUNCATE audit_entry")
        owner.execute("INSERT INTO audit_entry TABLE as_written")
    assert (await verify_audit(engine)).holds
    await engine.dispose()
