"""Whatever happened to a backup's bytes: it is read as it was written, or refused in words."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from service.storage.archive import BackupUnreadable, RestoreRefused
from service.storage.archive_making import back_up
from service.storage.archive_reading import open_backup
from service.storage.archive_restoring import restore
from tests.storage.archives import Members, ask, furnish, rewritten, vouched

FLIPS = 400


@pytest.fixture(scope="module")
def whole(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of a database with a little of everything."""
    furnish(module_database_url)
    file = tmp_path_factory.mktemp("backups") / "whole.zip"
    back_up(module_database_url, file)
    return file


def content(file: Path) -> list[bytes]:
    """Return everything that a reader of *file* would restore."""
    with open_backup(file) as backup:
        backup.check()
        tables = [b"".join(backup.read(table)) for table in backup.manifest.tables]
        return [backup.manifest.model_dump_json().encode(), *tables]


def refusal(file: Path) -> str:
    """Return in which words *file* is refused."""
    with pytest.raises(BackupUnreadable) as refused, open_backup(file) as backup:
        backup.check()
    return str(refused.value)


def test_a_whole_backup_is_read(whole: Path) -> None:
    """The tests below begin with a file that is well."""
    assert len(content(whole)) > 10


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_backup_that_was_cut_off_is_refused(whole: Path, tmp_path: Path, share: float) -> None:
    """Wherever the copy of it ended."""
    cut = tmp_path / "cut.zip"
    whole_bytes = whole.read_bytes()
    cut.write_bytes(whole_bytes[: int(len(whole_bytes) * share)])
    assert "cannot be read" in refusal(cut)


def test_a_flipped_bit_is_noticed_or_harmless(whole: Path, tmp_path: Path) -> None:
    """Anywhere in the file: refused in words, or in a place that nobody reads."""
    seeded, original = random.Random(18), content(whole)
    right, flipped = whole.read_bytes(), tmp_path / "flipped.zip"
    noticed = 0
    for _ in range(FLIPS):
        wrong = bytearray(right)
        wrong[seeded.randrange(len(wrong))] ^= 1 << seeded.randrange(8)
        flipped.write_bytes(wrong)
        try:
            assert content(flipped) == original
        except BackupUnreadable:
            noticed += 1
    assert noticed > FLIPS * 0.7, "nearly all of a file is read; the rest are dates and the like"


def test_a_changed_byte_in_any_member_is_noticed(whole: Path, tmp_path: Path) -> None:
    """Packed again by a zip tool, so that only our own sums can tell."""
    names = json.loads(_members_of(whole)["manifest.json"])["tables"]
    for name in (f"tables/{table['name']}.copy" for table in names if table["bytes"]):

        def change(members: Members, name: str = name) -> None:
            middle = len(members[name]) // 2
            old = members[name]
            members[name] = old[:middle] + bytes([old[middle] ^ 1]) + old[middle + 1 :]

        assert "are not those that the backup was made with" in refusal(
            rewritten(whole, tmp_path / "changed.zip", change)
        )


def _members_of(file: Path) -> Members:
    found: Members = {}
    rewritten(file, file.with_name("copy.zip"), found.update)
    return found


def _drop(name: str) -> Callable[[Members], None]:
    return lambda members: members.__delitem__(name)


def _add(name: str, size: int = 1) -> Callable[[Members], None]:
    return lambda members: members.__setitem__(name, b"\0" * size)


def _say(**changes: object) -> Callable[[Members], None]:
    return lambda members: vouched(members, **changes)


def _shorten(members: Members) -> None:
    members["tables/account.copy"] = b""


def _bomb(members: Members) -> None:
    members["tables/account.copy"] = b"\n" * 50_000_000
    vouched(members)


def _rename_table(members: Members) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["tables"][0]["name"] = "../../etc/passwd"
    members["manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop("manifest.json"), "not a backup of Goodfit's"),
        (_drop("tables/decision.copy"), "`tables/decision.copy` is missing"),
        (_add("tables/extra.copy"), "does not belong in a backup"),
        (_add("../../etc/cron.d/evil"), "does not belong in a backup"),
        (_add("/etc/passwd"), "does not belong in a backup"),
        (_add("tables/\u202egpj.exe"), "does not belong in a backup"),
        (_add("manifest.json"), "the manifest cannot be read"),
        (_add("manifest.json", 5_000_000), "the manifest is too large"),
        (_say(format=2, goodfit="9.0", whatever=1), "made by a newer Goodfit (9.0)"),
        (_say(format=0), "the manifest cannot be read (`format`)"),
        (_say(rows=-1), "the manifest cannot be read (`rows`)"),
        (_say(made_at="yesterday"), "the manifest cannot be read (`made_at`)"),
        (_say(partitions=["decision_2026_13"]), "is no partition"),
        (_say(partitions=['x"; DROP TABLE decision; --']), "is no partition"),
        (_say(audit_seq=2**64), "the manifest cannot be read (`audit_seq`)"),
        (_shorten, "have another length than the manifest says"),
        (_bomb, "would unpack to"),
        (_rename_table, "the manifest cannot be read (`tables.0.name`)"),
    ],
)
def test_a_backup_that_somebody_made_up_is_refused_before_it_is_unpacked(
    whole: Path, tmp_path: Path, *, change: Callable[[Members], None], words: str
) -> None:
    """Members too many, too few, of odd names or of sizes that cannot be."""
    assert words in refusal(rewritten(whole, tmp_path / "made_up.zip", change))


@pytest.mark.parametrize("garbage", [b"", b"PK", b"%PDF-1.7", b"\0" * 100])
def test_what_is_no_zip_is_refused(tmp_path: Path, garbage: bytes) -> None:
    """A file of another kind, and none at all."""
    file = tmp_path / "other.zip"
    file.write_bytes(garbage)
    assert "cannot be read" in refusal(file)
    assert "cannot be opened" in refusal(tmp_path / "nowhere.zip")
    assert "cannot be" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_say(revision="2099_01_01_0000"), "backup_newer"),
        (_say(revision="head"), "backup_newer"),
        (_say(revision="'; DROP TABLE decision"), "backup_newer"),
        (_say(revision="2026_11_22_2111"), "backup_does_not_fit"),
    ],
)
def test_a_backup_of_an_unknown_or_another_schema_is_refused(
    whole: Path,
    empty_database_url: str,
    tmp_path: Path,
    *,
    change: Callable[[Members], None],
    code: str,
) -> None:
    """What this version has no migration for it cannot restore."""
    file = rewritten(whole, tmp_path / "other.zip", change)
    with open_backup(file) as backup, pytest.raises(RestoreRefused) as refused:
        restore(empty_database_url, backup)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"north", b"n\\x00rth"),
        (b"north\t", b"north\t\t"),
        (b'{"', b'{{"'),
    ],
)
def test_rows_that_are_none_are_refused_and_nothing_is_kept(
    whole: Path, empty_database_url: str, tmp_path: Path, *, old: bytes, new: bytes
) -> None:
    """Postgres finds out what a forged manifest vouched for; no value is repeated."""

    def change(members: Members) -> None:
        changed = members["tables/account.copy"].replace(old, new, 1)
        assert changed != members["tables/account.copy"]
        members["tables/account.copy"] = changed
        vouched(members)

    file = rewritten(whole, tmp_path / "wrong.zip", change)
    with open_backup(file) as backup, pytest.raises(RestoreRefused) as refused:
        restore(empty_database_url, backup)
    assert refused.value.code == "restore_failed"
    assert "north" not in str(refused.value)
    assert ask(empty_database_url, "SELECT count(*) FROM rule_set") == 0
